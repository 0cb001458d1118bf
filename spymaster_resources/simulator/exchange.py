"""State of the simulated exchange: one arena of int64 with orders, price cells, books and log.

An order, a price cell, a book is the address of its row in the arena: `ex[order + QTY]` is the
displayed quantity of an order. One array instead of a dozen keeps the call of a kernel cheap (each
array costs a call ten words) and its type the same for every size of market.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from book_engines.kernel import helper

I64 = npt.NDArray[np.int64]

ASK: Final = 0
BID: Final = 1
NEITHER: Final = 2  # side of a trade without a known aggressor
NONE: Final = -1  # no order, no tick

# Header of the arena: its counters, its sizes, and where its parts begin.
(
    NEXT_ORDER_ID,
    EVENT_NUMBER,
    WINDOW,  # number of the open window
    FREE_COUNT,
    TOUCHED_COUNT,
    YOUNG_COUNT,  # entries ever made; the ring keeps the latest
    LOG_COUNT,
    INSTRUMENTS,
    TICKS,
    SLOTS,
    OWNERS,
    YOUNG_ROWS,
    LOG_ROWS,
    AT_BOOKS,
    AT_CELLS,
    AT_ORDERS,
    AT_FREE,  # (slots,): stack of free orders
    AT_TOUCHED,  # (slots,): orders filled by the running event, in order of the first fill
    AT_ROSTER_COUNTS,  # (instruments, owners, 2)
    AT_ROSTERS,  # (instruments, owners, 2, roster rows): live orders of each owner and side, dense
    AT_YOUNG,
    AT_LOG,
    ROSTER_ROWS,
    PRINTS_FILLS,  # 1 where the venue prints every fill as a trade and knows no modify
    OPENED_COUNT,  # cells of the open window's flow
    OPENED_ROWS,  # how many of them are remembered, 0 for none
    AT_OPENED,
) = range(27)
HEADER: Final = 32

# Fields of a book: one row an instrument; the first two are indexed by side.
BEST_ASK, BEST_BID, LAST_TRADE, BOUGHT, SOLD, TRADES = range(6)
BOOK_FIELDS: Final = 8

# Fields of a price cell: one row an (instrument, side, tick). From START on they belong to the
# window of STAMP and count as zero in any other.
(
    HEAD,
    TAIL,
    DEPTH,
    COUNT,
    STAMP,
    START,
    ADDED,
    PULLED,
    FILLED,
    PULLED_RESTED,
) = range(10)
CELL_FIELDS: Final = 10

# Fields of an order.
(
    ORDER_ID,
    INSTRUMENT,
    SIDE,
    TICK,
    QTY,  # displayed; 0 marks an order that left
    RESERVE,  # hidden behind the displayed quantity
    PEAK,  # what a refill shows, 0 where nothing is hidden
    ENTRY_NS,  # when the order entered its price
    NEXT,
    PREVIOUS,
    OWNER,
    ROSTER_POS,
    EVENT,  # number of the last event that filled the order
    EVENT_OLD,  # displayed quantity when that event began
    EVENT_FILLED,  # filled by that event, refills included
    LATEST_ENTRY,  # number of its latest entry into a price
) = range(16)
ORDER_FIELDS: Final = 16

# Fields of an entry into a price, in the ring of the latest.
YOUNG_ORDER, YOUNG_ENTRY_NS = range(2)
YOUNG_FIELDS: Final = 2

# Kinds and fields of a log row: what happened, in words that no venue owns.
(
    LOG_ADD,
    LOG_CANCEL,  # LOG_QTY is what was taken off
    LOG_MODIFY,  # LOG_QTY and LOG_TICK are the new ones
    LOG_TRADE,  # one an aggressor and price; side and id are the aggressor's
    LOG_FILL,  # one a resting order and match
    LOG_DONE,  # a resting order left by fills; LOG_QTY is what it displayed before the event
    LOG_REMAINS,  # a resting order after fills; LOG_QTY is what it displays now
    LOG_HIDDEN,  # a trade between orders that the book never showed
) = range(8)
LOG_KINDS: Final = 8
(
    LOG_KIND,
    LOG_NS,
    LOG_INSTRUMENT,
    LOG_SIDE,
    LOG_TICK,
    LOG_ORDER_ID,
    LOG_QTY,
    LOG_LAST,  # 1 on the last row of an event
) = range(8)
LOG_FIELDS: Final = 8


def new_exchange(
    instruments: int,
    *,
    ticks: int = 16_384,
    slots: int = 1 << 15,
    owners: int = 1,
    log_rows: int = 1 << 15,
    young_rows: int = 1 << 17,
    first_order_id: int = 1,
    roster_rows: int | None = None,
    opened_rows: int = 0,
    prints_fills: bool = False,
) -> I64:
    """Return an exchange with empty books for `instruments` products on a ladder of `ticks`.

    The best tick of an empty side is -1 (bid) or `ticks` (ask). `roster_rows`: live orders that an
    owner may have on a side, `slots` if not given.
    """
    rosters = roster_rows or slots
    parts = (
        (AT_BOOKS, instruments * BOOK_FIELDS),
        (AT_CELLS, instruments * 2 * ticks * CELL_FIELDS),
        (AT_ORDERS, slots * ORDER_FIELDS),
        (AT_FREE, slots),
        (AT_TOUCHED, slots),
        (AT_ROSTER_COUNTS, instruments * owners * 2),
        (AT_ROSTERS, instruments * owners * 2 * rosters),
        (AT_YOUNG, young_rows * YOUNG_FIELDS),
        (AT_LOG, log_rows * LOG_FIELDS),
        (AT_OPENED, opened_rows),
    )
    ex = np.zeros(HEADER + sum(size for _, size in parts), np.int64)
    start = HEADER
    for part, size in parts:
        ex[part] = start
        start += size
    ex[INSTRUMENTS] = instruments
    ex[TICKS] = ticks
    ex[SLOTS] = ex[FREE_COUNT] = slots
    ex[OWNERS] = owners
    ex[YOUNG_ROWS] = young_rows
    ex[ROSTER_ROWS] = rosters
    ex[OPENED_ROWS] = opened_rows
    ex[PRINTS_FILLS] = int(prints_fills)
    ex[LOG_ROWS] = log_rows
    ex[NEXT_ORDER_ID] = first_order_id
    ex[WINDOW] = 1
    ex[ex[AT_FREE] : ex[AT_FREE] + slots] = ex[AT_ORDERS] + np.arange(slots)[::-1] * ORDER_FIELDS
    cells = cells_view(ex)
    cells[..., HEAD] = NONE
    cells[..., TAIL] = NONE
    books = books_view(ex)
    books[:, BEST_ASK] = ticks
    books[:, BEST_BID] = NONE
    books[:, LAST_TRADE] = NONE
    return ex


def books_view(ex: I64) -> I64:
    """Return the books as a view (instruments, BOOK_FIELDS)."""
    return _view(ex, AT_BOOKS, (int(ex[INSTRUMENTS]), BOOK_FIELDS))


def cells_view(ex: I64) -> I64:
    """Return the price cells as a view (instruments, 2, ticks, CELL_FIELDS)."""
    return _view(ex, AT_CELLS, (int(ex[INSTRUMENTS]), 2, int(ex[TICKS]), CELL_FIELDS))


def log_view(ex: I64) -> I64:
    """Return the rows of the event log as a view (rows, LOG_FIELDS)."""
    return _view(ex, AT_LOG, (int(ex[LOG_COUNT]), LOG_FIELDS))


def live_orders(ex: I64, instrument: int) -> I64:
    """Return a copy of all live orders of an instrument, (orders, ORDER_FIELDS), in no order."""
    orders: I64 = ex[live_places(ex, instrument)[:, np.newaxis] + np.arange(ORDER_FIELDS)]
    return orders


def live_places(ex: I64, instrument: int) -> I64:
    """Return where the live orders of an instrument are in the arena, in no order."""
    shape = (int(ex[INSTRUMENTS]), int(ex[OWNERS]) * 2)
    counts = _view(ex, AT_ROSTER_COUNTS, shape)[instrument]
    rosters = _view(ex, AT_ROSTERS, (*shape, int(ex[ROSTER_ROWS])))[instrument]
    places: I64 = np.concatenate([row[:n] for row, n in zip(rosters, counts, strict=True)])
    return places


def _view(ex: I64, part: int, shape: tuple[int, ...]) -> I64:
    start = int(ex[part])
    return ex[start : start + int(np.prod(shape))].reshape(shape)


@helper
def book_at(ex: I64, i: int) -> int:
    """Return the book of an instrument."""
    return int(ex[AT_BOOKS] + i * BOOK_FIELDS)


@helper
def cell_at(ex: I64, i: int, side: int, tick: int) -> int:
    """Return the price cell of an instrument, side and tick, which must be on the ladder."""
    return int(ex[AT_CELLS] + ((2 * i + side) * ex[TICKS] + tick) * CELL_FIELDS)


@helper
def cell_of(ex: I64, order: int) -> int:
    """Return the price cell in which an order stands."""
    return int(cell_at(ex, ex[order + INSTRUMENT], ex[order + SIDE], ex[order + TICK]))


@helper
def roster_count_at(ex: I64, i: int, owner: int, side: int) -> int:
    """Return where the number of live orders of an owner and side is."""
    return int(ex[AT_ROSTER_COUNTS] + (i * ex[OWNERS] + owner) * 2 + side)


@helper
def roster_at(ex: I64, i: int, owner: int, side: int) -> int:
    """Return where the live orders of an owner and side are, one after the other."""
    return int(ex[AT_ROSTERS] + ((i * ex[OWNERS] + owner) * 2 + side) * ex[ROSTER_ROWS])
