"""`spymaster inspect` and `spymaster book` over files of consolidated quotes."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import databento
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from spymaster_assets.cli.book import book_levels
from spymaster_assets.cli.book_tables import level_schema
from spymaster_assets.cli.inspect import inspect_file
from spymaster_resources.dbn.layouts import layout_of, new_records
from spymaster_resources.dbn.writer import DbnWriter
from tests.naive.consolidated import LAST, NULL, SECOND, Quote
from tests.spymaster_resources.dbn.dbn_records import DAY, DAY_NS, DAY_START_NS

runner = CliRunner()
app = typer.Typer()
app.command("inspect")(inspect_file)
app.command("book")(book_levels)

T = DAY_START_NS + 15 * 3600 * SECOND
CALL, PUT = "QQQ   240312C00441000", "QQQ   240312P00441000"
RECORDS = [
    Quote(bid=100, bid_qty=5, ask=110, ask_qty=7, ts=T, flags=194, instrument=10),
    Quote("T", "N", 110, 3, 100, 5, 110, 7, T + 1, 194, 22, 10),
    Quote(bid=100, bid_qty=5, ask=110, ask_qty=4, ts=T + 1, flags=194, instrument=10),
    Quote(bid=NULL, ask=5, ask_qty=1, ts=T + 2, flags=194, instrument=11),  # one side
    Quote(bid=120, bid_qty=1, ask=110, ask_qty=4, ts=T + 3, flags=194, instrument=10),  # crossed
    Quote(bid=110, bid_qty=1, ask=110, ask_qty=4, ts=T + 2, flags=0, instrument=10),  # late
    Quote("T", "N", 105, 2, 110, 1, 110, 4, T + 4, LAST, 22, 10),  # locked, off the touch
    Quote("R", ts=T + 5, flags=LAST, instrument=11),
]


def write(path: Path, records: list[Quote], **options: Any) -> Path:
    table = new_records(layout_of("cmbp-1", options.get("version", 3)), len(records))
    for row, r in zip(table, records, strict=True):
        row["publisher_id"], row["instrument_id"] = r.publisher, r.instrument
        row["ts_event"], row["ts_recv"] = r.ts, r.ts + 500
        row["price"], row["size"], row["flags"] = r.price, r.size, r.flags
        row["action"], row["side"] = ord(r.action), ord(r.side)
        row["bid_px_00"], row["bid_sz_00"] = r.bid, r.bid_qty
        row["ask_px_00"], row["ask_sz_00"] = r.ask, r.ask_qty
    interval = (DAY, DAY + timedelta(days=1))
    fields: dict[str, Any] = {
        "dataset": "OPRA.PILLAR",
        "schema": "cmbp-1",
        "start_ns": DAY_START_NS,
        "end_ns": DAY_START_NS + DAY_NS,
        "symbols": [CALL, PUT],
        "stype_in": "raw_symbol",
        "mappings": {CALL: [(*interval, 10)], PUT: [(*interval, 11)]},
    }
    with DbnWriter(path, **(fields | options)) as writer:
        writer.write(table)
    return path


def inspect(path: Path) -> dict[str, Any]:
    result = runner.invoke(app, ["inspect", str(path), "--json"])
    assert result.exit_code == 0, result.output
    report: dict[str, Any] = json.loads(result.stdout)
    return report


@pytest.mark.parametrize("version", [1, 3])
@pytest.mark.parametrize("suffix", [".dbn", ".dbn.zst"])
def test_inspect_counts_in_total_and_per_publisher_and_instrument(
    tmp_path: Path, version: int, suffix: str
) -> None:
    report = inspect(write(tmp_path / f"some.cmbp-1{suffix}", RECORDS, version=version))
    books = report.pop("books")
    assert report == {
        "file": str(tmp_path / f"some.cmbp-1{suffix}"),
        "dataset": "OPRA.PILLAR",
        "schema": "cmbp-1",
        "version": version,
        "records": 8,
        "by_action": {"A": 5, "C": 0, "M": 0, "R": 1, "T": 2, "F": 0, "N": 0},
        "events": 7,
        "crossed_events": 1,
        "one_sided_events": 1,
        **dict.fromkeys(
            ("unknown_cancels", "unknown_modifies", "duplicate_adds", "over_cancels"), 0
        ),
        "late_records": 1,
        "expired_fills": 0,
        "resting_orders": 0,
        "trade_volume": 5,
        "locked_events": 1,
        "crossed_first_ts": T + 3,
        "crossed_last_ts": T + 3,
        "one_sided_first_ts": T + 2,
        "one_sided_last_ts": T + 2,
        "hidden_fills": 0,
        "hidden_fill_qty": 0,
        "fills_unknown_order": 1,
    }
    seen = [
        (b["publisher_id"], b["symbol"], b["records"], b["by_action"]["T"], b["trade_volume"])
        for b in books
    ]
    assert seen == [(22, CALL, 2, 2, 5), (30, CALL, 4, 0, 0), (30, PUT, 2, 0, 0)]
    quotes = [
        tuple(
            b[f"best_{side}_{field}"] for side in ("bid", "ask") for field in ("price_int", "qty")
        )
        for b in books
    ]
    assert quotes == [(110, 1, 110, 4), (110, 1, 110, 4), (None,) * 4]
    assert [b["crossed_first_ts"] for b in books] == [None, T + 3, None]


def test_inspect_shows_people_the_times_and_quotes(tmp_path: Path) -> None:
    path = write(tmp_path / "some.cmbp-1.dbn", RECORDS)
    result = runner.invoke(app, ["inspect", str(path)], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    assert f"{DAY} 15:00:00.000000003Z" in result.stdout
    assert CALL in result.stdout


def test_book_writes_the_one_level_of_a_quote(tmp_path: Path) -> None:
    path, out = write(tmp_path / "some.cmbp-1.dbn.zst", RECORDS), tmp_path / "book.parquet"
    result = runner.invoke(app, ["book", str(path), "--levels", "10", "--out", str(out)])
    assert result.exit_code == 0, result.output
    table = pq.read_table(out)
    assert table.schema.equals(level_schema(1, of_quotes=True))
    rows = table.to_pylist()
    assert [row["record_index"] for row in rows] == [0, 1, 2, 3, 4, 6, 7]
    best = [tuple(row[f"{s}_{f}_00"] for s in ("bid", "ask") for f in ("px", "sz")) for row in rows]
    assert best == [
        (100, 5, 110, 7),
        (100, 5, 110, 7),
        (100, 5, 110, 4),
        (None, None, 5, 1),
        (120, 1, 110, 4),
        (110, 1, 110, 4),
        (None,) * 4,
    ]
    assert [row["publisher_id"] for row in rows] == [30, 22, 30, 30, 30, 22, 30]
    assert rows[1]["ts_recv"] == T + 501
    for name in ("sequence", "bid_ct_00", "ask_ct_00"):
        assert table[name].null_count == table.num_rows


@pytest.mark.parametrize("command", ["inspect", "book"])
def test_a_cut_file_is_refused_by_name(tmp_path: Path, command: str) -> None:
    path = write(tmp_path / "some.cmbp-1.dbn.zst", RECORDS)
    path.write_bytes(path.read_bytes()[:-3])
    arguments = [command, str(path)]
    if command == "book":
        arguments += ["--out", str(tmp_path / "book.parquet")]
    result = runner.invoke(app, arguments)
    assert type(result.exception).__name__ == "TruncatedFileError"
    assert not (tmp_path / "book.parquet").exists()


@pytest.mark.parametrize(
    "name", ["test_data.cmbp-1.dbn", "test_data.cmbp-1.v2.dbn.zst", "test_data.cmbp-1.v3.dbn.zst"]
)
def test_inspect_reads_the_vendors_fixtures(real_data: Path, name: str) -> None:
    path = real_data / "fixtures" / "dbn" / name
    last = databento.DBNStore.from_bytes(path.read_bytes()).to_ndarray()[-1]
    report = inspect(path)
    (book,) = report["books"]
    assert (report["records"], report["events"], book["symbol"]) == (2, 2, "ESH1")
    assert (book["best_bid_price_int"], book["best_bid_qty"]) == (
        last["bid_px_00"], last["bid_sz_00"],
    )  # fmt: skip
    assert (book["best_ask_price_int"], book["best_ask_qty"]) == (
        last["ask_px_00"], last["ask_sz_00"],
    )  # fmt: skip
