"""Futures and equities in one-second windows: a replay that yields the rows of the silver tables.

`book_snapshot_1s` has one row a window; a depth table has one row for each price cell and side
within its grid that has depth at the window's start or end, or any flow. One pass may fill several
depth tables, each with its own grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.cells import (
    CELL_COLUMNS,
    SPAN,
    UNPLACED,
    CellTable,
    CellView,
    Grid,
    LevelView,
    Output,
    roll_cells,
    roll_levels,
)
from book_engines.cursor import CLOSE, DONE, apply_records
from book_engines.errors import BookIntegrityError, OffGridPriceError
from book_engines.kernel import Int, kernel
from book_engines.records import SECOND_NS, MboColumns
from book_engines.replay import Saved, grown_accounts, load_accounts, save_accounts
from book_engines.sizes import SIZE_BINS
from book_engines.state import State, allocate_accounts
from book_engines.window_engine import WindowEngine
from book_engines.windows import OFF_GRID, WINDOW

# Columns a power of two apart would share one set of the cache: twelve of them evict one another
# on every row (25 ns a row instead of 4). Some 90 windows of one future a block.
BLOCK_CELLS = (1 << 15) + 48
BLOCK_WINDOWS = 1024


class CellRows(NamedTuple):
    """The rows of one depth table: spans SPAN (W,), cells int64 (12, R).

    Rows as named in `book_engines.cells` (PRICE … ADDED_MAX), sorted by window, price, side;
    spans["cells"] of them belong to each window.
    """

    spans: NDArray[Any]
    cells: NDArray[np.int64]


class WindowBlock(NamedTuple):
    """Consecutive closed windows."""

    windows: NDArray[Any]
    """WINDOW (W,)."""
    added_sizes: NDArray[np.int32]
    """(W, SIZE_BINS) orders that were added, by the bins of `book_engines.sizes`."""
    tables: tuple[CellRows, ...]
    """One a grid, in the order of the grids."""


@kernel
def replay_levels(
    state: State, view: LevelView, records: MboColumns, out: Output, start: Int, until: Int
) -> tuple[Int, Int]:
    """Replay records from `start` on, then move the clock on to window `until` if it lies ahead.

    Returns (next record, why it stopped).
    """
    i, status = apply_records(state, records, start)
    while status == CLOSE:
        status = roll_levels(state, view, out, records.ts_event_ns[np.uint64(i)] // SECOND_NS)
        if status == DONE:
            i, status = apply_records(state, records, i)
    return i, roll_levels(state, view, out, until) if status == DONE else status


@kernel
def replay_cells(
    state: State, view: CellView, records: MboColumns, out: Output, start: Int, until: Int
) -> tuple[Int, Int]:
    """Replay as `replay_levels` does, into cells that hold many levels."""
    i, status = apply_records(state, records, start)
    while status == CLOSE:
        status = roll_cells(state, view, out, records.ts_event_ns[np.uint64(i)] // SECOND_NS)
        if status == DONE:
            i, status = apply_records(state, records, i)
    return i, roll_cells(state, view, out, until) if status == DONE else status


class CellBookEngine(WindowEngine[WindowBlock]):
    """Replays one instrument's records and yields its session's windows.

    A grid of cells as wide as `tick_int` (1e-9 dollars) shows the levels: every price in it must
    lie whole ticks from spot. Otherwise a cell holds every price that is nearest to its own, of
    two as near the upper, for levels, best prices and spot alike, and accounts are sums over its
    levels. With `reuse_blocks` a block is overwritten by the next one: copying them takes more
    time than making them.
    """

    def __init__(
        self,
        tick_int: int,
        grids: Sequence[Grid],
        first_window_end_ns: int,
        last_window_end_ns: int,
        *,
        reuse_blocks: bool = False,
    ) -> None:
        super().__init__(first_window_end_ns, last_window_end_ns)
        grids = tuple(Grid(*grid) for grid in grids)
        if tick_int <= 0 or not grids:
            raise ValueError(f"expected a tick above 0 and a grid, found {tick_int} and {grids}")
        for grid in grids:
            if grid.width < tick_int or grid.width % tick_int or grid.half_width < 0:
                raise ValueError(
                    f"expected cells of whole ticks of {tick_int} and a half width of 0 or more, "
                    f"found {grid}"
                )
        self._grids = grids
        self._shows_levels = grids == (Grid(tick_int, grids[0].half_width),)
        self._accounts = () if self._shows_levels else tuple(allocate_accounts() for _ in grids)
        self._out = Output(
            windows=np.zeros(BLOCK_WINDOWS, WINDOW),
            added_sizes=np.zeros((BLOCK_WINDOWS, SIZE_BINS), np.int32),
            used=np.zeros(1, np.int64),
            tables=tuple(_cell_table(grid) for grid in grids),
        )
        self._reuse_blocks = reuse_blocks
        self._windows = np.zeros(4, np.int64)  # emitted, valid, crossed, locked
        self._cells_outside = np.zeros(len(grids), np.int64)

    @property
    def window_counters(self) -> dict[str, int]:
        """Return counts over the windows yielded so far; of the first grid what lies outside."""
        emitted, valid, crossed, locked = self._windows.tolist()
        return {
            "windows": emitted,
            "valid_windows": valid,
            "crossed_seconds": crossed,
            "locked_seconds": locked,
            "cells_outside_grid": int(self._cells_outside[0]),
        }

    @property
    def cells_outside_grids(self) -> tuple[int, ...]:
        """Return how many cells with flow lay outside of each grid so far."""
        return tuple(self._cells_outside.tolist())

    def save(self) -> dict[str, NDArray[Any]]:
        """Return the state between two feeds; a new engine that loads it goes on from here."""
        n_windows = self._out.used[0]
        saved = {
            **self._replay.save(),
            "grid": self._identity(),
            "unflushed_windows": self._out.windows[:n_windows].copy(),
            "unflushed_sizes": self._out.added_sizes[:n_windows].copy(),
            "window_counts": np.append(self._windows, self._cells_outside),
        }
        for t, table in enumerate(self._out.tables):
            saved[f"unflushed_spans_{t}"] = table.spans[:n_windows].copy()
            saved[f"unflushed_cells_{t}"] = table.cells[:, : table.used[0]].copy()
        for t, accounts in enumerate(self._accounts):
            saved |= save_accounts(accounts, f"accounts_{t}_")
        return saved

    def load(self, saved: Saved) -> None:
        """Take up the state of an engine of the same grids and session; ValueError otherwise."""
        if not np.array_equal(saved["grid"], self._identity()):
            raise ValueError(
                f"expected a state of grids and session {self._identity().tolist()}, "
                f"found one of {saved['grid'].tolist()}"
            )
        self._replay.load(saved)
        n_windows = saved["unflushed_windows"].size
        self._out.windows[:n_windows] = saved["unflushed_windows"]
        self._out.added_sizes[:n_windows] = saved["unflushed_sizes"]
        self._out.used[0] = n_windows
        for t, table in enumerate(self._out.tables):
            cells = saved[f"unflushed_cells_{t}"]
            table.spans[:n_windows] = saved[f"unflushed_spans_{t}"]
            table.cells[:, : cells.shape[1]] = cells
            table.used[0] = cells.shape[1]
            table.placed[:] = UNPLACED
        self._accounts = tuple(
            load_accounts(saved, f"accounts_{t}_") for t in range(len(self._accounts))
        )
        counts = saved["window_counts"].astype(np.int64)
        self._windows, self._cells_outside = counts[:4].copy(), counts[4:].copy()

    def _identity(self) -> NDArray[np.int64]:
        return np.array([*self._session, *np.ravel(self._grids)], np.int64)

    def _step(self, records: MboColumns, start: int, until: int) -> tuple[int, int]:
        state, out = self._replay.state, self._out
        if self._shows_levels:
            levels = LevelView(self._session, self._grids[0])
            return replay_levels(state, levels, records, out, start, until)
        cells = CellView(self._session, self._grids, self._accounts)
        return replay_cells(state, cells, records, out, start, until)

    def _has_output(self) -> bool:
        return bool(self._out.used[0])

    def _grow(self) -> None:
        super()._grow()
        state = self._replay.state
        self._accounts = tuple(grown_accounts(accounts, state) for accounts in self._accounts)

    def _audit(self) -> None:
        super()._audit()
        levels = self._replay.state.levels
        lane = levels["lane"].astype(np.int64) & 1
        for grid, accounts in zip(self._grids, self._accounts, strict=False):
            below = levels["price"] // grid.width * grid.width
            upward = 2 * (levels["price"] - below) >= grid.width
            self._replay.audit_accounts(accounts, lane, below + upward * grid.width)

    def _take(self) -> WindowBlock:
        n_windows = self._out.used[0]
        windows = self._out.windows[:n_windows]
        sizes = self._out.added_sizes[:n_windows]
        tables = tuple(
            CellRows(table.spans[:n_windows], table.cells[:, : table.used[0]])
            for table in self._out.tables
        )
        self._out.used[:] = 0
        for table in self._out.tables:
            table.used[:] = 0
        both = (windows["best_bid_qty"] > 0) & (windows["best_ask_qty"] > 0)
        self._windows += (
            n_windows,
            np.count_nonzero(windows["window_valid"]),
            np.count_nonzero(both & (windows["best_bid"] > windows["best_ask"])),
            np.count_nonzero(both & (windows["best_bid"] == windows["best_ask"])),
        )
        self._cells_outside += [int(rows.spans["outside"].sum()) for rows in tables]
        if self._reuse_blocks:
            return WindowBlock(windows, sizes, tables)
        copies = tuple(CellRows(rows.spans.copy(), rows.cells.copy()) for rows in tables)
        return WindowBlock(windows.copy(), sizes.copy(), copies)

    def _breach(self) -> BookIntegrityError:
        if self._replay.state.clock[0]["breach"] == OFF_GRID:
            return self._replay.error(
                OffGridPriceError,
                f"price is no multiple of the tick {self._grids[0].width} "
                "away from the spot reference",
            )
        return super()._breach()

    def _admit(self) -> None:
        clock = self._replay.state.clock[0]
        if clock["tables"] > 1:
            books = self._replay.state.books[: int(clock["books"])]
            first, second = np.unique(books["instrument_id"])[:2]
            raise ValueError(
                f"expected the records of one instrument, found instruments {first} and {second}"
            )


def _cell_table(grid: Grid) -> CellTable:
    n_scratch = 2 * (2 * grid.half_width + 1)
    return CellTable(
        spans=np.zeros(BLOCK_WINDOWS, SPAN),
        cells=np.zeros((CELL_COLUMNS, max(BLOCK_CELLS, n_scratch)), np.int64),
        scratch=np.zeros(n_scratch, np.int64),
        placed=np.full(2, UNPLACED, np.int64),
        used=np.zeros(1, np.int64),
    )
