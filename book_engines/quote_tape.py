"""Consolidated quotes at every event, counted per publisher and instrument: what `inspect` shows.

The quote is the instrument's, over all publishers; each record counts for the publisher that it
names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from book_engines.counters import BookCounters, each_counters, sum_counters
from book_engines.cursor import DONE, FLUSH, GROW
from book_engines.kernel import Int, kernel
from book_engines.quote_close import open_quotes
from book_engines.quote_records import QuoteColumns
from book_engines.quote_semantics import apply_quote, count_quote_event
from book_engines.quote_state import (
    ENTRY,
    QuoteState,
    allocate_quotes,
    doubled_lookup,
    enter_instrument,
    find_entry,
    grow_quotes,
)
from book_engines.records import F_LAST, F_SNAPSHOT, SECOND_NS, UNDEF_PRICE
from book_engines.state import COUNTER
from book_engines.tops import BLOCK_EVENTS, BookSummary, TopLevels

PAIR: Final = np.dtype([("publisher_id", "i8"), ("instrument", "i8")])
_PUBLISHER_SHIFT = np.uint64(32)
_PAIRS: Final = 1 << 12  # publishers and instruments before the arrays grow


@kernel
def replay_tape(
    state: QuoteState,
    pairs: NDArray[Any],
    pair_lookup: NDArray[Any],
    records: QuoteColumns,
    publisher_id: NDArray[np.uint16],
    out: TopLevels,
    every_record: Int,
    n_pairs: Int,
    start: Int,
) -> tuple[Int, Int, Int, Int]:
    """Replay records from `start` on.

    Returns (next record, pairs met so far, rows in `out`, why it stopped).
    """
    clock = state.clock[0]
    used = 0
    for i in range(start, records.ts_event_ns.size):
        at = np.uint64(i)
        flags = np.int64(records.flags[at])
        last = (flags & F_LAST) != 0
        told = last or every_record
        if told and used == out.record.size:
            return i, n_pairs, used, FLUSH
        if n_pairs == pairs.size or clock["instruments"] == state.instruments.size:
            return i, n_pairs, used, GROW
        instrument_id = records.instrument_id[at]
        number = find_entry(state.lookup, instrument_id)
        if number < 0:
            number = enter_instrument(state, ~number, instrument_id, 0, 0)
        key = (np.uint64(publisher_id[at]) << _PUBLISHER_SHIFT) | np.uint64(instrument_id)
        pair = find_entry(pair_lookup, key)
        if pair < 0:
            pair_lookup[~pair]["key"] = key
            pair_lookup[~pair]["number"] = n_pairs + 1
            pair = n_pairs
            pairs[pair]["publisher_id"] = publisher_id[at]
            pairs[pair]["instrument"] = number
            n_pairs += 1
        counter = state.counters[pair]
        ts = records.ts_event_ns[at]
        if (flags & F_SNAPSHOT) == 0:
            if ts >= clock["end"]:
                open_quotes(state, ts // SECOND_NS)
            if ts >= clock["ts"]:
                clock["ts"] = ts
            else:
                counter["late_records"] += 1
        apply_quote(state, number, counter, records, at, ts, flags)
        if last:
            count_quote_event(state, number, counter, ts)
        if told:
            out.record[used] = i
            for side in range(2):
                shown = state.shown[2 * number + 1 - side]
                out.price[side, used] = shown["price"]
                out.qty[side, used] = shown["qty"]
            used += 1
    return records.ts_event_ns.size, n_pairs, used, DONE


class QuoteTapeEngine:
    """Replays any consolidated records and yields the quote of the instrument at every event.

    The number of orders is not told, so `TopLevels.orders` is 0 throughout. With `every_record` a
    row follows each record, whether it closes an event or not.
    """

    def __init__(self, *, every_record: bool = False) -> None:
        self._every_record = every_record
        self._state = allocate_quotes(_PAIRS)
        self._pairs = np.zeros(_PAIRS, PAIR)
        self._pair_lookup = np.zeros(4 * _PAIRS, ENTRY)
        self._n_pairs = 0
        self._out = TopLevels(
            np.zeros(BLOCK_EVENTS, np.int64),
            *(np.zeros((2, BLOCK_EVENTS), np.int64) for _ in range(3)),
        )

    def feed(self, records: QuoteColumns, publisher_id: NDArray[np.uint16]) -> Iterator[TopLevels]:
        """Apply `records` and yield the rows of their events; must be run to its end.

        Indices in `record` count from the first record of this call; a block is overwritten by the
        next. Strikes and rights of `records` are not looked at.
        """
        start, status = 0, GROW
        while status != DONE:
            with np.errstate(over="ignore"):  # hashes wrap; numba does so without a word
                start, self._n_pairs, used, status = replay_tape(
                    self._state,
                    self._pairs,
                    self._pair_lookup,
                    records,
                    publisher_id,
                    self._out,
                    self._every_record,
                    self._n_pairs,
                    start,
                )
            if used:
                yield TopLevels(self._out.record[:used], *(t[:, :used] for t in self._out[1:]))
            if status == GROW:
                self._grow()

    def finish(self) -> None:
        """Count the traded quantities that nothing settled, each with a publisher that traded."""
        waiting = np.flatnonzero(self._state.shown["pending"] > 0)
        trades = self._state.counters["trades"][: self._n_pairs]
        for row in waiting.tolist():
            of = np.flatnonzero(self._pairs["instrument"][: self._n_pairs] == row >> 1)
            self._state.counters[of[trades[of] > 0][-1]]["expired_fills"] += 1
        self._state.shown["pending"] = 0

    @property
    def counters(self) -> BookCounters:
        """Return what was counted so far over all publishers; complete after `finish`."""
        instruments = self._state.instruments[: int(self._state.clock[0]["instruments"])]
        return sum_counters(self._state.counters, instruments["opening"], 0)

    def books(self) -> list[BookSummary]:
        """Return every publisher and instrument met so far, sorted, with the instrument's quote."""
        pairs = self._pairs[: self._n_pairs]
        openings = self._state.instruments["opening"][pairs["instrument"]]
        rows = self._state.counters[: self._n_pairs]
        counters = each_counters(rows, openings, np.zeros(self._n_pairs, np.int64))
        summaries = []
        for pair, counted in zip(pairs, counters, strict=True):
            number = int(pair["instrument"])
            ask, bid = (_best(side) for side in self._state.shown[2 * number : 2 * number + 2])
            summaries.append(
                BookSummary(
                    int(pair["publisher_id"]),
                    int(self._state.instruments[number]["instrument_id"]),
                    bid[0],
                    bid[1],
                    ask[0],
                    ask[1],
                    counted,
                )
            )
        return sorted(summaries, key=lambda s: (s.publisher_id, s.instrument_id))

    def _grow(self) -> None:
        if int(self._state.clock[0]["instruments"]) == self._state.instruments.size:
            self._state = grow_quotes(self._state)
        if self._n_pairs == self._pairs.size:
            larger = np.zeros(2 * self._pairs.size, PAIR)
            larger[: self._n_pairs] = self._pairs
            self._pairs, self._pair_lookup = larger, doubled_lookup(self._pair_lookup)
            counters = np.zeros(larger.size, COUNTER)
            counters[: self._n_pairs] = self._state.counters
            self._state = self._state._replace(counters=counters)


def _best(side: np.void) -> tuple[int, int] | tuple[None, None]:
    """Return price and quantity of a side, None where it is empty."""
    if side["price"] == UNDEF_PRICE:
        return None, None
    return int(side["price"]), int(side["qty"])
