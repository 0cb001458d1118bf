"""The books of a replay: their lookup by publisher and instrument, and their tables."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from book_engines.kernel import Int, helper, inlined
from book_engines.orders import ONE, book_mix
from book_engines.state import LANE_RUNGS, State


@inlined
def book_slot(lookup: NDArray[Any], mix: Int, publisher_id: Int, instrument_id: Int) -> Int:
    """Return the slot of the lookup where a book is entered, or would be; mix is `book_mix`'s."""
    mask = np.uint64(lookup.size - 1)
    slot = (mix >> np.uint64(20)) & mask
    while lookup[slot]["book"] != 0:
        found = lookup[slot]
        if found["publisher_id"] == publisher_id and found["instrument_id"] == instrument_id:
            break
        slot = (slot + ONE) & mask
    return slot


@helper
def obtain_book(state: State, publisher_id: Int, instrument_id: Int, per_book: Int) -> Int:
    """Return the number of the (publisher, instrument) book, a new one at its first record.

    With `per_book` each book is a table of its own; without, books of one instrument share one.
    """
    clock = state.clock[0]
    mix = book_mix(publisher_id, instrument_id)
    entry = state.book_lookup[book_slot(state.book_lookup, mix, publisher_id, instrument_id)]
    if entry["book"] != 0:
        return np.uint32(entry["book"] - 1)
    book = np.uint32(clock["books"])
    table = clock["tables"]
    if not per_book:
        for other in range(clock["books"]):
            if state.books[other]["instrument_id"] == instrument_id:
                table = np.int64(state.books[other]["table"])
                break
    entry["publisher_id"] = publisher_id
    entry["instrument_id"] = instrument_id
    entry["book"] = book + 1
    entry["table"] = table
    clock["books"] += 1
    made = state.books[book]
    made["publisher_id"] = publisher_id
    made["instrument_id"] = instrument_id
    made["mix"] = mix
    made["table"] = table
    if table == clock["tables"]:
        clock["tables"] += 1
        for side in range(2):
            ladder = state.lanes[2 * table + side]
            ladder["offset"] = clock["rungs"]
            ladder["capacity"] = LANE_RUNGS
            clock["rungs"] += LANE_RUNGS
    return book
