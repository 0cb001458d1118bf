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
from spymaster_assets.stages import versions
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.surface_tables import surface_tables
from spymaster_resources.instruments import instrument
from spymaster_resources.lake import Lake
from spymaster_resources.trading_calendar import SessionWindow, TradingCalendar
from tests.book_engines.planted import random_surface

HALF = 70
SYMBOL = "ESH6"
SURFACE = "gold.future_mbo.physics_surface_1s"
SNAPSHOT = "silver.future_mbo.book_snapshot_1s"

Values = dict[str, npt.NDArray[Any]]


def small_context(root: Path, name: str = "ES", product_type: str = "future_mbo") -> StageContext:
    """Return the surroundings of ES or QQQ on a grid of ±70 cells, every day a trading day."""
    row = replace(instrument(name, product_type), grid_half_width=HALF)
    if row.fine_half_width is not None:
        row = replace(row, fine_half_width=HALF)
    window = SessionWindow.parse("09:30-09:35")
    return StageContext(Lake(str(root)), row, TradingCalendar("any"), window)


def random_day(seed: int, windows: int) -> tuple[Fields, Touch]:
    """Return a surface whose touch stays within the grid's middle."""
    fields, touch = random_surface(seed, windows, HALF)
    bid = np.random.default_rng(seed).integers(-1, 1, windows)
    middle = bid.astype(np.float64) + 0.5
    return fields, touch._replace(bid_rel=bid, ask_rel=bid + 1, mid_rel=middle)


def publish_day(
    ctx: StageContext,
    dt: date,
    fields: Fields,
    touch: Touch,
    *,
    symbol: str = SYMBOL,
    Omega: npt.NDArray[np.float32] | None = None,
) -> None:
    """Publish the surface that forces stand on and the snapshots of one day.

    Where a cell is wider than a price step, best prices lie beside the middle of their cells.
    """
    windows, cells, _ = fields.u_p.shape
    table = surface_tables(ctx.instrument)[-1]
    tick = table.params.cell_int
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
    if Omega is not None:
        values["Omega"] = Omega
    schema = dataset(table.gold).schema
    zero = np.zeros(1, np.float32)
    shape = (windows, cells, 2)
    columns = [
        pa.DictionaryArray.from_arrays(pa.array(side), pa.array(["A", "B"]))
        if name == "side"
        else pa.array(np.broadcast_to(values.get(name, zero), shape).ravel())
        for name in schema.names
    ]
    write(ctx, table.gold, symbol, dt, pa.table(columns, schema=schema))
    rng = np.random.default_rng(windows)
    bid, ask = best_prices(ctx, touch)
    publish_snapshots(
        ctx,
        dt,
        symbol,
        touch.window_end_ts_ns,
        {
            "best_bid_price_int": bid,
            "best_bid_qty": np.asarray(rng.integers(1, 50, windows)),
            "best_ask_price_int": ask,
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
    key = surface_tables(ctx.instrument)[-1].snapshot
    schema = dataset(key).schema
    given = {"window_end_ts_ns": window_end_ts_ns, **values}
    zero = np.zeros(window_end_ts_ns.size)
    columns = [
        pa.array(given.get(field.name, zero).astype(field.type.to_pandas_dtype()))
        for field in schema
    ]
    write(ctx, key, symbol, dt, pa.table(columns, schema=schema))


def best_prices(
    ctx: StageContext, touch: Touch
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return best bid and ask of a day's snapshots, in their cells but not always in the middle."""
    params = surface_tables(ctx.instrument)[-1].params
    spot = (touch.spot_tick * params.cell_int).astype(np.int64)
    beside = (params.cell_int // params.tick_int - 1) // 2
    steps = np.random.default_rng(7).integers(-beside, beside + 1, (2, spot.size))
    bid_step, ask_step = np.sort(steps, axis=0) * params.tick_int
    bid = spot + touch.bid_rel * params.cell_int + bid_step
    return bid, spot + touch.ask_rel * params.cell_int + ask_step


def publish_options(
    ctx: StageContext,
    dt: date,
    window_end_ts_ns: npt.NDArray[np.int64],
    low_strike_int: npt.NDArray[np.int64],
    Omega_opt: npt.NDArray[np.float32],
    *,
    symbol: str = SYMBOL,
    code_version: str = versions.OPTION_GOLD,
) -> None:
    """Publish the option surface on a symbol: Omega_opt is (W, strikes, 4), the rest is 0."""
    product = {"future_mbo": "future_option_mbo", "equity_mbo": "equity_option_cmbp_1"}
    row = instrument(ctx.instrument.root, product[ctx.instrument.product_type])
    windows, strikes, lanes = Omega_opt.shape
    (table,) = surface_tables(replace(row, grid_half_width=strikes // 2))
    strike = low_strike_int[:, None] + table.params.cell_int * np.arange(strikes)
    values: Values = {
        "window_end_ts_ns": window_end_ts_ns[:, None, None],
        "event_ts_ns": window_end_ts_ns[:, None, None],
        "strike_price_int": strike[:, :, None],
        "Omega_opt": Omega_opt,
    }
    codes = np.tile(np.arange(lanes, dtype=np.int32), windows * strikes)
    letters = {"right": (codes // 2, ["C", "P"]), "side": (codes % 2, ["A", "B"])}
    schema = dataset(table.gold).schema
    columns = [
        pa.DictionaryArray.from_arrays(pa.array(letters[field.name][0]), letters[field.name][1])
        if field.name in letters
        else pa.array(
            np.broadcast_to(values.get(field.name, np.zeros(1)), Omega_opt.shape).ravel()
        ).cast(field.type)
        for field in schema
    ]
    with ctx.lake.writer(
        table.gold,
        symbol,
        dt,
        parameters={"physics_surface_1s": table.parameters},
        inputs=[],
        code_version=code_version,
    ) as writer:
        writer.write(pa.table(columns, schema=schema))
        writer.publish()


def write(ctx: StageContext, table: str, symbol: str, dt: date, rows: pa.Table) -> None:
    parameters = {"session": str(ctx.session)}
    with ctx.lake.writer(
        table, symbol, dt, parameters=parameters, inputs=[], code_version="1"
    ) as writer:
        writer.write(rows)
        writer.publish()
