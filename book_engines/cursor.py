"""The loop over records that every replay into windows runs, and what it does before each."""

from __future__ import annotations

import numpy as np

from book_engines.books import book_slot, obtain_book
from book_engines.hints import prefetch, unlikely
from book_engines.kernel import Int, helper, inlined
from book_engines.levels import level_slot
from book_engines.orders import ONE, book_mix, home_slot
from book_engines.records import BID, F_LAST, F_SNAPSHOT, MboColumns
from book_engines.semantics import apply_record, count_event, has_room
from book_engines.state import AHEAD_ENTRIES, BLOCK, State

_TURNS = np.uint64(AHEAD_ENTRIES - 1)

# Records between the fetch of what a record needs and its turn: a miss of the second cache takes
# 120 ns, a record some 40. A level's row is known only once its place in the lookup is here, and
# nothing before the record itself: the processor follows so many columns too late by itself.
FETCH_RECORD = 96
FETCH_ORDER = 16
FETCH_LEVEL = 8

# Why a kernel returned.
DONE = 0
GROW = 1
FLUSH = 2
BREACH = 3
CLOSE = 4
NEW_TABLE = 5


@inlined
def fetch_record(records: MboColumns, i: Int) -> None:
    """Fetch the lines of the columns that begin near record i; columns are 8, 4, 2 and 1 byte."""
    if i % 8 == 0:
        prefetch(records.ts_event_ns, i)
        prefetch(records.order_id, i)
        prefetch(records.price_int, i)
        if i % 16 == 0:
            prefetch(records.instrument_id, i)
            prefetch(records.size, i)
            if i % 32 == 0:
                prefetch(records.publisher_id, i)
                if i % 64 == 0:
                    prefetch(records.action, i)
                    prefetch(records.side, i)
                    prefetch(records.flags, i)


@inlined
def fetch_order(state: State, records: MboColumns, i: Int, follows: Int) -> None:
    """Look up the book of record i, fetch the entry of its order and where its level is looked up.

    With `follows` the record before it was looked up just now. A book that is not made yet is left
    for the record's turn: windows that close until then must not know of it.
    """
    at = np.uint64(i)
    last = at - ONE
    clock = state.clock[0]
    ahead = state.ahead[at & _TURNS]
    known = state.ahead[last & _TURNS]["book"]
    publisher, instrument = records.publisher_id[at], records.instrument_id[at]
    if (
        follows
        and known != 0
        and instrument == records.instrument_id[last]
        and publisher == records.publisher_id[last]
    ):
        owner = state.books[np.uint32(known - 1)]
        mix, table = owner["mix"], owner["table"]
    else:
        mix = book_mix(publisher, instrument)
        entry = state.book_lookup[book_slot(state.book_lookup, mix, publisher, instrument)]
        known, table = entry["book"], entry["table"]
    ahead["book"] = known
    if known != 0:
        slot = home_slot(records.order_id[at] + mix, clock["order_shift"])
        prefetch(state.orders, slot)
        prefetch(state.orders, slot + ONE)  # a search or a deletion looks there too
        lane = np.uint32(table * 2 + (1 if records.side[at] == BID else 0))
        slot = level_slot(lane, records.price_int[at], clock["level_shift"])
        ahead["level"] = slot
        prefetch(state.level_lookup, slot)


@inlined
def fetch_level(state: State, i: Int) -> None:
    """Fetch the row of the level of record i, whose order was fetched before."""
    row = state.level_lookup[state.ahead[np.uint64(i) & _TURNS]["level"]]
    prefetch(state.levels, np.int64(row) - 1)


@inlined
def fetch_first(state: State, records: MboColumns, start: Int) -> None:
    """Fetch what the first records from `start` on need."""
    for i in range(start, min(start + FETCH_ORDER, records.order_id.size)):
        fetch_order(state, records, i, i > start)


@inlined
def fetch_ahead(state: State, records: MboColumns, i: Int) -> None:
    """Fetch what later records need at the turn of record i."""
    fetch_record(records, i + FETCH_RECORD)
    fetch_level(state, i + FETCH_LEVEL)
    if i + FETCH_ORDER < records.order_id.size:
        fetch_order(state, records, i + FETCH_ORDER, True)


@inlined
def book_of(state: State, records: MboColumns, at: Int, per_book: Int) -> Int:
    """Return the number of the book of record `at`, a new one at its first record."""
    known = state.ahead[at & _TURNS]["book"]
    if unlikely(known == 0):
        publisher, instrument = records.publisher_id[at], records.instrument_id[at]
        return obtain_book(state, np.int64(publisher), np.int64(instrument), per_book)
    return np.uint32(known - 1)


@inlined
def note_time(state: State, book: Int, ts: Int) -> None:
    """Advance the clock's time to `ts`; count a record that is older than it as late."""
    clock = state.clock[0]
    if ts >= clock["ts"]:
        clock["ts"] = ts
    else:
        state.counters[book]["late_records"] += 1


@helper
def apply_records(state: State, records: MboColumns, start: Int) -> tuple[Int, Int]:
    """Apply records from `start` on, up to the first that lies beyond the open window.

    Books of one instrument share a table. Returns (next record, why it stopped): DONE at the end
    of the records, CLOSE when the window must be closed before the next one, GROW.
    """
    clock = state.clock[0]
    n = records.ts_event_ns.size
    i = start
    fetch_first(state, records, start)
    while i < n:
        if not has_room(state):
            return i, GROW
        stop = min(n, i + BLOCK)
        while i < stop:
            at = np.uint64(i)
            ts = records.ts_event_ns[at]
            flags = np.int64(records.flags[at])
            live = (flags & F_SNAPSHOT) == 0
            if unlikely(live and ts >= clock["end"]):
                return i, CLOSE
            book = book_of(state, records, at, False)
            fetch_ahead(state, records, i)
            if live:
                note_time(state, book, ts)
            apply_record(
                state,
                book,
                records.order_id[at],
                records.price_int[at],
                np.int64(records.size[at]),
                np.int64(records.action[at]),
                np.int64(records.side[at]),
                flags,
                ts,
            )
            if (flags & F_LAST) != 0:
                count_event(state, book, ts)
            i += 1
            if unlikely(clock["starved"] != 0):
                return i, GROW
    return n, DONE
