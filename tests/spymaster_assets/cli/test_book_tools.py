"""`spymaster inspect` and `spymaster book` over real and made files."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import typer
from hypothesis import given, settings
from typer.testing import CliRunner

from spymaster_assets.cli.book import book_levels
from spymaster_assets.cli.book_tables import level_schema
from spymaster_assets.cli.inspect import inspect_file
from spymaster_resources.dbn.layouts import MBO_DTYPE
from spymaster_resources.dbn.writer import DbnWriter
from tests.book_engines.feeds import feeds
from tests.naive.book import LAST, NULL, SECOND, TOB, Record, naive_tops
from tests.spymaster_resources.dbn.dbn_records import DAY, DAY_NS, DAY_START_NS

runner = CliRunner()
app = typer.Typer()
app.command("inspect")(inspect_file)
app.command("book")(book_levels)

KEYS = [
    "file", "dataset", "schema", "version", "records", "by_action", "events", "crossed_events",
    "one_sided_events", "unknown_cancels", "unknown_modifies", "duplicate_adds", "over_cancels",
    "late_records", "expired_fills", "resting_orders", "trade_volume", "books",
]  # fmt: skip
BOOK_KEYS = [
    "publisher_id", "instrument_id", "symbol", "best_bid_price_int", "best_bid_qty",
    "best_ask_price_int", "best_ask_qty", "resting_orders", "events", "crossed_events",
]  # fmt: skip

T = DAY_START_NS + 3600 * SECOND
RECORDS = [
    Record("A", "B", 100, 5, 1, T, LAST, 2, 10),
    Record("A", "A", 90, 4, 2, T + 1, LAST, 2, 10),  # crossed
    Record("A", "B", 200, 3, 1, T + 2, LAST, 2, 11),  # one side, another instrument
    Record("A", "B", 95, 3, 0, T + 3, LAST | TOB, 3, 10),  # another publisher
    Record("T", "A", 100, 7, 0, T + 4, 0, 2, 10),
    Record("N", "N", NULL, 0, 0, T + 5, LAST, 2, 12),  # a book without any order
    Record("C", "B", 100, 1, 77, T + 1, LAST, 2, 10),  # late and unknown
]


def write(path: Path, records: list[Record], **options: Any) -> Path:
    table = np.zeros(len(records), MBO_DTYPE)
    table["length"], table["rtype"] = 14, 160
    for i, r in enumerate(records):
        row = table[i]
        row["publisher_id"], row["instrument_id"] = r.publisher, r.instrument
        row["ts_event"], row["ts_recv"] = r.ts, r.ts + 500
        row["order_id"], row["price"], row["size"] = r.order_id, r.price, r.size
        row["flags"], row["action"], row["side"] = r.flags, ord(r.action), ord(r.side)
        row["sequence"] = r.sequence
    interval = (DAY, DAY + timedelta(days=1))
    fields: dict[str, Any] = {
        "dataset": "XNAS.ITCH",
        "schema": "mbo",
        "start_ns": DAY_START_NS,
        "end_ns": DAY_START_NS + DAY_NS,
        "symbols": ["AAPL", "MSFT"],
        "stype_in": "raw_symbol",
        "mappings": {"AAPL": [(*interval, 10)], "MSFT": [(*interval, 11)]},
    }
    with DbnWriter(path, **(fields | options)) as writer:
        writer.write(table)
    return path


def inspect(path: Path) -> dict[str, Any]:
    result = runner.invoke(app, ["inspect", str(path), "--json"])
    assert result.exit_code == 0, result.output
    report: dict[str, Any] = json.loads(result.stdout)
    return report


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("suffix", [".dbn", ".dbn.zst"])
def test_inspect_prints_one_object_with_exactly_the_fields(
    tmp_path: Path, version: int, suffix: str
) -> None:
    path = write(tmp_path / f"many.mbo{suffix}", RECORDS, version=version)
    report = inspect(path)
    assert list(report) == KEYS
    books = report.pop("books")
    assert report == {
        "file": str(path),
        "dataset": "XNAS.ITCH",
        "schema": "mbo",
        "version": version,
        "records": 7,
        "by_action": {"A": 4, "C": 1, "M": 0, "R": 0, "T": 1, "F": 0, "N": 1},
        "events": 6,
        "crossed_events": 2,
        "one_sided_events": 3,
        "unknown_cancels": 1,
        "unknown_modifies": 0,
        "duplicate_adds": 0,
        "over_cancels": 0,
        "late_records": 1,
        "expired_fills": 0,
        "resting_orders": 3,
        "trade_volume": 7,
    }
    assert all(list(book) == BOOK_KEYS for book in books)
    assert [tuple(book.values()) for book in books] == [
        (2, 10, "AAPL", 100, 5, 90, 4, 2, 3, 2),
        (2, 11, "MSFT", 200, 3, None, None, 1, 1, 0),
        (2, 12, None, None, None, None, None, 0, 1, 0),
        (3, 10, "AAPL", 95, 3, None, None, 0, 1, 0),
    ]


def test_inspect_shows_people_when_the_book_was_crossed(tmp_path: Path) -> None:
    path = write(tmp_path / "many.mbo.dbn", RECORDS)
    result = runner.invoke(app, ["inspect", str(path)], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    assert f"{DAY} 01:00:00.000000001Z" in result.stdout
    assert "one-sided" in result.stdout
    assert "AAPL" in result.stdout


def test_book_writes_a_row_an_event_with_nulls_where_there_is_no_level(tmp_path: Path) -> None:
    path, out = write(tmp_path / "many.mbo.dbn", RECORDS), tmp_path / "book.parquet"
    result = runner.invoke(app, ["book", str(path), "--levels", "2", "--out", str(out)])
    assert result.exit_code == 0, result.output
    table = pq.read_table(out)
    assert table.schema.equals(level_schema(2))
    assert table.column_names == [
        "record_index", "ts_event", "ts_recv", "sequence", "publisher_id", "instrument_id",
        "bid_px_00", "bid_sz_00", "bid_ct_00", "ask_px_00", "ask_sz_00", "ask_ct_00",
        "bid_px_01", "bid_sz_01", "bid_ct_01", "ask_px_01", "ask_sz_01", "ask_ct_01",
    ]  # fmt: skip
    rows = table.to_pylist()
    assert [row["record_index"] for row in rows] == [0, 1, 2, 3, 5, 6]
    assert rows[1]["ts_recv"] == T + 501
    best = [
        tuple(row[f"{s}_{f}_00"] for s in ("bid", "ask") for f in ("px", "sz", "ct"))
        for row in rows
    ]
    assert best == [
        (100, 5, 1, None, None, None),
        (100, 5, 1, 90, 4, 1),
        (200, 3, 1, None, None, None),
        (95, 3, 1, None, None, None),
        (None,) * 6,
        (100, 5, 1, 90, 4, 1),
    ]
    assert table.column("bid_px_01").null_count == table.num_rows
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".part"] == []


@settings(max_examples=20, deadline=None)
@given(feeds(publishers=2, instruments=2))
def test_book_equals_the_twin(
    tmp_path_factory: pytest.TempPathFactory, records: list[Record]
) -> None:
    folder = tmp_path_factory.mktemp("drawn")
    path, out = write(folder / "drawn.mbo.dbn.zst", records), folder / "book.parquet"
    assert (
        runner.invoke(app, ["book", str(path), "--levels", "3", "--out", str(out)]).exit_code == 0
    )
    expected, _ = naive_tops(records, 3)
    table = pq.read_table(out)
    assert table.column("record_index").to_pylist() == [index for index, _ in expected]
    for level in range(3):
        for n, side in enumerate(("bid", "ask")):
            for f, field in enumerate(("px", "sz", "ct")):
                found = table.column(f"{side}_{field}_{level:02d}").to_pylist()
                cells = [row[2 * level + n] for _, row in expected]
                assert found == [None if cell is None else cell[f] for cell in cells]


def test_a_file_of_another_schema_is_refused_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "trades.dbn", [], schema="trades")
    result = runner.invoke(app, ["inspect", str(path), "--json"])
    assert type(result.exception).__name__ == "WrongSchemaError"


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("esh4-glbx-mdp3-20231225", (68_792, 47_022, 891, 11_217, 9_892)),
        ("esh4-glbx-mdp3-20231224", (8_725, 1, 0, 8_725, 0)),
        ("orderbooks_mbo_2024-05-08T00-00-00_2024-05-08T00-00-02", (13_796, 185, 0, 13_598, 6)),
    ],
)
def test_inspect_gives_the_known_figures_of_the_real_files(
    real_data: Path, name: str, figures: tuple[int, ...]
) -> None:
    (path,) = (real_data / "glbx-mbo").glob(f"{name}*.dbn.zst")
    report = inspect(path)
    keys = ("records", "events", "crossed_events", "resting_orders", "trade_volume")
    assert tuple(report[key] for key in keys) == figures
    assert report["books"][0]["symbol"] in ("ESH4", "ESM4")


@pytest.mark.parametrize(
    ("name", "records", "events", "unknown_cancels", "best"),
    [
        ("databento-python/XNAS.ITCH/test_data.mbo.dbn.zst", 4, 4, 0, (512_010, 539_000)),
        ("databento-python/GLBX.MDP3/test_data.mbo.dbn.zst", 4, 0, 0, (3_675_750, None)),
        ("databento-python/NDEX.IMPACT/test_data.mbo.dbn.zst", 4, 0, 0, (27_055, 29_695)),
        ("databento-python/IFEU.IMPACT/test_data.mbo.dbn.zst", 4, 1, 0, (None, None)),
        *((f"dbn/test_data.mbo.{v}.dbn.zst", 2, 2, 2, (None, None)) for v in ("v1", "v2", "v3")),
    ],
)
def test_the_vendors_fixtures_of_every_venue_and_version_pass(
    real_data: Path,
    tmp_path: Path,
    name: str,
    records: int,
    events: int,
    unknown_cancels: int,
    best: tuple[int | None, int | None],
) -> None:
    path = real_data / "fixtures" / name
    report = inspect(path)
    keys = ("records", "events", "unknown_cancels")
    assert tuple(report[key] for key in keys) == (records, events, unknown_cancels)
    (book,) = report["books"]
    found = (book["best_bid_price_int"], book["best_ask_price_int"])
    assert found == tuple(None if price is None else price * 1_000_000 for price in best)
    out = tmp_path / "book.parquet"
    assert runner.invoke(app, ["book", str(path), "--out", str(out)]).exit_code == 0
    assert pq.read_table(out).num_rows == events
