"""What each record does to a consolidated quote: the rules behind every table and tool.

- A quote sets both sides: `quote_sides` says what that books.
- A trade carries the quote that it met. Its quantity waits at the side whose price it has (the
  aggressor's opposite; side N may have met either) and is the first part of what next leaves that
  price: fill, not pull. Where a trade's own quote shows its effect already, it is settled within
  that record.
- A clear empties the quote and a record with F_SNAPSHOT sets it, both without flow.

Actions N and F change nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from book_engines.kernel import Int, helper, inlined
from book_engines.quote_accounts import touch_instrument
from book_engines.quote_records import QuoteColumns
from book_engines.quote_sides import await_fill, place, place_quote, show_quote
from book_engines.quote_state import (
    DOUBTFUL,
    IN_SNAPSHOT,
    TOUCHED,
    UNCHANGED,
    UNSOUND,
    QuoteState,
    ask_row,
    bid_row,
)
from book_engines.records import (
    ADD,
    CANCEL,
    CLEAR,
    F_LAST,
    F_MAYBE_BAD_BOOK,
    F_SNAPSHOT,
    FILL,
    MODIFY,
    NONE,
    TRADE,
    UNDEF_PRICE,
)
from book_engines.validity import OPENED_BY_CLEAR, OPENED_BY_SNAPSHOT


@helper
def mark_quote(state: QuoteState, number: Int, action: Int, flags: Int) -> None:
    """Keep the validity marks: opening state, snapshot in progress, MAYBE_BAD_BOOK.

    Every quote states both sides whole, so a sound one ends the doubt as a snapshot would.
    """
    marks = np.int64(state.marks[number])
    snapshot = (flags & F_SNAPSHOT) != 0
    doubtful = (flags & F_MAYBE_BAD_BOOK) != 0
    if (snapshot or action == CLEAR) and (marks & UNCHANGED) != 0:
        opening = OPENED_BY_CLEAR if action == CLEAR else OPENED_BY_SNAPSHOT
        state.instruments[number]["opening"] |= opening
    if snapshot or doubtful or action == CLEAR:
        state.instruments[number]["disturbed"] = state.clock[0]["window"]
    if action not in (ADD, CANCEL, MODIFY, TRADE, CLEAR) and (marks & DOUBTFUL) != 0:
        doubtful = True
    progress = snapshot and (flags & F_LAST) == 0
    unsound = (IN_SNAPSHOT if progress else 0) | (DOUBTFUL if doubtful else 0)
    state.marks[number] = (marks & ~np.int64(UNSOUND)) | unsound


@helper
def apply_trade(
    state: QuoteState, number: Int, counter: NDArray[Any], records: QuoteColumns, at: Int, ts: Int
) -> None:
    """Apply a trade, which waits at the quote that it met, or at the one that it left."""
    price, size = records.price_int[at], np.int64(records.size[at])
    side = np.int64(records.side[at])
    names_fill = price != UNDEF_PRICE and size > 0
    waits = names_fill and await_fill(state, number, price, size, side)
    show_quote(state, number, counter, records, at, ts)
    if names_fill and not waits and not await_fill(state, number, price, size, side):
        counter["fills_unknown_order"] += 1


@helper
def count_action(counter: NDArray[Any], action: Int, size: Int) -> None:
    """Count a record by what it does."""
    if action == ADD:
        counter["adds"] += 1
    elif action == TRADE:
        counter["trades"] += 1
        counter["trade_volume"] += size
    elif action == CANCEL:
        counter["cancels"] += 1
    elif action == MODIFY:
        counter["modifies"] += 1
    elif action == CLEAR:
        counter["clears"] += 1
    elif action == FILL:
        counter["fills"] += 1
    elif action == NONE:
        counter["nones"] += 1
    else:
        counter["others"] += 1


@helper
def apply_rare(
    state: QuoteState,
    number: Int,
    counter: NDArray[Any],
    records: QuoteColumns,
    at: Int,
    ts: Int,
    flags: Int,
) -> None:
    """Apply any record, also one that is no sound change of a sound quote."""
    action = np.int64(records.action[at])
    flow = (flags & F_SNAPSHOT) == 0
    doubtful = (flags & F_MAYBE_BAD_BOOK) != 0 or (state.marks[number] & UNSOUND) != 0
    if not flow or doubtful or action == CLEAR:
        mark_quote(state, number, action, flags)
    counter["snapshot_records"] += 0 if flow else 1
    count_action(counter, action, np.int64(records.size[at]))
    if action == CLEAR:
        touch_instrument(state, number)
        place(state, bid_row(number), counter, np.int64(UNDEF_PRICE), np.int64(0), ts)
        place(state, ask_row(number), counter, np.int64(UNDEF_PRICE), np.int64(0), ts)
    elif action in (ADD, CANCEL, MODIFY, TRADE):
        if not flow:
            counter["snapshot_changes"] += 1
            place_quote(state, number, counter, records, at, ts)
            return
        state.marks[number] &= UNSOUND | TOUCHED
        if action == TRADE:
            apply_trade(state, number, counter, records, at, ts)
        else:
            show_quote(state, number, counter, records, at, ts)


@inlined
def apply_quote(
    state: QuoteState,
    number: Int,
    counter: NDArray[Any],
    records: QuoteColumns,
    at: Int,
    ts: Int,
    flags: Int,
) -> None:
    """Apply record `at` to the quote of its instrument. The clock has been moved."""
    rare = (flags & (F_SNAPSHOT | F_MAYBE_BAD_BOOK)) | (state.marks[number] & (UNSOUND | UNCHANGED))
    if (rare != 0) | (records.action[at] != ADD):
        apply_rare(state, number, counter, records, at, ts, flags)
    else:
        counter["adds"] += 1
        show_quote(state, number, counter, records, at, ts)


@inlined
def count_quote_event(state: QuoteState, number: Int, counter: NDArray[Any], ts: Int) -> None:
    """Count the event that a record with F_LAST closes, by the quote that it leaves."""
    counter["events"] += 1
    ask = state.shown[ask_row(number)]["price"]
    bid = state.shown[bid_row(number)]["price"]
    if bid < ask:
        if ask != UNDEF_PRICE:
            return
    elif bid == UNDEF_PRICE:
        if ask == UNDEF_PRICE:
            return
    elif bid > ask:
        if counter["crossed_events"] == 0:
            counter["crossed_first_ts"] = ts
        counter["crossed_events"] += 1
        counter["crossed_last_ts"] = ts
        return
    else:
        counter["locked_events"] += 1
        return
    if counter["one_sided_events"] == 0:
        counter["one_sided_first_ts"] = ts
    counter["one_sided_events"] += 1
    counter["one_sided_last_ts"] = ts
