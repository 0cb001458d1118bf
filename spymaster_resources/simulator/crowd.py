"""What the participants know and draw from: traits, moods and a tape of random numbers.

One float64 array, as the exchange is one arena of int64: a header, a row of traits and moods an
instrument, and the tape of uniform draws that the market refills when it is used up.
"""

from __future__ import annotations

from math import log
from typing import Final

import numpy as np
import numpy.typing as npt

from book_engines.kernel import helper

F64 = npt.NDArray[np.float64]

# Owners of orders: the rosters of the exchange.
JOINER, MAKER, DEEP, HIDDEN, LARGE = range(5)
OWNER_KINDS: Final = 5

CURSOR: Final = 0  # where the next draw is
LAST_DRAW: Final = 1  # a cursor beyond it asks for a new tape before the next action
_HEADER: Final = 2

# Fields of an instrument's row. The first are live orders a side, by owner.
(
    JOIN_TICKS,  # how far behind the touch joiners go
    SIZE,  # of near orders, relative to a busy market
    ANCHOR,  # the instrument whose price this one follows, NONE, or OUTSIDE
    CARRY_TICKS,  # above the anchor's price
    LAST_MID,
    TREND,  # recent moves of the mid, ticks
    LEAN,  # how far the market's belief, learned from trades, is above the mid, ticks
    TAKER_SIDE,
    TAKER_RUN,  # takes that the run of one side still has
    EXCITEMENT,  # 1 when the mid just moved, decaying
    LOT,  # what sizes are round in
    FAIR,  # the price of one that follows another market, ticks
    MISPRICED_TICKS,  # from the fair price, at which an anchored one is taken
    RESPONSE,  # of the belief to the imbalance of depth, ticks a second, 0 for none
    RESPONDED_NS,  # when it last did
    PINNED,  # 1 where the touch never leaves the fair price
) = range(OWNER_KINDS, OWNER_KINDS + 16)
CROWD_FIELDS: Final = OWNER_KINDS + 16
OUTSIDE: Final = -2  # as an anchor: another market

DRAWS_OF_AN_ACTION: Final = 64  # more than any action takes from the tape


def new_crowd(instruments: int, draws: int) -> F64:
    """Return a crowd without traits whose tape is used up."""
    crowd = np.zeros(_HEADER + instruments * CROWD_FIELDS + draws)
    crowd[CURSOR] = len(crowd)
    crowd[LAST_DRAW] = len(crowd) - DRAWS_OF_AN_ACTION
    return crowd


def traits_view(crowd: F64, instruments: int) -> F64:
    """Return the rows of the instruments as a view (instruments, CROWD_FIELDS)."""
    return crowd[_HEADER : _HEADER + instruments * CROWD_FIELDS].reshape(instruments, -1)


def refill_tape(crowd: F64, instruments: int, random: np.random.Generator) -> None:
    """Put fresh draws on the tape."""
    start = _HEADER + instruments * CROWD_FIELDS
    random.random(out=crowd[start:])
    crowd[CURSOR] = start


@helper
def member_at(i: int) -> int:
    """Return where the row of an instrument is."""
    return _HEADER + i * CROWD_FIELDS


@helper
def uniform(crowd: F64) -> float:
    """Return the next draw, uniform in [0, 1)."""
    cursor = int(crowd[CURSOR])
    crowd[CURSOR] = cursor + 1
    return float(crowd[cursor])


@helper
def exponential(crowd: F64) -> float:
    """Return an exponential draw of mean 1."""
    return -log(1.0 - uniform(crowd))


@helper
def heavy_tailed(crowd: F64, exponent: float, highest: int) -> int:
    """Return a draw from 1 up with P(X ≥ x) = x^-exponent, cut at `highest`."""
    x = (1.0 - uniform(crowd)) ** (-1.0 / exponent)
    return int(min(x, float(highest)))


@helper
def geometric(crowd: F64, p: float, highest: int) -> int:
    """Return a draw from 0 up with P(X ≥ x) = (1 − p)^x, cut at `highest`."""
    return min(int(exponential(crowd) / -log(1.0 - p)), highest)


@helper
def coin(crowd: F64) -> int:
    """Return 0 or 1 (a side)."""
    return 1 if uniform(crowd) < 0.5 else 0
