"""Each check is green on a good table and red, by name, when one thing in it is broken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import DataQualityError
from contracts.registry import dataset, datasets
from spymaster_assets.checks.check import require_blocking, run_checks
from spymaster_assets.checks.tables import (
    DEPTH,
    FORECAST,
    SNAPSHOT,
    SURFACE,
    all_checks,
    checks_of,
)
from spymaster_resources.lake import Lake, Manifest, StagedPartition

DT = date(2026, 1, 5)
SECOND = 1_000_000_000
FIRST = 1_767_623_400 * SECOND
MBO = "bronze.future_mbo.mbo"
TICK = 250_000_000

Table: TypeAlias = pa.Table
Break: TypeAlias = Callable[[Table], Table]


def build(key: str, columns: dict[str, object], rows: int) -> Table:
    schema = dataset(key).schema
    arrays = []
    for field in schema:
        values = columns.get(field.name, np.zeros(rows))
        if pa.types.is_dictionary(field.type):
            arrays.append(pa.array(list(np.broadcast_to(values, rows))).dictionary_encode())  # type: ignore[arg-type, call-overload]
        elif isinstance(values, list):
            arrays.append(pa.array(values, field.type))
        else:
            arrays.append(pa.array(np.broadcast_to(values, rows)).cast(field.type))  # type: ignore[arg-type, call-overload]
    return pa.table(arrays, schema=schema)


def bronze() -> Table:
    n = 4
    columns = {"feed_seq": np.arange(n), "action": "A", "side": "B", "symbol": "ESH6"}
    return build(MBO, {**columns, "rtype": 160, "price": 4_800 * SECOND, "size": 1}, n)


def snapshot() -> Table:
    n = 3
    ends = FIRST + SECOND * np.arange(n)
    bid, ask = 4_800 * SECOND, 4_800 * SECOND + TICK
    columns: dict[str, object] = {
        "window_start_ts_ns": ends - SECOND,
        "window_end_ts_ns": ends,
        "best_bid_price_int": [bid, bid, None],
        "best_bid_qty": [3, 2, None],
        "best_ask_price_int": [ask, ask, ask],
        "best_ask_qty": [1, 1, 1],
        "mid_price": [4800.125, 4800.125, None],
        "mid_price_int": [bid + TICK // 2, bid + TICK // 2, None],
        "last_trade_price_int": [None, bid, bid],
        "spot_ref_price_int": [bid, bid, ask],
        "book_valid": np.array([True, True, False]),
    }
    return build(SNAPSHOT, columns, n)


def depth() -> Table:
    n = 4
    columns: dict[str, object] = {
        "window_start_ts_ns": np.repeat([FIRST - SECOND, FIRST], 2),
        "window_end_ts_ns": np.repeat([FIRST, FIRST + SECOND], 2),
        "price_int": np.tile([4_800 * SECOND, 4_800 * SECOND + TICK], 2),
        "side": np.array(["B", "A"] * 2),
        "spot_ref_price_int": 4_800 * SECOND,
        "rel_ticks": np.tile([0, 1], 2),
        "rel_ticks_side": np.zeros(n),
        "depth_qty_start": np.array([0, 5, 4, 3]),
        "add_qty": np.array([6, 0, 2, 0]),
        "pull_qty": np.array([2, 1, 0, 0]),
        "fill_qty": np.array([0, 1, 1, 0]),
        "depth_qty_end": np.array([4, 3, 5, 3]),
        "depth_qty_rest": np.array([0, 3, 4, 3]),
        "pull_qty_rest": np.array([0, 1, 0, 0]),
        "window_valid": np.ones(n, bool),
    }
    return build(DEPTH, columns, n)


def surface() -> Table:
    windows, half = 2, 2
    cells = 2 * half + 1
    n = windows * cells * 2
    ends = np.repeat(FIRST + SECOND * np.arange(windows), cells * 2)
    columns: dict[str, object] = {
        "window_end_ts_ns": ends,
        "event_ts_ns": ends,
        "rel_ticks": np.tile(np.repeat(np.arange(-half, half + 1), 2), windows),
        "rel_ticks_side": np.zeros(n),
        "side": np.tile(["A", "B"], n // 2),
        "window_valid": np.ones(n, bool),
        "nu": np.full(n, 2.0),
        "kappa": np.full(n, 0.5),
    }
    return build(SURFACE, columns, n)


def forecast() -> Table:
    n = 62
    horizon = np.tile(np.arange(31), 2)
    later = [None if h == 0 else 0.5 for h in horizon]
    first = [0.1 if h == 0 else None for h in horizon]
    columns: dict[str, object] = {
        "window_end_ts_ns": np.repeat([FIRST, FIRST + SECOND], 31),
        "horizon_s": horizon,
        "predicted_delta": later,
        "predicted_tick_delta": [None if h == 0 else 1 for h in horizon],
        "predicted_spot_tick": [None if h == 0 else 19_201 for h in horizon],
        "confidence": [None] * n,
        "band_lo_50": later,
        "band_hi_50": later,
        "band_lo_90": later,
        "band_hi_90": later,
        "RunScore_up": first,
        "RunScore_down": first,
        "D_up": [4 if h == 0 else None for h in horizon],
        "D_down": [4 if h == 0 else None for h in horizon],
    }
    return build(FORECAST, columns, n)


GOOD = {MBO: bronze, SNAPSHOT: snapshot, DEPTH: depth, SURFACE: surface, FORECAST: forecast}


def put(column: str, row: int, value: object) -> Break:
    def broken(table: Table) -> Table:
        i = table.schema.get_field_index(column)
        field = table.schema.field(i)
        values = table[column].to_pylist()
        values[row] = value
        target = field.type
        array = (
            pa.array(values).dictionary_encode()
            if pa.types.is_dictionary(target)
            else pa.array(values, target)
        )
        return table.set_column(i, pa.field(column, target), array)

    return broken


def without(column: str) -> Break:
    return lambda table: table.drop_columns([column])


def retyped(column: str, to: pa.DataType) -> Break:
    return lambda table: table.set_column(
        table.schema.get_field_index(column), pa.field(column, to), table[column].cast(to)
    )


def reordered(*rows: int) -> Break:
    return lambda table: table.take(list(rows))


BREAKS: list[tuple[str, Break, str]] = [
    (MBO, without("flags"), "contract"),
    (MBO, retyped("size", pa.int64()), "contract"),
    (MBO, put("order_id", 1, None), "contract"),
    (MBO, put("action", 2, "X"), "contract"),
    (MBO, reordered(0, 1, 2), "contract"),
    (MBO, put("feed_seq", 2, 1), "sorted_unique_key"),
    (MBO, reordered(0, 2, 1, 3), "sorted_unique_key"),
    (SNAPSHOT, put("window_end_ts_ns", 1, FIRST), "sorted_unique_key"),
    (SNAPSHOT, put("window_end_ts_ns", 2, FIRST + 3 * SECOND), "window_grid"),
    (SNAPSHOT, put("window_start_ts_ns", 1, FIRST + 1), "window_grid"),
    (SNAPSHOT, put("window_end_ts_ns", 2, FIRST + 2 * SECOND + 1), "window_grid"),
    (SNAPSHOT, put("best_bid_qty", 0, None), "touch_is_whole"),
    (SNAPSHOT, put("best_ask_qty", 0, 0), "touch_is_whole"),
    (SNAPSHOT, put("mid_price_int", 0, 4_800 * SECOND), "touch_is_whole"),
    (SNAPSHOT, put("mid_price_int", 2, 4_800 * SECOND), "touch_is_whole"),
    (SNAPSHOT, put("mid_price", 0, 4800.25), "touch_is_whole"),
    (SNAPSHOT, put("mid_price", 1, None), "touch_is_whole"),
    (DEPTH, put("depth_qty_end", 0, 5), "identity"),
    (DEPTH, put("fill_qty", 1, 0), "identity"),
    (DEPTH, put("depth_qty_rest", 2, 6), "quantities"),
    (DEPTH, put("pull_qty_rest", 0, 3), "quantities"),
    (DEPTH, put("pull_qty_rest", 0, -1), "quantities"),
    (DEPTH, reordered(1, 0, 2, 3), "sorted_unique_key"),
    (SURFACE, reordered(*range(18), 19, 19), "dense_grid"),
    (SURFACE, put("rel_ticks", 0, -3), "dense_grid"),
    (SURFACE, put("side", 0, "B"), "dense_grid"),
    (SURFACE, put("u_near", 3, float("nan")), "finite"),
    (SURFACE, put("Omega", 3, float("inf")), "finite"),
    (SURFACE, put("kappa", 3, 0.500001), "permeability"),
    (SURFACE, put("nu", 3, 0.5), "permeability"),
    (FORECAST, put("horizon_s", 5, 6), "horizons"),
    (FORECAST, put("predicted_delta", 0, 0.5), "horizons"),
    (FORECAST, put("RunScore_up", 1, 0.5), "horizons"),
    (FORECAST, put("predicted_delta", 3, float("nan")), "finite"),
    (FORECAST, put("predicted_delta", 3, 80.5), "finite"),
    (FORECAST, put("confidence", 3, 1.5), "finite"),
    (FORECAST, put("band_lo_90", 3, 0.6), "finite"),
]


@pytest.fixture
def manifest_of(tmp_path: Path) -> Callable[[str], Manifest]:
    def manifest(key: str) -> Manifest:
        lake = Lake(str(tmp_path / "lake"))
        with lake.writer(key, "ESH6", DT, parameters={}, inputs=[], code_version="1") as writer:
            writer.write(GOOD[key]())
            return writer.seal().manifest

    return manifest


def staged(folder: Path, key: str, table: Table, manifest: Manifest) -> StagedPartition:
    file = folder / "part.parquet"
    pq.write_table(table, file, store_schema=True)
    return StagedPartition(key, "ESH6", DT, (str(file),), manifest)


@pytest.mark.parametrize("key", sorted(GOOD))
def test_good_table_passes_every_check(
    key: str, tmp_path: Path, manifest_of: Callable[[str], Manifest]
) -> None:
    outcomes = run_checks(all_checks(), staged(tmp_path, key, GOOD[key](), manifest_of(key)))
    assert len(outcomes) == len(checks_of(key)) >= 2
    assert [o.sentence for o in outcomes if not o.passed] == []
    require_blocking(outcomes)


@pytest.mark.parametrize(("key", "breakage", "name"), BREAKS)
def test_breakage_turns_its_check_red(
    key: str,
    breakage: Break,
    name: str,
    tmp_path: Path,
    manifest_of: Callable[[str], Manifest],
) -> None:
    bad = staged(tmp_path, key, breakage(GOOD[key]()), manifest_of(key))
    check = next(c for c in checks_of(key) if c.name == name)
    (outcome,) = run_checks([check], bad)
    assert not outcome.passed
    assert outcome.finding.rows
    with pytest.raises(DataQualityError, match=name):
        require_blocking([outcome])


def test_every_check_is_turned_red_by_some_breakage() -> None:
    assert {(c.dataset, c.name) for c in all_checks()} - {
        (key, name) for key, _, name in BREAKS
    } <= {(key, name) for key in datasets() for name in ("contract", "sorted_unique_key")}


def test_every_partitioned_table_has_checks() -> None:
    for key, entry in datasets().items():
        if entry.is_partitioned:
            assert {"contract", "sorted_unique_key"} <= {c.name for c in checks_of(key)}
