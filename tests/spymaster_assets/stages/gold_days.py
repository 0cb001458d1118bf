"""Small gold and silver days, written straight into a lake, for the tests of the forecast."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from book_engines.forces import Fields, Touch
from contracts.registry import dataset
from spymaster_assets.stages.context import StageContext
from spymaster_resources.instruments import instrument
from spymaster_resources.lake import Lake
from spymaster_resources.trading_calendar import SessionWindow, TradingCalendar
from tests.book_engines.planted import random_surface

HALF = 70
SYMBOL = "ESH6"
SURFACE = "gold.future_mbo.physics_surface_1s"
SNAPSHOT = "silver.future_mbo.book_snapshot_1s"

Values = dict[str, npt.NDArray[Any]]


def small_context(root: Path) -> StageContext:
    """Return the surroundings of ES on a grid of ±70 ticks, every day a trading day."""
    row = replace(instrument("ES", "future_mbo"), grid_half_width=HALF)
    window = SessionWindow.parse("09:30-09:35")
    return StageContext(Lake(str(root)), row, TradingCalendar("any"), window)


def random_day(seed: int, windows: int) -> tuple[Fields, Touch]:
    """Return a surface whose touch stays within the grid's middle."""
    fields, touch = random_surface(seed, windows, HALF)
    bid = np.random.default_rng(seed).integers(-1, 1, windows)
    middle = bid.astype(np.float64) + 0.5
    return fields, touch._replace(bid_rel=bid, ask_rel=bid + 1, mid_rel=middle)


def publish_day(
    ctx: StageContext, dt: date, fields: Fields, touch: Touch, *, symbol: str = SYMBOL
) -> None:
    """Publish the surface and the snapshots of one day."""
    windows, cells, _ = fields.u_p.shape
    tick = ctx.instrument.tick_int
    spot = (touch.spot_tick * tick).astype(np.int64)
    best = np.stack([touch.ask_rel, touch.bid_rel], axis=1)
    rel_ticks = np.arange(-(cells // 2), cells // 2 + 1, dtype=np.int32)[None, :, None]
    side = np.tile(np.arange(2, dtype=np.int32), windows * cells)
    values: Values = {
        "window_end_ts_ns": touch.window_end_ts_ns[:, None, None],
        "event_ts_ns": touch.window_end_ts_ns[:, None, None],
        "spot_ref_price_int": spot[:, None, None],
        "rel_ticks": rel_ticks,
        "rel_ticks_side": (rel_ticks - best[:, None, :]).astype(np.int32),
        "window_valid": touch.valid[:, None, None],
        **fields._asdict(),
    }
    schema = dataset(SURFACE).schema
    zero = np.zeros(1, np.float32)
    shape = (windows, cells, 2)
    columns = [
        pa.DictionaryArray.from_arrays(pa.array(side), pa.array(["A", "B"]))
        if name == "side"
        else pa.array(np.broadcast_to(values.get(name, zero), shape).ravel())
        for name in schema.names
    ]
    write(ctx, SURFACE, symbol, dt, pa.table(columns, schema=schema))
    rng = np.random.default_rng(windows)
    publish_snapshots(
        ctx,
        dt,
        symbol,
        touch.window_end_ts_ns,
        {
            "best_bid_price_int": spot + touch.bid_rel * tick,
            "best_bid_qty": np.asarray(rng.integers(1, 50, windows)),
            "best_ask_price_int": spot + touch.ask_rel * tick,
            "best_ask_qty": np.asarray(rng.integers(1, 50, windows)),
            "spot_ref_price_int": spot,
            "book_valid": touch.valid,
        },
    )


def publish_snapshots(
    ctx: StageContext,
    dt: date,
    symbol: str,
    window_end_ts_ns: npt.NDArray[np.int64],
    values: Values,
) -> None:
    """Publish a day of snapshots; a column that is not given is 0."""
    schema = dataset(SNAPSHOT).schema
    given = {"window_end_ts_ns": window_end_ts_ns, **values}
    zero = np.zeros(window_end_ts_ns.size)
    columns = [
        pa.array(given.get(field.name, zero).astype(field.type.to_pandas_dtype()))
        for field in schema
    ]
    write(ctx, SNAPSHOT, symbol, dt, pa.table(columns, schema=schema))


def write(ctx: StageContext, table: str, symbol: str, dt: date, rows: pa.Table) -> None:
    parameters = {"session": str(ctx.session)}
    with ctx.lake.writer(
        table, symbol, dt, parameters=parameters, inputs=[], code_version="1"
    ) as writer:
        writer.write(rows)
        writer.publish()
