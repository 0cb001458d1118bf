"""Futures in one-second windows: a replay that yields the rows of the two silver tables.

`book_snapshot_1s` has one row a window, `depth_and_flow_1s` one row for each price cell and side
within the grid that has depth at the window's start or end, or any flow.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.counters import BookCounters
from book_engines.cursor import BREACH, DONE, FLUSH, GROW, fetch_ahead, note_time
from book_engines.errors import BookIntegrityError, OffGridPriceError
from book_engines.kernel import Int, kernel
from book_engines.records import DTYPES, F_LAST, F_SNAPSHOT, SECOND_NS, MboColumns
from book_engines.replay import Replay, Saved
from book_engines.semantics import apply_record, count_event, has_room, obtain_book
from book_engines.state import BLOCK, UNSET, State
from book_engines.windows import OFF_GRID, WINDOW, Grid, Output, roll

# Columns a power of two apart would share one set of the cache: eleven of them evict one another
# on every row (25 ns a row instead of 4). Some 90 windows of one future a block.
BLOCK_CELLS = (1 << 15) + 48
BLOCK_WINDOWS = 1024


class WindowBlock(NamedTuple):
    """Consecutive closed windows.

    windows: WINDOW (W,). cells: int64 (11, R), rows as named in `book_engines.windows` (PRICE …
    FILLED), sorted by window, price, side; windows["cells"] of them belong to each window.
    """

    windows: NDArray[Any]
    cells: NDArray[np.int64]


@kernel
def replay_futures(
    state: State, grid: Grid, records: MboColumns, out: Output, start: Int, until: Int
) -> tuple[Int, Int]:
    """Replay records from `start` on, then move the clock on to window `until` if it lies ahead.

    Returns (next record, why it stopped).
    """
    clock = state.clock[0]
    n = records.ts_event_ns.size
    i = start
    book = np.uint32(0)
    publisher = np.int64(-1)
    instrument = np.int64(-1)
    while i < n:
        if not has_room(state):
            return i, GROW
        stop = min(n, i + BLOCK)
        while i < stop:
            at = np.uint64(i)
            fetch_ahead(state, records, i)
            if records.publisher_id[at] != publisher or records.instrument_id[at] != instrument:
                publisher = np.int64(records.publisher_id[at])
                instrument = np.int64(records.instrument_id[at])
                book = obtain_book(state, publisher, instrument, False)
            ts = records.ts_event_ns[at]
            flags = np.int64(records.flags[at])
            action = np.int64(records.action[at])
            side = np.int64(records.side[at])
            if (flags & F_SNAPSHOT) == 0:
                if ts >= clock["end"]:
                    status = roll(state, grid, out, ts // SECOND_NS)
                    if status != DONE:
                        return i, status
                note_time(state, book, ts)
            apply_record(
                state,
                book,
                records.order_id[at],
                records.price_int[at],
                np.int64(records.size[at]),
                action,
                side,
                flags,
                ts,
            )
            if (flags & F_LAST) != 0:
                count_event(state, book, ts)
            i += 1
            if clock["starved"] != 0:
                return i, GROW
    return n, roll(state, grid, out, until)


class FutureBookEngine:
    """Replays one future's records and yields its session's windows.

    Any split of the input gives the same output. Records before the first window build the book,
    records after the last are counted and emit nothing. `tick_int` is the price step of a cell in
    1e-9 dollars, `half_width_cells` the cells of the grid on either side of spot; the first and
    last window end lie on whole epoch seconds. With `reuse_blocks` a block is overwritten by the
    next one: copying them takes more time than making them.
    """

    def __init__(
        self,
        tick_int: int,
        half_width_cells: int,
        first_window_end_ns: int,
        last_window_end_ns: int,
        *,
        reuse_blocks: bool = False,
    ) -> None:
        if tick_int <= 0 or half_width_cells < 0:
            raise ValueError(
                f"expected a tick above 0 and a half width of 0 or more, "
                f"found {tick_int} and {half_width_cells}"
            )
        if first_window_end_ns % SECOND_NS or last_window_end_ns % SECOND_NS:
            raise ValueError(
                f"expected window ends on whole seconds, "
                f"found {first_window_end_ns} and {last_window_end_ns}"
            )
        self._grid = Grid(
            tick_int,
            half_width_cells,
            first_window_end_ns // SECOND_NS - 1,
            last_window_end_ns // SECOND_NS - 1,
        )
        n_scratch = 2 * (2 * half_width_cells + 1)
        self._out = Output(
            windows=np.zeros(BLOCK_WINDOWS, WINDOW),
            cells=np.zeros((11, max(BLOCK_CELLS, n_scratch)), np.int64),
            scratch=np.zeros(n_scratch, np.int64),
            used=np.zeros(2, np.int64),
        )
        self._reuse_blocks = reuse_blocks
        self._replay = Replay()
        self._windows = np.zeros(4, np.int64)  # emitted, valid, crossed, locked
        self._cells_outside = 0

    def feed(self, records: MboColumns) -> Iterator[WindowBlock]:
        """Apply `records` and yield the windows they close; must be run to its end.

        Raises BookIntegrityError on an account that does not add up, OffGridPriceError on a price
        in the grid that is no whole number of ticks from spot, ValueError on a second instrument.
        """
        yield from self._run(records, UNSET)

    def finish(self) -> Iterator[WindowBlock]:
        """Close every remaining window of the session, audit the book, yield what is left."""
        no_records = MboColumns._make(np.empty(0, dtype) for dtype in DTYPES)
        yield from self._run(no_records, self._grid.last_window + 1)
        if self._out.used[0]:
            yield self._take()
        self._replay.expire_fills()
        self._replay.audit()

    @property
    def counters(self) -> BookCounters:
        """Return what was counted so far; complete after `finish`."""
        return self._replay.counters()

    @property
    def window_counters(self) -> dict[str, int]:
        """Return counts over the windows yielded so far."""
        emitted, valid, crossed, locked = self._windows.tolist()
        return {
            "windows": emitted,
            "valid_windows": valid,
            "crossed_seconds": crossed,
            "locked_seconds": locked,
            "cells_outside_grid": self._cells_outside,
        }

    def save(self) -> dict[str, NDArray[Any]]:
        """Return the state between two feeds; a new engine that loads it goes on from here."""
        n_windows, n_cells = self._out.used
        return {
            **self._replay.save(),
            "grid": np.array(self._grid, np.int64),
            "unflushed_windows": self._out.windows[:n_windows].copy(),
            "unflushed_cells": self._out.cells[:, :n_cells].copy(),
            "window_counts": np.append(self._windows, self._cells_outside),
        }

    def load(self, saved: Saved) -> None:
        """Take up the state of an engine of the same grid and session; ValueError otherwise."""
        if tuple(saved["grid"].tolist()) != tuple(self._grid):
            raise ValueError(
                f"expected a state of grid {tuple(self._grid)}, "
                f"found one of {tuple(saved['grid'].tolist())}"
            )
        self._replay.load(saved)
        n_windows = saved["unflushed_windows"].size
        n_cells = saved["unflushed_cells"].shape[1]
        self._out.windows[:n_windows] = saved["unflushed_windows"]
        self._out.cells[:, :n_cells] = saved["unflushed_cells"]
        self._out.used[:] = (n_windows, n_cells)
        self._windows = saved["window_counts"][:4].astype(np.int64)
        self._cells_outside = int(saved["window_counts"][4])

    def _run(self, records: MboColumns, until: int) -> Iterator[WindowBlock]:
        start, status = 0, GROW
        while status != DONE:
            with np.errstate(over="ignore"):  # hashes wrap; numba does so without a word
                start, status = replay_futures(
                    self._replay.state, self._grid, records, self._out, start, until
                )
            self._replay.note_last(records, start)
            self._refuse_second_instrument()
            if status == GROW:
                self._replay.grow()
            elif status == BREACH:
                raise self._breach()
            elif status == FLUSH:
                yield self._take()

    def _take(self) -> WindowBlock:
        n_windows, n_cells = self._out.used
        windows = self._out.windows[:n_windows]
        cells = self._out.cells[:, :n_cells]
        self._out.used[:] = 0
        both = (windows["best_bid_qty"] > 0) & (windows["best_ask_qty"] > 0)
        self._windows += (
            n_windows,
            np.count_nonzero(windows["window_valid"]),
            np.count_nonzero(both & (windows["best_bid"] > windows["best_ask"])),
            np.count_nonzero(both & (windows["best_bid"] == windows["best_ask"])),
        )
        self._cells_outside += int(windows["cells_outside"].sum())
        if self._reuse_blocks:
            return WindowBlock(windows, cells)
        return WindowBlock(windows.copy(), cells.copy())

    def _breach(self) -> BookIntegrityError:
        if self._replay.state.clock[0]["breach"] == OFF_GRID:
            return self._replay.error(
                OffGridPriceError,
                f"price is no multiple of the tick {self._grid.tick} away from the spot reference",
            )
        return self._replay.error(
            BookIntegrityError, "depth_start + add − pull − fill does not give depth_end"
        )

    def _refuse_second_instrument(self) -> None:
        if self._replay.state.clock[0]["tables"] > 1:
            first, second = np.unique(
                self._replay.state.books["instrument_id"][
                    : int(self._replay.state.clock[0]["books"])
                ]
            )[:2]
            raise ValueError(
                f"expected the records of one future, found instruments {first} and {second}"
            )
