"""Trust: what the training days say of how far to trust a forecast, and its use on any day.

Everything that a forecast needs besides its forces and parameters is in `Trust`, so that it can be
stored, and the same forecast be made again at any time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from book_engines.bands import LEVELS, conformal_reach, half_widths
from book_engines.confidence import ConfidenceMap, confidence, fit_map, right_signs
from book_engines.dynamics import LAST_HORIZON_S, Parameters, predict
from book_engines.forces import Forces
from book_engines.samples import move
from book_engines.volatility import trailing_volatility, typical_square

FloatArray = npt.NDArray[np.float64]


class Trust(NamedTuple):
    """Hold the training days' typical v², a confidence map and the bands' reach per horizon.

    `maps` has LAST_HORIZON_S entries, `reach` is (LAST_HORIZON_S, levels) in units of volatility;
    None and NaN where the training days held too few moves.
    """

    typical_square: float
    maps: tuple[ConfidenceMap | None, ...]
    reach: FloatArray


class Forecast(NamedTuple):
    """Hold what is said of each window and horizon; NaN where nothing is.

    delta: ticks from the mid, (W, 30). confidence: (W, 30). half_width: of the bands around delta,
    in ticks, (W, 30, levels).
    """

    delta: FloatArray
    confidence: FloatArray
    half_width: FloatArray

    def rows(self, start: int, stop: int) -> Forecast:
        """Return the windows start ≤ index < stop, as views."""
        return Forecast._make(column[start:stop] for column in self)


def fit_trust(days: Sequence[Forces], parameters: Parameters) -> Trust:
    """Return what the training days say of the forecast with these parameters.

    The residuals are those of the days that the parameters were fitted on: six constants against a
    day's thousands of moves leave no room to flatter them. Holds about 3 MB for each day.
    """
    typical = typical_square(days)
    deltas = [predict(forces, parameters) for forces in days]
    volatilities = [trailing_volatility(forces, typical) for forces in days]
    maps, reach = [], np.full((LAST_HORIZON_S, len(LEVELS)), np.nan)
    for h in range(LAST_HORIZON_S):
        moves = np.concatenate([move(forces, h + 1) for forces in days])
        delta = np.concatenate([day[:, h] for day in deltas])
        volatility = np.concatenate(volatilities)
        known = np.isfinite(moves) & np.isfinite(delta)
        reach[h] = conformal_reach(np.abs(moves - delta)[known] / volatility[known])
        known &= moves != 0.0
        right = right_signs(delta[known], moves[known])
        maps.append(fit_map(np.abs(delta[known]) / volatility[known], right, h + 1))
    return Trust(typical, tuple(maps), reach)


def forecast_of(forces: Forces, parameters: Parameters, trust: Trust | None) -> Forecast:
    """Return the forecast of every window from nothing later than its end.

    Without `trust` (nothing was fitted) confidence and bands are unknown.
    """
    delta = predict(forces, parameters)
    if trust is None:
        unknown = np.full((*delta.shape, len(LEVELS)), np.nan)
        return Forecast(delta, unknown[:, :, 0], unknown)
    volatility = trailing_volatility(forces, trust.typical_square)
    width = half_widths(volatility, trust.reach)
    width[np.isnan(delta)] = np.nan
    return Forecast(delta, confidence(delta, volatility, trust.maps), width)
