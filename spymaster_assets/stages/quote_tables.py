"""Blocks of closed windows of quotes as rows of the two silver contracts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from book_engines import quote_windows as q
from book_engines.quote_records import CALL
from book_engines.records import SECOND_NS, UNDEF_PRICE
from book_engines.strike_output import QuoteBlock
from spymaster_assets.stages.arrow_columns import dictionary, masked, nullable
from spymaster_resources.instruments import Instrument

SNAPSHOT: Final = "silver.equity_option_cmbp_1.book_snapshot_1s"
DEPTH: Final = "silver.equity_option_cmbp_1.depth_and_flow_1s"

_RIGHTS: Final = pa.array(["C", "P"], pa.utf8())
_SIDES: Final = pa.array(["A", "B"], pa.utf8())


def snapshot_batch(
    block: QuoteBlock,
    instruments: NDArray[np.void],
    flags: Mapping[str, pa.Array],
    schema: pa.Schema,
) -> pa.RecordBatch:
    """Return one row a quote in the order of `schema`.

    instruments: INSTRUMENT (N,), which the block's NUMBER indexes. flags: the flag columns.
    """
    windows, quotes = block.windows, block.quotes
    per_window = windows["quotes"]
    end = np.repeat(windows["end"], per_window)
    spot = np.repeat(windows["spot"], per_window)
    listed = {
        name: np.ascontiguousarray(instruments[name])[quotes[q.NUMBER]]
        for name in ("instrument_id", "right", "strike")
    }
    bid, ask = quotes[q.BID], quotes[q.ASK]
    no_bid, no_ask = bid == UNDEF_PRICE, ask == UNDEF_PRICE
    one_side = no_bid | no_ask
    # the sum of two sentinels would overflow
    total = np.where(no_bid, 0, bid) + np.where(no_ask, 0, ask)
    columns = {
        "window_start_ts_ns": pa.array(end - SECOND_NS),
        "window_end_ts_ns": pa.array(end),
        "instrument_id": pa.array(listed["instrument_id"].astype(np.uint32)),
        "right": dictionary((listed["right"] != CALL).astype(np.int32), _RIGHTS),
        "strike_price_int": pa.array(listed["strike"]),
        "bid_price_int": masked(bid, no_bid),
        "bid_qty": masked(quotes[q.BID_QTY], no_bid),
        "ask_price_int": masked(ask, no_ask),
        "ask_qty": masked(quotes[q.ASK_QTY], no_ask),
        "mid_price_int": masked((total + 1) >> 1, one_side),
        "mid_price": masked(total / 2e9, one_side),
        "spot_ref_price_int": nullable(spot, UNDEF_PRICE),
        "book_valid": pa.array(quotes[q.VALID] != 0),
        **flags,
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def depth_batch(
    block: QuoteBlock, instrument: Instrument, oversized: NDArray[np.bool_], schema: pa.Schema
) -> pa.RecordBatch:
    """Return one row a window with a spot, strike, right and side, in the order of `schema`."""
    cells = block.cells
    windows = block.windows[block.windows["cells"] > 0]
    half = instrument.grid_half_width
    offsets = np.arange(-half, half + 1) * instrument.cell_int
    strike = np.repeat((windows["centre"][:, np.newaxis] + offsets).ravel(), q.CELLS_OF_A_STRIKE)
    end = np.repeat(windows["end"], windows["cells"])
    spot = np.repeat(windows["spot"], windows["cells"])
    place = np.arange(strike.size, dtype=np.int32)
    columns = {
        "window_start_ts_ns": pa.array(end - SECOND_NS),
        "window_end_ts_ns": pa.array(end),
        "strike_price_int": pa.array(strike),
        "strike_points": pa.array(strike / 1e9),
        "right": dictionary(place >> 1 & 1, _RIGHTS),
        "side": dictionary(place & 1, _SIDES),
        "spot_ref_price_int": pa.array(spot),
        "rel_ticks": pa.array(((strike - spot) // instrument.rel_tick_int).astype(np.int32)),
        "depth_qty_start": pa.array(cells[q.START]),
        "depth_qty_end": pa.array(cells[q.END]),
        "add_qty": pa.array(cells[q.ADDED]),
        "pull_qty": pa.array(cells[q.PULLED]),
        "pull_qty_rest": pa.array(cells[q.PULLED_REST]),
        "fill_qty": pa.array(cells[q.FILLED]),
        "depth_qty_rest": pa.array(cells[q.REST]),
        "add_reprice_qty": pa.array(cells[q.ADDED_REPRICE]),
        "pull_reprice_qty": pa.array(cells[q.PULLED_REPRICE]),
        "window_valid": pa.array((spot > 0) & (cells[q.INVALID] == 0)),
        "size_outlier_flag": pa.array(oversized),
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)
