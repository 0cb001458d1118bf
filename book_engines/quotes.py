"""Options of one underlying in one-second windows, from consolidated quotes and trades.

A replay that yields the rows of the two silver tables: `book_snapshot_1s` has one row for each
window and instrument with a quote, `depth_and_flow_1s` one for each window, strike around spot,
call or put, and side.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from book_engines.counters import BookCounters, sum_counters
from book_engines.cursor import BREACH, DONE, FLUSH, GROW
from book_engines.errors import QuoteIntegrityError
from book_engines.kernel import Int, kernel
from book_engines.quote_ahead import BATCH, FETCH_TRADES, fetch_trades, number_batch
from book_engines.quote_cells import Places, allocate_places
from book_engines.quote_close import roll_quotes
from book_engines.quote_records import QuoteColumns, empty_quotes
from book_engines.quote_semantics import apply_quote, count_quote_event
from book_engines.quote_state import (
    QuoteState,
    allocate_quotes,
    grow_quotes,
    restored,
)
from book_engines.quote_windows import QuoteOutput, StrikeGrid
from book_engines.records import F_LAST, F_SNAPSHOT, SECOND_NS
from book_engines.replay import Saved
from book_engines.state import UNSET
from book_engines.strike_output import QuoteBlock, StrikeOutput, require_grid, strike_grid


@kernel
def replay_quotes(
    state: QuoteState,
    grid: StrikeGrid,
    spots: NDArray[np.int64],
    records: QuoteColumns,
    out: QuoteOutput,
    places: Places,
    ahead: NDArray[np.uint32],
    start: Int,
    until: Int,
) -> tuple[Int, Int]:
    """Replay records from `start` on, then move the clock on to window `until` if it lies ahead.

    Returns (next record, why it stopped).
    """
    clock = state.clock[0]
    counter = state.counters[0]
    n = records.ts_event_ns.size
    i = start
    while i < n:
        if clock["instruments"] + BATCH > state.instruments.size:
            return i, GROW
        stop = min(n, i + BATCH)
        number_batch(state, records, ahead, i, stop)
        fetch_trades(records, i + FETCH_TRADES)
        for k in range(np.uint64(stop - i)):
            at = np.uint64(i) + k
            number = ahead[k]
            ts = records.ts_event_ns[at]
            flags = np.int64(records.flags[at])
            if (flags & F_SNAPSHOT) == 0:
                if ts >= clock["end"]:
                    status = roll_quotes(state, grid, spots, out, places, ts // SECOND_NS)
                    if status != DONE:
                        return np.int64(at), status
                if ts >= clock["ts"]:
                    clock["ts"] = ts
                else:
                    counter["late_records"] += 1
            apply_quote(state, number, counter, records, at, ts, flags)
            if (flags & F_LAST) != 0:
                count_quote_event(state, number, counter, ts)
        i = stop
    return n, roll_quotes(state, grid, spots, out, places, until)


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
        self._spots = np.array(spots, np.int64)
        self._grid = strike_grid(
            self._spots,
            first_window_end_ns,
            strike_step_int=strike_step_int,
            rel_tick_int=rel_tick_int,
            half_width=half_width,
        )
        self._state = allocate_quotes()
        self._out = StrikeOutput(
            half_width, self._state.instruments.size, reuse_blocks=reuse_blocks
        )
        self._places = allocate_places(half_width, self._state.instruments.size)
        self._ahead = np.zeros(BATCH, np.uint32)

    def feed(self, records: QuoteColumns) -> Iterator[QuoteBlock]:
        """Apply `records` and yield the windows they close; must be run to its end.

        Raises QuoteIntegrityError on an account that does not add up.
        """
        yield from self._run(records, UNSET)

    def finish(self) -> Iterator[QuoteBlock]:
        """Close every remaining window of the session and yield what is left."""
        yield from self._run(empty_quotes(), self._grid.last_window + 1)
        if self._out.is_waiting:
            yield self._out.take()
        waiting = self._state.shown["pending"] > 0
        self._state.counters[0]["expired_fills"] += np.count_nonzero(waiting)
        self._state.shown["pending"] = 0

    @property
    def counters(self) -> BookCounters:
        """Return what was counted so far over all instruments; complete after `finish`."""
        return quote_counters(self._state, self._state.counters)

    @property
    def window_counters(self) -> dict[str, int]:
        """Return counts over the windows yielded so far."""
        return self._out.window_counters

    @property
    def instruments(self) -> NDArray[Any]:
        """Return INSTRUMENT (N,) of every instrument met so far; a block's NUMBER is the row."""
        return self._state.instruments[: int(self._state.clock[0]["instruments"])]

    def save(self) -> dict[str, NDArray[Any]]:
        """Return the state between two feeds; a new engine that loads it goes on from here."""
        return {
            **{name: array.copy() for name, array in self._state._asdict().items()},
            **self._out.save(),
            "grid": np.array(self._grid, np.int64),
        }

    def load(self, saved: Saved) -> None:
        """Take up the state of an engine of the same grid and session; ValueError otherwise."""
        require_grid(saved, self._grid)
        self._state = restored(saved)
        self._make_room()
        self._out.load(saved)

    def _run(self, records: QuoteColumns, until: int) -> Iterator[QuoteBlock]:
        start, status = 0, GROW
        while status != DONE:
            with np.errstate(over="ignore"):  # hashes wrap; numba does so without a word
                start, status = replay_quotes(
                    self._state,
                    self._grid,
                    self._spots,
                    records,
                    self._out.buffers,
                    self._places,
                    self._ahead,
                    start,
                    until,
                )
            if status == GROW:
                self._state = grow_quotes(self._state)
                self._make_room()
            elif status == BREACH:
                raise self._breach()
            elif status == FLUSH:
                yield self._out.take()

    def _make_room(self) -> None:
        instruments = self._state.instruments.size
        self._out.make_room(instruments)
        self._places = allocate_places(self._grid.half_width, instruments)

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
