"""The participants of an options chain: each function is one decision of one of them.

Makers hold a few orders a side around Black's premium of the moving future and shift them when it
moves; joiners add and take back small orders at the touch; takers lift a touch; a maker takes what
others left far from the premium. All trade in the same matching engine as the future's crowd.
"""

from __future__ import annotations

from math import sqrt
from typing import Final

import numpy as np

from book_engines.kernel import helper
from spymaster_resources.simulator.black import YEAR_NS, premium
from spymaster_resources.simulator.crowd import F64, coin, geometric, heavy_tailed, uniform
from spymaster_resources.simulator.exchange import (
    ASK,
    BID,
    DEPTH,
    I64,
    NONE,
    QTY,
    TICK,
    TICKS,
    book_at,
    cell_at,
    roster_at,
    roster_count_at,
)
from spymaster_resources.simulator.matching import MAX_QTY, cancel, modify, submit

# Owners of orders.
MAKERS: Final = 3
OPTION_JOINER: Final = MAKERS
OPTION_OWNERS: Final = MAKERS + 1
LEVELS: Final = 3  # orders of a maker on a side

# Fields of an option's terms.
TERM_STRIKE, TERM_IS_CALL, TERM_BASE = range(3)  # dollars, 0 or 1, ticks of the ladder's start
TERM_FIELDS: Final = 3

# Shares of the decisions, cumulative.
_QUOTES: Final = 0.84
_JOINS: Final = 0.97
_JOINERS: Final = 5  # usual number on a side
_SNIPES: Final = 0.3  # of the chances that a maker sees
_MAX_QTY: Final = 120


@helper
def fair_option_tick(
    terms: F64, i: int, future: float, now: int, expiration: int, ticks_a_dollar: float
) -> float:
    """Return the premium of an option in ticks of its ladder."""
    years = max(0, expiration - now) / YEAR_NS
    dollars = premium(terms[i, TERM_IS_CALL] == 1.0, future, terms[i, TERM_STRIKE], years)
    return float(dollars * ticks_a_dollar - terms[i, TERM_BASE])


@helper
def act_on_option(ex: I64, crowd: F64, ts: int, i: int, fair: float, base: int) -> None:
    """Let one participant of option `i` decide and act; `fair` in ticks of its ladder."""
    half = 0.6 + 0.12 * sqrt(max(0.0, fair + base))
    u = uniform(crowd)
    if u < _QUOTES:
        _snipe(ex, crowd, ts, i, fair, half)
        quote(ex, crowd, ts, i, int(uniform(crowd) * MAKERS), fair, half, base)
    elif u < _JOINS:
        _join(ex, crowd, ts, i, base)
    else:
        _take(ex, crowd, ts, i)


@helper
def quote(
    ex: I64, crowd: F64, ts: int, i: int, maker: int, fair: float, half: float, base: int
) -> None:
    """Bring a maker's orders to where the premium wants them; change a size where all stand."""
    moved = 0
    for side in range(2):
        for level in range(LEVELS):
            away = half + 0.5 * maker + level * max(1.0, 0.7 * half)
            target = int(np.ceil(fair + away)) if side == ASK else int(np.floor(fair - away))
            moved += _place(ex, crowd, ts, i, maker, side, level, target, base)
    if moved == 0:
        side = coin(crowd)
        n = ex[roster_count_at(ex, i, maker, side)]
        if n > 0:
            order = ex[roster_at(ex, i, maker, side) + int(uniform(crowd) * n)]
            qty = _quote_qty(crowd)
            if qty != ex[order + QTY]:
                modify(ex, ts, order, ex[order + TICK], qty)


@helper
def _place(
    ex: I64, crowd: F64, ts: int, i: int, maker: int, side: int, level: int, target: int, base: int
) -> int:
    """Let one order of a maker stand at a price that does not cross; return 1 if it acted."""
    other = ex[book_at(ex, i) + 1 - side]
    target = max(target, other + 1, 1 - base) if side == ASK else min(target, other - 1)
    count = ex[roster_count_at(ex, i, maker, side)]
    # No bid below one tick, and nobody quotes an option whose premium left the ladder.
    if target + base < 1 or target < 0 or target >= ex[TICKS]:
        if count > 0:
            cancel(ex, ts, ex[roster_at(ex, i, maker, side) + count - 1], MAX_QTY)
            return 1
        return 0
    if level >= count:
        submit(ex, ts, i, side, target, _quote_qty(crowd), 0, True, maker)
        return 1
    order = ex[roster_at(ex, i, maker, side) + level]
    if ex[order + TICK] == target:
        return 0
    qty = ex[order + QTY]
    if uniform(crowd) < 0.3:
        qty = _quote_qty(crowd)
    if uniform(crowd) < 0.12:
        cancel(ex, ts, order, MAX_QTY)
        submit(ex, ts, i, side, target, qty, 0, True, maker)
    else:
        modify(ex, ts, order, target, qty)
    return 1


@helper
def _quote_qty(crowd: F64) -> int:
    return int(2 + geometric(crowd, 0.07, _MAX_QTY - 2))


@helper
def _snipe(ex: I64, crowd: F64, ts: int, i: int, fair: float, half: float) -> None:
    """Take a touch that is further from the premium than a whole spread."""
    book = book_at(ex, i)
    bid, ask = ex[book + BID], ex[book + ASK]
    far = 2.0 * half + 1.0
    if ask < ex[TICKS] and ask + far < fair:
        if uniform(crowd) < _SNIPES:
            _lift(ex, ts, i, BID, ask, _MAX_QTY)
    elif bid != NONE and bid - far > fair and uniform(crowd) < _SNIPES:
        _lift(ex, ts, i, ASK, bid, _MAX_QTY)


@helper
def _lift(ex: I64, ts: int, i: int, side: int, tick: int, most: int) -> None:
    shown = ex[cell_at(ex, i, 1 - side, tick) + DEPTH]
    submit(ex, ts, i, side, tick, min(most, shown), 0, False, OPTION_JOINER)


@helper
def _take(ex: I64, crowd: F64, ts: int, i: int) -> None:
    side = coin(crowd)
    tick = ex[book_at(ex, i) + 1 - side]
    if 0 <= tick < ex[TICKS]:
        _lift(ex, ts, i, side, tick, heavy_tailed(crowd, 1.1, 60))


@helper
def _join(ex: I64, crowd: F64, ts: int, i: int, base: int) -> None:
    side = coin(crowd)
    n = ex[roster_count_at(ex, i, OPTION_JOINER, side)]
    if uniform(crowd) * (n * n + _JOINERS * _JOINERS) < n * n:
        order = ex[roster_at(ex, i, OPTION_JOINER, side) + int(uniform(crowd) * n)]
        if uniform(crowd) < 0.3 and ex[order + QTY] > 1:
            modify(ex, ts, order, ex[order + TICK], ex[order + QTY] - 1)
        else:
            cancel(ex, ts, order, MAX_QTY)
        return
    book = book_at(ex, i)
    bid, ask = ex[book + BID], ex[book + ASK]
    if bid == NONE or ask == ex[TICKS] or n >= 8 * _JOINERS:
        return
    steps = geometric(crowd, 0.5, 6)
    if ask - bid > 2 and uniform(crowd) < 0.25:
        steps = -1
    tick = ask + steps if side == ASK else bid - steps
    if 0 <= tick < ex[TICKS] and tick + base >= 1:
        submit(ex, ts, i, side, tick, heavy_tailed(crowd, 1.5, 30), 0, True, OPTION_JOINER)
