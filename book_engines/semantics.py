"""What each record does to the book: the one set of rules behind every table and tool."""

from __future__ import annotations

import numpy as np

from book_engines.fills import remember_fill, take_pending
from book_engines.hints import unlikely
from book_engines.kernel import Int, helper, inlined
from book_engines.levels import (
    REST_NS,
    change_level,
    flow_place,
    note_added,
    obtain_level,
)
from book_engines.orders import find_order
from book_engines.records import (
    ADD,
    ASK,
    BID,
    CANCEL,
    CLEAR,
    F_MAYBE_BAD_BOOK,
    F_SNAPSHOT,
    F_TOB,
    FILL,
    MODIFY,
    NONE,
    SECOND_NS,
    TRADE,
    UNDEF_PRICE,
)
from book_engines.removals import drop_order, empty_book, replace_side
from book_engines.state import BLOCK, LANE_RUNGS, UNSET, State
from book_engines.validity import mark_book


@helper
def has_room(state: State) -> Int:
    """Return whether BLOCK more records fit, whatever they hold."""
    clock = state.clock[0]
    return (
        4 * (clock["orders"] + BLOCK) <= state.orders.size
        and clock["levels"] - clock["free_levels"] + BLOCK <= state.levels.size
        and clock["pendings"] + BLOCK <= state.pendings.size
        and clock["books"] + BLOCK <= state.books.size
        and clock["rungs"] + 2 * LANE_RUNGS * BLOCK <= state.rungs.size
        and clock["starved"] == 0
    )


@inlined
def apply_record(
    state: State,
    book: Int,
    order_id: Int,
    price: Int,
    size: Int,
    action: Int,
    side: Int,
    flags: Int,
    ts: Int,
) -> None:
    """Apply one record to its book. The clock has been moved, room has been made."""
    clock = state.clock[0]
    counter = state.counters[book]
    owner = state.books[book]
    live = (flags & F_SNAPSHOT) == 0
    marked = (flags & (F_SNAPSHOT | F_MAYBE_BAD_BOOK)) != 0
    if unlikely(marked or action == CLEAR or owner["snapshot"] != 0):
        mark_book(state, book, action, flags, ts)
    if unlikely(not live):
        counter["snapshot_records"] += 1
        clock["horizon"] = max(clock["horizon"], ts)

    if action in (ADD, CANCEL, MODIFY):
        if action == ADD:
            counter["adds"] += 1
        elif action == CANCEL:
            counter["cancels"] += 1
        else:
            counter["modifies"] += 1
        if unlikely(side != ASK and side != BID):
            counter["sideless_ignored"] += 1
            return
        lane = np.uint32(owner["table"] * 2 + (1 if side == BID else 0))
        if unlikely(not live):
            counter["snapshot_changes"] += 1
        if unlikely((flags & F_TOB) != 0):
            counter["tob_records"] += 1
            state.tables[owner["table"]]["known"] |= 1 << (lane & 1)
            replace_side(state, book, np.int64(lane & 1), price, size, ts, live)
            return
        if unlikely(action != CANCEL and price == UNDEF_PRICE):
            counter["null_price_ignored"] += 1
            return
        key = order_id + owner["mix"]
        slot = find_order(state.orders, key, book, clock["order_shift"])
        known = slot >= 0
        if known:
            order = state.orders[np.uint64(slot)]
            row = order["level"]
            level = state.levels[row]
            old = np.int64(order["qty"])
            entered = order["t_entered"]
            pending = np.int64(0)
            stays = False
            new = np.int64(0)
            if unlikely(order["pending"] != 0):
                # an add or a snapshot record settles nothing: the fill expires
                settles = live and action != ADD
                pending = take_pending(state, order, ts if settles else np.int64(UNSET), book)
                if pending > old:
                    counter["hidden_fills"] += 1
                    counter["hidden_fill_qty"] += pending - old
            if action == CANCEL:
                if unlikely(size > old):
                    counter["over_cancels"] += 1
                new = old - min(np.int64(size), old)
                stays = bool(new > 0)
            elif action == MODIFY:
                if level["lane"] != lane:
                    counter["side_changes"] += 1
                elif level["price"] == price:
                    new = np.int64(size)
                    stays = True
            else:
                counter["duplicate_adds"] += 1
            change_level(state, row, old, new, entered, pending, ts, live)
            if stays:
                order["qty"] = new
                return
            if action == CANCEL:
                drop_order(state, slot, book)
                return
            level["orders"] -= 1
        else:
            if action == CANCEL:
                counter["unknown_cancels"] += 1
                return
            if action == MODIFY:
                counter["unknown_modifies"] += 1
            slot = ~slot
            owner["orders"] += 1
            clock["orders"] += 1
        row = obtain_level(state, lane, price)
        entry = state.orders[np.uint64(slot)]
        entry["key"] = key
        entry["t_entered"] = ts
        entry["level"] = row
        entry["qty"] = size
        entry["book"] = book + 1
        entry["pending"] = 0
        zero = np.int64(0)
        change_level(state, row, zero, size, ts, zero, ts, live)
        state.levels[row]["orders"] += 1
        if live:
            note_added(state, row, size)
    elif action == TRADE:
        counter["trades"] += 1
        counter["trade_volume"] += size
        table = state.tables[owner["table"]]
        if price != UNDEF_PRICE:
            table["last_trade"] = price
        if live:
            if table["stamp"] != clock["epoch"]:
                table["stamp"] = clock["epoch"]
                table["trade_qty_buy"] = 0
                table["trade_qty_sell"] = 0
                table["trade_count"] = 0
            table["trade_count"] += 1
            if side == BID:
                table["trade_qty_buy"] += size
            elif side == ASK:
                table["trade_qty_sell"] += size
    elif action == FILL:
        counter["fills"] += 1
        if (flags & F_TOB) != 0:
            counter["fills_unknown_order"] += 1
        elif live:
            remember_fill(state, book, order_id + owner["mix"], size, ts)
    elif action == CLEAR:
        counter["clears"] += 1
        empty_book(state, book, ts)
    elif action == NONE:
        counter["nones"] += 1
    else:
        counter["others"] += 1


