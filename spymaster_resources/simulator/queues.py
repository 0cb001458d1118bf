"""Free orders, queues and rosters: the lists under the matching engine (no rule of trading)."""

from __future__ import annotations

from book_engines.kernel import helper
from spymaster_resources.simulator.exchange import (
    ASK,
    AT_FREE,
    COUNT,
    DEPTH,
    FREE_COUNT,
    HEAD,
    I64,
    INSTRUMENT,
    NEXT,
    NONE,
    OWNER,
    PREVIOUS,
    QTY,
    ROSTER_POS,
    ROSTER_ROWS,
    SIDE,
    TAIL,
    TICK,
    TICKS,
    book_at,
    cell_at,
    cell_of,
    roster_at,
    roster_count_at,
)


@helper
def new_order(ex: I64) -> int:
    """Return a free order; raises MemoryError when all orders the exchange can hold are live."""
    if ex[FREE_COUNT] == 0:
        raise MemoryError("the simulated exchange has no free order slot")
    ex[FREE_COUNT] -= 1
    return int(ex[ex[AT_FREE] + ex[FREE_COUNT]])


@helper
def free_order(ex: I64, order: int) -> None:
    """Give an order's place back."""
    ex[ex[AT_FREE] + ex[FREE_COUNT]] = order
    ex[FREE_COUNT] += 1


@helper
def enlist(ex: I64, order: int) -> None:
    """Put a live order on its owner's roster; raises OverflowError when the roster is full."""
    i, owner, side = ex[order + INSTRUMENT], ex[order + OWNER], ex[order + SIDE]
    count = roster_count_at(ex, i, owner, side)
    if ex[count] == ex[ROSTER_ROWS]:
        raise OverflowError("a roster of the simulated exchange is full")
    ex[order + ROSTER_POS] = ex[count]
    ex[roster_at(ex, i, owner, side) + ex[count]] = order
    ex[count] += 1


@helper
def strike_off(ex: I64, order: int) -> None:
    """Take an order off its owner's roster; the last of the roster takes its place."""
    i, owner, side = ex[order + INSTRUMENT], ex[order + OWNER], ex[order + SIDE]
    count, roster = roster_count_at(ex, i, owner, side), roster_at(ex, i, owner, side)
    ex[count] -= 1
    last = ex[roster + ex[count]]
    ex[roster + ex[order + ROSTER_POS]] = last
    ex[last + ROSTER_POS] = ex[order + ROSTER_POS]


@helper
def join_queue(ex: I64, order: int) -> None:
    """Put an order at the end of the queue of its price.

    Raises IndexError when the price is outside of the ladder.
    """
    side, tick = ex[order + SIDE], ex[order + TICK]
    if tick < 0 or tick >= ex[TICKS]:
        raise IndexError("a price is outside of the simulated exchange's ladder")
    cell = cell_of(ex, order)
    _link_last(ex, cell, order)
    ex[cell + DEPTH] += ex[order + QTY]
    ex[cell + COUNT] += 1
    best = book_at(ex, ex[order + INSTRUMENT]) + side
    if (side == ASK and tick < ex[best]) or (side != ASK and tick > ex[best]):
        ex[best] = tick


@helper
def leave_queue(ex: I64, order: int) -> None:
    """Take an order out of the queue of its price; the best price moves when it was the last."""
    cell = cell_of(ex, order)
    _unlink(ex, cell, order)
    ex[cell + DEPTH] -= ex[order + QTY]
    ex[cell + COUNT] -= 1
    if ex[cell + COUNT] == 0:
        i, side = ex[order + INSTRUMENT], ex[order + SIDE]
        if ex[order + TICK] == ex[book_at(ex, i) + side]:
            _find_best(ex, i, side)


@helper
def to_end_of_queue(ex: I64, order: int) -> None:
    """Move an order behind all others of its price (priority lost, price kept)."""
    cell = cell_of(ex, order)
    _unlink(ex, cell, order)
    _link_last(ex, cell, order)


@helper
def _link_last(ex: I64, cell: int, order: int) -> None:
    tail = ex[cell + TAIL]
    ex[order + PREVIOUS] = tail
    ex[order + NEXT] = NONE
    if tail == NONE:
        ex[cell + HEAD] = order
    else:
        ex[tail + NEXT] = order
    ex[cell + TAIL] = order


@helper
def _unlink(ex: I64, cell: int, order: int) -> None:
    before, after = ex[order + PREVIOUS], ex[order + NEXT]
    if before == NONE:
        ex[cell + HEAD] = after
    else:
        ex[before + NEXT] = after
    if after == NONE:
        ex[cell + TAIL] = before
    else:
        ex[after + PREVIOUS] = before


@helper
def _find_best(ex: I64, i: int, side: int) -> None:
    best = book_at(ex, i) + side
    step = 1 if side == ASK else -1
    tick = ex[best]
    while 0 <= tick < ex[TICKS] and ex[cell_at(ex, i, side, tick) + COUNT] == 0:
        tick += step
    ex[best] = tick
