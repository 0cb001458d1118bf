"""The truth, booked as it happens: flows of every price cell, and the rows of a closed window.

The rules are those of the silver tables: fill is what an event took from the quantity displayed
before it, a refill of a hidden order is add, what leaves otherwise is pull, and it had rested when
it was at its price for 0.5 s.
"""

from __future__ import annotations

from typing import Final

from book_engines.kernel import helper
from spymaster_resources.simulator.exchange import (
    ADDED,
    ASK,
    AT_OPENED,
    AT_YOUNG,
    BEST_ASK,
    BEST_BID,
    BID,
    BOUGHT,
    DEPTH,
    ENTRY_NS,
    FILLED,
    I64,
    INSTRUMENT,
    INSTRUMENTS,
    LAST_TRADE,
    LATEST_ENTRY,
    NONE,
    OPENED_COUNT,
    OPENED_ROWS,
    PULLED,
    PULLED_RESTED,
    QTY,
    SIDE,
    SOLD,
    STAMP,
    START,
    TICK,
    TICKS,
    TRADES,
    WINDOW,
    YOUNG_COUNT,
    YOUNG_ENTRY_NS,
    YOUNG_FIELDS,
    YOUNG_ORDER,
    YOUNG_ROWS,
    book_at,
    cell_at,
    cell_of,
)

REST_NS: Final = 500_000_000  # an order has rested when it was at its price for this long

# Fields of a cell row of a closed window.
(
    ROW_END_NS,
    ROW_TICK,  # or bucket of ticks, as spot
    ROW_SIDE,
    ROW_SPOT,
    ROW_START,
    ROW_END,
    ROW_ADD,
    ROW_PULL,
    ROW_FILL,
    ROW_REST,
    ROW_PULL_REST,
) = range(11)
ROW_FIELDS: Final = 11

# Fields of a top row of a closed window; ticks and quantities are -1 where there is none.
(
    TOP_END_NS,
    TOP_BID,
    TOP_BID_QTY,
    TOP_ASK,
    TOP_ASK_QTY,
    TOP_LAST_TRADE,
    TOP_SPOT,
    TOP_BOUGHT,
    TOP_SOLD,
    TOP_TRADES,
) = range(10)
TOP_FIELDS: Final = 10


@helper
def open_cell(ex: I64, cell: int) -> None:
    """Remember a cell's depth before the open window's first change to it."""
    if ex[cell + STAMP] != ex[WINDOW]:
        if ex[OPENED_ROWS] > 0:
            if ex[OPENED_COUNT] == ex[OPENED_ROWS]:
                raise OverflowError("more prices with flow than the simulated exchange remembers")
            ex[ex[AT_OPENED] + ex[OPENED_COUNT]] = cell
            ex[OPENED_COUNT] += 1
        ex[cell + STAMP] = ex[WINDOW]
        ex[cell + START] = ex[cell + DEPTH]
        ex[cell + ADDED] = 0
        ex[cell + PULLED] = 0
        ex[cell + FILLED] = 0
        ex[cell + PULLED_RESTED] = 0


@helper
def book_entry(ex: I64, order: int) -> None:
    """Book that an order enters its price now (before the queue holds it)."""
    cell = cell_of(ex, order)
    open_cell(ex, cell)
    ex[cell + ADDED] += ex[order + QTY]
    row = ex[AT_YOUNG] + ex[YOUNG_COUNT] % ex[YOUNG_ROWS] * YOUNG_FIELDS
    ex[row + YOUNG_ORDER] = order
    ex[row + YOUNG_ENTRY_NS] = ex[order + ENTRY_NS]
    ex[order + LATEST_ENTRY] = ex[YOUNG_COUNT]
    ex[YOUNG_COUNT] += 1


@helper
def book_pull(ex: I64, order: int, ts: int, qty: int) -> None:
    """Book quantity that an order takes off by its owner's will (before it leaves the queue)."""
    cell = cell_of(ex, order)
    open_cell(ex, cell)
    ex[cell + PULLED] += qty
    if ts - ex[order + ENTRY_NS] >= REST_NS:
        ex[cell + PULLED_RESTED] += qty


@helper
def spot_tick(ex: I64, i: int) -> int:
    """Return the spot reference: last trade if a live level, else the nearer touch (tie: bid)."""
    book = book_at(ex, i)
    last, bid, ask = ex[book + LAST_TRADE], ex[book + BEST_BID], ex[book + BEST_ASK]
    if last != NONE:
        for side in range(2):
            if ex[cell_at(ex, i, side, last) + DEPTH] > 0:
                return int(last)
    if ask == ex[TICKS]:
        return int(bid)
    if bid == NONE:
        return int(ask)
    if last == NONE or abs(last - bid) <= abs(ask - last):
        return int(bid)
    return int(ask)


@helper
def close_top(ex: I64, i: int, end_ns: int, tops: I64, top_row: int) -> None:
    """Write the best prices and trades of instrument `i` in the window that ends now.

    tops: int64 (TOP_FIELDS, n). The window number itself is advanced by `open_window`, once for all
    instruments.
    """
    book = book_at(ex, i)
    bid, ask = ex[book + BEST_BID], ex[book + BEST_ASK]
    has_bid, has_ask = bid != NONE, ask != ex[TICKS]
    tops[TOP_END_NS, top_row] = end_ns
    tops[TOP_BID, top_row] = bid
    tops[TOP_BID_QTY, top_row] = ex[cell_at(ex, i, BID, bid) + DEPTH] if has_bid else NONE
    tops[TOP_ASK, top_row] = ask if has_ask else NONE
    tops[TOP_ASK_QTY, top_row] = ex[cell_at(ex, i, ASK, ask) + DEPTH] if has_ask else NONE
    tops[TOP_LAST_TRADE, top_row] = ex[book + LAST_TRADE]
    tops[TOP_SPOT, top_row] = spot_tick(ex, i)
    tops[TOP_BOUGHT, top_row] = ex[book + BOUGHT]
    tops[TOP_SOLD, top_row] = ex[book + SOLD]
    tops[TOP_TRADES, top_row] = ex[book + TRADES]