@inlined
def count_event(state: State, book: Int, ts: Int) -> None:
    """Count the event that a record with F_LAST closes, by the state its table is then in."""
    counter = state.counters[book]
    counter["events"] += 1
    lane = state.books[book]["table"] * 2
    ask_key = state.lanes[np.uint32(lane)]["best"]
    bid_key = state.lanes[np.uint32(lane + 1)]["best"]
    if ask_key != UNSET and bid_key != UNSET:
        ask = ~ask_key
        if bid_key > ask:
            if counter["crossed_events"] == 0:
                counter["crossed_first_ts"] = ts
            counter["crossed_events"] += 1
            counter["crossed_last_ts"] = ts
        elif bid_key == ask:
            counter["locked_events"] += 1
    elif ask_key != bid_key:
        if counter["one_sided_events"] == 0:
            counter["one_sided_first_ts"] = ts
        counter["one_sided_events"] += 1
        counter["one_sided_last_ts"] = ts


@helper
def open_window(state: State, window: Int) -> None:
    """Close the open window's flows and open `window`."""
    clock = state.clock[0]
    clock["touched"] = 0
    state.added_sizes[:] = 0
    clock["epoch"] += 1
    clock["window"] = window
    clock["end"] = (window + 1) * SECOND_NS
    clock["young_from"] = clock["end"] - REST_NS
    if clock["horizon"] > clock["young_from"]:
        mark_young(state)


@helper
def mark_young(state: State) -> None:
    """Find the snapshot orders that, dated later than the clock, will not have rested either.

    Live orders never carry a time beyond the clock, so this runs only while a snapshot lies ahead.
    """
    clock = state.clock[0]
    clock["horizon"] = UNSET
    n_slots = state.orders.size
    for i in range(n_slots + 2 * clock["books"]):
        order = state.orders[i] if i < n_slots else state.tops[i - n_slots]
        if order["book"] != 0 and order["t_entered"] > clock["young_from"]:
            row = order["level"]
            state.flows[flow_place(state, row)]["young"] += order["qty"]
            clock["horizon"] = max(clock["horizon"], order["t_entered"])
