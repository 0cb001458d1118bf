"""Silver of one day, aligned into blocks of windows for the surface engine, clean windows valid.

Snapshots and depth have row groups of their own: blocks are cut by window end.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final, NamedTuple

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from book_engines.errors import SurfaceInputError
from book_engines.lattice import NO_PRICE, Snapshots
from book_engines.surface import cell_rows
from book_engines.surface_kernels import CellRows
from spymaster_assets.stages.surface_tables import SurfaceTable
from spymaster_assets.stages.window_rows import WindowRows
from spymaster_resources.lake import Lake

QUANTITIES: Final = (
    "depth_qty_start",
    "depth_qty_end",
    "add_qty",
    "pull_qty",
    "fill_qty",
    "depth_qty_rest",
)
FLAGS: Final = ("price_outlier_flag", "crossed_market_flag", "spread_anomaly_flag")
"""Flags of a snapshot that concern the whole window."""

_BEST_PRICES: Final = ("best_bid_price_int", "best_ask_price_int")
_SNAPSHOT_COLUMNS: Final = ("window_end_ts_ns", *_BEST_PRICES, *FLAGS)
_DEPTH_COLUMNS: Final = (
    "window_end_ts_ns",
    "spot_ref_price_int",
    "price_int",
    "side",
    "window_valid",
    *QUANTITIES,
)


class SilverBlock(NamedTuple):
    """Consecutive windows of silver as `SurfaceEngine.advance` takes them."""

    snapshots: Snapshots
    first_row: NDArray[np.int64]
    cells: CellRows


class SilverDay:
    """One day of a lattice of prices: its snapshots and its depth."""

    def __init__(self, lake: Lake, table: SurfaceTable, symbol: str, dt: date) -> None:
        self._depth = table.depth
        self._snapshots = lake.read(table.snapshot, symbol, dt, columns=list(_SNAPSHOT_COLUMNS))
        batches = lake.batches(table.depth, symbol, dt, columns=list(_DEPTH_COLUMNS))
        self._rows = WindowRows(batches, _DEPTH_COLUMNS)

    @property
    def windows(self) -> int:
        """Return the number of windows of the day."""
        return int(self._snapshots.num_rows)

    def blocks(self, windows: int) -> Iterator[SilverBlock]:
        """Yield the day in blocks of `windows` windows, the last one shorter.

        A window whose snapshot carries a flag is not valid: the engine takes its flow for zero.
        Raises SurfaceInputError when a row of depth belongs to no window.
        """
        ends = self._snapshots["window_end_ts_ns"].to_numpy()
        best_prices = np.stack(
            [pc.fill_null(self._snapshots[name], NO_PRICE).to_numpy() for name in _BEST_PRICES]
        )
        flagged = np.logical_or.reduce([self._snapshots[name].to_numpy() for name in FLAGS])
        for begin in range(0, ends.size, windows):
            block = slice(begin, begin + windows)
            best_bid, best_ask = best_prices[:, block]
            yield self._block(ends[block], best_bid, best_ask, flagged[block])
        end = self._rows.next_end_ns()
        if end is not None:
            raise SurfaceInputError(
                f"{self._depth} goes on after the last snapshot", window_end_ts_ns=end
            )

    def _block(
        self,
        ends: NDArray[np.int64],
        best_bid: NDArray[np.int64],
        best_ask: NDArray[np.int64],
        flagged: NDArray[np.bool_],
    ) -> SilverBlock:
        row_end, row_spot, price, side, row_valid, *quantities = self._rows.take(int(ends[-1]))
        first_row = np.searchsorted(row_end, np.append(ends, ends[-1] + 1)).astype(np.int64)
        counts = np.diff(first_row)
        if first_row[0] != 0 or not np.array_equal(np.repeat(ends, counts), row_end):
            stray = row_end[~np.isin(row_end, ends)]
            raise SurfaceInputError(
                f"{self._depth} has rows of a window without snapshot",
                window_end_ts_ns=int(stray[0]),
            )
        # A window with spot, which is a live level, has a row, and every row has spot and flag.
        # The snapshot's spot is that of the wide table alone.
        known, first = counts > 0, first_row[:-1][counts > 0]
        spot = np.full(ends.size, NO_PRICE)
        spot[known] = row_spot[first]
        valid = np.zeros(ends.size, bool)
        valid[known] = row_valid[first] & ~flagged[known]
        reprices = np.zeros(row_end.size, np.int64)
        return SilverBlock(
            Snapshots(ends, spot, best_bid, best_ask, valid),
            first_row,
            cell_rows([price, side, row_valid, *quantities, reprices, reprices]),
        )
