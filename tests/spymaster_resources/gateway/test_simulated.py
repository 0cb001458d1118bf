"""The simulated exchange behind the gateway: files made when first asked for, and kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import databento
import pytest
from databento import DBNStore
from databento.common.error import BentoWarning

from spymaster_resources.dbn.stream import open_dbn
from spymaster_resources.gateway.jobs import JobTimes
from spymaster_resources.gateway.market_files import SimulatedMarket
from spymaster_resources.gateway.server import SIMULATED_KEY, Gateway
from spymaster_resources.gateway.simulated import SimulatedArchive, SimulatedFile, yesterday
from spymaster_resources.instruments import instrument
from spymaster_resources.simulator.session import PRODUCTS, Scale, Session, vendor_folders
from spymaster_resources.trading_calendar import DAY_NS, TradingCalendar, midnight_ns
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
        return SimulatedFile("GLBX.MDP3", "mbo", "ES.FUT", products, calendar, self.write)

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


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that keeps what the simulated market writes."""
    return tmp_path_factory.mktemp("made")


@pytest.fixture
def client(made: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[databento.Historical]:
    """Return the vendor's client in front of the tiny simulated market."""
    market = SimulatedMarket(instrument("ES", "future_mbo"), "QQQ", Scale.named("tiny"), seed=1)
    archive = SimulatedArchive(made, market.files(), last=date(2026, 1, 31))
    with Gateway(archive, times=JobTimes(0, 0)) as gateway:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(gateway.ca_file))
        yield databento.Historical(SIMULATED_KEY, gateway=gateway.url)


def read(client: databento.Historical, dataset: str, schema: str, symbols: list[str]) -> DBNStore:
    """Return what the client streams of Monday."""
    parents = all(symbol.endswith((".FUT", ".OPT")) for symbol in symbols)
    return client.timeseries.get_range(
        dataset=dataset, schema=schema, symbols=symbols, start=MONDAY,
        end=MONDAY + timedelta(days=1), stype_in="parent" if parents else "raw_symbol",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("dataset", "schema", "symbol", "least"),
    [
        ("GLBX.MDP3", "mbo", "ES.FUT", 10_000),
        ("GLBX.MDP3", "definition", "ES.FUT", 2),
        ("GLBX.MDP3", "statistics", "ES.FUT", 2),
        ("GLBX.MDP3", "mbo", "E1A.OPT", 10_000),
        ("GLBX.MDP3", "definition", "E1A.OPT", 60),
        ("GLBX.MDP3", "statistics", "E1A.OPT", 60),
        ("XNAS.ITCH", "mbo", "QQQ", 10_000),
        ("XNAS.ITCH", "definition", "QQQ", 1),
        ("OPRA.PILLAR", "cmbp-1", "QQQ.OPT", 10_000),
        ("OPRA.PILLAR", "definition", "QQQ.OPT", 100),
        ("OPRA.PILLAR", "statistics", "QQQ.OPT", 100),
    ],
)
def test_the_client_reads_every_product_of_the_market(
    client: databento.Historical, dataset: str, schema: str, symbol: str, least: int
) -> None:
    assert schema in client.metadata.list_schemas(dataset)
    store = read(client, dataset, schema, [symbol])
    assert (store.dataset, str(store.schema)) == (dataset, schema)
    assert len(store.to_ndarray(schema)) >= least


def test_the_options_of_a_definition_are_those_of_the_quotes(client: databento.Historical) -> None:
    for dataset, parent, schema in (
        ("GLBX.MDP3", "E1A.OPT", "mbo"),
        ("OPRA.PILLAR", "QQQ.OPT", "cmbp-1"),
    ):
        listed = read(client, dataset, "definition", [parent]).to_ndarray("definition")
        midnight, next_ns = midnight_ns(MONDAY), midnight_ns(MONDAY) + DAY_NS
        today = listed[(listed["expiration"] >= midnight) & (listed["expiration"] < next_ns)]
        names = [name.decode() for name in today["raw_symbol"]]
        assert 0 < len(names) < len(listed)
        quotes = read(client, dataset, schema, names).to_ndarray(schema)
        assert set(quotes["instrument_id"]) == set(today["instrument_id"])


def test_made_files_are_those_of_a_whole_session(
    client: databento.Historical, made: Path, tmp_path: Path
) -> None:
    """Files made one by one agree with a session that is made as a whole, to the byte."""
    for dataset, schema, symbol in (
        ("OPRA.PILLAR", "cmbp-1", "QQQ.OPT"),
        ("GLBX.MDP3", "mbo", "E1A.OPT"),
        ("XNAS.ITCH", "mbo", "QQQ"),
        ("GLBX.MDP3", "mbo", "ES.FUT"),
    ):
        read(client, dataset, schema, [symbol])
    row, scale = instrument("ES", "future_mbo"), Scale.named("tiny")
    session = Session(row, "QQQ", MONDAY, scale, seed=1, with_truth=False)
    written = session.write(PRODUCTS, vendor_folders(tmp_path, "ES", "QQQ"))
    assert len(written) == len(PRODUCTS)
    for day in written:
        place = day.path.relative_to(tmp_path)
        assert (made / place).read_bytes() == day.path.read_bytes()


def test_a_holiday_is_an_empty_answer(client: databento.Historical) -> None:
    with pytest.warns(BentoWarning, match="No data found"):
        client.timeseries.get_range(**futures_of(NEW_YEAR))


def test_the_client_downloads_a_simulated_session(
    client: databento.Historical, tmp_path: Path
) -> None:
    job_id = client.batch.submit_job(**futures_of(MONDAY))["id"]
    until(lambda: client.batch.get_job_details(job_id)["state"] == "done")
    name = client.batch.list_files(job_id)[0]["filename"]
    (path,) = client.batch.download(job_id, tmp_path, name)
    file = open_dbn(path)
    assert set(file.metadata.instruments(MONDAY).values()) == {"ESH6", "ESM6"}
    assert sum(len(chunk) for chunk in file.records()) > 10_000
