"""The participants: each function is one decision of one of them, made on what the book shows.

Joiners add and take back small orders near the touch and react to its queues; makers keep quotes
and move them; deep traders rest far away and shift their orders; takers are noise with long runs of
one sign or follow the last moves; hidden traders show a peak of a larger order, or nothing
at all where a venue prints such trades; large orders rest
at round prices. Every take moves a belief of where the price goes, and what stands in its way is
taken back or quoted further off: so trades move the price, through the book. The expiry with an
anchor is quoted around the anchor's mid plus carry, and arbitrage takes what stands beyond it.
"""

from __future__ import annotations

from math import sqrt
from typing import Final

from book_engines.kernel import helper
from spymaster_resources.simulator.crowd import (
    ANCHOR,
    CARRY_TICKS,
    DEEP,
    EXCITEMENT,
    F64,
    FAIR,
    HIDDEN,
    JOIN_TICKS,
    JOINER,
    LARGE,
    LAST_MID,
    LEAN,
    LOT,
    MAKER,
    MISPRICED_TICKS,
    OUTSIDE,
    RESPONDED_NS,
    RESPONSE,
    SIZE,
    TAKER_RUN,
    TAKER_SIDE,
    TREND,
    coin,
    exponential,
    geometric,
    heavy_tailed,
    member_at,
    uniform,
)
from spymaster_resources.simulator.exchange import (
    ASK,
    BID,
    DEPTH,
    I64,
    NONE,
    PRINTS_FILLS,
    QTY,
    TAIL,
    TICK,
    TICKS,
    book_at,
    cell_at,
    roster_at,
    roster_count_at,
)
from spymaster_resources.simulator.matching import MAX_QTY, cancel, modify, print_hidden, submit

# Shares of the decisions, cumulative. Set so that the shares of records come out as in the real
# sample (`spymaster simulate report`).
_JOINERS: Final = 0.55
_MAKERS: Final = 0.76
_DEEP: Final = 0.86
_DEEP_MOVES: Final = 0.90
_NOISE: Final = 0.974
_MOMENTUM: Final = 0.985
_HIDDEN: Final = 0.993

_TREND_MEMORY: Final = 0.9  # what earlier moves keep of their weight at a move of the mid
_LEAN_MEMORY: Final = 0.9996  # and beliefs of theirs at every action
_IMPACT_TICKS: Final = 0.075  # impact of one lot on the belief; grows as the square root
_LEANS: Final = 0.6  # ticks of belief against its side from which a quote is unsafe
_WHOLE_POINT: Final = 4  # ticks
_MAX_TAKE: Final = 400
RESPONSE_TICKS: Final = 10  # prices whose depth a planted response looks at
_ODD_LOTS: Final = 0.35  # of orders where a lot is more than one


@helper
def act(ex: I64, crowd: F64, ts: int, i: int) -> None:
    """Let one participant of instrument `i` decide and act."""
    bid, ask = _best(ex, i, BID), _best(ex, i, ASK)
    if bid == NONE or ask == ex[TICKS]:
        return
    _watch(crowd, i, bid, ask)
    if crowd[member_at(i) + RESPONSE] != 0.0:
        _respond(ex, crowd, ts, i, bid, ask)
    u = uniform(crowd)
    if u < _JOINERS:
        _joiner(ex, crowd, ts, i)
    elif u < _MAKERS:
        _maker(ex, crowd, ts, i)
    elif u < _DEEP:
        _deep(ex, crowd, ts, i)
    elif u < _DEEP_MOVES:
        _deep_move(ex, crowd, ts, i)
    elif u < _NOISE:
        _noise_taker(ex, crowd, ts, i)
    elif u < _MOMENTUM:
        _momentum_taker(ex, crowd, ts, i)
    elif u < _HIDDEN:
        _hidden(ex, crowd, ts, i)
    else:
        _large(ex, crowd, ts, i)


