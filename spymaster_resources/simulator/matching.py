"""Price-time matching with hidden reserves and the venue's rules of priority.

Rules (CME Globex, FIFO): the best price trades first and within it the order that waits longest; a
smaller size keeps the place in the queue, a larger size or another price loses it; a hidden order
shows its peak, and each refill goes to the end of the queue. An order that comes in (or a modify
that crosses) is one event: trades and their fills, then what became of the resting orders, then
what became of the order itself.
"""

from __future__ import annotations

from typing import Final

from book_engines.kernel import helper
from spymaster_resources.simulator.exchange import (
    ADDED,
    ASK,
    AT_LOG,
    AT_TOUCHED,
    BOUGHT,
    COUNT,
    DEPTH,
    ENTRY_NS,
    EVENT,
    EVENT_FILLED,
    EVENT_NUMBER,
    EVENT_OLD,
    FILLED,
    HEAD,
    I64,
    INSTRUMENT,
    LAST_TRADE,
    LOG_ADD,
    LOG_CANCEL,
    LOG_COUNT,
    LOG_DONE,
    LOG_FIELDS,
    LOG_FILL,
    LOG_HIDDEN,
    LOG_INSTRUMENT,
    LOG_KIND,
    LOG_LAST,
    LOG_MODIFY,
    LOG_NS,
    LOG_ORDER_ID,
    LOG_QTY,
    LOG_REMAINS,
    LOG_ROWS,
    LOG_SIDE,
    LOG_TICK,
    LOG_TRADE,
    NEITHER,
    NEXT_ORDER_ID,
    NONE,
    ORDER_ID,
    OWNER,
    PEAK,
    PRINTS_FILLS,
    QTY,
    RESERVE,
    SIDE,
    SOLD,
    TICK,
    TOUCHED_COUNT,
    TRADES,
    book_at,
    cell_at,
    cell_of,
)
from spymaster_resources.simulator.ledger import book_entry, book_pull, open_cell
from spymaster_resources.simulator.queues import (
    enlist,
    free_order,
    join_queue,
    leave_queue,
    new_order,
    strike_off,
    to_end_of_queue,
)

# Rows that one event may need, for an order of at most MAX_QTY: every lot a trade at its own price,
# a fill and a resting order left.
MAX_QTY: Final = 1_000
MAX_EVENT_ROWS: Final = 3 * MAX_QTY + 2


@helper
def submit(
    ex: I64,
    ts: int,
    i: int,
    side: int,
    tick: int,
    qty: int,
    peak: int,
    may_rest: bool,
    owner: int,
) -> int:
    """Execute a new limit order of instrument `i`; return the order that rests, or NONE.

    peak: the quantity shown of a hidden order, 0 to show all. may_rest False cancels what does not
    trade at once (it was never in the book and leaves no record).
    """
    order_id = ex[NEXT_ORDER_ID]
    ex[NEXT_ORDER_ID] += 1
    first = ex[LOG_COUNT]
    left = _match(ex, ts, i, side, tick, qty, order_id)
    order = NONE
    if left > 0 and may_rest:
        shown = min(peak, left) if peak > 0 else left
        order = new_order(ex)
        ex[order + ORDER_ID] = order_id
        ex[order + INSTRUMENT] = i
        ex[order + SIDE] = side
        ex[order + OWNER] = owner
        ex[order + PEAK] = peak
        ex[order + RESERVE] = left - shown
        ex[order + EVENT] = 0
        _enter(ex, ts, order, tick, shown)
        enlist(ex, order)
        _record(ex, LOG_ADD, ts, order, shown)
    _end_event(ex, first)
    return order


@helper
def cancel(ex: I64, ts: int, order: int, qty: int) -> None:
    """Take `qty` off a resting order; all of it (with any hidden reserve) if none would be left."""
    first = ex[LOG_COUNT]
    off = min(qty, ex[order + QTY])
    book_pull(ex, order, ts, off)
    _record(ex, LOG_CANCEL, ts, order, off)
    if off == ex[order + QTY]:
        leave_queue(ex, order)
        _retire(ex, order)
        free_order(ex, order)
    else:
        ex[order + QTY] -= off
        ex[cell_of(ex, order) + DEPTH] -= off
    _end_event(ex, first)


