"""The loop over records that every replay into windows runs, and what it does before each."""

from __future__ import annotations

import numpy as np

from book_engines.kernel import Int, helper, inlined
from book_engines.orders import book_mix, home_slot, prefetch
from book_engines.records import F_LAST, F_SNAPSHOT, MboColumns
from book_engines.semantics import apply_record, count_event, has_room, obtain_book
from book_engines.state import BLOCK, State

# Records between the prefetch of an order's entry and its use: at about 25 ns a record this hides
# a miss of the last-level cache.
LOOK_AHEAD = 8

# Why a kernel returned.
DONE = 0
GROW = 1
FLUSH = 2
BREACH = 3
CLOSE = 4
NEW_TABLE = 5


@inlined
def fetch_ahead(state: State, records: MboColumns, i: Int) -> None:
    """Prefetch the order entry of the record LOOK_AHEAD places later."""
    ahead = np.uint64(min(i + LOOK_AHEAD, records.order_id.size - 1))
    key = records.order_id[ahead] + book_mix(
        records.publisher_id[ahead], records.instrument_id[ahead]
    )
    prefetch(state.orders, home_slot(key, state.clock[0]["order_shift"]))


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
            ts = records.ts_event_ns[at]
            flags = np.int64(records.flags[at])
            live = (flags & F_SNAPSHOT) == 0
            if live and ts >= clock["end"]:
                return i, CLOSE
            if records.publisher_id[at] != publisher or records.instrument_id[at] != instrument:
                publisher = np.int64(records.publisher_id[at])
                instrument = np.int64(records.instrument_id[at])
                book = obtain_book(state, publisher, instrument, False)
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
            if clock["starved"] != 0:
                return i, GROW
    return n, DONE