@helper
def fair_tick(ex: I64, crowd: F64, i: int) -> float:
    """Return the anchor's mid plus carry in ticks; the own mid where there is no anchor.

    NONE while the anchor has no mid.
    """
    anchor = int(crowd[member_at(i) + ANCHOR])
    if anchor == OUTSIDE:
        return float(crowd[member_at(i) + FAIR])
    of = i if anchor == NONE else anchor
    bid, ask = _best(ex, of, BID), _best(ex, of, ASK)
    if bid == NONE or ask == ex[TICKS]:
        return float(NONE)
    return float(0.5 * (bid + ask) + (0.0 if anchor == NONE else crowd[member_at(i) + CARRY_TICKS]))


@helper
def _watch(crowd: F64, i: int, bid: int, ask: int) -> None:
    """Follow the mid: a move excites the market and feeds the trend."""
    mid = 0.5 * (bid + ask)
    move = mid - crowd[member_at(i) + LAST_MID]
    crowd[member_at(i) + LAST_MID] = mid
    crowd[member_at(i) + LEAN] = _LEAN_MEMORY * crowd[member_at(i) + LEAN] - move
    if move != 0.0:
        crowd[member_at(i) + TREND] = _TREND_MEMORY * crowd[member_at(i) + TREND] + move
        crowd[member_at(i) + EXCITEMENT] = 1.0
    else:
        crowd[member_at(i) + TREND] *= 0.995
        crowd[member_at(i) + EXCITEMENT] *= 0.9


@helper
def _respond(ex: I64, crowd: F64, ts: int, i: int, bid: int, ask: int) -> None:
    """Let the belief drift with the imbalance of depth: the planted law of the price.

    d belief / dt = RESPONSE × (bid depth − ask depth) / (bid depth + ask depth) in ticks a second,
    depth over the first RESPONSE_TICKS prices of each side.
    """
    own, other = 0, 0
    for n in range(RESPONSE_TICKS):
        own += ex[cell_at(ex, i, BID, max(bid - n, 0)) + DEPTH]
        other += ex[cell_at(ex, i, ASK, min(ask + n, ex[TICKS] - 1)) + DEPTH]
    seconds = min(1.0, (ts - crowd[member_at(i) + RESPONDED_NS]) * 1e-9)
    crowd[member_at(i) + RESPONDED_NS] = ts
    drift = crowd[member_at(i) + RESPONSE] * (own - other) / (own + other)
    crowd[member_at(i) + LEAN] += drift * seconds


@helper
def _best(ex: I64, i: int, side: int) -> int:
    return int(ex[book_at(ex, i) + side])


@helper
def _behind(side: int, tick: int, steps: int) -> int:
    """Return the price `steps` worse than `tick` for a resting order of `side`."""
    return tick + steps if side == ASK else tick - steps


@helper
def _steps_behind(side: int, best: int, tick: int) -> int:
    return tick - best if side == ASK else best - tick


@helper
def _pick(ex: I64, crowd: F64, i: int, owner: int, side: int) -> int:
    """Return a live order of an owner at random, NONE where there is none."""
    n = ex[roster_count_at(ex, i, owner, side)]
    if n == 0:
        return NONE
    return int(ex[roster_at(ex, i, owner, side) + int(uniform(crowd) * n)])


@helper
def _pick_far(ex: I64, crowd: F64, i: int, owner: int, side: int) -> int:
    """Return the one of two random orders that is farther from the touch."""
    a, b = _pick(ex, crowd, i, owner, side), _pick(ex, crowd, i, owner, side)
    if a == NONE:
        return NONE
    lower = ex[a + TICK] < ex[b + TICK]
    return int(b if lower == (side == ASK) else a)


@helper
def _crowded(ex: I64, crowd: F64, i: int, owner: int, side: int) -> bool:
    """Return by chance whether the next one leaves: even odds at the owner's usual number."""
    n, usual = float(ex[roster_count_at(ex, i, owner, side)]), crowd[member_at(i) + owner]
    return bool(uniform(crowd) * (n * n + usual * usual) < n * n)


@helper
def _touch_qty(ex: I64, i: int, side: int) -> int:
    return int(ex[cell_at(ex, i, side, _best(ex, i, side)) + DEPTH])


