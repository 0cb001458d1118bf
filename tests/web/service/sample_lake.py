"""A small lake with known content, written by the real writer under the real contracts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from contracts.registry import dataset
from spymaster_resources.lake import Lake
from spymaster_resources.lake.manifest import InputRef
from spymaster_resources.trading_calendar import SECOND_NS, utc_ns

SYMBOL: Final = "ESH6"
DT: Final = date(2026, 1, 29)
DT_WITHOUT_GOLD: Final = date(2026, 1, 30)
WINDOWS: Final = 300
HALF: Final = 200
CELLS: Final = 2 * HALF + 1
FIRST_END_NS: Final = utc_ns(DT, time(9, 30))

SNAPSHOT: Final = "silver.future_mbo.book_snapshot_1s"
SURFACE: Final = "gold.future_mbo.physics_surface_1s"
FORECAST: Final = "gold.future_mbo.forecast_1s"
SELECTION: Final = "selection.mbo_contract_day_selection"

TICK: Final = 250_000_000
INVALID_WINDOWS: Final = range(40, 45)
"""Windows without a book: prices are null."""
OUTLIER_WINDOWS: Final = range(50, 52)


def write_lake(root: str) -> Lake:
    """Write one session with all its tables, one with a snapshot alone, and the selection map."""
    lake = Lake(root)
    write_session(lake, DT, seed=7)
    write(lake, SNAPSHOT, DT_WITHOUT_GOLD, snapshot(DT_WITHOUT_GOLD, 70, 8))
    dates = [DT, DT_WITHOUT_GOLD]
    selection = {
        "session_date": dates,
        "selected_symbol": [SYMBOL] * 2,
        "selected_exp_date": [date(2026, 3, 20)] * 2,
        "prev_trading_date": [None] * 2,
        "prev_volume_selected": [None] * 2,
        "prev_volume_rank2": [None] * 2,
        "roll_flag": [False] * 2,
        "reason": ["override"] * 2,
    }
    write(lake, SELECTION, None, pa.table(selection, dataset(SELECTION).schema))
    return lake


def write_session(lake: Lake, dt: date, *, seed: int) -> None:
    """Publish all tables of a session of 300 windows; another seed gives other values."""
    write(lake, SNAPSHOT, dt, snapshot(dt, WINDOWS, seed))
    write(lake, SURFACE, dt, surface(dt, WINDOWS, seed))
    write(lake, FORECAST, dt, forecast(dt, WINDOWS, seed))


def snapshot(dt: date, windows: int, seed: int, *, key: str = SNAPSHOT) -> pa.Table:
    """Return a snapshot table whose best prices walk at random."""
    rng = np.random.default_rng(seed)
    ends = ends_of(dt, windows)
    bid = (24_000 + np.cumsum(rng.integers(-1, 2, windows))) * TICK
    ask = bid + TICK * rng.integers(1, 3, windows)
    known = ~is_invalid(windows)
    return table_of(
        key,
        {
            "window_start_ts_ns": ends - SECOND_NS,
            "window_end_ts_ns": ends,
            "best_bid_price_int": pa.array(bid, mask=~known),
            "best_bid_qty": pa.array(rng.integers(1, 99, windows), mask=~known),
            "best_ask_price_int": pa.array(ask, mask=~known),
            "best_ask_qty": pa.array(rng.integers(1, 99, windows), mask=~known),
            "mid_price": pa.array((bid + ask) / 2e9, mask=~known),
            "mid_price_int": pa.array((bid + ask) // 2, mask=~known),
            "last_trade_price_int": bid,
            "spot_ref_price_int": pa.array(bid, mask=~known),
            "book_valid": known,
            "trade_qty_buy": rng.integers(0, 50, windows),
            "trade_qty_sell": rng.integers(0, 50, windows),
            "trade_count": rng.integers(0, 9, windows),
            "price_outlier_flag": np.isin(np.arange(windows), OUTLIER_WINDOWS),
            "crossed_market_flag": np.zeros(windows, bool),
            "spread_anomaly_flag": np.zeros(windows, bool),
        },
    )


def surface(dt: date, windows: int, seed: int, *, key: str = SURFACE, half: int = HALF) -> pa.Table:
    """Return a dense surface of random float32 values."""
    rng = np.random.default_rng(seed)
    cells = 2 * half + 1
    rows = windows * cells * 2
    spot = snapshot(dt, windows, seed).column("spot_ref_price_int").combine_chunks()
    window_of_row = pa.array(np.repeat(np.arange(windows), cells * 2))
    ends = np.repeat(ends_of(dt, windows), cells * 2)
    rel_ticks = np.tile(np.repeat(np.arange(-half, half + 1, dtype=np.int32), 2), windows)
    columns: dict[str, Any] = {
        "window_end_ts_ns": ends,
        "event_ts_ns": ends,
        "spot_ref_price_int": spot.take(window_of_row),
        "rel_ticks": rel_ticks,
        "rel_ticks_side": rel_ticks,
        "side": pa.DictionaryArray.from_arrays(
            pa.array(np.tile(np.array([0, 1], np.int32), rows // 2)), pa.array(["A", "B"])
        ),
        "window_valid": ~np.repeat(is_invalid(windows), cells * 2),
    }
    schema = dataset(key).schema
    for name in schema.names[len(columns) :]:
        columns[name] = rng.random(rows, np.float32)
    return table_of(key, columns)


def forecast(dt: date, windows: int, seed: int, *, key: str = FORECAST) -> pa.Table:
    """Return a forecast with diagnostics on horizon 0, predictions elsewhere, no calibration."""
    rng = np.random.default_rng(seed)
    rows = windows * 31
    horizon = np.tile(np.arange(31, dtype=np.int32), windows)
    is_diagnostic = horizon == 0
    no_book = np.repeat(is_invalid(windows), 31)
    hidden = is_diagnostic | no_book
    other = ~is_diagnostic | no_book
    never = np.ones(rows, bool)
    delta = rng.normal(size=rows)
    tick_delta = np.rint(delta).astype(np.int64)
    values = rng.random(rows)
    return table_of(
        key,
        {
            "window_end_ts_ns": np.repeat(ends_of(dt, windows), 31),
            "horizon_s": horizon,
            "predicted_delta": pa.array(delta, mask=hidden),
            "predicted_tick_delta": pa.array(tick_delta, mask=hidden),
            "predicted_spot_tick": pa.array(tick_delta + 24_000, mask=hidden),
            "confidence": pa.array(values, mask=hidden),
            **{
                name: pa.array(values, mask=never)
                for name in ("band_lo_50", "band_hi_50", "band_lo_90", "band_hi_90")
            },
            "RunScore_up": pa.array(values, mask=other),
            "RunScore_down": pa.array(-values, mask=other),
            "D_up": pa.array(rng.integers(1, 65, rows, np.int32), mask=other),
            "D_down": pa.array(rng.integers(1, 65, rows, np.int32), mask=other),
        },
    )


def ends_of(dt: date, windows: int) -> npt.NDArray[np.int64]:
    """Return the window ends of a session that opens at 09:30."""
    return utc_ns(dt, time(9, 30)) + np.arange(windows, dtype=np.int64) * SECOND_NS


def is_invalid(windows: int) -> npt.NDArray[np.bool_]:
    """Return which windows have no book."""
    return np.isin(np.arange(windows), INVALID_WINDOWS)


def table_of(key: str, columns: dict[str, Any]) -> pa.Table:
    """Return a table under the contract of dataset `key`."""
    schema = dataset(key).schema
    arrays = [pa.array(columns[name], from_pandas=False) for name in schema.names]
    return pa.Table.from_arrays(arrays, schema=schema)


def write(
    lake: Lake,
    key: str,
    dt: date | None,
    table: pa.Table,
    *,
    symbol: str = SYMBOL,
    inputs: Sequence[InputRef] = (),
) -> None:
    """Publish `table`."""
    with lake.writer(
        key,
        None if dt is None else symbol,
        dt,
        parameters={},
        inputs=inputs,
        code_version="1",
    ) as writer:
        writer.write(table)
        writer.publish()
