"""The simulated exchange behind the gateway: files made when first asked for, and kept."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from pathlib import Path

import databento
import pytest
from databento.common.error import BentoWarning

from spymaster_resources.dbn.stream import open_dbn
from spymaster_resources.gateway.jobs import JobTimes
from spymaster_resources.gateway.server import SIMULATED_KEY, Gateway
from spymaster_resources.gateway.simulated import (
    SimulatedArchive,
    SimulatedFile,
    futures_file,
    yesterday,
)
from spymaster_resources.instruments import instrument
from spymaster_resources.simulator.sizes import SIZES
from spymaster_resources.trading_calendar import TradingCalendar
from tests.spymaster_resources.gateway.market import FUTURES, MONDAY, futures_of, records, write_day
from tests.spymaster_resources.gateway.serving import until

NEW_YEAR = date(2026, 1, 1)
ES = "GLBX.MDP3", "mbo", ("ES.FUT",), "parent"


class Maker:
    """Writes small files in place of the exchange and remembers which."""

    def __init__(self) -> None:
        self.made: list[date] = []
        self.gate = threading.Event()
        self.gate.set()

    def file(self, products: frozenset[str] = frozenset({"ES.FUT"})) -> SimulatedFile:
        """Return the file that it makes."""
        calendar = TradingCalendar("CMES")
        return SimulatedFile("GLBX.MDP3", "mbo", products, calendar, self.write)

    def write(self, day: date, folder: Path) -> None:
        """Make the file of a day."""
        self.gate.wait(20)
        self.made.append(day)
        made = write_day(
            folder / "work", "GLBX.MDP3", "mbo", day, FUTURES, records("mbo", FUTURES, day, 30),
            symbols=("ES.FUT",), stype_in="parent",
        )  # fmt: skip
        made.rename(folder / made.name)


def test_a_file_is_made_once_even_if_many_ask(tmp_path: Path) -> None:
    maker = Maker()
    archive = SimulatedArchive(tmp_path, [maker.file()], last=MONDAY)
    maker.gate.clear()
    found: list[Path | None] = []
    asking = [
        threading.Thread(target=lambda: found.append(archive.find(*ES, MONDAY))) for _ in range(4)
    ]
    for thread in asking:
        thread.start()
    maker.gate.set()
    for thread in asking:
        thread.join()
    assert maker.made == [MONDAY]
    assert len(set(found)) == 1
    again = SimulatedArchive(tmp_path, [maker.file()], last=MONDAY)
    assert again.find(*ES, MONDAY) == found[0]
    assert maker.made == [MONDAY]


def test_what_a_crash_left_is_made_again(tmp_path: Path) -> None:
    maker = Maker()
    place = tmp_path / maker.file().place
    place.mkdir(parents=True)
    (place / f"glbx-mdp3-{MONDAY:%Y%m%d}.mbo.dbn.zst.partial").write_bytes(b"half")
    archive = SimulatedArchive(tmp_path, [maker.file()], last=MONDAY)
    assert archive.find(*ES, MONDAY) is not None
    assert maker.made == [MONDAY]


def test_only_products_and_sessions_of_the_exchange_are_made(tmp_path: Path) -> None:
    maker = Maker()
    archive = SimulatedArchive(tmp_path, [maker.file()], last=MONDAY)
    assert archive.find(*ES, NEW_YEAR) is None
    assert archive.find("GLBX.MDP3", "mbo", ("NQ.FUT",), "parent", MONDAY) is None
    assert archive.find("GLBX.MDP3", "definition", ("ES.FUT",), "parent", MONDAY) is None
    assert maker.made == []
    assert archive.find("GLBX.MDP3", "mbo", ("NQH6", "ESH6"), "raw_symbol", MONDAY) is not None
    assert maker.made == [MONDAY]


def test_the_span_ends_with_the_last_whole_day(tmp_path: Path) -> None:
    archive = SimulatedArchive(tmp_path, [Maker().file()], last=yesterday(MONDAY))
    assert archive.datasets() == ("GLBX.MDP3",)
    assert archive.schemas("GLBX.MDP3") == ("mbo",)
    span = archive.span("GLBX.MDP3")
    assert span is not None
    assert span.last == MONDAY - timedelta(days=1)
    assert archive.span("XNAS.ITCH") is None
    assert not archive.has_data("GLBX.MDP3", NEW_YEAR)


def test_the_client_downloads_a_simulated_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    es = futures_file(instrument("ES", "future_mbo"), SIZES["tiny"], seed=1)
    archive = SimulatedArchive(tmp_path / "made", [es], last=date(2026, 1, 31))
    with Gateway(archive, times=JobTimes(0, 0)) as gateway:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(gateway.ca_file))
        client = databento.Historical(SIMULATED_KEY, gateway=gateway.url)
        job_id = client.batch.submit_job(**futures_of(MONDAY))["id"]
        until(lambda: gateway.jobs.state(job_id) == "done")
        name = client.batch.list_files(job_id)[0]["filename"]
        (path,) = client.batch.download(job_id, tmp_path, name)
        with pytest.warns(BentoWarning, match="No data found"):
            client.timeseries.get_range(**futures_of(NEW_YEAR))
    file = open_dbn(path)
    assert set(file.metadata.instruments(MONDAY).values()) == {"ESH6", "ESM6"}
    assert sum(len(chunk) for chunk in file.records()) > 10_000
    assert len(databento.DBNStore.from_bytes(path.read_bytes()).to_ndarray("mbo")) > 10_000