@helper
def _thin(ex: I64, i: int, side: int, share: float) -> bool:
    """Return whether the touch of `side` holds less than `share` of both touches."""
    own, other = _touch_qty(ex, i, side), _touch_qty(ex, i, 1 - side)
    return bool(own < share * (own + other))


@helper
def _against(crowd: F64, i: int, side: int) -> float:
    """Return by how many ticks the market's belief runs against resting orders of `side`."""
    lean = crowd[member_at(i) + LEAN]
    return float(lean if side == ASK else -lean)


@helper
def _joiner(ex: I64, crowd: F64, ts: int, i: int) -> None:
    side = coin(crowd)
    against = _against(crowd, i, side)
    if against > _LEANS and uniform(crowd) < 0.25:
        cell = cell_at(ex, i, side, _best(ex, i, side))
        cancel(ex, ts, ex[cell + TAIL], MAX_QTY)  # who stands where the flow goes, leaves
        return
    if _crowded(ex, crowd, i, JOINER, side):
        n = ex[roster_count_at(ex, i, JOINER, side)]
        u = uniform(crowd)
        if n > 0 and u < 0.45:
            order = ex[roster_at(ex, i, JOINER, side) + n - 1]  # a fleeting one: the newest
        elif u < 0.7:
            order = _pick_far(ex, crowd, i, JOINER, side)
        else:
            order = _pick(ex, crowd, i, JOINER, side)
        if order != NONE:
            cancel(ex, ts, order, MAX_QTY)
        return
    furthest = int(crowd[member_at(i) + JOIN_TICKS])
    gap = _best(ex, i, ASK) - _best(ex, i, BID)
    if gap > 1 and uniform(crowd) < (0.15 if against > 0.0 else 0.7):
        steps = -1 - int(uniform(crowd) * (gap - 1))
    elif (against > _LEANS or _thin(ex, i, side, 0.2)) and uniform(crowd) < 0.6:
        steps = 1 + geometric(crowd, 0.3, furthest)
    else:
        steps = geometric(crowd, 0.38, furthest)
    qty = _scaled(crowd, i, heavy_tailed(crowd, 1.9, 60))
    submit(ex, ts, i, side, _behind(side, _best(ex, i, side), steps), qty, 0, True, JOINER)


@helper
def _scaled(crowd: F64, i: int, qty: int) -> int:
    near = max(1, min(_MAX_TAKE, int(qty * crowd[member_at(i) + SIZE] + 0.5)))
    return int(in_lots(crowd, i, near))


@helper
def in_lots(crowd: F64, i: int, qty: int) -> int:
    """Return a size in the instrument's own unit: round lots mostly where there are such."""
    lot = int(crowd[member_at(i) + LOT])
    if lot == 1:
        return qty
    if uniform(crowd) < _ODD_LOTS:
        return 1 + int(uniform(crowd) * (lot - 1))
    return min(qty * lot, MAX_QTY)


@helper
def _maker(ex: I64, crowd: F64, ts: int, i: int) -> None:
    side = coin(crowd)
    gap = _best(ex, i, ASK) - _best(ex, i, BID)
    steps = geometric(crowd, 0.3, 9)
    against = _against(crowd, i, side)
    if against > _LEANS:
        steps += 1 + int(against)
    elif _thin(ex, i, side, 0.25):
        steps += 1
    elif gap > 1 and against < 0.0:
        steps = -1
    target = _behind(side, _best(ex, i, side), steps)
    if int(crowd[member_at(i) + ANCHOR]) != NONE:
        target = _around_fair(ex, crowd, i, side, target, steps)
    n = float(ex[roster_count_at(ex, i, MAKER, side)])
    usual = crowd[member_at(i) + MAKER]
    if n < usual * (0.8 + 0.4 * uniform(crowd)):
        submit(ex, ts, i, side, target, _scaled(crowd, i, _quote(crowd)), 0, True, MAKER)
        return
    order = _pick_far(ex, crowd, i, MAKER, side)
    if order == NONE:
        return
    old, qty = ex[order + TICK], ex[order + QTY]
    u = uniform(crowd)
    if old == target:
        if u < 0.35 and qty > 1:
            modify(ex, ts, order, old, 1 + int(uniform(crowd) * (qty - 1)))
        elif u < 0.36:
            modify(ex, ts, order, old, qty + 1 + geometric(crowd, 0.5, 8))
        elif u < 0.6:
            cancel(ex, ts, order, MAX_QTY)
            submit(ex, ts, i, side, target, qty, 0, True, MAKER)
        return
    if u < 0.45:
        qty = _scaled(crowd, i, _quote(crowd))
    modify(ex, ts, order, target, qty)


