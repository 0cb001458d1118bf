"""A price that answers to nothing: a random walk of its own, and the quotes that are pinned to it.

A pinned listing is a tick wide around its fair value after every action, whatever the crowd just
did: what stands beyond the fair value is taken back, and a touch that was left or eaten is filled
up by fresh orders, all within the same instant. So the mid is the fair value at every end of a
window, and its moves are those of the walk, which was drawn before the market opened.

Orders are taken back and never moved along: a price that wanders would sweep all that it meets
into one queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from book_engines.kernel import helper
from spymaster_resources.simulator.crowd import (
    F64,
    FAIR,
    JOINER,
    LEAN,
    TAKER_RUN,
    TREND,
    heavy_tailed,
    member_at,
)
from spymaster_resources.simulator.exchange import (
    ASK,
    BID,
    HEAD,
    I64,
    book_at,
    cell_at,
)
from spymaster_resources.simulator.matching import MAX_QTY, cancel, submit
from spymaster_resources.simulator.participants import in_lots

_MEAN_PAUSE_NS: Final = 3e9  # between two moves of a tick
_FRESH_ORDERS: Final = 6  # that fill up an empty touch


def random_walk(
    random: np.random.Generator, start_ticks: float, segments: Sequence[tuple[int, int]]
) -> tuple[I64, F64]:
    """Return (ts_ns, ticks) of a walk of ±1 tick at random times of the segments, [start, end) ns.

    The first row is the start of the first segment at `start_ticks`. The number of moves of a
    segment is Poisson, their times are uniform, their signs fair coins.
    """
    times = [np.array([segments[0][0]])]
    for start, end in segments:
        moves = random.poisson((end - start) / _MEAN_PAUSE_NS)
        times.append(np.sort(random.integers(start, end, moves)))
    ts_ns = np.concatenate(times)
    steps = random.choice([-1.0, 1.0], len(ts_ns))
    steps[0] = 0.0
    return ts_ns, start_ticks + np.cumsum(steps)


@helper
def pin(ex: I64, crowd: F64, ts: int, i: int) -> None:
    """Put the touch of instrument `i` around its fair value, and let the crowd believe nothing."""
    row = member_at(i)
    crowd[row + LEAN] = 0.0  # takes move no belief
    crowd[row + TREND] = 0.0  # nobody follows a move
    crowd[row + TAKER_RUN] = 0.0  # the next taker's side is a coin
    bid = int(crowd[row + FAIR])  # fair values are mids: half a tick above the bid
    _take_back(ex, ts, i, BID, bid)
    _take_back(ex, ts, i, ASK, bid + 1)
    _fill_up(ex, crowd, ts, i, BID, bid)
    _fill_up(ex, crowd, ts, i, ASK, bid + 1)


@helper
def _take_back(ex: I64, ts: int, i: int, side: int, touch: int) -> None:
    """Cancel what stands better than `touch`, the best first."""
    book = book_at(ex, i)
    while (ex[book + side] < touch) if side == ASK else (ex[book + side] > touch):
        cancel(ex, ts, ex[cell_at(ex, i, side, ex[book + side]) + HEAD], MAX_QTY)


@helper
def _fill_up(ex: I64, crowd: F64, ts: int, i: int, side: int, touch: int) -> None:
    """Fill an empty touch with fresh orders."""
    if ex[book_at(ex, i) + side] == touch:
        return
    for _ in range(_FRESH_ORDERS):
        qty = in_lots(crowd, i, heavy_tailed(crowd, 1.9, 60))
        submit(ex, ts, i, side, touch, qty, 0, True, JOINER)
