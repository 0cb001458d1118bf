"""Options of one underlying in one-second windows, from consolidated quotes and trades.

A replay that yields the rows of the two silver tables: `book_snapshot_1s` has one row for each
window and instrument with a quote, `depth_and_flow_1s` one for each window, strike around spot,
call or put, and side.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.counters import BookCounters, sum_counters
from book_engines.cursor import BREACH, DONE, FLUSH, GROW
from book_engines.errors import QuoteIntegrityError
from book_engines.kernel import Int, kernel
from book_engines.quote_records import QuoteColumns, empty_quotes
from book_engines.quote_semantics import apply_quote, count_quote_event
from book_engines.quote_state import (
    QuoteState,
    allocate_quotes,
    enter_instrument,
    find_entry,
    grow_quotes,
    restored,
)
from book_engines.quote_windows import (
    CELL_COLUMNS,
    CELLS_OF_A_STRIKE,
    QUOTE_COLUMNS,
    QUOTE_WINDOW,
    QuoteOutput,
    StrikeGrid,
    roll_quotes,
)
from book_engines.records import F_LAST, F_SNAPSHOT, SECOND_NS, UNDEF_PRICE
from book_engines.replay import Saved
from book_engines.sizes import SIZE_BINS
from book_engines.state import UNSET

BLOCK_WINDOWS = 128
# Columns a power of two apart would share one set of the cache.
_BLOCK_QUOTES = (1 << 16) + 48
_PADDING = 48


class QuoteBlock(NamedTuple):
    """Consecutive closed windows.

    windows: QUOTE_WINDOW (W,). quotes: int64 (6, Q), rows as named in `book_engines.quote_windows`
    (NUMBER … VALID), by window and instrument id; windows["quotes"] of them belong to each window.
    cells: int64 (11, R), rows (START … INVALID), by window, strike, right and side;
    windows["cells"] of them belong to each window: none where the underlying has no spot, else
    the whole grid. sizes: int64 (W, SIZE_BINS), additions by bin of their size.
    """

    windows: NDArray[Any]
    quotes: NDArray[np.int64]
    cells: NDArray[np.int64]
    sizes: NDArray[np.int64]


@kernel
def replay_quotes(
    state: QuoteState,
    grid: StrikeGrid,
    spots: NDArray[np.int64],
    records: QuoteColumns,
    out: QuoteOutput,
    scratch: NDArray[np.int64],
    start: Int,
    until: Int,
) -> tuple[Int, Int]:
    """Replay records from `start` on, then move the clock on to window `until` if it lies ahead.

    Returns (next record, why it stopped).
    """
    clock = state.clock[0]
    counter = state.counters[0]
    n = records.ts_event_ns.size
    number = np.int64(0)
    known = np.int64(-1)
    for i in range(start, n):
        at = np.uint64(i)
        if records.instrument_id[at] != known:
            number = find_entry(state.lookup, records.instrument_id[at])
            if number < 0:
                if clock["instruments"] == state.instruments.size:
                    return i, GROW
                number = enter_instrument(
                    state,
                    ~number,
                    records.instrument_id[at],
                    records.strike_price_int[at],
                    np.int64(records.right[at]),
                )
            known = np.int64(records.instrument_id[at])
        ts = records.ts_event_ns[at]
        flags = np.int64(records.flags[at])
        if (flags & F_SNAPSHOT) == 0:
            if ts >= clock["end"]:
                status = roll_quotes(state, grid, spots, out, scratch, ts // SECOND_NS)
                if status != DONE:
                    return i, status
            if ts >= clock["ts"]:
                clock["ts"] = ts
            else:
                counter["late_records"] += 1
        apply_quote(state, number, counter, records, at)
        if (flags & F_LAST) != 0:
            count_quote_event(state, number, counter, ts)
    return n, roll_quotes(state, grid, spots, out, scratch, until)


class QuoteBookEngine:
    """Replays the quotes of an underlying's options and yields its session's windows.

    Any split of the input gives the same output. Records before the first window make the quotes,
    records after the last are counted and emit nothing.

    spots: int64 (W,), the underlying's spot reference at each window end of the session, multiples
    of `rel_tick_int`, UNDEF_PRICE where it has none. strike_step_int: distance of the grid's
    strikes, 1e-9 dollars. half_width: strikes on either side of the one nearest to spot. The first
    window end lies on a whole epoch second. With `reuse_blocks` a block is overwritten by the next.
    """

    def __init__(
        self,
        spots: NDArray[np.int64],
        first_window_end_ns: int,
        *,
        strike_step_int: int,
        rel_tick_int: int,
        half_width: int,
        reuse_blocks: bool = False,
    ) -> None:
        if strike_step_int <= 0 or rel_tick_int <= 0 or half_width < 0:
            raise ValueError(
                "expected steps above 0 and a half width of 0 or more, "
                f"found {strike_step_int}, {rel_tick_int} and {half_width}"
            )
        if first_window_end_ns % SECOND_NS:
            raise ValueError(f"expected a window end on a whole second, {first_window_end_ns}")
        self._spots = np.array(spots, np.int64)
        off = (self._spots != UNDEF_PRICE) & (self._spots % rel_tick_int != 0)
        if strike_step_int % rel_tick_int or off.any():
            found = strike_step_int if not off.any() else int(self._spots[off][0])
            raise ValueError(
                f"expected spot references and the strike step in multiples of {rel_tick_int}, "
                f"found {found}"
            )
        first = first_window_end_ns // SECOND_NS - 1
        self._grid = StrikeGrid(strike_step_int, half_width, first, first + self._spots.size - 1)
        n_cells = (2 * half_width + 1) * CELLS_OF_A_STRIKE
        self._scratch = np.zeros((n_cells, CELL_COLUMNS), np.int64)
        self._out = QuoteOutput(
            windows=np.zeros(BLOCK_WINDOWS, QUOTE_WINDOW),
            quotes=np.zeros((QUOTE_COLUMNS, _BLOCK_QUOTES), np.int64),
            cells=np.zeros((CELL_COLUMNS, n_cells * BLOCK_WINDOWS + _PADDING), np.int64),
            sizes=np.zeros((BLOCK_WINDOWS, SIZE_BINS), np.int64),
            used=np.zeros(3, np.int64),
        )
        self._reuse_blocks = reuse_blocks
        self._state = allocate_quotes()
        self._windows = np.zeros(4, np.int64)  # emitted, strikes outside, crossed, locked quotes

    def feed(self, records: QuoteColumns) -> Iterator[QuoteBlock]:
        """Apply `records` and yield the windows they close; must be run to its end.

        Raises QuoteIntegrityError on an account that does not add up.
        """
        yield from self._run(records, UNSET)

    def finish(self) -> Iterator[QuoteBlock]:
        """Close every remaining window of the session and yield what is left."""
        yield from self._run(empty_quotes(), self._grid.last_window + 1)
        if self._out.used[0]:
            yield self._take()
        waiting = self._state.touches["pending"] > 0
        self._state.counters[0]["expired_fills"] += np.count_nonzero(waiting)
        self._state.touches["pending"] = 0

    @property
    def counters(self) -> BookCounters:
        """Return what was counted so far over all instruments; complete after `finish`."""
        return quote_counters(self._state, self._state.counters)

    @property
    def window_counters(self) -> dict[str, int]:
        """Return counts over the windows yielded so far."""
        emitted, outside, crossed, locked = self._windows.tolist()
        return {
            "windows": emitted,
            "strikes_outside_grid": outside,
            "crossed_quotes": crossed,
            "locked_quotes": locked,
        }

    @property
    def instruments(self) -> NDArray[Any]:
        """Return INSTRUMENT (N,) of every instrument met so far; a block's NUMBER is the row."""
        return self._state.instruments[: int(self._state.clock[0]["instruments"])]

    def save(self) -> dict[str, NDArray[Any]]:
        """Return the state between two feeds; a new engine that loads it goes on from here."""
        windows, quotes, cells = self._out.used
        return {
            **{name: array.copy() for name, array in self._state._asdict().items()},
            "grid": np.array(self._grid, np.int64),
            "unflushed_windows": self._out.windows[:windows].copy(),
            "unflushed_quotes": self._out.quotes[:, :quotes].copy(),
            "unflushed_cells": self._out.cells[:, :cells].copy(),
            "unflushed_sizes": self._out.sizes[:windows].copy(),
            "window_counts": self._windows.copy(),
        }

    def load(self, saved: Saved) -> None:
        """Take up the state of an engine of the same grid and session; ValueError otherwise."""
        if tuple(saved["grid"].tolist()) != tuple(self._grid):
            raise ValueError(
                f"expected a state of grid {tuple(self._grid)}, "
                f"found one of {tuple(saved['grid'].tolist())}"
            )
        self._state = restored(saved)
        self._make_room()
        windows, quotes = saved["unflushed_windows"].size, saved["unflushed_quotes"].shape[1]
        cells = saved["unflushed_cells"].shape[1]
        self._out.windows[:windows] = saved["unflushed_windows"]
        self._out.quotes[:, :quotes] = saved["unflushed_quotes"]
        self._out.cells[:, :cells] = saved["unflushed_cells"]
        self._out.sizes[:windows] = saved["unflushed_sizes"]
        self._out.used[:] = (windows, quotes, cells)
        self._windows = saved["window_counts"].copy()

    def _run(self, records: QuoteColumns, until: int) -> Iterator[QuoteBlock]:
        start, status = 0, GROW
        while status != DONE:
            with np.errstate(over="ignore"):  # hashes wrap; numba does so without a word
                start, status = replay_quotes(
                    self._state,
                    self._grid,
                    self._spots,
                    records,
                    self._out,
                    self._scratch,
                    start,
                    until,
                )
            if status == GROW:
                self._state = grow_quotes(self._state)
                self._make_room()
            elif status == BREACH:
                raise self._breach()
            elif status == FLUSH:
                yield self._take()

    def _make_room(self) -> None:
        """Let a window's quotes of every instrument fit into a block."""
        quotes = self._out.quotes
        if quotes.shape[1] < self._state.instruments.size:
            larger = np.zeros((QUOTE_COLUMNS, self._state.instruments.size + _PADDING), np.int64)
            larger[:, : quotes.shape[1]] = quotes
            self._out = self._out._replace(quotes=larger)

    def _take(self) -> QuoteBlock:
        n_windows, n_quotes, n_cells = self._out.used
        block = QuoteBlock(
            self._out.windows[:n_windows],
            self._out.quotes[:, :n_quotes],
            self._out.cells[:, :n_cells],
            self._out.sizes[:n_windows],
        )
        self._out.used[:] = 0
        self._windows += (
            n_windows,
            *(block.windows[name].sum() for name in ("strikes_outside", "crossed", "locked")),
        )
        return block if self._reuse_blocks else QuoteBlock._make(part.copy() for part in block)

    def _breach(self) -> QuoteIntegrityError:
        clock = self._state.clock[0]
        number = int(self._state.instruments[clock["breach"] - 1]["instrument_id"])
        return QuoteIntegrityError(
            f"window {clock['window']}: start + add − pull − fill does not give the quantity shown",
            instrument_id=number,
            ts_event=int(clock["ts"]),
        )


def quote_counters(state: QuoteState, rows: NDArray[Any]) -> BookCounters:
    """Return the counters of `rows` together, with the opening of the instruments met."""
    instruments = state.instruments[: int(state.clock[0]["instruments"])]
    return sum_counters(rows, instruments["opening"], 0)
