"""Confidence: the probability that the predicted sign is right, given that the price moves.

    score_h(t) = |δ_h(t)| / σ(t),  σ the trailing volatility

One isotonic regression per horizon maps the score to how often the sign was right on the training
days (Zadrozny and Elkan, "Transforming classifier scores into accurate multiclass probability
estimates", KDD 2002), on pooled scores of which none is sparse. Between the pooled means the map is
linear, beyond the last it is constant. It may fall below one half: that is then what was seen.

In every window a longer horizon is never more certain than a shorter one. Where the maps say
otherwise, the neighbouring horizons that disagree share their mean (pool adjacent violators), each
with the weight 1/h, as a move over h seconds counts 1/h of independent moves. So the mean over any
set of windows cannot rise with the horizon either. Where the sign truly gets better with the
horizon, as when a move follows slowly, the shared mean is too high for the shorter and too low for
the longer horizons; the evaluation's calibration error shows by how much.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from book_engines.kernel import kernel
from book_engines.pooling import group_sums, pooled_starts

FloatArray = npt.NDArray[np.float64]

POOLED_MOVES: Final = 200  # independent moves that a pooled score rests on at least, ± 3.5 points
MOST_POOLS: Final = 50
FEWEST_MOVES: Final = 30  # with fewer moves on the training days nothing can be said


class ConfidenceMap(NamedTuple):
    """Hold one horizon's map: probabilities (K,) at ascending scores (K,), and what it rests on."""

    score: FloatArray
    probability: FloatArray
    moves: int


def right_signs(delta: FloatArray, moves: FloatArray) -> FloatArray:
    """Return 1 where the signs agree, 0 where not, one half, as a coin, for a δ without a sign."""
    return np.where(delta == 0.0, 0.5, (np.sign(delta) == np.sign(moves)).astype(np.float64))


def fit_map(scores: FloatArray, right: FloatArray, horizon_s: int) -> ConfidenceMap | None:
    """Fit the map of one horizon to the scores and `right_signs` of seconds whose price moved.

    None with fewer than FEWEST_MOVES of them.
    """
    if scores.size < FEWEST_MOVES:
        return None
    from sklearn.isotonic import IsotonicRegression  # 0.5 s of import that a forecast does not need

    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    starts = pooled_starts(ordered, POOLED_MOVES * horizon_s, MOST_POOLS)
    members = np.diff(np.append(starts, ordered.size))
    regression = IsotonicRegression().fit(
        group_sums(ordered, starts) / members,
        group_sums(right[order], starts) / members,
        sample_weight=members,
    )
    return ConfidenceMap(regression.X_thresholds_, regression.y_thresholds_, int(scores.size))


def confidence(
    delta: FloatArray, volatility: FloatArray, maps: Sequence[ConfidenceMap | None]
) -> FloatArray:
    """Return the confidence of every window and horizon, (W, H), never rising with the horizon.

    `delta` is (W, H), `volatility` (W,), one map for each horizon 1…H. NaN where δ is NaN or the
    horizon has no map.
    """
    out = np.full(delta.shape, np.nan)
    for h, each in enumerate(maps):
        if each is not None:
            score = np.abs(delta[:, h]) / volatility
            known = np.isfinite(score)
            out[known, h] = np.interp(score[known], each.score, each.probability)
    _never_rising(out, *np.empty((3, len(maps))))
    return out


@kernel
def _never_rising(
    values: FloatArray, mean: FloatArray, weight: FloatArray, members: FloatArray
) -> None:
    """Replace each row by its weighted least-squares fit that never rises; NaNs stay.

    mean, weight and members are room for the pools of one row, (H,) each.
    """
    for w in range(values.shape[0]):
        pools = 0
        for h in range(values.shape[1]):
            if np.isnan(values[w, h]):
                continue
            mean[pools] = values[w, h]
            weight[pools] = 1.0 / (h + 1)
            members[pools] = 1.0
            pools += 1
            while pools > 1 and mean[pools - 1] > mean[pools - 2]:
                pools -= 1
                whole = weight[pools - 1] + weight[pools]
                mean[pools - 1] += (mean[pools] - mean[pools - 1]) * weight[pools] / whole
                weight[pools - 1] = whole
                members[pools - 1] += members[pools]
        pool = 0
        for h in range(values.shape[1]):
            if np.isnan(values[w, h]):
                continue
            while members[pool] == 0.0:
                pool += 1
            values[w, h] = mean[pool]
            members[pool] -= 1.0
