"""Fields: a session's gold surface read in blocks and reduced to the forces on the price."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from book_engines.forces import Fields, Forces, Touch, join_forces, window_forces
from contracts.errors import ContractError
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.window_rows import whole_windows
from spymaster_resources.trading_calendar import SECOND_NS

SURFACE: Final = "gold.future_mbo.physics_surface_1s"

_KEYS: Final = (
    "window_end_ts_ns",
    "spot_ref_price_int",
    "rel_ticks",
    "rel_ticks_side",
    "window_valid",
)
_SIDES: Final = 2


def read_forces(ctx: StageContext, symbol: str, dt: date, stage: str) -> Forces:
    """Return forces and diagnostics of every window of a session's surface.

    Only the columns that forces need are read, one row group at a time, so memory is bounded by a
    row group. `stage` names the work to `ctx.progress`. Raises the lake's errors, and
    ContractError when the grid is not dense or a second is missing.
    """
    cells = 2 * ctx.instrument.grid_half_width + 1
    manifest = ctx.lake.manifest(SURFACE, symbol, dt)
    total = manifest.row_count // (cells * _SIDES) if manifest else None
    batches = ctx.lake.batches(SURFACE, symbol, dt, [*_KEYS, *Fields._fields], prefetch=True)
    buffers: list[npt.NDArray[np.float32]] = []
    parts, done = [], 0
    for block in whole_windows(SURFACE, batches, cells * _SIDES):
        windows = block.num_rows // (cells * _SIDES)
        if not buffers or buffers[0].shape[0] < windows:
            buffers = [np.empty((windows, cells, _SIDES), np.float32) for _ in Fields._fields]
        for buffer, name in zip(buffers, Fields._fields, strict=True):
            buffer[:windows] = block[name].to_numpy().reshape(windows, cells, _SIDES)
        fields = Fields._make(buffer[:windows] for buffer in buffers)
        parts.append(window_forces(fields, _touch(block, cells, ctx.instrument.tick_int)))
        done += windows
        ctx.progress(stage, done, total)
    if not parts:
        nothing = Fields._make(np.empty((0, cells, _SIDES), np.float32) for _ in Fields._fields)
        parts = [window_forces(nothing, _no_touch())]
    forces = join_forces(parts)
    if (np.diff(forces.window_end_ts_ns) != SECOND_NS).any():
        raise ContractError(SURFACE, [f"{symbol} {dt}: expected a window every second"])
    return forces


def _touch(block: pa.RecordBatch, cells: int, tick_int: int) -> Touch:
    """Return where the book stands in each window of a block."""
    rows = cells * _SIDES
    half = cells // 2
    rel_ticks = block["rel_ticks"].to_numpy().reshape(-1, cells, _SIDES)
    if (rel_ticks != np.arange(-half, half + 1, dtype=np.int32)[:, None]).any():
        message = f"column rel_ticks: expected −{half}…{half} of both sides in every window"
        raise ContractError(SURFACE, [message])
    first = np.arange(0, block.num_rows, rows)
    ask, has_ask = _nullable(block["rel_ticks_side"], first)
    bid, has_bid = _nullable(block["rel_ticks_side"], first + 1)
    spot, has_spot = _nullable(block["spot_ref_price_int"], first)
    window_valid = block["window_valid"].take(pa.array(first)).to_numpy(zero_copy_only=False)
    # The first cell lies half below spot and that much less its own distance from the best.
    ask_rel, bid_rel = -half - ask, -half - bid
    return Touch(
        window_end_ts_ns=block["window_end_ts_ns"].to_numpy()[first],
        spot_tick=spot / tick_int,
        bid_rel=bid_rel,
        ask_rel=ask_rel,
        mid_rel=(bid_rel + ask_rel) / 2,
        valid=window_valid & has_ask & has_bid & has_spot,
    )


def _nullable(
    column: pa.Array, rows: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return the values of some rows, 0 for null, and which of them are not null."""
    chosen = column.take(pa.array(rows))
    known = chosen.is_valid().to_numpy(zero_copy_only=False)
    return chosen.fill_null(0).to_numpy().astype(np.int64), known


def _no_touch() -> Touch:
    times = np.empty(0, np.int64)
    ticks = np.empty(0, np.float64)
    return Touch(times, ticks, times, times, ticks, np.empty(0, np.bool_))