@helper
def _quote(crowd: F64) -> int:
    return int(1 + geometric(crowd, 0.5, 20))


@helper
def _around_fair(ex: I64, crowd: F64, i: int, side: int, target: int, steps: int) -> int:
    """Return a quote at least a tick off the fair price, never through the other side."""
    fair = fair_tick(ex, crowd, i)
    if fair < 0.0:
        return target
    steps = max(0, steps)
    if side == ASK:
        return int(max(int(fair + 1.0) + steps, _best(ex, i, BID) + 1))
    return int(min(int(fair - 0.5) - steps, _best(ex, i, ASK) - 1))


@helper
def deep_steps(crowd: F64) -> int:
    """Return a distance from the touch: rising over the first ticks, then a long decay."""
    if uniform(crowd) < 0.25:
        return 1 + int(16.0 * (exponential(crowd) + exponential(crowd)))
    return 2 + int(min(140.0 * exponential(crowd), 1200.0))


@helper
def deep_qty(crowd: F64) -> int:
    """Return a size of a deep order: small ones, and the round numbers that people like."""
    u = uniform(crowd)
    if u < 0.62:
        return int(heavy_tailed(crowd, 1.2, 12))
    if u < 0.85:
        return int(5 * heavy_tailed(crowd, 1.6, 4))
    return int(10 * heavy_tailed(crowd, 1.8, 5))


@helper
def _deep(ex: I64, crowd: F64, ts: int, i: int) -> None:
    side = coin(crowd)
    if _crowded(ex, crowd, i, DEEP, side):
        far = uniform(crowd) < 0.15
        order = _pick_far(ex, crowd, i, DEEP, side) if far else _pick(ex, crowd, i, DEEP, side)
        if order != NONE:
            cancel(ex, ts, order, MAX_QTY)
        return
    tick = _behind(side, _best(ex, i, side), deep_steps(crowd))
    if 0 < tick < ex[TICKS]:
        submit(ex, ts, i, side, tick, in_lots(crowd, i, deep_qty(crowd)), 0, True, DEEP)


@helper
def _deep_move(ex: I64, crowd: F64, ts: int, i: int) -> None:
    side = coin(crowd)
    order = _pick(ex, crowd, i, DEEP, side)
    if order == NONE:
        return
    best = _best(ex, i, side)
    tick = _behind(side, ex[order + TICK], int(uniform(crowd) * 9.0) - 4)
    if _steps_behind(side, best, tick) < 12 or not 0 < tick < ex[TICKS]:
        tick = _behind(side, best, deep_steps(crowd))
    if not 0 < tick < ex[TICKS]:
        return
    qty = ex[order + QTY]
    if uniform(crowd) < 0.3:
        qty = in_lots(crowd, i, deep_qty(crowd))
    if tick != ex[order + TICK] or qty != ex[order + QTY]:
        modify(ex, ts, order, tick, qty)


@helper
def _noise_taker(ex: I64, crowd: F64, ts: int, i: int) -> None:
    if int(crowd[member_at(i) + ANCHOR]) != NONE and _arbitrage(ex, crowd, ts, i):
        return
    if crowd[member_at(i) + TAKER_RUN] <= 0.0:
        crowd[member_at(i) + TAKER_SIDE] = coin(crowd)
        crowd[member_at(i) + TAKER_RUN] = heavy_tailed(crowd, 1.4, 300)
    crowd[member_at(i) + TAKER_RUN] -= 1.0
    side = int(crowd[member_at(i) + TAKER_SIDE])
    if uniform(crowd) < 0.12:
        side = coin(crowd)
    elif _thin(ex, i, BID, 0.12) and uniform(crowd) < 0.3:
        side = ASK
    elif _thin(ex, i, ASK, 0.12) and uniform(crowd) < 0.3:
        side = BID
    qty = _scaled(crowd, i, heavy_tailed(crowd, 1.1, _MAX_TAKE))
    _take(ex, crowd, ts, i, side, qty)


