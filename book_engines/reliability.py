"""Reliability: whether a confidence is the frequency with which the sign is right.

Moves of the held-out days are ordered by their confidence and pooled, ties together, so that a pool
holds at least POOLED_MOVES moves that do not overlap: with fewer, a pool's hit rate is off by
chance by more than the error that is looked for. Over the pools:

    expected calibration error   Σ share · |hit rate − mean confidence|
    by chance                    what that sum would be, on average, if all confidences were true
    monotonicity                 Σ share · (hit rate − pooled hit rate)², where the pooled hit rate
                                 is the closest one that never falls with the confidence (pool
                                 adjacent violators), against the same sum in resamples whose true
                                 hit rates are the pooled ones

Chance is a block bootstrap: whole blocks of time are drawn, widened by √(n/(n−1)) as in
`bootstrap`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from book_engines.bootstrap import Interval, block_counts, interval, share
from book_engines.pooling import pooled_starts

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

POOLED_MOVES: Final = 1_000  # independent moves of a pool: its hit rate is known to ± 1.6 points
MOST_POOLS: Final = 10


class Calls(NamedTuple):
    """Hold the moves of one horizon that a confidence was given for, (N,) each.

    confidence: within 0…1. right: 1, 0, or one half for a prediction without a sign. block: the
    block of time that each belongs to, 0 ≤ block < `blocks`.
    """

    confidence: FloatArray
    right: FloatArray
    block: IntArray
    blocks: int


class Pool(NamedTuple):
    """Hold one row of the reliability table."""

    lowest: float
    highest: float
    moves: int
    mean_confidence: float
    hit_rate: float


class Reliability(NamedTuple):
    """Hold the figures of one horizon; NaN where there was no move."""

    table: list[Pool]
    brier: Interval
    base_rate_brier: float
    """The Brier score of one who always says the held-out days' own hit rate."""
    calibration_error: float
    calibration_error_by_chance: float
    monotonicity_p: float
    """How often chance alone breaks the order of hit rates as much as was found."""


def reliability(calls: Calls, horizon_s: int) -> Reliability:
    """Return the reliability of the confidences at one horizon."""
    unknown = float("nan")
    if calls.confidence.size == 0:
        nothing = Interval(unknown, unknown, unknown, unknown)
        return Reliability([], nothing, unknown, unknown, unknown, unknown)
    order = np.argsort(calls.confidence, kind="stable")
    said, right = calls.confidence[order], calls.right[order]
    starts = pooled_starts(said, POOLED_MOVES * horizon_s, MOST_POOLS)
    pool = np.repeat(np.arange(starts.size), np.diff(np.append(starts, said.size)))
    cell = calls.block[order] * starts.size + pool

    def sums(values: FloatArray) -> FloatArray:
        """Return the sums by block and pool, (blocks, pools)."""
        flat = np.bincount(cell, values, minlength=calls.blocks * starts.size)
        return flat.reshape(calls.blocks, starts.size).astype(np.float64, copy=False)

    moves, hits, confidences = sums(np.ones(said.size)), sums(right), sums(said)
    squares = sums(np.square(said - right))
    counts = block_counts(calls.blocks).astype(np.float64)
    brier = interval(
        float(squares.sum() / moves.sum()),
        share((counts @ squares).sum(axis=1), (counts @ moves).sum(axis=1)),
        calls.blocks,
    )
    whole = moves.sum(axis=0)
    portion, rate = whole / whole.sum(), hits.sum(axis=0) / whole
    deviation = rate - confidences.sum(axis=0) / whole
    ordered_rate = _never_falling(rate, whole)
    widened = (calls.blocks / max(calls.blocks - 1, 1)) ** 0.5
    drawn = counts @ moves
    noise = widened * (share(counts @ hits, drawn) - rate)
    deviation_noise = widened * (share(counts @ (hits - confidences), drawn) - deviation)
    return Reliability(
        table=[
            Pool(
                lowest=float(said[start]),
                highest=float(said[end - 1]),
                moves=int(end - start),
                mean_confidence=float(said[start:end].mean()),
                hit_rate=float(right[start:end].mean()),
            )
            for start, end in zip(starts, np.append(starts[1:], said.size), strict=True)
        ],
        brier=brier,
        base_rate_brier=float(np.square(right.mean() - right).mean()),
        calibration_error=float(portion @ np.abs(deviation)),
        calibration_error_by_chance=_mean(np.abs(deviation_noise) @ portion, calls.blocks),
        monotonicity_p=_exceeding(
            _disorder(rate, whole), [_disorder(ordered_rate + n, whole) for n in noise]
        ),
    )


def _never_falling(rate: FloatArray, weight: FloatArray) -> FloatArray:
    from scipy.optimize import isotonic_regression  # 0.1 s of import that a forecast does not need

    return np.asarray(isotonic_regression(rate, weights=weight, increasing=True).x)


def _disorder(rate: FloatArray, weight: FloatArray) -> float:
    """Return the weighted mean square by which the rates break their order."""
    known = np.isfinite(rate)
    if not known.all():
        rate, weight = rate[known], weight[known]
    gap = rate - _never_falling(rate, weight)
    return float(weight @ np.square(gap) / weight.sum())


def _exceeding(found: float, by_chance: list[float]) -> float:
    """Return the share of draws at least as large as what was found, 1 where nothing was."""
    if found <= 0.0:
        return 1.0
    return float((1 + np.count_nonzero(np.array(by_chance) >= found)) / (1 + len(by_chance)))


def _mean(values: FloatArray, blocks: int) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if blocks > 1 and known.size else float("nan")
