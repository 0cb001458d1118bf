"""What a new quote does to the accounts of its two sides.

A quote tells, for each side, the best price and the quantity displayed there, not what stands
behind. So the account of a side is that of its displayed quantity:

- the same price: a larger quantity is add, a smaller one pull;
- a side that appears is add, one that goes (no price, or quantity 0) is pull;
- another price pulls the old quantity and adds the new, and both are booked as reprice too,
  because nothing need have moved behind the touch;
- what leaves a price at which a trade waits is fill first. What has not left when the price goes
  was not displayed, and is counted as hidden.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from book_engines.kernel import Int, helper, inlined
from book_engines.levels import REST_NS
from book_engines.orders import ONE
from book_engines.quote_accounts import restart_account, touch_instrument
from book_engines.quote_records import QuoteColumns
from book_engines.quote_state import QuoteState, ask_row, bid_row
from book_engines.records import ASK, BID, UNDEF_PRICE
from book_engines.sizes import size_bin


@inlined
def book_addition(state: QuoteState, account: NDArray[Any], qty: Int) -> None:
    """Book quantity that came, and how much came at once; 0 counts in a bin that is not shown."""
    account["add"] += qty
    account["largest"] = max(account["largest"], qty)
    state.sizes[np.uint64(size_bin(qty))] += 1


@inlined
def book_leaving(state: QuoteState, row: Int, qty: Int, ts: Int) -> Int:
    """Book quantity that left, first as fill; return the fill."""
    account = state.accounts[row]
    shown = state.shown[row]
    fill = min(shown["pending"], qty)
    shown["pending"] -= fill
    pulled = qty - fill
    account["fill"] += fill
    account["pull"] += pulled
    account["pull_rest"] += pulled if ts - shown["since"] >= REST_NS else np.int64(0)
    return fill


@inlined
def resize(state: QuoteState, row: Int, change: Int, ts: Int) -> Int:
    """Set the quantity of a side whose price stays and book what that means; return the fill.

    No branch on whether and which way the quantity moved, nor on whether a trade waits: nothing
    foretells them.
    """
    shown = state.shown[row]
    added = max(change, np.int64(0))
    book_addition(state, state.accounts[row], added)
    shown["qty"] += change
    return book_leaving(state, row, added - change, ts)


@helper
def show(state: QuoteState, row: Int, counter: NDArray[Any], price: Int, qty: Int, ts: Int) -> None:
    """Set a side of a quote to `price` and `qty` and book what that means."""
    shown = state.shown[row]
    account = state.accounts[row]
    old = shown["qty"]
    other = state.shown[row ^ ONE]
    is_locked = other["price"] == shown["price"]
    if price == shown["price"]:
        fill = resize(state, row, qty - old, ts)
    else:
        fill = book_leaving(state, row, old, ts)
        if shown["pending"] > 0:
            counter["hidden_fills"] += 1
            counter["hidden_fill_qty"] += shown["pending"]
            shown["pending"] = 0
        book_addition(state, account, qty)
        if qty > 0 and old > 0:
            account["add_reprice"] += qty
            account["pull_reprice"] += old - fill
        shown["price"] = price
        shown["qty"] = qty
        shown["since"] = ts
    if is_locked:
        # a trade of side N waits at both sides
        other["pending"] -= min(other["pending"], fill)


@inlined
def show_quote(
    state: QuoteState, number: Int, counter: NDArray[Any], records: QuoteColumns, at: Int, ts: Int
) -> None:
    """Set both sides of a quote to those of record `at` and book what that means."""
    ask, bid = ask_row(number), bid_row(number)
    bid_price, bid_qty = side_shown(records.bid_price_int[at], records.bid_qty[at])
    ask_price, ask_qty = side_shown(records.ask_price_int[at], records.ask_qty[at])
    touch_instrument(state, number)
    shown_ask, shown_bid = state.shown[ask], state.shown[bid]
    prices_stay = (bid_price == shown_bid["price"]) & (ask_price == shown_ask["price"])
    ask_change = ask_qty - shown_ask["qty"]
    bid_change = bid_qty - shown_bid["qty"]
    if prices_stay & ((ask_change == 0) | (bid_change == 0)) & (bid_price != ask_price):
        # which side it is nothing foretells: no branch on that either
        resize(state, ask + np.uint64(ask_change == 0), ask_change + bid_change, ts)
    else:
        show(state, bid, counter, bid_price, bid_qty, ts)
        show(state, ask, counter, ask_price, ask_qty, ts)


@inlined
def side_shown(price: Int, qty: Int) -> tuple[Int, Int]:
    """Return what a side shows; without a price or a quantity it is empty."""
    is_empty = (price == UNDEF_PRICE) | (qty == 0)
    return np.int64(UNDEF_PRICE) if is_empty else price, np.int64(0) if is_empty else np.int64(qty)


@helper
def place(
    state: QuoteState, row: Int, counter: NDArray[Any], price: Int, qty: Int, ts: Int
) -> None:
    """Set a side of a quote without flow: its account begins anew."""
    shown = state.shown[row]
    if shown["pending"] > 0:
        counter["expired_fills"] += 1
        shown["pending"] = 0
    if price != shown["price"]:
        shown["price"] = price
        shown["since"] = ts
    shown["qty"] = qty
    restart_account(state, row)


@helper
def place_quote(
    state: QuoteState, number: Int, counter: NDArray[Any], records: QuoteColumns, at: Int, ts: Int
) -> None:
    """Set both sides of a quote to those of record `at`, without flow."""
    touch_instrument(state, number)
    price, qty = side_shown(records.bid_price_int[at], records.bid_qty[at])
    place(state, bid_row(number), counter, price, qty, ts)
    price, qty = side_shown(records.ask_price_int[at], records.ask_qty[at])
    place(state, ask_row(number), counter, price, qty, ts)


@helper
def await_fill(state: QuoteState, number: Int, price: Int, size: Int, side: Int) -> Int:
    """Let a trade wait at the sides that it may have met; return whether there was any."""
    ask, bid = state.shown[ask_row(number)], state.shown[bid_row(number)]
    # a trade names the aggressor's own side, which it has not met
    met_ask = (ask["price"] == price) & (side != ASK)
    met_bid = (bid["price"] == price) & (side != BID)
    ask["pending"] += size if met_ask else np.int64(0)
    bid["pending"] += size if met_bid else np.int64(0)
    return met_ask | met_bid
