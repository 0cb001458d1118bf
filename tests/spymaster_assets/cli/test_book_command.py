"""`spymaster book`: whose books, when, and in which form."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from spymaster_assets.cli.book import book_levels
from spymaster_assets.cli.inspect import inspect_file
from spymaster_assets.cli.instants import duration_ns, instant_ns
from spymaster_resources.dbn.layouts import MBO_DTYPE, layout_of, new_records
from spymaster_resources.dbn.writer import DbnWriter
from tests.book_engines.feeds import feeds
from tests.naive.book import LAST, SECOND, SNAPSHOT, NaiveReplay, Record, naive_levels, naive_tops
from tests.spymaster_assets.cli.test_book_tools import RECORDS, T, write
from tests.spymaster_assets.cli.test_quote_tools import RECORDS as QUOTES
from tests.spymaster_assets.cli.test_quote_tools import T as QUOTE_T
from tests.spymaster_assets.cli.test_quote_tools import write as write_quotes
from tests.spymaster_resources.dbn.dbn_records import DAY, DAY_START_NS

runner = CliRunner()
app = typer.Typer()
app.command("inspect")(inspect_file)
app.command("book")(book_levels)

FIELDS = ("px", "sz", "ct")


def book(path: Path, *arguments: str) -> list[dict[str, Any]]:
    out = path.with_name("book.parquet")
    result = runner.invoke(app, ["book", str(path), "--out", str(out), *arguments])
    assert result.exit_code == 0, result.output
    rows: list[dict[str, Any]] = pq.read_table(out).to_pylist()
    return rows


def unwrapped(output: str) -> str:
    """Return a message in one line: where its box breaks it depends on the length of a path."""
    return " ".join(output.replace("│", " ").split())


def levels_of(row: dict[str, Any], levels: int) -> list[tuple[int, int, int] | None]:
    """Return (price, size, count) of bid 0, ask 0, bid 1, …"""
    cells = [
        tuple(row[f"{side}_{field}_{level:02d}"] for field in FIELDS)
        for level in range(levels)
        for side in ("bid", "ask")
    ]
    return [None if cell == (None,) * 3 else cell for cell in cells]


@settings(max_examples=20, deadline=None)
@given(feeds(publishers=2, instruments=2), st.booleans())
def test_every_record_of_one_publisher_or_of_their_sum_equals_the_twin(
    tmp_path_factory: pytest.TempPathFactory, records: list[Record], summed: bool
) -> None:
    path = write(tmp_path_factory.mktemp("drawn") / "drawn.mbo.dbn", records)
    options = ["--sum-publishers"] if summed else []
    rows = book(path, "--levels", "3", "--every", "record", *options)
    expected, _ = naive_tops(records, 3, every_record=True, per_book=not summed)
    assert [(row["record_index"], levels_of(row, 3)) for row in rows] == expected


def naive_instants(
    records: list[Record], instants: list[int], levels: int
) -> list[tuple[int, int, int, Any]]:
    """Return (instant, publisher, instrument, levels) of all books before each instant."""
    replay, left = NaiveReplay(per_book=True), sorted(instants)
    rows = []
    for record in [*records, None]:
        while left and (record is None or (not record.flags & SNAPSHOT and record.ts >= left[0])):
            rows += [(left[0], *b, naive_levels(replay, b, levels)) for b in sorted(replay.books)]
            left.pop(0)
        if record is not None:
            replay.apply(record)
    return rows


def told(rows: list[dict[str, Any]], levels: int) -> list[tuple[int, int, int, Any]]:
    return [
        (row["ts"], row["publisher_id"], row["instrument_id"], levels_of(row, levels))
        for row in rows
    ]


@settings(max_examples=25, deadline=None)
@given(feeds(publishers=2, instruments=2), st.integers(1, 4))
def test_books_at_instants_equal_the_twin(
    tmp_path_factory: pytest.TempPathFactory, records: list[Record], quarters: int
) -> None:
    path = write(tmp_path_factory.mktemp("drawn") / "drawn.mbo.dbn", records)
    live = [record.ts for record in records if not record.flags & SNAPSHOT]
    step = quarters * SECOND // 4
    grid = []
    if live:
        first = (live[0] // step + 1) * step
        grid = list(range(first, max(live) + step + 1, step))
        grid = [instant for instant in grid if instant - step <= max(live)] or [first]
    rows = book(path, "--levels", "2", "--every", f"{step // 1_000_000}ms")
    assert told(rows, 2) == naive_instants(records, grid, 2)
    asked = [instant + 1 for instant in grid[::2]]
    if asked:
        rows = book(path, "--levels", "2", *(part for at in asked for part in ("--at", str(at))))
        assert told(rows, 2) == naive_instants(records, asked, 2)


def test_a_row_at_an_instant_tells_the_last_record_of_its_own_book(tmp_path: Path) -> None:
    path = write(tmp_path / "many.mbo.dbn", RECORDS)
    at = "01:00:00.000000004"
    rows = book(path, "--at", at)
    assert [(r["record_index"], r["publisher_id"], r["instrument_id"]) for r in rows] == [
        (1, 2, 10),
        (2, 2, 11),
        (3, 3, 10),
    ]
    assert {row["ts"] for row in rows} == {T + 4}
    assert book(path, "--at", f"{DAY}T{at}Z") == rows == book(path, "--at", str(T + 4))
    assert book(path, "--at", "00:59:59") == []


def test_only_the_wanted_books_are_told_under_their_places_in_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "many.mbo.dbn", RECORDS)
    rows = book(path)
    assert book(path, "--symbol", "MSFT") == [r for r in rows if r["instrument_id"] == 11]
    assert book(path, "--symbol", "10", "--publisher", "2") == [
        r for r in rows if (r["publisher_id"], r["instrument_id"]) == (2, 10)
    ]
    both = book(
        path, "--symbol", "AAPL", "--symbol", "MSFT", "--publisher", "2", "--publisher", "3"
    )
    assert both == [r for r in rows if r["instrument_id"] != 12]


@pytest.mark.parametrize("pretty", [False, True])
def test_csv_and_json_lines_say_what_parquet_says(tmp_path: Path, pretty: bool) -> None:
    records = [RECORDS[0]._replace(price=-5_130_000_001), *RECORDS[1:]]  # a calendar spread's
    path = write(tmp_path / "many.mbo.dbn", records)
    options = ["--levels", "1", *(["--pretty"] if pretty else [])]
    whole = book(path, "--levels", "1")
    outs = [tmp_path / f"book{form}" for form in (".csv", ".jsonl", ".parquet")]
    for out in outs:
        assert runner.invoke(app, ["book", str(path), "-o", str(out), *options]).exit_code == 0
    printed = runner.invoke(app, ["book", str(path), *options])
    assert printed.stdout == outs[0].read_text()
    lines = [json.loads(line) for line in outs[1].read_text().splitlines()]
    of_csv = list(csv.DictReader(outs[0].read_text().splitlines()))
    assert [{k: "" if v is None else str(v) for k, v in line.items()} for line in lines] == of_csv
    if not pretty:
        assert lines == whole
        return
    assert [line["bid_px_00"] for line in lines[:2]] == ["-5.130000001"] * 2
    assert lines[0]["ts_event"] == f"{DAY} 01:00:00.000000000Z"
    exact = pq.read_table(outs[2])
    prices = [None if p is None else int(p * 10**9) for p in exact["bid_px_00"].to_pylist()]
    assert prices == [row["bid_px_00"] for row in whole]


def test_quotes_are_told_after_every_record_and_at_instants(tmp_path: Path) -> None:
    path = write_quotes(tmp_path / "some.cmbp-1.dbn", QUOTES)
    assert [row["record_index"] for row in book(path, "--every", "record")] == list(range(8))
    assert [row["record_index"] for row in book(path, "--publisher", "22")] == [1, 6]
    rows = book(path, "--at", str(QUOTE_T + 3))
    assert [(r["instrument_id"], r["bid_px_00"], r["ask_sz_00"]) for r in rows] == [
        (10, 100, 4),
        (11, None, 1),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--every", "soon"], "expected event, record or a duration"),
        (["--every", "0s"], "expected event, record or a duration"),
        (["--at", "25:00:00"], "expected a time such as"),
        (["--at", "01:00:00", "--every", "1s"], "not both"),
        (["--symbol", "GOOG"], "AAPL, MSFT"),
        (["--out", "book.xlsx"], ".parquet, .csv, .jsonl"),
        (["--out", "no/such/folder/book.csv"], "does not exist"),
    ],
)
def test_what_cannot_be_asked_for_is_said(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    path = write(tmp_path / "many.mbo.dbn", RECORDS)
    result = runner.invoke(app, ["book", str(path), *arguments])
    assert result.exit_code == 2
    assert message in unwrapped(result.output)


@pytest.mark.parametrize("command", ["inspect", "book"])
def test_a_missing_file_is_no_traceback(tmp_path: Path, command: str) -> None:
    result = runner.invoke(app, [command, str(tmp_path / "none.dbn")])
    assert result.exit_code == 2
    assert "does not exist" in unwrapped(result.output)


def test_durations_and_instants_are_exact() -> None:
    assert [duration_ns(t) for t in ("250us", "500ms", "1s", "5m", "1h")] == [
        250_000, 500_000_000, SECOND, 300 * SECOND, 3600 * SECOND,
    ]  # fmt: skip
    assert instant_ns("00:00:01.5", DAY) == DAY_START_NS + 1_500_000_000
    assert (
        instant_ns("2024-10-21T09:30:00-04:00", None)
        == int(datetime(2024, 10, 21, 13, 30, tzinfo=UTC).timestamp()) * SECOND
    )
    with pytest.raises(typer.BadParameter):
        instant_ns("09:30:00", None)  # of which day?


def test_a_live_capture_is_told_by_its_records(tmp_path: Path) -> None:
    quotes = new_records(layout_of("cmbp-1", 3), 2)
    quotes["action"], quotes["side"], quotes["bid_sz_00"] = ord("A"), ord("N"), 1
    quotes["bid_px_00"], quotes["ask_px_00"] = 5, 2**63 - 1
    orders = new_records(layout_of("mbo", 3), 1)
    path = tmp_path / "live.dbn"
    fields: dict[str, Any] = {"dataset": "X", "schema": None, "start_ns": 0, "end_ns": None}
    for first, then, schema in ((quotes, orders, "cmbp-1"), (orders, quotes, "mbo")):
        with DbnWriter(path, **fields) as writer:
            writer.write(first)
            writer.write(then)
        report = json.loads(runner.invoke(app, ["inspect", str(path), "--json"]).stdout)
        assert (report["schema"], report["records"]) == (schema, len(first))
    with DbnWriter(path, **fields) as writer:
        writer.write(new_records(layout_of("statistics", 3), 1))
    result = runner.invoke(app, ["inspect", str(path)])
    assert "found a capture of statistics" in str(result.exception)


def test_a_name_that_goes_from_one_instrument_to_the_next_is_found_on_every_day(
    tmp_path: Path,
) -> None:
    days = [DAY + timedelta(days=n) for n in range(4)]
    rolls = [(first, last, n) for first, last, n in zip(days, days[1:], (10, 11, 12), strict=False)]
    path = write(tmp_path / "three.mbo.dbn", RECORDS, mappings={"ES.v.0": rolls})
    report = json.loads(runner.invoke(app, ["inspect", str(path), "--json"]).stdout)
    assert {row["symbol"] for row in report["books"]} == {"ES.v.0"}
    assert book(path, "--symbol", "ES.v.0") == book(path)


def test_the_vendors_live_capture_of_many_schemas(real_data: Path, tmp_path: Path) -> None:
    path = real_data / "fixtures" / "databento-python" / "LIVE" / "test_data.live.dbn.zst"
    report = json.loads(runner.invoke(app, ["inspect", str(path), "--json"]).stdout)
    assert (report["records"], report["by_action"]["A"]) == (5, 5)
    assert [(row["instrument_id"], row["symbol"]) for row in report["books"]] == [(183748, "ESZ4")]
    link = tmp_path / "live.dbn.zst"
    link.symlink_to(path)
    assert len(book(link, "--symbol", "ESZ4")) == 4


def test_other_schemas_are_told_what_books_are_made_of(real_data: Path) -> None:
    path = real_data / "fixtures" / "dbn" / "test_data.mbp-10.v3.dbn.zst"
    result = runner.invoke(app, ["book", str(path)])
    assert "expected schema mbo or cmbp-1, found mbp-10" in str(result.exception)


def test_the_tables_show_the_busiest_books(tmp_path: Path) -> None:
    records = [Record("A", "B", 100, 1, i, T + i, LAST, 2, 100 + i) for i in range(30)]
    records += [records[7]._replace(order_id=99), records[7]._replace(order_id=98)]
    path = write(tmp_path / "many.mbo.dbn", records)
    few = runner.invoke(app, ["inspect", str(path), "--books", "2"]).stdout
    assert "2 of 30 books are shown" in few
    assert "107 of 2" in few
    assert "129 of 2" not in few
    assert "129 of 2" in runner.invoke(app, ["inspect", str(path), "--books", "0"]).stdout


def test_the_kernels_run_without_the_compiler(tmp_path: Path) -> None:
    table = np.zeros(40, MBO_DTYPE)
    table["length"], table["rtype"] = 14, 160
    table["action"], table["side"], table["flags"] = ord("A"), ord("B"), LAST
    table["order_id"], table["price"], table["size"] = np.arange(40), np.arange(40) % 7, 3
    table["ts_event"], table["ts_recv"] = DAY_START_NS, 2**64 - 1
    path = tmp_path / "some.mbo.dbn.zst"
    with DbnWriter(path, dataset="X", schema="mbo", start_ns=DAY_START_NS, end_ns=None) as writer:
        writer.write(table)
    commands = [["inspect", str(path), "--json"], ["book", str(path)]]
    script = "from spymaster_assets.cli.main import app\n" + "".join(
        f"app({command!r}, standalone_mode=False)\n" for command in commands
    )
    unjitted = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert unjitted == "".join(runner.invoke(app, command).stdout for command in commands)
    assert unjitted.count(f"\n{39},") == 1
