"""Small silver days made of naive windows, written straight into a lake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from book_engines.surface_params import SurfaceParams
from contracts.registry import dataset
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.surface_tables import SurfaceTable, surface_tables
from spymaster_resources.instruments import PRICE_SCALE, instrument
from spymaster_resources.lake import Lake
from spymaster_resources.trading_calendar import SessionWindow, TradingCalendar
from tests.book_engines.surface_cases import FIRST_END_NS
from tests.naive.surface import LANES, NaiveCell, NaiveWindow, nearest_cell

HALF = 7
FINE_HALF = 9
SYMBOL = "ESH6"
DT = date(2023, 11, 14)
SECOND_NS = 1_000_000_000


def small_context(
    root: Path, name: str = "ES", product_type: str = "future_mbo", half: int = HALF
) -> StageContext:
    """Return the surroundings of an instrument on a small grid, every day a trading day."""
    row = replace(instrument(name, product_type), grid_half_width=half)
    if row.fine_half_width is not None:
        row = replace(row, fine_half_width=FINE_HALF)
    window = SessionWindow.parse("09:30-09:31")
    return StageContext(Lake(str(root)), row, TradingCalendar("any"), window)


def wandering_windows(seed: int, count: int) -> list[NaiveWindow]:
    """Return windows with a wandering spot, some invalid, one in the middle without any book."""
    rng = np.random.default_rng(seed)
    windows = []
    spot = 20_000
    for number in range(count):
        spot += int(rng.choice([0, 0, 1, -1, 3]))
        if number == count // 2:
            windows.append(NaiveWindow(None, None, None, valid=False))
            continue
        one_sided = rng.random() < 0.1
        cells = {(spot, "B"): NaiveCell(5, 9, 4, depth_qty_rest=5)}
        for price in rng.integers(spot - HALF, spot + HALF + 1, 5).tolist():
            cells[price, "B" if price <= spot else "A"] = _random_cell(rng)
        valid = not one_sided and bool(rng.random() < 0.9)
        windows.append(NaiveWindow(spot, spot, None if one_sided else spot + 1, valid, cells))
    return windows


def wandering_equity(
    tables: Sequence[SurfaceTable], seed: int, count: int
) -> list[list[NaiveWindow]]:
    """Return the windows of every surface of an equity, whose best prices wander in cents."""
    rng = np.random.default_rng(seed)
    days: list[list[NaiveWindow]] = [[] for _ in tables]
    bid = 60_010
    for number in range(count):
        bid += int(rng.integers(-40, 41))
        ask = bid + int(rng.integers(1, 4))
        for day, table in zip(days, tables, strict=True):
            if number == count // 2:
                day.append(NaiveWindow(None, None, None, valid=False))
                continue
            steps = table.params.cell_int // table.params.tick_int
            spot, half = nearest_cell(bid, steps), table.params.half
            cells = {(spot, "B"): NaiveCell(5, 9, 4, depth_qty_rest=5)}
            for price in rng.integers(spot - half, spot + half + 1, 5).tolist():
                cells[price, "B" if price <= spot else "A"] = _random_cell(rng)
            day.append(NaiveWindow(spot, bid, ask, number % 9 != 4, cells))
    return days


def wandering_options(params: SurfaceParams, seed: int, count: int) -> list[NaiveWindow]:
    """Return windows of options whose spot wanders between strikes and is lost for a while."""
    rng = np.random.default_rng(seed)
    windows = []
    spot = 1_000 * params.cell_ticks
    for number in range(count):
        spot += int(rng.integers(-params.cell_ticks, params.cell_ticks + 1))
        if count // 3 <= number < count // 2:
            windows.append(NaiveWindow(None, None, None, valid=False))
            continue
        centre = nearest_cell(spot, params.cell_ticks)
        cells = {}
        for strike in rng.integers(centre - params.half, centre + params.half + 1, 6).tolist():
            lane = LANES[params.lanes][int(rng.integers(params.lanes))]
            cells[strike, lane] = _random_cell(rng)
            cells[strike, lane].valid = bool(rng.random() < 0.8)
        windows.append(NaiveWindow(spot, None, None, valid=True, cells=cells))
    return windows


def with_reprices(windows: Sequence[NaiveWindow]) -> list[NaiveWindow]:
    """Return the windows with half of what was added and a third of what was pulled repriced."""
    return [
        replace(
            window,
            cells={
                key: replace(
                    cell, add_reprice_qty=cell.add_qty // 2, pull_reprice_qty=cell.pull_qty // 3
                )
                for key, cell in window.cells.items()
            },
        )
        for window in windows
    ]


def snapshot_table(windows: Sequence[NaiveWindow], table: SurfaceTable) -> pa.Table:
    """Return the snapshot table of `windows` of a lattice of prices."""
    rows = []
    for number, window in enumerate(windows):
        end = FIRST_END_NS + SECOND_NS * number
        row: dict[str, Any] = {
            "window_start_ts_ns": end - SECOND_NS,
            "window_end_ts_ns": end,
            "spot_ref_price_int": _price(window.spot, table.params.rel_tick_int),
            "best_bid_price_int": _price(window.best_bid, table.params.tick_int),
            "best_ask_price_int": _price(window.best_ask, table.params.tick_int),
            "book_valid": window.valid,
        }
        rows.append(row)
    return _table(table.snapshot, rows)


def depth_table(windows: Sequence[NaiveWindow], table: SurfaceTable) -> pa.Table:
    """Return the depth table of `windows` of a lattice of prices."""
    rows = []
    for number, window in enumerate(windows):
        end = FIRST_END_NS + SECOND_NS * number
        for (price, side), cell in sorted(window.cells.items()):
            row: dict[str, Any] = {
                "window_start_ts_ns": end - SECOND_NS,
                "window_end_ts_ns": end,
                "price_int": price * table.params.cell_int,
                "side": side,
                "spot_ref_price_int": _price(window.spot, table.params.rel_tick_int),
                "rel_ticks": price - (window.spot or 0),
                "window_valid": window.valid,
            }
            rows.append(row | vars(cell))
    return _table(table.depth, rows)


def option_depth_table(windows: Sequence[NaiveWindow], table: SurfaceTable) -> pa.Table:
    """Return the dense depth table of `windows` of options; those without spot have no rows."""
    params, rows = table.params, []
    for number, window in enumerate(windows):
        if window.spot is None:
            continue
        end = FIRST_END_NS + SECOND_NS * number
        centre = nearest_cell(window.spot, params.cell_ticks)
        for strike in range(centre - params.half, centre + params.half + 1):
            for lane in LANES[params.lanes]:
                cell = window.cells.get((strike, lane), NaiveCell())
                row: dict[str, Any] = {
                    "window_start_ts_ns": end - SECOND_NS,
                    "window_end_ts_ns": end,
                    "strike_price_int": strike * params.cell_int,
                    "strike_points": strike * params.cell_int / PRICE_SCALE,
                    "right": lane[0],
                    "side": lane[1],
                    "spot_ref_price_int": window.spot * params.rel_tick_int,
                    "rel_ticks": strike * params.cell_ticks - window.spot,
                    "window_valid": window.valid and cell.valid,
                }
                rows.append(row | vars(cell))
    return _table(table.depth, rows)


def publish_silver(
    ctx: StageContext,
    windows: Sequence[NaiveWindow],
    *,
    snapshot: pa.Table | None = None,
    depth: pa.Table | None = None,
) -> None:
    """Publish both silver tables of a future's `windows`, or the given tables in their place."""
    (table,) = surface_tables(ctx.instrument)
    publish(ctx, table.snapshot, snapshot_table(windows, table) if snapshot is None else snapshot)
    publish(ctx, table.depth, depth_table(windows, table) if depth is None else depth)


