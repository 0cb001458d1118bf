"""Evaluation: what the forecast is worth on days that the fit has not seen.

Per horizon: samples, share of non-zero moves, sign hit rate on non-zero moves (a prediction of
exactly 0 has no sign and counts one half, as a coin would), mean squared and mean absolute error,
the MSE skill 1 − Σ(move − model)² / Σ(move − baseline)² against each baseline, the reliability of
the confidence on non-zero moves, and how often the bands held the move. The median move is 0, so
zero change wins the absolute error: it is there for information.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from book_engines.bands import LEVELS
from book_engines.bootstrap import Interval, block_counts, interval, share
from book_engines.confidence import right_signs
from book_engines.reliability import Calls, Reliability, reliability
from book_engines.samples import (
    HORIZONS_S,
    REGRESSORS,
    VELOCITY,
    Session,
    features,
    move,
    time_blocks,
)
from book_engines.trust import Forecast

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
BANDED: Final = ZERO_ABSOLUTE + 1  # samples that have bands
COVERED: Final = BANDED + 1  # and the following, one for each level
FORECASTS: Final = COVERED + len(LEVELS)  # windows that have a confidence, whatever came after
CONFIDENCE: Final = FORECASTS + 1
SCORES: Final = CONFIDENCE + 1


class Scores(NamedTuple):
    """Hold what some held-out seconds sum up to, and the confidence of each move in them.

    sums: (blocks, H, SCORES). calls: the moves by horizon, their blocks numbered as in `sums`.
    """

    sums: FloatArray
    calls: tuple[Calls, ...]


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
    mean_confidence: float
    """Over all windows that have a forecast, moved or not."""
    coverage: dict[float, Interval]
    """Share of moves within the bands by their nominal level."""
    reliability: Reliability

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
    forecast: Forecast,
    regression: FloatArray,
    *,
    block_s: int | None = None,
    horizons: Sequence[int] = HORIZONS_S,
) -> Scores:
    """Return the scores of one held-out session's published forecast, clips included.

    `regression` is (H, len(REGRESSORS)), fitted on training days by `baselines.fit_regression`.
    """
    z, complete = features(session)
    blocks = time_blocks(complete.size, block_s)
    block_of = np.repeat(np.arange(len(blocks)), [block.stop - block.start for block in blocks])
    sums = np.zeros((len(blocks), len(horizons), SCORES))
    calls = []
    for h, horizon in enumerate(horizons):
        target = move(session.forces, horizon)
        usable = complete & np.isfinite(target)
        y, of = target[usable], block_of[usable]
        delta = forecast.delta[usable, horizon - 1]
        confidence = forecast.confidence[usable, horizon - 1]
        width = forecast.half_width[usable, horizon - 1]
        rivals = (
            np.zeros_like(y),
            horizon * z[usable, VELOCITY],
            z[usable][:, list(REGRESSORS)] @ regression[h],
        )
        moved = y != 0.0
        right = right_signs(delta, y)
        error = np.abs(y - delta)
        rows = np.empty((y.size, FORECASTS))
        rows[:, SAMPLES] = 1.0
        rows[:, MOVED] = moved
        rows[:, HITS] = moved * right
        rows[:, MODEL_SQUARED] = np.square(error)
        for k, rival in enumerate(rivals):
            rows[:, BASELINE_SQUARED + k] = np.square(y - rival)
        rows[:, MODEL_ABSOLUTE] = error
        rows[:, ZERO_ABSOLUTE] = np.abs(y)
        rows[:, BANDED] = np.isfinite(width).all(axis=1)
        rows[:, COVERED:FORECASTS] = error[:, None] <= width  # false where there is no band
        for column in range(FORECASTS):
            sums[:, h, column] = np.bincount(of, rows[:, column], minlength=len(blocks))
        # Of the same windows at every horizon, so that means can be compared.
        given = forecast.confidence[:, horizon - 1]
        known = np.isfinite(given)
        sums[:, h, FORECASTS] = np.bincount(block_of, known, minlength=len(blocks))
        sums[:, h, CONFIDENCE] = np.bincount(
            block_of, np.where(known, given, 0.0), minlength=len(blocks)
        )
        said = moved & np.isfinite(confidence)
        calls.append(Calls(confidence[said], right[said], of[said], len(blocks)))
    return Scores(sums, tuple(calls))


def join_scores(parts: Sequence[Scores]) -> Scores:
    """Return the scores of several sessions as one, blocks in the order given."""
    first = np.cumsum([0, *(part.sums.shape[0] for part in parts)])
    blocks = int(first[-1])
    calls = []
    for of_horizon in zip(*(part.calls for part in parts), strict=True):
        block = [each.block + start for each, start in zip(of_horizon, first[:-1], strict=True)]
        calls.append(
            Calls(
                np.concatenate([each.confidence for each in of_horizon]),
                np.concatenate([each.right for each in of_horizon]),
                np.concatenate(block),
                blocks,
            )
        )
    return Scores(np.concatenate([part.sums for part in parts]), tuple(calls))


def evaluate(scores: Scores, horizons: Sequence[int] = HORIZONS_S) -> list[HorizonResult]:
    """Return the figures of every horizon, with block-bootstrap intervals."""
    blocks = scores.sums.shape[0]
    total = scores.sums.sum(axis=0)
    resampled = np.einsum("rb,bhs->rhs", block_counts(blocks).astype(np.float64), scores.sums)

    def ratio(h: int, upper: int, lower: int, *, skill: bool) -> Interval:
        def statistic(sums: FloatArray) -> FloatArray:
            found = share(sums[..., h, upper], sums[..., h, lower])
            return np.asarray(1.0 - found if skill else found)

        return interval(float(statistic(total)), statistic(resampled), blocks)

    results = []
    for h, horizon in enumerate(horizons):
        sums = total[h]
        skill = {
            name: ratio(h, MODEL_SQUARED, BASELINE_SQUARED + k, skill=True)
            for k, name in enumerate(BASELINES)
        }
        results.append(
            HorizonResult(
                horizon_s=horizon,
                samples=int(sums[SAMPLES]),
                moved_share=float(share(sums[MOVED], sums[SAMPLES])),
                hit_rate=ratio(h, HITS, MOVED, skill=False),
                skill=skill,
                regression_skill=ratio(
                    h,
                    BASELINE_SQUARED + BASELINES.index("regression"),
                    BASELINE_SQUARED + BASELINES.index("zero_change"),
                    skill=True,
                ),
                mean_squared_error=float(share(sums[MODEL_SQUARED], sums[SAMPLES])),
                mean_absolute_error=float(share(sums[MODEL_ABSOLUTE], sums[SAMPLES])),
                zero_mean_absolute_error=float(share(sums[ZERO_ABSOLUTE], sums[SAMPLES])),
                mean_confidence=float(share(sums[CONFIDENCE], sums[FORECASTS])),
                coverage={
                    level: ratio(h, COVERED + k, BANDED, skill=False)
                    for k, level in enumerate(LEVELS)
                },
                reliability=reliability(scores.calls[h], horizon),
            )
        )
    return results
