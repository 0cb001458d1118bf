"""What each record does to a consolidated quote: the rules behind every table and tool.

A quote tells, for each side, the best price and the quantity displayed there, not what stands
behind. So the account of a side is that of its displayed quantity:

- the same price: a larger quantity is add, a smaller one pull;
- a side that appears is add, one that goes (no price, or quantity 0) is pull;
- another price pulls the old quantity and adds the new, and both are booked as reprice too,
  because nothing need have moved behind the touch;
- a trade carries the quote that it met. Its quantity waits at the side whose price it has (the
  aggressor's opposite; side N may have met either) and is the first part of what next leaves that
  price: fill, not pull. What has not left when the price goes was not displayed, and is counted as
  hidden. Where a trade's own quote shows its effect already, it is settled within that record;
- a clear empties the quote and a record with F_SNAPSHOT sets it, both without flow.

Actions N and F change nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from book_engines.kernel import Int, helper, inlined
from book_engines.levels import REST_NS
from book_engines.quote_records import QuoteColumns
from book_engines.quote_state import DOUBTFUL, IN_SNAPSHOT, QuoteState
from book_engines.records import (
    ADD,
    ASK,
    BID,
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
from book_engines.semantics import OPENED_BY_CLEAR, OPENED_BY_SNAPSHOT
from book_engines.sizes import size_bin
from book_engines.state import FAR


@inlined
def open_account(state: QuoteState, row: Int) -> None:
    """Open a side's account of the window, from the quantity there is, if it is not open yet."""
    clock = state.clock[0]
    touch = state.touches[row]
    if touch["stamp"] != clock["window"]:
        touch["stamp"] = clock["window"]
        state.touched[clock["touched"]] = row
        clock["touched"] += 1
        restart_account(state, row)


@helper
def restart_account(state: QuoteState, row: Int) -> None:
    """Let a side's account start from the quantity there is."""
    touch = state.touches[row]
    touch["start"] = state.shown[row]["qty"]
    touch["add"] = 0
    touch["pull"] = 0
    touch["pull_rest"] = 0
    touch["largest"] = 0


@helper
def open_extra(state: QuoteState, row: Int) -> NDArray[Any]:
    """Return the rest of a side's open account."""
    extra = state.extras[row]
    if extra["stamp"] != state.clock[0]["window"]:
        extra["stamp"] = state.clock[0]["window"]
        extra["fill"] = 0
        extra["add_reprice"] = 0
        extra["pull_reprice"] = 0
    return extra


@inlined
def book_addition(state: QuoteState, touch: NDArray[Any], qty: Int) -> None:
    """Book quantity that came, and how much came at once."""
    touch["add"] += qty
    touch["largest"] = max(touch["largest"], qty)
    state.sizes[np.uint64(size_bin(qty))] += 1


@inlined
def book_leaving(state: QuoteState, row: Int, qty: Int, ts: Int) -> Int:
    """Book quantity that left, first as fill; return what was pulled."""
    touch = state.touches[row]
    pulled = qty
    if touch["pending"] > 0:
        fill = min(touch["pending"], qty)
        touch["pending"] -= fill
        open_extra(state, row)["fill"] += fill
        pulled -= fill
        other = state.touches[row ^ 1]
        if state.shown[row ^ 1]["price"] == state.shown[row]["price"]:
            # locked: a trade of side N waits at both sides
            other["pending"] -= min(other["pending"], fill)
    touch["pull"] += pulled
    if ts - touch["since"] >= REST_NS:
        touch["pull_rest"] += pulled
    return pulled


@inlined
def show(state: QuoteState, row: Int, counter: NDArray[Any], price: Int, qty: Int, ts: Int) -> None:
    """Set a side of a quote to `price` and `qty` and book what that means."""
    touch = state.touches[row]
    shown = state.shown[row]
    old = shown["qty"]
    if price == UNDEF_PRICE or qty == 0:
        price = np.int64(UNDEF_PRICE)
        qty = np.int64(0)
    open_account(state, row)
    if price == shown["price"] and touch["pending"] == 0:
        # No branch on whether and which way the quantity moved: nothing foretells it, and the half
        # of all sides that a record leaves as they are cost less so (22 ns down to 14).
        added = max(qty - old, np.int64(0))
        pulled = added - (qty - old)
        touch["add"] += added
        touch["pull"] += pulled
        touch["pull_rest"] += pulled if ts - touch["since"] >= REST_NS else np.int64(0)
        touch["largest"] = max(touch["largest"], added)
        state.sizes[np.uint64(size_bin(added))] += np.int64(added > 0)
    elif price == shown["price"]:
        if qty > old:
            book_addition(state, touch, qty - old)
        else:
            book_leaving(state, row, old - qty, ts)
    else:
        pulled = np.int64(0)
        if old > 0:
            pulled = book_leaving(state, row, old, ts)
            if touch["pending"] > 0:
                counter["hidden_fills"] += 1
                counter["hidden_fill_qty"] += touch["pending"]
                touch["pending"] = 0
        if qty > 0:
            book_addition(state, touch, qty)
            if old > 0:
                extra = open_extra(state, row)
                extra["add_reprice"] += qty
                extra["pull_reprice"] += pulled
        shown["price"] = price
        touch["since"] = ts
    shown["qty"] = qty