def publish_equity_silver(ctx: StageContext, days: Sequence[Sequence[NaiveWindow]]) -> None:
    """Publish the snapshots of an equity and the depth of each of its surfaces."""
    tables = surface_tables(ctx.instrument)
    publish(ctx, tables[0].snapshot, snapshot_table(days[0], tables[0]))
    for windows, table in zip(days, tables, strict=True):
        publish(ctx, table.depth, depth_table(windows, table))


def publish_option_silver(
    ctx: StageContext,
    windows: Sequence[NaiveWindow],
    *,
    depth: pa.Table | None = None,
    quotes: Sequence[dict[str, Any]] = (),
) -> None:
    """Publish the silver of options: rows of snapshots, and the depth of `windows` or `depth`."""
    (table,) = surface_tables(ctx.instrument)
    publish(ctx, table.snapshot, _table(table.snapshot, list(quotes)))
    publish(ctx, table.depth, option_depth_table(windows, table) if depth is None else depth)


def publish(ctx: StageContext, name: str, table: pa.Table) -> None:
    """Publish one table of the day."""
    with ctx.lake.writer(name, SYMBOL, DT, parameters={}, inputs=[], code_version="1") as writer:
        writer.write(table)
        writer.publish()


def _random_cell(rng: np.random.Generator) -> NaiveCell:
    start, add = rng.integers(0, 40, 2).tolist()
    pull = int(rng.integers(0, start + add + 1))
    end = start + add - pull
    return NaiveCell(start, end, add, pull, 0, end // 2)


def _price(count: int | None, unit_int: int) -> int | None:
    return None if count is None else count * unit_int


def _table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Return rows under the contract: what a row lacks is null or 0."""
    schema = dataset(name).schema
    columns = [
        pa.array([row.get(f.name, None if f.nullable else 0) for row in rows]).cast(f.type)
        if not pa.types.is_dictionary(f.type)
        else pa.array([row[f.name] for row in rows], pa.utf8()).dictionary_encode()
        for f in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)