@helper
def _momentum_taker(ex: I64, crowd: F64, ts: int, i: int) -> None:
    trend = crowd[member_at(i) + TREND]
    if abs(trend) < 1.5:
        _maker(ex, crowd, ts, i)
        return
    qty = _scaled(crowd, i, heavy_tailed(crowd, 1.0, 80))
    _take(ex, crowd, ts, i, BID if trend > 0.0 else ASK, qty)


@helper
def _take(ex: I64, crowd: F64, ts: int, i: int, side: int, qty: int) -> None:
    """Take at the touch; now and then go deeper, or leave the rest in the book."""
    best = _best(ex, i, 1 - side)
    limit = best
    u = uniform(crowd)
    if u < 0.06:
        limit = _behind(1 - side, best, 1 + geometric(crowd, 0.5, 3))
    elif u < 0.75:
        qty = min(qty, _touch_qty(ex, i, 1 - side))
    impact = _IMPACT_TICKS * sqrt(qty / crowd[member_at(i) + LOT])
    crowd[member_at(i) + LEAN] += impact if side == BID else -impact
    submit(ex, ts, i, side, limit, qty, 0, uniform(crowd) < 0.5, JOINER)


@helper
def _arbitrage(ex: I64, crowd: F64, ts: int, i: int) -> bool:
    """Take what is offered beyond the fair price of an anchored expiry."""
    fair = fair_tick(ex, crowd, i)
    if fair < 0.0:
        return False
    most = crowd[member_at(i) + MISPRICED_TICKS]
    if _best(ex, i, BID) > fair + most:
        side = ASK
    elif _best(ex, i, ASK) < fair - most:
        side = BID
    else:
        return False
    submit(ex, ts, i, side, _best(ex, i, 1 - side), _touch_qty(ex, i, 1 - side), 0, False, MAKER)
    return True


@helper
def _hidden(ex: I64, crowd: F64, ts: int, i: int) -> None:
    side = coin(crowd)
    best = _best(ex, i, side)
    if ex[PRINTS_FILLS] == 1:
        gap = _best(ex, i, ASK) - _best(ex, i, BID)
        tick = _best(ex, i, BID) + int(uniform(crowd) * (gap + 1))
        print_hidden(ex, ts, i, tick, _scaled(crowd, i, heavy_tailed(crowd, 1.3, 10)))
        return
    if ex[roster_count_at(ex, i, HIDDEN, side)] < crowd[member_at(i) + HIDDEN]:
        peak = _scaled(crowd, i, 1 + geometric(crowd, 0.4, 9))
        qty = peak * (3 + geometric(crowd, 0.15, 30))
        tick = _behind(side, best, geometric(crowd, 0.6, 3))
        submit(ex, ts, i, side, tick, qty, peak, True, HIDDEN)
        return
    order = _pick(ex, crowd, i, HIDDEN, side)
    if order == NONE:
        return
    behind = _steps_behind(side, best, ex[order + TICK])
    if behind > 8:
        cancel(ex, ts, order, MAX_QTY)
    elif behind > 2:
        modify(ex, ts, order, best, ex[order + QTY])


@helper
def _large(ex: I64, crowd: F64, ts: int, i: int) -> None:
    side = coin(crowd)
    best = _best(ex, i, side)
    if _crowded(ex, crowd, i, LARGE, side):
        order = _pick_far(ex, crowd, i, LARGE, side)
        if order != NONE:
            cancel(ex, ts, order, MAX_QTY)
        return
    tick = _behind(side, best, 3 + geometric(crowd, 0.03, 120))
    if uniform(crowd) < 0.6:
        tick -= tick % _WHOLE_POINT
    if _steps_behind(side, best, tick) < 1:
        return
    qty = _scaled(crowd, i, 20 + 10 * heavy_tailed(crowd, 1.2, 28))
    submit(ex, ts, i, side, tick, qty, 0, True, LARGE)