@helper
def place(
    state: QuoteState, row: Int, counter: NDArray[Any], price: Int, qty: Int, ts: Int
) -> None:
    """Set a side of a quote without flow: its account begins anew."""
    touch = state.touches[row]
    shown = state.shown[row]
    if price == UNDEF_PRICE or qty == 0:
        price = np.int64(UNDEF_PRICE)
        qty = np.int64(0)
    if touch["pending"] > 0:
        counter["expired_fills"] += 1
        touch["pending"] = 0
    if price != shown["price"]:
        shown["price"] = price
        touch["since"] = ts
    shown["qty"] = qty
    open_account(state, row)
    restart_account(state, row)
    state.extras[row]["stamp"] = FAR


@helper
def await_fill(state: QuoteState, number: Int, price: Int, size: Int, side: Int) -> Int:
    """Let a trade wait at the sides that it may have met; return whether there was any."""
    met = False
    for row in range(2 * number, 2 * number + 2):
        untouched = side == (ASK if row & 1 == 0 else BID)  # the aggressor's own side
        if not untouched and state.shown[row]["price"] == price:
            state.touches[row]["pending"] += size
            met = True
    return met


@helper
def mark_quote(state: QuoteState, number: Int, action: Int, flags: Int) -> None:
    """Keep the validity marks: opening state, snapshot in progress, MAYBE_BAD_BOOK.

    Every quote states both sides whole, so a sound one ends the doubt as a snapshot would.
    """
    marks = state.instruments[number]
    snapshot = (flags & F_SNAPSHOT) != 0
    doubtful = (flags & F_MAYBE_BAD_BOOK) != 0
    if (snapshot or action == CLEAR) and marks["changed"] == 0:
        marks["opening"] |= OPENED_BY_CLEAR if action == CLEAR else OPENED_BY_SNAPSHOT
    if snapshot or doubtful or action == CLEAR:
        marks["disturbed"] = state.clock[0]["window"]
    if action not in (ADD, CANCEL, MODIFY, TRADE, CLEAR) and (marks["unsound"] & DOUBTFUL) != 0:
        doubtful = True
    progress = snapshot and (flags & F_LAST) == 0
    marks["unsound"] = (IN_SNAPSHOT if progress else 0) | (DOUBTFUL if doubtful else 0)


@inlined
def apply_quote(
    state: QuoteState, number: Int, counter: NDArray[Any], records: QuoteColumns, at: Int
) -> None:
    """Apply record `at` to the quote of its instrument. The clock has been moved."""
    ts = records.ts_event_ns[at]
    flags = np.int64(records.flags[at])
    action = np.int64(records.action[at])
    marks = state.instruments[number]
    flow = (flags & F_SNAPSHOT) == 0
    ask, bid = 2 * number, 2 * number + 1
    if (flags & (F_SNAPSHOT | F_MAYBE_BAD_BOOK)) != 0 or action == CLEAR or marks["unsound"] != 0:
        mark_quote(state, number, action, flags)
        if not flow:
            counter["snapshot_records"] += 1
    trade: Int = False
    waits = False
    if action == ADD:
        counter["adds"] += 1
    elif action == TRADE:
        counter["trades"] += 1
        counter["trade_volume"] += records.size[at]
        trade = flow and records.price_int[at] != UNDEF_PRICE and records.size[at] > 0
        if trade:
            waits = await_fill(
                state,
                number,
                records.price_int[at],
                np.int64(records.size[at]),
                np.int64(records.side[at]),
            )
    elif action == CANCEL:
        counter["cancels"] += 1
    elif action == MODIFY:
        counter["modifies"] += 1
    else:
        if action == CLEAR:
            counter["clears"] += 1
            place(state, bid, counter, np.int64(UNDEF_PRICE), np.int64(0), ts)
            place(state, ask, counter, np.int64(UNDEF_PRICE), np.int64(0), ts)
        elif action == FILL:
            counter["fills"] += 1
        elif action == NONE:
            counter["nones"] += 1
        else:
            counter["others"] += 1
        return
    bid_price, bid_qty = records.bid_price_int[at], np.int64(records.bid_qty[at])
    ask_price, ask_qty = records.ask_price_int[at], np.int64(records.ask_qty[at])
    if flow:
        marks["changed"] = 1
        show(state, bid, counter, bid_price, bid_qty, ts)
        show(state, ask, counter, ask_price, ask_qty, ts)
    else:
        counter["snapshot_changes"] += 1
        place(state, bid, counter, bid_price, bid_qty, ts)
        place(state, ask, counter, ask_price, ask_qty, ts)
    if trade and not waits:
        waits = await_fill(
            state,
            number,
            records.price_int[at],
            np.int64(records.size[at]),
            np.int64(records.side[at]),
        )
        if not waits:
            counter["fills_unknown_order"] += 1


@inlined
def count_quote_event(state: QuoteState, number: Int, counter: NDArray[Any], ts: Int) -> None:
    """Count the event that a record with F_LAST closes, by the quote that it leaves."""
    counter["events"] += 1
    ask = state.shown[2 * number]["price"]
    bid = state.shown[2 * number + 1]["price"]
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
