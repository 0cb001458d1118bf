"""Trailing volatility: how fast the mid has been moving, the unit of confidence and bands.

    σ(t) = √(max(mean of v² over the 60 seconds that end with t, (½)² / 60)),  ticks per second

A second whose v is unknown (before the session's first, after a gap) counts as a second of the
training days, `typical_square`, so that σ is known from the first window on and is the plain
trailing RMS as soon as 60 seconds are known. The floor is the least that a mid which moves at all
can show: one step of half a tick in 60 seconds; without it a minute of silence would make every
score infinite and every band empty. Source: the project's specification of the forecast, section
"Calibrated confidence and bands".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from book_engines.forces import Forces, velocity

FloatArray = npt.NDArray[np.float64]

TRAILING_S: Final = 60
LEAST_SQUARE: Final = 0.5**2 / TRAILING_S


def typical_square(sessions: Iterable[Forces]) -> float:
    """Return the mean of v² over the known seconds of some sessions; LEAST_SQUARE without any."""
    total, seconds = 0.0, 0
    for forces in sessions:
        v = velocity(forces)
        known = v[np.isfinite(v)]
        total += float(np.square(known).sum())
        seconds += known.size
    return max(total / seconds, LEAST_SQUARE) if seconds else LEAST_SQUARE


def trailing_volatility(forces: Forces, typical: float) -> FloatArray:
    """Return σ(t) in ticks per second, (W,), from nothing later than t; never 0, never NaN.

    `typical` is the square that stands for an unknown second. Sums of known squares and counts of
    unknown seconds are kept apart, because mids move in half ticks: both sums are exact.
    """
    v = velocity(forces)
    known = np.isfinite(v)
    squares = _trailing_sum(np.where(known, np.square(v), 0.0))
    unknown = TRAILING_S - _trailing_sum(known.astype(np.float64))
    mean = (squares + unknown * typical) / TRAILING_S
    return np.sqrt(np.maximum(mean, LEAST_SQUARE))


def _trailing_sum(values: FloatArray) -> FloatArray:
    total = np.cumsum(values)
    total[TRAILING_S:] -= total[:-TRAILING_S].copy()
    return total
