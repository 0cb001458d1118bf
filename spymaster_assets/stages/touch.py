"""Where the book stands in each window of a surface: best prices, the grid around spot, the mid."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from book_engines.forces import Touch
from book_engines.lattice import NO_PRICE, Placement, Snapshots, place
from book_engines.surface_params import SIDES
from contracts.errors import ContractError
from spymaster_assets.stages.surface_tables import SurfaceTable

SURFACE_COLUMNS: Final = (
    "window_end_ts_ns",
    "spot_ref_price_int",
    "rel_ticks",
    "rel_ticks_side",
    "window_valid",
)
SNAPSHOT_COLUMNS: Final = ("window_end_ts_ns", "best_bid_price_int", "best_ask_price_int")

I64 = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class TouchReader:
    """Reads the touch from blocks of a surface's windows, in order.

    Where a cell is as wide as a price step the surface itself knows the best prices. An equity's
    are wider: there `snapshots`, with SNAPSHOT_COLUMNS of the same windows, has them.
    """

    def __init__(self, table: SurfaceTable, snapshots: pa.Table | None) -> None:
        self._table = table
        self._snapshots = snapshots
        self._done = 0

    def read(self, block: pa.RecordBatch) -> tuple[Placement, Touch]:
        """Return the grids and the touch of the next windows of the surface.

        Raises ContractError when the grid is not dense, or the snapshots are of other windows or
        other best prices than the surface.
        """
        params = self._table.params
        rows, half = params.cells * SIDES, params.half
        rel_ticks = block["rel_ticks"].to_numpy().reshape(-1, params.cells, SIDES)
        if (rel_ticks != np.arange(-half, half + 1, dtype=np.int32)[:, None]).any():
            self._refuse(f"column rel_ticks: expected −{half}…{half} of both sides in every window")
        first = np.arange(0, block.num_rows, rows)
        ends = block["window_end_ts_ns"].to_numpy()[first]
        spot, has_spot = _nullable(block["spot_ref_price_int"], first)
        # The first cell lies half below spot and that much less its own distance from the best.
        sides = [_nullable(block["rel_ticks_side"], first + side) for side in range(SIDES)]
        best_ticks = np.stack([-half - distance for distance, _ in sides], axis=1)
        has_best = np.stack([known for _, known in sides], axis=1)
        if self._snapshots is None:
            best = np.where(has_best, spot[:, None] + best_ticks * params.cell_int, NO_PRICE)
        else:
            best = self._best_prices(ends)
        valid = block["window_valid"].take(pa.array(first)).to_numpy(zero_copy_only=False)
        snapshots = Snapshots(
            ends, np.where(has_spot, spot, NO_PRICE), best[:, 1], best[:, 0], valid
        )
        placement = place(params, snapshots)
        if (placement.has_best != has_best).any() or (
            np.where(has_best, placement.best_ticks != best_ticks, False)
        ).any():
            self._refuse(f"expected the best prices of {self._table.snapshot}, found others")
        self._done += ends.size
        return placement, _touch(params.cell_int, ends, spot, best, placement, valid)

    def _best_prices(self, ends: I64) -> I64:
        """Return the best ask and bid of the next windows from the snapshots: int64 (W, 2)."""
        assert self._snapshots is not None
        window_end, bid, ask = (
            pc.fill_null(column.slice(self._done, ends.size), NO_PRICE).to_numpy()
            for column in self._snapshots.select(list(SNAPSHOT_COLUMNS)).columns
        )
        if not np.array_equal(window_end, ends):
            self._refuse(f"expected the windows of {self._table.snapshot}, found others")
        return np.stack([ask, bid], axis=1)

    def _refuse(self, message: str) -> None:
        raise ContractError(self._table.gold, [message])


def no_touch() -> Touch:
    """Return the touch of no window."""
    times, ticks = np.empty(0, np.int64), np.empty(0, np.float64)
    return Touch(times, ticks, times, times, ticks, np.empty(0, np.bool_))


def _touch(
    cell_int: int, ends: I64, spot: I64, best: I64, placement: Placement, window_valid: Flags
) -> Touch:
    valid = window_valid & placement.has_best.all(axis=1)
    above_spot = np.where(valid[:, None], best - spot[:, None], 0)
    return Touch(
        window_end_ts_ns=ends,
        spot_tick=spot / cell_int,
        bid_rel=placement.best_ticks[:, 1],
        ask_rel=placement.best_ticks[:, 0],
        mid_rel=above_spot.sum(axis=1) / (2 * cell_int),
        valid=valid,
    )


def _nullable(column: pa.Array, rows: I64) -> tuple[I64, Flags]:
    """Return the values of some rows, 0 for null, and which of them are not null."""
    chosen = column.take(pa.array(rows))
    known = chosen.is_valid().to_numpy(zero_copy_only=False)
    return chosen.fill_null(0).to_numpy().astype(np.int64), known
