"""Orders that leave a book: one, all of them, or those of a side that a TOB record replaces."""

from __future__ import annotations

import numpy as np

from book_engines.fills import take_pending
from book_engines.hints import unlikely
from book_engines.kernel import Int, helper, inlined
from book_engines.levels import change_level, flow_place, obtain_level
from book_engines.orders import delete_order
from book_engines.records import UNDEF_PRICE
from book_engines.state import FAR, UNSET, State


@inlined
def drop_order(state: State, slot: Int, book: Int) -> None:
    """Take an order whose quantity has left its level out of the order table."""
    clock = state.clock[0]
    order = state.orders[np.uint64(slot)]
    if unlikely(order["pending"] != 0):
        take_pending(state, order, np.int64(UNSET), book)
    state.levels[order["level"]]["orders"] -= 1
    state.books[book]["orders"] -= 1
    clock["orders"] -= 1
    delete_order(state.orders, slot, clock["order_shift"])


@helper
def remove_quantity(state: State, row: Int, qty: Int, t_entered: Int, ts: Int, live: Int) -> None:
    """Take an order's whole quantity from its level, as pull when it is live."""
    zero = np.int64(0)
    change_level(state, row, qty, zero, t_entered, zero, ts, live)


@helper
def empty_book(state: State, book: Int, ts: Int) -> None:
    """Remove every order of a book and what TOB records put there; nothing is booked."""
    slot = np.int64(0)
    live = np.bool_(False)
    while state.books[book]["orders"] > 0 and slot < state.orders.size:
        order = state.orders[slot]
        if order["book"] == book + 1:
            qty = np.int64(order["qty"])
            remove_quantity(state, order["level"], qty, order["t_entered"], ts, live)
            drop_order(state, slot, book)  # may move another order into this slot
        else:
            slot += 1
    for side in range(2):
        top = state.tops[2 * book + side]
        if top["book"] != 0:
            row = top["level"]
            remove_quantity(state, row, np.int64(top["qty"]), top["t_entered"], ts, live)
            state.levels[row]["orders"] -= 1
            top["book"] = 0


@helper
def replace_side(
    state: State, book: Int, side: Int, price: Int, size: Int, ts: Int, live: Int
) -> None:
    """Replace a side of a book by one level; a null price or no size leaves it empty.

    What stood at the new price keeps its age and only the difference is booked; everything else
    on the side is pulled.
    """
    clock = state.clock[0]
    lane = np.uint32(state.books[book]["table"] * 2 + side)
    filled = price != UNDEF_PRICE and size > 0
    held = np.int64(0)
    entered = np.int64(FAR)
    top = state.tops[2 * book + side]
    last = state.orders.size if state.books[book]["orders"] > 0 else 0
    slot = np.int64(-1)  # stands for the level that an earlier TOB record left
    while slot < last:
        order = top if slot < 0 else state.orders[slot]
        row = order["level"]
        if order["book"] != book + 1 or state.levels[row]["lane"] != lane:
            slot += 1
            continue
        qty = np.int64(order["qty"])
        if filled and state.levels[row]["price"] == price:
            held += qty
            entered = min(entered, order["t_entered"])
            flow = state.flows[flow_place(state, row)]
            if order["t_entered"] > clock["young_from"]:
                flow["young"] -= qty
        else:
            remove_quantity(state, row, qty, order["t_entered"], ts, live)
        if slot < 0:
            top["book"] = 0
            state.levels[row]["orders"] -= 1
            slot += 1
        else:
            drop_order(state, slot, book)  # may move another order into this slot
    if not filled:
        return
    if entered == FAR:
        entered = ts
    row = obtain_level(state, lane, price)
    state.levels[row]["orders"] += 1
    if entered > clock["young_from"]:
        state.flows[flow_place(state, row)]["young"] += held
    change_level(state, row, held, size, entered, np.int64(0), ts, live)
    top["book"] = book + 1
    top["level"] = row
    top["qty"] = size
    top["t_entered"] = entered
