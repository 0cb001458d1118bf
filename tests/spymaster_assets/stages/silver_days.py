"""Small silver days made of naive windows, written straight into a lake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from contracts.registry import dataset
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.gold_input import DEPTH, SNAPSHOT
from spymaster_resources.instruments import instrument
from spymaster_resources.lake import Lake
from spymaster_resources.trading_calendar import SessionWindow, TradingCalendar
from tests.book_engines.surface_cases import FIRST_END_NS
from tests.naive.surface import NaiveCell, NaiveWindow

HALF = 7
SYMBOL = "ESH6"
DT = date(2023, 11, 14)
SECOND_NS = 1_000_000_000


def small_context(root: Path) -> StageContext:
    """Return the surroundings of ES on a grid of ±7 ticks, every day a trading day."""
    row = replace(instrument("ES", "future_mbo"), grid_half_width=HALF)
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
            start, add = rng.integers(0, 40, 2).tolist()
            pull = int(rng.integers(0, start + add + 1))
            end = start + add - pull
            cells[price, "B" if price <= spot else "A"] = NaiveCell(
                start, end, add, pull, 0, end // 2
            )
        valid = not one_sided and bool(rng.random() < 0.9)
        windows.append(NaiveWindow(spot, spot, None if one_sided else spot + 1, valid, cells))
    return windows


def snapshot_table(windows: Sequence[NaiveWindow], tick: int) -> pa.Table:
    """Return the snapshot table of `windows`."""
    rows = []
    for number, window in enumerate(windows):
        end = FIRST_END_NS + SECOND_NS * number
        row: dict[str, Any] = {
            "window_start_ts_ns": end - SECOND_NS,
            "window_end_ts_ns": end,
            "spot_ref_price_int": _price(window.spot, tick),
            "best_bid_price_int": _price(window.best_bid, tick),
            "best_ask_price_int": _price(window.best_ask, tick),
            "book_valid": window.valid,
        }
        rows.append(row)
    return _table(SNAPSHOT, rows)


def depth_table(windows: Sequence[NaiveWindow], tick: int) -> pa.Table:
    """Return the depth table of `windows`."""
    rows = []
    for number, window in enumerate(windows):
        end = FIRST_END_NS + SECOND_NS * number
        for (price, side), cell in sorted(window.cells.items()):
            row: dict[str, Any] = {
                "window_start_ts_ns": end - SECOND_NS,
                "window_end_ts_ns": end,
                "price_int": price * tick,
                "side": side,
                "spot_ref_price_int": _price(window.spot, tick),
                "rel_ticks": price - (window.spot or 0),
                "window_valid": window.valid,
            }
            rows.append(row | vars(cell))
    return _table(DEPTH, rows)


def publish_silver(
    ctx: StageContext,
    windows: Sequence[NaiveWindow],
    *,
    snapshot: pa.Table | None = None,
    depth: pa.Table | None = None,
) -> None:
    """Publish both silver tables of `windows`, or the given tables in their place."""
    tick = ctx.instrument.tick_int
    tables = {
        SNAPSHOT: snapshot_table(windows, tick) if snapshot is None else snapshot,
        DEPTH: depth_table(windows, tick) if depth is None else depth,
    }
    for name, table in tables.items():
        with ctx.lake.writer(
            name, SYMBOL, DT, parameters={}, inputs=[], code_version="1"
        ) as writer:
            writer.write(table)
            writer.publish()


def _price(cell: int | None, tick: int) -> int | None:
    return None if cell is None else cell * tick


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
