"""Whole runs against the gateway: what arrives, where, how often bought, what is said."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import databento
import pytest

from contracts.errors import ConfigurationError, VendorRefusedError
from spymaster_resources.dbn.stream import open_dbn
from spymaster_resources.gateway.archive import FolderArchive
from spymaster_resources.gateway.server import Gateway
from spymaster_resources.vendor.download import Place, opened_run
from spymaster_resources.vendor.products import EQUITIES, FUTURES
from spymaster_resources.vendor.requests import underlyings
from spymaster_resources.vendor.run import Pace
from spymaster_resources.vendor.tracker import State
from spymaster_resources.vendor.transfer import RESERVE_BYTES
from spymaster_resources.vendor.wishes import Wishes
from tests.spymaster_resources.vendor.conftest import INSTANT, KEY, Downloads, vendor_of, wishes
from tests.spymaster_resources.vendor.market import (
    FRIDAY,
    SUNDAY,
    THURSDAY,
    definitions,
    opra_rows,
    write_file,
)


def _listed(rows: list[tuple[str, str, str]], dataset: dict[str, str]) -> list[str]:
    return sorted(
        f"product_type={product}/symbol={'ES' if 'future' in product else 'QQQ'}/table={table}/"
        f"{dataset[product]}-{day}.{schema}.dbn.zst"
        for product, table, schema in rows
        for day in ("20240509", "20240510")
    )


FUTURES_FILES = _listed(
    [
        ("future_mbo", "market_by_order_dbn", "mbo"),
        ("future_option_mbo", "definition", "definition"),
        ("future_option_mbo", "market_by_order_dbn", "mbo"),
        ("future_option_mbo", "statistics", "statistics"),
    ],
    {"future_mbo": "glbx-mdp3", "future_option_mbo": "glbx-mdp3"},
)
EQUITY_FILES = _listed(
    [
        ("equity_mbo", "market_by_order_dbn", "mbo"),
        ("equity_option_cmbp_1", "definition", "definition"),
        ("equity_option_cmbp_1", "cmbp_1", "cmbp-1"),
        ("equity_option_cmbp_1", "statistics", "statistics"),
    ],
    {"equity_mbo": "xnas-itch", "equity_option_cmbp_1": "opra-pillar"},
)


def test_futures_arrive_under_the_vendors_names(downloads: Downloads) -> None:
    outcome = downloads.run()
    assert outcome.is_complete
    assert downloads.files() == FUTURES_FILES
    assert downloads.leftovers() == []
    assert len(downloads.gateway.purchases) == len(FUTURES_FILES)
    assert outcome.spent_usd == pytest.approx(sum(p.cost_usd for p in downloads.gateway.purchases))


def test_equities_arrive_under_the_vendors_names(downloads: Downloads) -> None:
    assert downloads.run(wishes(EQUITIES)).is_complete
    assert downloads.files() == EQUITY_FILES
    assert set(downloads.records(EQUITIES)) == {
        "|".join((p.query.dataset, p.query.schema, "QQQ", day.isoformat(), product))
        for p in downloads.gateway.purchases
        for day in [p.query.first_day]
        for product in ["equity_mbo" if p.query.dataset == "XNAS.ITCH" else "equity_option_cmbp_1"]
    }


def test_each_job_is_one_utc_day_of_what_expires(downloads: Downloads) -> None:
    downloads.run()
    bought = {
        (p.query.schema, p.query.first_day): p.query
        for p in downloads.gateway.purchases
        if p.query.stype_in == "raw_symbol"
    }
    assert set(bought) == {(s, d) for s in ("mbo", "statistics") for d in (THURSDAY, FRIDAY)}
    expected = {f"E2DK4 {kind}{strike}" for kind in "CP" for strike in (5200, 5205, 5210)}
    assert set(bought["mbo", THURSDAY].symbols) == expected
    assert all(p.query.first_day == p.query.last_day for p in downloads.gateway.purchases)
    parents = {p.query.symbols for p in downloads.gateway.purchases if p.query.schema != "mbo"}
    assert ("E2D.OPT",) in parents


def test_the_files_are_the_vendors_and_readable(downloads: Downloads) -> None:
    downloads.run()
    path = downloads.lake / "raw" / "source=databento" / FUTURES_FILES[0]
    assert databento.DBNStore.from_bytes(path.read_bytes()).symbols == ["ES.FUT"]
    record = downloads.records()["GLBX.MDP3|mbo|ES|2024-05-09|future_mbo"]
    assert record.files == [
        {
            "name": path.name,
            "size": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
    ]


def test_manifest_condition_and_symbology_are_kept_without_the_account(
    downloads: Downloads,
) -> None:
    downloads.run()
    names = {name.rpartition("/")[2] for name in downloads.files(".json")}
    assert {
        f"glbx-mdp3-20240509.mbo.{kind}.json"
        for kind in ("manifest", "metadata", "condition", "symbology")
    } <= names
    for path in (downloads.lake / "raw").rglob("*.json"):
        text = path.read_text()
        assert json.loads(text)
        assert "://" not in text
        assert "SIMULATED" not in text
        assert KEY not in text


def test_a_second_run_buys_nothing(downloads: Downloads) -> None:
    downloads.run()
    bought = downloads.gateway.purchases
    outcome = downloads.run()
    assert outcome.is_complete
    assert downloads.gateway.purchases == bought
    assert outcome.spent_usd == 0


def test_a_lost_tracker_buys_nothing(downloads: Downloads) -> None:
    downloads.run()
    bought = downloads.gateway.purchases
    (downloads.folder / "logs" / FUTURES.tracker).unlink()
    assert downloads.run().is_complete
    assert downloads.gateway.purchases == bought
    assert {r.note for r in downloads.records().values()} == {"was in the raw folder before"}


def test_a_day_that_lies_there_as_parquet_is_not_bought(downloads: Downloads) -> None:
    path = downloads.lake / "raw" / "source=databento" / FUTURES_FILES[0]
    path.parent.mkdir(parents=True)
    path.with_suffix("").with_suffix(".parquet").write_bytes(b"of the vendor's client")
    assert downloads.run().is_complete
    bought = {(p.query.symbols, p.query.schema, p.query.first_day) for p in
              downloads.gateway.purchases}  # fmt: skip
    assert (("ES.FUT",), "mbo", THURSDAY) not in bought
    assert (("ES.FUT",), "mbo", FRIDAY) in bought


def test_a_lost_tracker_and_lake_are_fetched_from_the_jobs_of_before(downloads: Downloads) -> None:
    downloads.run()
    bought = downloads.gateway.purchases
    again = Downloads(downloads.gateway, downloads.folder / "other")
    assert again.run().is_complete
    assert again.files() == FUTURES_FILES
    assert downloads.gateway.purchases == bought


def test_a_file_that_is_gone_is_fetched_again_and_not_bought(downloads: Downloads) -> None:
    downloads.run()
    bought = downloads.gateway.purchases
    (downloads.lake / "raw" / "source=databento" / FUTURES_FILES[0]).unlink()
    assert downloads.run().is_complete
    assert downloads.files() == FUTURES_FILES
    assert downloads.gateway.purchases == bought


def test_another_file_of_the_day_is_never_replaced(downloads: Downloads, archive: Path) -> None:
    folder = downloads.lake / "raw" / "source=databento" / Path(FUTURES_FILES[0]).parent
    theirs = write_file(downloads.folder, "GLBX.MDP3", "mbo", THURSDAY, {"NQM4": 9}, rows=5)
    folder.mkdir(parents=True)
    theirs.rename(folder / theirs.name)
    before = (folder / theirs.name).read_bytes()
    outcome = downloads.run(wishes(option_schemas=()))
    assert "move it away" in outcome.failed["GLBX.MDP3|mbo|ES|2024-05-09|future_mbo"]
    assert (folder / theirs.name).read_bytes() == before
    assert len(downloads.gateway.purchases) == 1


def test_outrights_alone_are_asked_for_by_name(downloads: Downloads) -> None:
    wanted = wishes(symbols="ESM4,ESU4", option_schemas=(), end=THURSDAY)
    assert downloads.run(wanted).is_complete
    (purchase,) = downloads.gateway.purchases
    assert purchase.query.symbols == ("ESM4", "ESU4")
    assert purchase.query.stype_in == "raw_symbol"
    outcome = downloads.run(wishes(option_schemas=(), end=THURSDAY))
    assert "other symbols" in next(iter(outcome.failed.values()))
    assert len(downloads.gateway.purchases) == 1


def test_sundays_come_when_asked_and_have_no_options(downloads: Downloads) -> None:
    wanted = wishes(start=SUNDAY, end=SUNDAY, with_sundays=True)
    assert downloads.run(wanted).is_complete
    assert [Path(name).name for name in downloads.files()] == ["glbx-mdp3-20240505.mbo.dbn.zst"]


def test_a_holiday_is_refused_with_its_neighbours() -> None:
    with pytest.raises(ConfigurationError, match="2024-03-28 and 2024-04-01"):
        wishes(start=date(2024, 3, 29), end=date(2024, 3, 29))


def test_nothing_expires_where_the_definitions_name_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "archive"
    later = opra_rows("QQQ", FRIDAY, 10)
    names = {row[0]: row[1] for row in later}
    for schema in ("cmbp-1", "statistics"):
        write_file(folder, "OPRA.PILLAR", schema, THURSDAY, names, rows=3)
    write_file(
        folder,
        "OPRA.PILLAR",
        "definition",
        THURSDAY,
        names,
        records=definitions(later, THURSDAY),
    )
    with Gateway(FolderArchive(folder), key=KEY, times=INSTANT) as gateway:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(gateway.ca_file))
        downloads = Downloads(gateway, tmp_path)
        wanted = wishes(EQUITIES, end=THURSDAY, underlying_schemas=())
        outcome = downloads.run(wanted)
    assert outcome.is_complete
    assert outcome.nothing_expires == [("QQQ", THURSDAY)]
    assert any("nothing expires that day" in text for text in downloads.said)
    assert [p.query.schema for p in gateway.purchases] == ["definition"]


def test_an_unlisted_family_means_that_nothing_expires(downloads: Downloads, archive: Path) -> None:
    wanted = wishes(symbols="NQ", underlying_schemas=())
    outcome = downloads.run(wanted)
    assert outcome.is_complete
    assert outcome.nothing_expires == [("NQ", THURSDAY), ("NQ", FRIDAY)]
    assert downloads.gateway.purchases == ()


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (wishes(symbols="CL", option_schemas=()), "knows no CL.FUT"),
        (wishes(EQUITIES, symbols="QQQ,SPY"), "knows no SPY"),
        (wishes(start=date(2024, 5, 1)), "has whole days from 2024-05-05"),
    ],
)
def test_what_the_vendor_has_not_is_refused_before_anything_is_bought(
    downloads: Downloads, wanted: Wishes, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        downloads.run(wanted)
    assert downloads.gateway.purchases == ()


def test_the_budget_holds_for_options_found_later(downloads: Downloads) -> None:
    vendor = vendor_of(downloads.gateway)
    known = sum(
        vendor.cost_usd(request)
        for wanted in [wishes(end=THURSDAY)]
        for request in (*wanted.underlying_requests(), *wanted.definition_requests())
    )
    outcome = downloads.run(wishes(end=THURSDAY), max_cost=known)
    assert len(outcome.arrived) == 2
    assert len(outcome.failed) == 2
    assert all("--max-cost" in reason for reason in outcome.failed.values())
    assert len(downloads.gateway.purchases) == 2
    assert outcome.spent_usd <= known + 1e-9
    assert downloads.run(wishes(end=THURSDAY)).is_complete
    assert len(downloads.gateway.purchases) == 4


def test_more_than_2000_symbols_are_split_and_all_parts_land(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expiring = [
        (f"QQQ   240509C{n:08d}", n, "C", "QQQ", opra_rows("QQQ", THURSDAY, 1)[0][4])
        for n in range(1, 4002)
    ]
    names = {row[0]: row[1] for row in expiring}
    folder = tmp_path / "archive"
    records = definitions(expiring, THURSDAY)
    write_file(folder, "OPRA.PILLAR", "definition", THURSDAY, names, records=records)
    write_file(folder, "OPRA.PILLAR", "cmbp-1", THURSDAY, names, rows=4001)
    with Gateway(FolderArchive(folder), key=KEY, times=INSTANT) as gateway:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(gateway.ca_file))
        downloads = Downloads(gateway, tmp_path)
        wanted = wishes(EQUITIES, end=THURSDAY, underlying_schemas=(), option_schemas=("cmbp-1",))
        assert downloads.run(wanted).is_complete
    sizes = [len(p.query.symbols) for p in gateway.purchases if p.query.schema == "cmbp-1"]
    assert sorted(sizes) == [1, 2000, 2000]
    paths = [downloads.lake / "raw/source=databento" / name for name in downloads.files()]
    parts = {path.name: path for path in paths if "cmbp-1" in path.name}
    assert sorted(parts) == [
        "opra-pillar-20240509.cmbp-1.dbn.zst",
        "opra-pillar-part2-20240509.cmbp-1.dbn.zst",
        "opra-pillar-part3-20240509.cmbp-1.dbn.zst",
    ]
    held = [set(open_dbn(path).metadata.symbols) for path in parts.values()]
    assert set.union(*held) == set(names)
    assert "OPRA.PILLAR|cmbp-1|QQQ#2|2024-05-09|equity_option_cmbp_1" in downloads.records(EQUITIES)


def test_the_wrong_key_ends_the_run_and_is_not_told(downloads: Downloads) -> None:
    wrong = "db-anotherVeryPrivateKey00000001"
    downloads.vendor = vendor_of(downloads.gateway, wrong)
    with pytest.raises(VendorRefusedError) as caught:
        downloads.run()
    assert caught.value.is_key_refused
    assert "DATABENTO_API_KEY" in str(caught.value)
    assert wrong not in str(caught.value) + repr(caught.value) + repr(downloads.vendor)
    assert caught.value.__cause__ is None


def test_a_full_disk_keeps_what_was_bought(downloads: Downloads) -> None:
    downloads.free = lambda _folder: RESERVE_BYTES
    outcome = downloads.run(wishes(option_schemas=(), end=THURSDAY))
    assert "make room" in next(iter(outcome.failed.values()))
    (record,) = downloads.records().values()
    assert record.state is State.DOWNLOAD_ERROR
    assert downloads.files() == []
    roomy = replace(downloads, free=lambda _folder: 1 << 40)
    assert roomy.run(wishes(option_schemas=(), end=THURSDAY)).is_complete
    assert len(downloads.gateway.purchases) == 1


def test_poll_fetches_and_buys_nothing(downloads: Downloads) -> None:
    downloads.gateway.faults.add("stuck@batch.submit_job")
    wanted = wishes(option_schemas=(), end=THURSDAY)
    gave_up = downloads.run(wanted, pace=Pace(0.0, 0.01, give_up_s=0.1))
    assert "still queued" in next(iter(gave_up.failed.values()))
    assert downloads.poll(wanted).waiting
    downloads.gateway.jobs.release(downloads.gateway.purchases[0].job_id or "")
    assert downloads.poll(wanted).is_complete
    assert len(downloads.files()) == 1
    assert len(downloads.gateway.purchases) == 1


def test_the_wrong_schema_or_symbol_is_refused_without_the_vendor() -> None:
    with pytest.raises(ConfigurationError, match="found mbp-10"):
        FUTURES.chosen_schemas("mbo,mbp-10", FUTURES.option_schemas, "--options-schemas")
    for text in ("", "ES;DROP", "es", "ES.FUT,ESM4"):
        with pytest.raises(ConfigurationError):
            underlyings(FUTURES, text)
    with pytest.raises(ConfigurationError, match="option families"):
        wishes(symbols="CL")
    with pytest.raises(ConfigurationError, match="is over"):
        wishes(end=date(2024, 6, 1))


def test_a_lake_in_an_object_store_gets_whole_files(downloads: Downloads) -> None:
    import fsspec

    store = fsspec.filesystem("memory")
    lake = "memory://downloads-test"
    parts = downloads.parts()
    place = Place(lake, downloads.folder / "logs")
    with opened_run(wishes(end=THURSDAY), vendor_of(downloads.gateway), place, parts) as run:
        run.plan()
        assert run.until_settled().is_complete
    names = [name for name in store.find("/downloads-test") if name.endswith(".zst")]
    assert [name.split("source=databento/")[1] for name in sorted(names)] == FUTURES_FILES[::2]
    store.rm("/downloads-test", recursive=True)
    assert not list(downloads.folder.rglob("*.partial"))