@helper
def modify(ex: I64, ts: int, order: int, tick: int, qty: int) -> bool:
    """Give a resting order another price and displayed size; return whether it still rests.

    A price that crosses trades at once. A hidden reserve stays behind what is left, and goes with
    the order when nothing is. A venue that knows no modify replaces the order by a new one.
    """
    if ex[PRINTS_FILLS] == 1:
        return bool(_replace(ex, ts, order, tick, qty))
    first = ex[LOG_COUNT]
    if tick == ex[order + TICK]:
        _resize(ex, ts, order, qty)
        _record(ex, LOG_MODIFY, ts, order, qty)
        _end_event(ex, first)
        return True
    book_pull(ex, order, ts, ex[order + QTY])
    leave_queue(ex, order)
    left = _match(ex, ts, ex[order + INSTRUMENT], ex[order + SIDE], tick, qty, ex[order + ORDER_ID])
    if left > 0:
        _enter(ex, ts, order, tick, left)
        _record(ex, LOG_MODIFY, ts, order, left)
    else:
        _record(ex, LOG_CANCEL, ts, order, ex[order + QTY])
        _retire(ex, order)
        free_order(ex, order)
    _end_event(ex, first)
    return bool(left > 0)


@helper
def _replace(ex: I64, ts: int, order: int, tick: int, qty: int) -> bool:
    """Take a part off, or everything and come back as a new order with a new id."""
    if tick == ex[order + TICK] and qty < ex[order + QTY]:
        cancel(ex, ts, order, ex[order + QTY] - qty)
        return True
    i, side, owner = ex[order + INSTRUMENT], ex[order + SIDE], ex[order + OWNER]
    cancel(ex, ts, order, MAX_QTY)
    return bool(submit(ex, ts, i, side, tick, qty, 0, True, owner) != NONE)


@helper
def print_hidden(ex: I64, ts: int, i: int, tick: int, qty: int) -> None:
    """Trade between two orders that the book never showed: the book does not change."""
    first = ex[LOG_COUNT]
    book = book_at(ex, i)
    ex[book + LAST_TRADE] = tick
    ex[book + TRADES] += 1
    _write(ex, _new_row(ex), LOG_HIDDEN, ts, i, NEITHER, tick, 0, qty)
    _end_event(ex, first)


@helper
def _resize(ex: I64, ts: int, order: int, qty: int) -> None:
    cell = cell_of(ex, order)
    more = qty - ex[order + QTY]
    if more > 0:
        open_cell(ex, cell)
        ex[cell + ADDED] += more
        to_end_of_queue(ex, order)
    else:
        book_pull(ex, order, ts, -more)
    ex[order + QTY] = qty
    ex[cell + DEPTH] += more


@helper
def _enter(ex: I64, ts: int, order: int, tick: int, qty: int) -> None:
    ex[order + TICK] = tick
    ex[order + QTY] = qty
    ex[order + ENTRY_NS] = ts
    book_entry(ex, order)
    join_queue(ex, order)


@helper
def _retire(ex: I64, order: int) -> None:
    """Take an order that left the book off its roster; a quantity of 0 marks it as gone."""
    strike_off(ex, order)
    ex[order + QTY] = 0


