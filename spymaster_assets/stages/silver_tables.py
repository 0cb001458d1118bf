"""Blocks of closed windows as rows of the silver contracts of futures and equities."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from book_engines.cell_engine import CellRows, WindowBlock
from book_engines.cells import (
    ADDED,
    END,
    FILLED,
    NO_REL,
    PRICE,
    PULLED,
    PULLED_REST,
    REL,
    REL_SIDE,
    REST,
    SIDE,
    START,
)
from book_engines.flags import SnapshotFlags
from book_engines.records import SECOND_NS, UNDEF_PRICE
from spymaster_assets.stages.silver_flags import flag_columns
from spymaster_resources.instruments import Instrument

_SIDES: Final = pa.array(["A", "B"], pa.utf8())


def snapshot_table(row: Instrument) -> str:
    """Return the dataset of a product's snapshots."""
    return f"silver.{row.product_type}.book_snapshot_1s"


def depth_tables(row: Instrument) -> tuple[str, ...]:
    """Return the datasets of a product's depth and flow, the wide one first."""
    wide = f"silver.{row.product_type}.depth_and_flow_1s"
    if row.fine_cell_int is None:
        return (wide,)
    return (wide, f"silver.{row.product_type}.depth_and_flow_tick_1s")


def snapshot_batch(block: WindowBlock, flags: SnapshotFlags, schema: pa.Schema) -> pa.RecordBatch:
    """Return one row a window in the order of `schema`; spot is that of the first depth table."""
    windows = block.windows
    bid, ask = windows["best_bid"], windows["best_ask"]
    no_bid, no_ask = bid == UNDEF_PRICE, ask == UNDEF_PRICE
    one_side = no_bid | no_ask
    # the sum of two sentinels would overflow
    total = np.where(no_bid, 0, bid) + np.where(no_ask, 0, ask)
    columns = {
        "window_start_ts_ns": pa.array(windows["end"] - SECOND_NS),
        "window_end_ts_ns": pa.array(np.ascontiguousarray(windows["end"])),
        "best_bid_price_int": pa.array(bid, mask=no_bid),
        "best_bid_qty": pa.array(windows["best_bid_qty"], mask=no_bid),
        "best_ask_price_int": pa.array(ask, mask=no_ask),
        "best_ask_qty": pa.array(windows["best_ask_qty"], mask=no_ask),
        "mid_price": pa.array(total / 2e9, mask=one_side),
        "mid_price_int": pa.array((total + 1) >> 1, mask=one_side),
        "last_trade_price_int": _price(windows["last_trade"]),
        "spot_ref_price_int": _price(block.tables[0].spans["spot"]),
        "book_valid": pa.array(np.ascontiguousarray(windows["book_valid"])),
        "trade_qty_buy": pa.array(np.ascontiguousarray(windows["trade_qty_buy"])),
        "trade_qty_sell": pa.array(np.ascontiguousarray(windows["trade_qty_sell"])),
        "trade_count": pa.array(np.ascontiguousarray(windows["trade_count"])),
        **flag_columns(flags),
    }
    return _in_order(columns, schema)


def depth_batch(
    windows: NDArray[Any], table: CellRows, oversized: NDArray[np.bool_], schema: pa.Schema
) -> pa.RecordBatch:
    """Return one row a cell of a depth table; `windows` are those of its block."""
    spans, cells = table
    per_window = spans["cells"]
    end = np.repeat(windows["end"], per_window)
    rel_side = cells[REL_SIDE]
    no_best = rel_side == NO_REL
    columns = {
        "window_start_ts_ns": pa.array(end - SECOND_NS),
        "window_end_ts_ns": pa.array(end),
        "price_int": pa.array(cells[PRICE]),
        "side": pa.DictionaryArray.from_arrays(pa.array(cells[SIDE].astype(np.int32)), _SIDES),
        "spot_ref_price_int": pa.array(np.repeat(spans["spot"], per_window)),
        "rel_ticks": pa.array(cells[REL].astype(np.int32)),
        "rel_ticks_side": pa.array(
            rel_side.astype(np.int32), mask=no_best if no_best.any() else None
        ),
        "depth_qty_start": pa.array(cells[START]),
        "depth_qty_end": pa.array(cells[END]),
        "add_qty": pa.array(cells[ADDED]),
        "pull_qty": pa.array(cells[PULLED]),
        "depth_qty_rest": pa.array(cells[REST]),
        "pull_qty_rest": pa.array(cells[PULLED_REST]),
        "fill_qty": pa.array(cells[FILLED]),
        "window_valid": pa.array(np.repeat(windows["window_valid"], per_window)),
        "size_outlier_flag": pa.array(oversized),
    }
    return _in_order(columns, schema)


def _price(values: NDArray[np.int64]) -> pa.Array:
    return pa.array(values, mask=values == UNDEF_PRICE)


def _in_order(columns: dict[str, Any], schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)
