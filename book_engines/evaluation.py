"""Evaluation: what the forecast is worth on days that the fit has not seen.

Per horizon: samples, share of non-zero moves, sign hit rate on non-zero moves (a prediction of
exactly 0 has no sign and counts one half, as a coin would), mean squared and mean absolute error,
and the MSE skill 1 − Σ(move − model)² / Σ(move − baseline)² against each baseline. The median move
is 0, so zero change wins the absolute error: it is there for information.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from book_engines.bootstrap import Interval, block_counts, interval
from book_engines.dynamics import Parameters, predict
from book_engines.samples import (
    HORIZONS_S,
    REGRESSORS,
    VELOCITY,
    Session,
    features,
    move,
    time_blocks,
)

FloatArray = npt.NDArray[np.float64]

BASELINES: Final = ("zero_change", "last_velocity", "regression")

# Columns of the scores: sums over the samples of a block.
SAMPLES: Final = 0
MOVED: Final = 1
HITS: Final = 2
MODEL_SQUARED: Final = 3
BASELINE_SQUARED: Final = 4  # and the following, one for each baseline
MODEL_ABSOLUTE: Final = BASELINE_SQUARED + len(BASELINES)
ZERO_ABSOLUTE: Final = MODEL_ABSOLUTE + 1
SCORES: Final = ZERO_ABSOLUTE + 1


class HorizonResult(NamedTuple):
    """Hold the figures of one horizon; skills by baseline, errors in ticks² and ticks."""

    horizon_s: int
    samples: int
    moved_share: float
    hit_rate: Interval
    skill: dict[str, Interval]
    regression_skill: Interval
    mean_squared_error: float
    mean_absolute_error: float
    zero_mean_absolute_error: float

    @property
    def verdict(self) -> str:
        """Say in two words whether the model beats zero change beyond its interval."""
        skill = self.skill["zero_change"]
        if not np.isfinite(skill.low):
            return "not measurable"
        if skill.low > 0.0:
            return "skill"
        return "worse than zero change" if skill.high < 0.0 else "no skill"


def session_scores(
    session: Session,
    parameters: Parameters,
    regression: FloatArray,
    *,
    block_s: int | None = None,
    horizons: Sequence[int] = HORIZONS_S,
) -> FloatArray:
    """Return the sums of one held-out session, (blocks, H, SCORES).

    `regression` is (H, len(REGRESSORS)), fitted on training days by `baselines.fit_regression`.
    The prediction is the published one, clips included.
    """
    z, complete = features(session)
    deltas = predict(session.forces, parameters)
    blocks = time_blocks(complete.size, block_s)
    scores = np.zeros((len(blocks), len(horizons), SCORES))
    for h, horizon in enumerate(horizons):
        target = move(session.forces, horizon)
        usable = complete & np.isfinite(target)
        delta = deltas[:, horizon - 1]
        rivals = (
            np.zeros_like(target),
            horizon * z[:, VELOCITY],
            z[:, list(REGRESSORS)] @ regression[h],
        )
        for b, block in enumerate(blocks):
            chosen = usable[block]
            y, predicted = target[block][chosen], delta[block][chosen]
            sums = scores[b, h]
            sums[SAMPLES] = y.size
            sums[MOVED] = np.count_nonzero(y)
            agreement = np.sign(y) * np.sign(predicted)
            silent = (y != 0.0) & (predicted == 0.0)
            sums[HITS] = np.count_nonzero(agreement > 0.0) + 0.5 * np.count_nonzero(silent)
            sums[MODEL_SQUARED] = np.square(y - predicted).sum()
            for k, rival in enumerate(rivals):
                sums[BASELINE_SQUARED + k] = np.square(y - rival[block][chosen]).sum()
            sums[MODEL_ABSOLUTE] = np.abs(y - predicted).sum()
            sums[ZERO_ABSOLUTE] = np.abs(y).sum()
    return scores


def evaluate(scores: FloatArray, horizons: Sequence[int] = HORIZONS_S) -> list[HorizonResult]:
    """Return the figures of every horizon, with block-bootstrap intervals, from (blocks, H, …)."""
    blocks = scores.shape[0]
    total = scores.sum(axis=0)
    resampled = np.einsum("rb,bhs->rhs", block_counts(blocks).astype(np.float64), scores)

    def ratio(h: int, upper: int, lower: int, *, skill: bool) -> Interval:
        def statistic(sums: FloatArray) -> FloatArray:
            under = sums[..., h, lower]
            share = np.full(under.shape, np.nan)
            np.divide(sums[..., h, upper], under, out=share, where=under > 0)
            return np.asarray(1.0 - share if skill else share)

        return interval(float(statistic(total)), statistic(resampled), blocks)

    results = []
    for h, horizon in enumerate(horizons):
        sums = total[h]
        samples = int(sums[SAMPLES])
        held = sums[SAMPLES] if samples else float("nan")
        skill = {
            name: ratio(h, MODEL_SQUARED, BASELINE_SQUARED + k, skill=True)
            for k, name in enumerate(BASELINES)
        }
        results.append(
            HorizonResult(
                horizon_s=horizon,
                samples=samples,
                moved_share=float(sums[MOVED] / held),
                hit_rate=ratio(h, HITS, MOVED, skill=False),
                skill=skill,
                regression_skill=ratio(
                    h,
                    BASELINE_SQUARED + BASELINES.index("regression"),
                    BASELINE_SQUARED + BASELINES.index("zero_change"),
                    skill=True,
                ),
                mean_squared_error=float(sums[MODEL_SQUARED] / held),
                mean_absolute_error=float(sums[MODEL_ABSOLUTE] / held),
                zero_mean_absolute_error=float(sums[ZERO_ABSOLUTE] / held),
            )
        )
    return results