@helper
def _match(ex: I64, ts: int, i: int, side: int, tick: int, qty: int, order_id: int) -> int:
    """Trade against the other side up to `tick`; return the quantity left."""
    ex[EVENT_NUMBER] += 1
    ex[TOUCHED_COUNT] = 0
    book = book_at(ex, i)
    other = 1 - side
    left = qty
    while left > 0:
        price = ex[book + other]
        # No bid is -1 and no ask the end of the ladder: neither is crossed.
        if (side == ASK and price < tick) or (side != ASK and price > tick):
            break
        trade = _new_row(ex)
        _write(ex, trade, LOG_TRADE, ts, i, side, price, order_id, 0)
        cell = cell_at(ex, i, other, price)
        open_cell(ex, cell)
        before, fills = left, 0
        while left > 0 and ex[cell + COUNT] > 0:
            left -= _fill_head(ex, ts, cell, left)
            fills += 1
        ex[trade + LOG_QTY] = before - left
        ex[book + LAST_TRADE] = price
        ex[book + (SOLD if side == ASK else BOUGHT)] += before - left
        ex[book + TRADES] += fills if ex[PRINTS_FILLS] == 1 else 1
    _settle(ex, ts)
    return left


@helper
def _fill_head(ex: I64, ts: int, cell: int, qty: int) -> int:
    """Trade up to `qty` with the first of a queue; return the quantity traded."""
    order = ex[cell + HEAD]
    shown = ex[order + QTY]
    take = min(qty, shown)
    if ex[order + EVENT] != ex[EVENT_NUMBER]:
        ex[order + EVENT] = ex[EVENT_NUMBER]
        ex[order + EVENT_OLD] = shown
        ex[order + EVENT_FILLED] = 0
        ex[ex[AT_TOUCHED] + ex[TOUCHED_COUNT]] = order
        ex[TOUCHED_COUNT] += 1
    ex[order + EVENT_FILLED] += take
    _record(ex, LOG_FILL, ts, order, take)
    if take < shown:
        ex[order + QTY] -= take
        ex[cell + DEPTH] -= take
    elif ex[order + RESERVE] > 0:
        refill = min(ex[order + PEAK], ex[order + RESERVE])
        ex[order + RESERVE] -= refill
        ex[order + QTY] = refill
        ex[cell + DEPTH] += refill - take
        to_end_of_queue(ex, order)
    else:
        leave_queue(ex, order)
        _retire(ex, order)
    return int(take)


@helper
def _settle(ex: I64, ts: int) -> None:
    """Say what became of every order that the event filled, and book it once."""
    for n in range(ex[TOUCHED_COUNT]):
        order = ex[ex[AT_TOUCHED] + n]
        cell = cell_of(ex, order)
        old, new = ex[order + EVENT_OLD], ex[order + QTY]
        fill = min(ex[order + EVENT_FILLED], old)
        ex[cell + FILLED] += fill
        ex[cell + ADDED] += new - (old - fill)
        if new > 0:
            _record(ex, LOG_REMAINS, ts, order, new)
        else:
            _record(ex, LOG_DONE, ts, order, old)
            free_order(ex, order)


@helper
def _record(ex: I64, kind: int, ts: int, order: int, qty: int) -> None:
    """Log what happened to an order where it stands."""
    _write(
        ex,
        _new_row(ex),
        kind,
        ts,
        ex[order + INSTRUMENT],
        ex[order + SIDE],
        ex[order + TICK],
        ex[order + ORDER_ID],
        qty,
    )


@helper
def _new_row(ex: I64) -> int:
    if ex[LOG_COUNT] == ex[LOG_ROWS]:
        raise OverflowError("the event log of the simulated exchange is full")
    ex[LOG_COUNT] += 1
    return int(ex[AT_LOG] + (ex[LOG_COUNT] - 1) * LOG_FIELDS)


@helper
def _write(
    ex: I64, row: int, kind: int, ts: int, i: int, side: int, tick: int, order_id: int, qty: int
) -> None:
    ex[row + LOG_KIND] = kind
    ex[row + LOG_NS] = ts
    ex[row + LOG_INSTRUMENT] = i
    ex[row + LOG_SIDE] = side
    ex[row + LOG_TICK] = tick
    ex[row + LOG_ORDER_ID] = order_id
    ex[row + LOG_QTY] = qty
    ex[row + LOG_LAST] = 0


@helper
def _end_event(ex: I64, first: int) -> None:
    n = ex[LOG_COUNT]
    if n > first:
        ex[ex[AT_LOG] + (n - 1) * LOG_FIELDS + LOG_LAST] = 1
