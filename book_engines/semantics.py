"""What each record does to the book: the one set of rules behind every table and tool."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from book_engines.hints import unlikely
from book_engines.kernel import Int, helper, inlined
from book_engines.levels import (
    REST_NS,
    change_level,
    flow_place,
    note_added,
    obtain_level,
)
from book_engines.orders import ONE, book_mix, delete_order, find_order
from book_engines.records import (
    ADD,
    ASK,
    BID,
    CANCEL,
    CLEAR,
    F_LAST,
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
from book_engines.state import BLOCK, FAR, LANE_RUNGS, UNSET, State

OPENED_BY_CLEAR = 1
OPENED_BY_SNAPSHOT = 2
BOTH_SIDES = 3


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
def book_slot(state: State, publisher_id: Int, instrument_id: Int) -> Int:
    """Return the slot of the lookup of books where a book is entered, or would be."""
    lookup = state.book_lookup
    mask = np.uint64(lookup.size - 1)
    slot = (book_mix(publisher_id, instrument_id) >> np.uint64(20)) & mask
    while lookup[slot] != 0:
        found = state.books[np.uint32(lookup[slot] - 1)]
        if found["publisher_id"] == publisher_id and found["instrument_id"] == instrument_id:
            break
        slot = (slot + ONE) & mask
    return slot


@inlined
def find_book(state: State, publisher_id: Int, instrument_id: Int) -> Int:
    """Return the number + 1 of a book, 0 where it is not made yet."""
    return np.uint32(state.book_lookup[book_slot(state, publisher_id, instrument_id)])


@helper
def obtain_book(state: State, publisher_id: Int, instrument_id: Int, per_book: Int) -> Int:
    """Return the number of the (publisher, instrument) book, a new one at its first record.

    With `per_book` each book is a table of its own; without, books of one instrument share one.
    """
    clock = state.clock[0]
    slot = book_slot(state, publisher_id, instrument_id)
    if state.book_lookup[slot] != 0:
        return np.uint32(state.book_lookup[slot] - 1)
    book = np.uint32(clock["books"])
    table = clock["tables"]
    if not per_book:
        for other in range(clock["books"]):
            if state.books[other]["instrument_id"] == instrument_id:
                table = np.int64(state.books[other]["table"])
                break
    state.book_lookup[slot] = book + 1
    clock["books"] += 1
    made = state.books[book]
    made["publisher_id"] = publisher_id
    made["instrument_id"] = instrument_id
    made["mix"] = book_mix(publisher_id, instrument_id)
    made["table"] = table
    if table == clock["tables"]:
        clock["tables"] += 1
        for side in range(2):
            ladder = state.lanes[2 * table + side]
            ladder["offset"] = clock["rungs"]
            ladder["capacity"] = LANE_RUNGS
            clock["rungs"] += LANE_RUNGS
    return book


@helper
def take_pending(state: State, order: NDArray[Any], ts: Int, book: Int) -> Int:
    """Return the pending fill that a record at `ts` settles; another time expires it."""
    clock = state.clock[0]
    number = order["pending"]
    pending = state.pendings[number]
    order["pending"] = 0
    pending["next_free"] = clock["free_pending"]
    clock["free_pending"] = number
    if pending["ts_event"] == ts:
        return np.int64(pending["qty"])
    state.counters[book]["expired_fills"] += 1
    return np.int64(0)


@helper
def remember_fill(state: State, book: Int, key: Int, size: Int, ts: Int) -> None:
    """Add a fill to what the next cancel or modify of its order at the same time will settle."""
    clock = state.clock[0]
    counter = state.counters[book]
    slot = find_order(state.orders, key, book, clock["order_shift"])
    if slot < 0:
        counter["fills_unknown_order"] += 1
        return
    order = state.orders[np.uint64(slot)]
    number = np.int64(order["pending"])
    if number != 0:
        if state.pendings[number]["ts_event"] == ts:
            state.pendings[number]["qty"] += size
            return
        counter["expired_fills"] += 1
    elif clock["free_pending"] != 0:
        number = clock["free_pending"]
        clock["free_pending"] = state.pendings[number]["next_free"]
    else:
        number = clock["pendings"]
        clock["pendings"] += 1
    order["pending"] = number
    state.pendings[number]["qty"] = size
    state.pendings[number]["ts_event"] = ts


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


@helper
def live_changes(counter: NDArray[Any]) -> Int:
    """Return the adds, cancels and modifies of a book that had a side and no F_SNAPSHOT."""
    changes = counter["adds"] + counter["cancels"] + counter["modifies"]
    return changes - counter["snapshot_changes"] - counter["sideless_ignored"]


@helper
def mark_book(state: State, book: Int, action: Int, flags: Int, ts: Int) -> None:
    """Keep the book's validity marks: opening state, snapshot in progress, MAYBE_BAD_BOOK.

    A clear that opens a snapshot is no part of it yet: of an empty book it is all there is, and
    nothing more need come of that book.
    """
    clock = state.clock[0]
    marks = state.books[book]
    counter = state.counters[book]
    table = state.tables[marks["table"]]
    snapshot = (flags & F_SNAPSHOT) != 0
    if snapshot:
        table["dated"] = max(table["dated"], ts)
    if snapshot or action == CLEAR:
        if live_changes(counter) == 0:
            marks["opening"] |= OPENED_BY_CLEAR if action == CLEAR else OPENED_BY_SNAPSHOT
        if marks["snapshot"] == 0 or action == CLEAR:
            table["doubtful"] -= marks["doubtful"]
            marks["doubtful"] = 0
        table["known"] = BOTH_SIDES
        table["disturbed"] = clock["window"]
    progress = 1 if snapshot and action != CLEAR and (flags & F_LAST) == 0 else 0
    table["snapshots"] += progress - marks["snapshot"]
    marks["snapshot"] = progress
    if (flags & F_MAYBE_BAD_BOOK) != 0 and marks["doubtful"] == 0:
        marks["doubtful"] = 1
        table["doubtful"] += 1


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
