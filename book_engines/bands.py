"""Bands: where the price is expected to stay, as wide as the training residuals were.

    band_h(t) = δ_h(t) ± q_h · σ(t),   q_h = the conformal quantile of |move − δ_h| / σ

σ is the trailing volatility, so a band breathes with the market. The quantile of n training
residuals is the ⌈(n + 1) · level⌉-th smallest (split conformal prediction: Lei, G'Sell, Rinaldo,
Tibshirani and Wasserman, "Distribution-free predictive inference for regression", JASA 113 (2018),
section 2). Bands are symmetric around the prediction, because the drift of the training days says
nothing of other days.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

LEVELS: Final = (0.5, 0.9)
FEWEST_RESIDUALS: Final = 30  # with fewer the 90 % quantile is the largest of a handful


def conformal_reach(residuals: FloatArray) -> FloatArray:
    """Return q of each level in LEVELS, ascending, from |move − δ| / σ (N,); NaN with too few."""
    count = residuals.size
    if count < FEWEST_RESIDUALS:
        return np.full(len(LEVELS), np.nan)
    ranks = [min(math.ceil((count + 1) * level), count) - 1 for level in LEVELS]
    return np.asarray(np.partition(residuals, ranks)[ranks])


def half_widths(volatility: FloatArray, reach: FloatArray) -> FloatArray:
    """Return half the width of every band in ticks, (W, H, levels), for reaches (H, levels)."""
    return volatility[:, None, None] * reach[None, :, :]
