"""A small lake with every product: a future and an equity, each with options on it."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa

from contracts.registry import dataset
from spymaster_resources.lake import Lake
from tests.web.service.sample_lake import (
    CELLS,
    DT,
    INVALID_WINDOWS,
    SNAPSHOT,
    SURFACE,
    ends_of,
    forecast,
    snapshot,
    surface,
    table_of,
    write,
)

PRODUCT_WINDOWS: Final = 70
TICKER: Final = "QQQ"
EQUITY_SNAPSHOT: Final = "silver.equity_mbo.book_snapshot_1s"
FINE_SURFACE: Final = "gold.equity_mbo.physics_surface_tick_1s"
WIDE_SURFACE: Final = "gold.equity_mbo.physics_surface_1s"
EQUITY_FORECAST: Final = "gold.equity_mbo.forecast_1s"
FUTURE_OPTIONS: Final = "gold.future_option_mbo.physics_surface_1s"
EQUITY_OPTIONS: Final = "gold.equity_option_cmbp_1.physics_surface_1s"
WIDE_HALF: Final = 100
STRIKES: Final = {FUTURE_OPTIONS: 21, EQUITY_OPTIONS: 51}
STEP: Final = {FUTURE_OPTIONS: 5 * 10**9, EQUITY_OPTIONS: 10**9}
REL_TICK: Final = {FUTURE_OPTIONS: 250_000_000, EQUITY_OPTIONS: 500_000_000}


def write_products(root: str, windows: int = PRODUCT_WINDOWS) -> Lake:
    """Write ESH6 and QQQ with options; those of ESH6 lack the windows without a book."""
    lake, n = Lake(root), windows
    write(lake, SNAPSHOT, DT, snapshot(DT, n, 1))
    write(lake, SURFACE, DT, surface(DT, n, 1))
    write(lake, FUTURE_OPTIONS, DT, options(DT, n, 1, key=FUTURE_OPTIONS, lacking=INVALID_WINDOWS))
    for key, table in {
        EQUITY_SNAPSHOT: snapshot(DT, n, 2, key=EQUITY_SNAPSHOT),
        FINE_SURFACE: surface(DT, n, 2, key=FINE_SURFACE),
        WIDE_SURFACE: surface(DT, n, 3, key=WIDE_SURFACE, half=WIDE_HALF),
        EQUITY_FORECAST: forecast(DT, n, 2, key=EQUITY_FORECAST),
        EQUITY_OPTIONS: options(DT, n, 2, key=EQUITY_OPTIONS),
    }.items():
        write(lake, key, DT, table, symbol=TICKER)
    assert surface(DT, 1, 2, key=FINE_SURFACE).num_rows == 2 * CELLS
    return lake


def options(dt: date, windows: int, seed: int, *, key: str, lacking: range = range(0)) -> pa.Table:
    """Return an options lattice of random values whose centre follows a walking spot."""
    rng = np.random.default_rng(seed)
    strikes, step = STRIKES[key], STEP[key]
    there = np.flatnonzero(~np.isin(np.arange(windows), lacking))
    spot = 6000 * 10**9 + np.cumsum(rng.integers(-9, 10, windows))[there] * REL_TICK[key]
    centre = (spot + step // 2) // step * step
    lattice = centre[:, None] + (np.arange(strikes) - strikes // 2) * step
    rows = lattice.size * 4
    strike = np.repeat(lattice.reshape(-1), 4)
    spot_of_row = np.repeat(spot, strikes * 4)
    ends = np.repeat(ends_of(dt, windows)[there], strikes * 4)
    columns: dict[str, Any] = {
        "window_end_ts_ns": ends,
        "event_ts_ns": ends,
        "spot_ref_price_int": spot_of_row,
        "strike_price_int": strike,
        "strike_points": strike / 1e9,
        "right": _enumeration([0, 0, 1, 1], ["C", "P"], rows),
        "side": _enumeration([0, 1, 0, 1], ["A", "B"], rows),
        "rel_ticks": ((strike - spot_of_row) // REL_TICK[key]).astype(np.int32),
        "rel_ticks_side": pa.nulls(rows, pa.int32()),
        "window_valid": np.ones(rows, bool),
    }
    schema = dataset(key).schema
    for name in schema.names[len(columns) :]:
        columns[name] = rng.random(rows, np.float32)
    return table_of(key, columns)


def _enumeration(codes: list[int], symbols: list[str], rows: int) -> pa.DictionaryArray:
    indices = pa.array(np.tile(np.array(codes, np.int32), rows // 4))
    return pa.DictionaryArray.from_arrays(indices, pa.array(symbols))
