"""Silver from a lake: both tables, their manifests, and what a later reader relies on."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

from book_engines.records import MboColumns
from contracts.errors import PartitionMissingError
from contracts.registry import dataset
from spymaster_assets.stages.book_input import RecordBuffers
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.silver import build_silver
from spymaster_resources.instruments import instrument
from spymaster_resources.lake import Lake
from spymaster_resources.trading_calendar import SessionWindow, TradingCalendar
from tests.book_engines.feeds import DEPTH, SNAPSHOT, columns, feeds
from tests.book_engines.unflagged import book_schema
from tests.naive.book import LAST, NULL, Record, Row, naive_windows
from tests.naive.book import SNAPSHOT as F_SNAPSHOT

BRONZE = "bronze.future_mbo.mbo"
DT = date(2026, 3, 10)
SYMBOL = "ESH6"
OPEN = 1_773_149_400_000_000_000  # 09:30 New York
TICK = 250_000_000
BID = 6_000 * 1_000_000_000


def context(root: Path) -> StageContext:
    return StageContext(
        Lake(str(root)),
        instrument("ES", "future_mbo"),
        TradingCalendar("CMES"),
        SessionWindow.parse("09:30:00-09:30:05"),
    )


def bronze_table(records: list[Record]) -> pa.Table:
    """Return `records` as a bronze partition; a null time or price as the vendor leaves it."""
    n = len(records)
    schema = dataset(BRONZE).schema
    plain = {
        "feed_seq": range(n),
        "ts_recv": [r.ts if r.ts >= 0 else None for r in records],
        "ts_event": [r.ts if r.ts >= 0 else None for r in records],
        "channel_id": [0] * n,
        "rtype": [160] * n,
        "publisher_id": [r.publisher for r in records],
        "instrument_id": [r.instrument for r in records],
        "order_id": [r.order_id for r in records],
        "flags": [r.flags for r in records],
        "ts_in_delta": [0] * n,
        "action": [r.action for r in records],
        "sequence": [r.sequence for r in records],
        "side": [r.side for r in records],
        "symbol": [SYMBOL] * n,
        "price": [None if r.price == NULL else r.price for r in records],
        "size": [r.size for r in records],
    }
    arrays = [pa.array(list(plain[f.name]), f.type) for f in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def put_bronze(ctx: StageContext, records: list[Record]) -> None:
    with ctx.lake.writer(BRONZE, SYMBOL, DT, parameters={}, inputs=[], code_version="1") as writer:
        writer.write(bronze_table(records))
        writer.publish()


RECORDS = [
    Record("A", "B", BID, 5, 1, OPEN - 10**12, F_SNAPSHOT),
    Record("A", "A", BID + TICK, 7, 2, OPEN - 10**12, F_SNAPSHOT | LAST),
    Record("A", "B", BID - TICK, 2, 3, OPEN + 10**9),
    Record("T", "B", BID + TICK, 3, 0, OPEN + 2 * 10**9, 0),
    Record("F", "A", BID + TICK, 3, 2, OPEN + 2 * 10**9, 0),
    Record("C", "A", BID + TICK, 3, 2, OPEN + 2 * 10**9),
    Record("N", ts=OPEN + 3 * 10**9),
    Record("C", "B", BID, 1, 99, -1),
]


def without(rows: list[Row], name: str) -> list[Row]:
    """Return rows as the tables hold them: the twin knows more."""
    return [{key: value for key, value in row.items() if key != name} for row in rows]


def test_both_tables_hold_what_the_twin_says(tmp_path: Path) -> None:
    ctx = context(tmp_path)
    put_bronze(ctx, RECORDS)
    manifests = build_silver(ctx, SYMBOL, DT)
    snapshots, (cells,), _ = naive_windows(RECORDS, [(TICK, 200)], OPEN, OPEN + 5 * 10**9)
    assert ctx.lake.read(SNAPSHOT, SYMBOL, DT, book_schema(SNAPSHOT).names).to_pylist() == without(
        snapshots, "added_sizes"
    )
    assert ctx.lake.read(DEPTH, SYMBOL, DT, book_schema(DEPTH).names).to_pylist() == without(
        cells, "added_max"
    )
    assert [m.dataset for m in manifests] == [SNAPSHOT, DEPTH]


def test_manifests_carry_the_counters_and_the_session(tmp_path: Path) -> None:
    ctx = context(tmp_path)
    put_bronze(ctx, RECORDS)
    for manifest in build_silver(ctx, SYMBOL, DT):
        counters = manifest.counters
        assert counters["unknown_cancels"] == counters["late_records"] == 1
        assert counters["windows"] == 6
        assert counters["opening"] == "snapshot"
        assert manifest.parameters["first_window_end_ts_ns"] == OPEN
        assert manifest.inputs[0].dataset == BRONZE


def test_flags_and_their_thresholds_are_part_of_the_tables(tmp_path: Path) -> None:
    ctx = context(tmp_path)
    second = 1_000_000_000
    crossing = [
        Record("A", "B", BID, 5, 1, OPEN - 2 * second),
        Record("A", "A", BID + TICK, 5, 2, OPEN - 2 * second),
        Record("A", "B", BID + TICK, 1, 3, OPEN + second // 2),
        Record("C", "B", BID + TICK, 1, 3, OPEN + 2 * second + second // 2),
    ]
    put_bronze(ctx, crossing)
    snapshot, depth = build_silver(ctx, SYMBOL, DT)
    table = ctx.lake.read(SNAPSHOT, SYMBOL, DT)
    assert table["crossed_market_flag"].to_pylist() == [False, True, True, False, False, False]
    assert not any(table["price_outlier_flag"].to_pylist())
    for manifest in (snapshot, depth):
        assert manifest.counters["flag_crossed_market"] == 2
        assert manifest.counters["locked_seconds"] == 2
        assert manifest.counters["flag_price_outlier"] == 0
        assert manifest.parameters["quality"]["z_limit"] == 3.0


def test_running_again_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = context(tmp_path / "a"), context(tmp_path / "b")
    for ctx in (first, second):
        put_bronze(ctx, RECORDS)
        build_silver(ctx, SYMBOL, DT)
    for table in (SNAPSHOT, DEPTH):
        (a,), (b,) = (c.lake.files(table, SYMBOL, DT) for c in (first, second))
        assert Path(a).read_bytes() == Path(b).read_bytes()


def test_progress_counts_the_windows(tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    plain = context(tmp_path)
    ctx = StageContext(
        plain.lake,
        plain.instrument,
        plain.calendar,
        plain.session,
        progress=lambda *report: told.append(report),
    )
    put_bronze(ctx, RECORDS)
    build_silver(ctx, SYMBOL, DT)
    assert told[-1] == ("silver", 6, 6)


def test_a_refused_audit_publishes_neither_table(tmp_path: Path) -> None:
    plain = context(tmp_path)

    def refuse(_: object) -> None:
        raise RuntimeError("red")

    ctx = StageContext(plain.lake, plain.instrument, plain.calendar, plain.session, audit=refuse)
    put_bronze(ctx, RECORDS)
    with pytest.raises(RuntimeError, match="red"):
        build_silver(ctx, SYMBOL, DT)
    assert ctx.lake.manifest(SNAPSHOT, SYMBOL, DT) is None
    assert ctx.lake.manifest(DEPTH, SYMBOL, DT) is None


def test_silver_without_bronze_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PartitionMissingError):
        build_silver(context(tmp_path), SYMBOL, DT)


def test_a_day_without_records_gives_every_window_and_no_cell(tmp_path: Path) -> None:
    ctx = context(tmp_path)
    put_bronze(ctx, [])
    build_silver(ctx, SYMBOL, DT)
    assert ctx.lake.read(SNAPSHOT, SYMBOL, DT).num_rows == 6
    assert ctx.lake.read(DEPTH, SYMBOL, DT).num_rows == 0


@settings(max_examples=40, deadline=None)
@given(feeds(max_size=10))
def test_bronze_gives_the_engine_the_records_that_went_in(records: list[Record]) -> None:
    (batch,) = bronze_table(records).to_batches()
    (found,) = RecordBuffers().chunks(batch)
    expected = columns(records)
    for name in MboColumns._fields:
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name
