"""Block bootstrap: how far a statistic of summed blocks would move with other blocks.

Consecutive seconds are dependent (the moves of 30 seconds overlap), so whole blocks are drawn:
days, or stretches of BLOCK_S seconds where there are too few days. Standard errors are those of
the resampled statistic, widened by √(n/(n−1)), and intervals use Student's t with n−1 degrees of
freedom, because with few blocks the plain percentiles are too narrow.
Source: Davison and Hinkley, "Bootstrap Methods and their Application" (1997), sections 2.3 and 8.2.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

BLOCK_S: Final = 300  # ten times the longest horizon
MINIMUM_DAYS: Final = 5  # fewer days give too few different resamples
REPLICATES: Final = 400
LEVEL: Final = 0.95
_SEED: Final = 20_240_102  # the same draws in every run


class Interval(NamedTuple):
    """Hold an estimate with its standard error and interval at LEVEL."""

    estimate: float
    standard_error: float
    low: float
    high: float


def block_seconds(days: int) -> int | None:
    """Return None where days are the blocks, BLOCK_S where there are too few of them."""
    return None if days >= MINIMUM_DAYS else BLOCK_S


def block_counts(blocks: int, replicates: int = REPLICATES) -> npt.NDArray[np.int64]:
    """Return how often each block is drawn in each replicate, (replicates, blocks)."""
    rng = np.random.default_rng(_SEED)
    return rng.multinomial(blocks, np.full(blocks, 1.0 / blocks), size=replicates)


def interval(estimate: float, replicates: FloatArray, blocks: int) -> Interval:
    """Return the interval of `estimate` from its bootstrap replicates, NaN where not finite.

    NaN bounds with fewer than two blocks, or where no two replicates are finite.
    """
    from scipy.special import stdtrit  # 0.1 s of import that a forecast does not need

    finite = replicates[np.isfinite(replicates)]
    if blocks < 2 or finite.size < 2 or not np.isfinite(estimate):
        return Interval(estimate, float("nan"), float("nan"), float("nan"))
    error = float(finite.std(ddof=1)) * (blocks / (blocks - 1)) ** 0.5
    reach = float(stdtrit(blocks - 1, 0.5 + LEVEL / 2)) * error
    return Interval(estimate, error, estimate - reach, estimate + reach)


def share(part: npt.ArrayLike, whole: npt.ArrayLike) -> FloatArray:
    """Return part / whole elementwise, NaN where the whole is not above 0."""
    upper, lower = np.broadcast_arrays(
        np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    )
    out = np.full(upper.shape, np.nan)
    np.divide(upper, lower, out=out, where=lower > 0)
    return out