@helper
def bucket_of(tick: int, width: int, base: int) -> int:
    """Return the bucket of a ladder tick: the nearest multiple of `width`, ties upward."""
    return int((2 * (tick + base) + width) // (2 * width))


@helper
def close_cells(
    ex: I64, i: int, end_ns: int, width: int, base: int, half: int, rows: I64, row: int
) -> int:
    """Write the cells of instrument `i` around spot for the window that ends now; return next row.

    A cell is a bucket of `width` ticks of price, counted from `base` below the ladder; `half` of
    them on either side of spot's. rows: int64 (ROW_FIELDS, m) with 2 (2 half + 1) of them left.
    """
    spot = spot_tick(ex, i)
    if spot == NONE:
        return row
    first, middle = row, bucket_of(spot, width, base)
    for bucket in range(middle - half, middle + half + 1):
        lowest = (2 * width * bucket - width + 1) // 2 - base
        for side in range(2):
            rows[ROW_START, row] = 0
            rows[ROW_END, row] = 0
            rows[ROW_ADD, row] = 0
            rows[ROW_PULL, row] = 0
            rows[ROW_FILL, row] = 0
            rows[ROW_PULL_REST, row] = 0
            for tick in range(max(0, lowest), min(ex[TICKS], lowest + width)):
                _sum_cell(ex, cell_at(ex, i, side, tick), rows, row)
            depth = rows[ROW_END, row]
            # Depth that comes and goes leaves flow; start and flows are never negative.
            if depth + rows[ROW_START, row] + rows[ROW_ADD, row] == 0:
                continue
            rows[ROW_END_NS, row] = end_ns
            rows[ROW_TICK, row] = bucket
            rows[ROW_SIDE, row] = side
            rows[ROW_SPOT, row] = middle
            rows[ROW_REST, row] = depth
            row += 1
    _take_off_young(ex, i, end_ns, width, base, rows, first, row)
    return row


@helper
def _sum_cell(ex: I64, cell: int, rows: I64, row: int) -> None:
    depth = ex[cell + DEPTH]
    rows[ROW_END, row] += depth
    if ex[cell + STAMP] == ex[WINDOW]:
        rows[ROW_START, row] += ex[cell + START]
        rows[ROW_ADD, row] += ex[cell + ADDED]
        rows[ROW_PULL, row] += ex[cell + PULLED]
        rows[ROW_FILL, row] += ex[cell + FILLED]
        rows[ROW_PULL_REST, row] += ex[cell + PULLED_RESTED]
    else:
        rows[ROW_START, row] += depth


@helper
def is_live_entry(ex: I64, n: int) -> bool:
    """Return whether an order still stands where entry `n` of the ring put it."""
    order = ex[young_at(ex, n) + YOUNG_ORDER]
    return bool(ex[order + LATEST_ENTRY] == n and ex[order + QTY] > 0)


@helper
def first_young(ex: I64, end_ns: int) -> int:
    """Return the number of the first entry of the last 0.5 s; raises OverflowError if forgotten."""
    n = ex[YOUNG_COUNT]
    oldest = max(0, n - ex[YOUNG_ROWS])
    while n > oldest:
        if end_ns - ex[young_at(ex, n - 1) + YOUNG_ENTRY_NS] >= REST_NS:
            return int(n)
        n -= 1
    if oldest > 0:
        raise OverflowError("more orders entered in 0.5 s than the simulated exchange remembers")
    return 0


@helper
def young_at(ex: I64, n: int) -> int:
    """Return where the entry of a number is in the ring."""
    return int(ex[AT_YOUNG] + n % ex[YOUNG_ROWS] * YOUNG_FIELDS)


@helper
def _take_off_young(
    ex: I64, i: int, end_ns: int, width: int, base: int, rows: I64, first: int, after_last: int
) -> None:
    """Reduce rested depth by the live orders that entered their price less than 0.5 s ago."""
    for n in range(first_young(ex, end_ns), ex[YOUNG_COUNT]):
        order = ex[young_at(ex, n) + YOUNG_ORDER]
        if ex[order + INSTRUMENT] == i and is_live_entry(ex, n):
            bucket = bucket_of(ex[order + TICK], width, base)
            _take_off(rows, first, after_last, bucket, ex[order + SIDE], ex[order + QTY])


@helper
def _take_off(rows: I64, first: int, after_last: int, bucket: int, side: int, qty: int) -> None:
    """Reduce the rested depth of one cell, found by halving: rows ascend by (bucket, side)."""
    low, high = first, after_last
    while low < high:
        middle = (low + high) // 2
        if 2 * rows[ROW_TICK, middle] + rows[ROW_SIDE, middle] < 2 * bucket + side:
            low = middle + 1
        else:
            high = middle
    if low < after_last and rows[ROW_TICK, low] == bucket and rows[ROW_SIDE, low] == side:
        rows[ROW_REST, low] -= qty


@helper
def open_window(ex: I64) -> None:
    """Start the next window: flows and traded quantities count from zero."""
    ex[WINDOW] += 1
    ex[OPENED_COUNT] = 0
    for i in range(ex[INSTRUMENTS]):
        book = book_at(ex, i)
        ex[book + BOUGHT] = 0
        ex[book + SOLD] = 0
        ex[book + TRADES] = 0
