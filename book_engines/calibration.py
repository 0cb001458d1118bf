"""Calibration: the constrained fit of the dynamics to what the price did next.

For given (a, λ, σ) the unclipped displacement is linear in β ≥ 0, so the residual

    r_h(t) = S(t+h) − S(t) − A_h(a) v(t) − B_h(a, λ) Σ_i β_i x_i(t)

is minimised over β by non-negative least squares, stacked over the horizons with weights
1/variance of each horizon's move; (a, λ, σ) is searched on a grid that is refined twice around its
best point. Only the moments of `samples` are needed. Intervals by block bootstrap: the whole search
is repeated on resampled blocks.

With three unknowns the optimum is found exactly: it is the unconstrained solution on one of the
eight subsets of forces (Lawson and Hanson, "Solving Least Squares Problems" (1974), chapter 23).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from book_engines.bootstrap import Interval, block_counts, interval
from book_engines.dynamics import Parameters, response
from book_engines.forces import STATIC_SIGMAS
from book_engines.samples import (
    CONSTANT,
    MOVE,
    VELOCITY,
    X_FLOW,
    X_SPRING,
    X_STATIC,
    Moments,
)

FloatArray = npt.NDArray[np.float64]

PERSISTENCE_RANGE: Final = (-0.4, 0.9)  # a = 1 − γ
DECAY_RANGE: Final = (0.5, 0.9)  # λ, a half-life of 1–6 s
GRID_STEPS: Final = (0.05, 0.01, 0.002)  # each refines one step of the one before
PARAMETER_NAMES: Final = (
    "beta_flow",
    "beta_static",
    "beta_spring",
    "gamma",
    "lambda",
    "sigma_static",
)
_LOWER: Final = (0.0, 0.0, 0.0, 1.0 - PERSISTENCE_RANGE[1], DECAY_RANGE[0], STATIC_SIGMAS[0])
_UPPER: Final = (
    np.inf,
    np.inf,
    np.inf,
    1.0 - PERSISTENCE_RANGE[0],
    DECAY_RANGE[1],
    STATIC_SIGMAS[-1],
)


class Space(NamedTuple):
    """Hold where a = 1 − γ, λ and the static σ are searched; a range without width fixes one."""

    persistence: tuple[float, float] = PERSISTENCE_RANGE
    decay: tuple[float, float] = DECAY_RANGE
    sigmas: tuple[float, ...] = STATIC_SIGMAS


class Fit(NamedTuple):
    """Hold the fitted parameters, the interval of each by name, and what they rest on."""

    parameters: Parameters
    intervals: dict[str, Interval]
    samples: dict[int, int]
    blocks: int


def fit(moments: Moments) -> Fit:
    """Fit the dynamics to the training blocks, with intervals.

    The static σ is a choice among five: its interval spans the choices of the central 95 % of the
    resamples. Raises ValueError if no horizon has a sample or no price moved.
    """
    total = moments.total()
    weights = horizon_weights(total)
    if not weights.any():
        raise ValueError(
            "the training seconds hold no sample whose price moved: nothing can be fitted"
        )
    best = search(total, weights, moments.horizons)
    blocks = moments.values.shape[0]
    counts = block_counts(blocks)
    replicates = np.empty((counts.shape[0], len(PARAMETER_NAMES)))
    for r, count in enumerate(counts):
        resampled = np.tensordot(count.astype(np.float64), moments.values, axes=1)
        replicates[r] = search(resampled, horizon_weights(resampled), moments.horizons)
    intervals = {}
    for i, name in enumerate(PARAMETER_NAMES):
        found = interval(best[i], replicates[:, i], blocks)
        low, high = max(found.low, _LOWER[i]), min(found.high, _UPPER[i])
        if name == "sigma_static":
            low, high = np.quantile(replicates[:, i], (0.025, 0.975), method="nearest").tolist()
        intervals[name] = found._replace(low=low, high=high)
    samples = dict(zip(moments.horizons, moments.samples().tolist(), strict=True))
    return Fit(best, intervals, samples, blocks)


def horizon_weights(total: FloatArray) -> FloatArray:
    """Return 1/variance of each horizon's move, (H,); 0 where there is no sample or no move."""
    samples = total[:, CONSTANT, CONSTANT]
    held = np.maximum(samples, 1.0)
    variance = total[:, MOVE, MOVE] / held - (total[:, CONSTANT, MOVE] / held) ** 2
    moved = (samples > 0) & (total[:, MOVE, MOVE] > 0) & (variance > 0)
    return np.where(moved, 1.0 / np.where(moved, variance, 1.0), 0.0)


def search(
    total: FloatArray,
    weights: FloatArray,
    horizons: tuple[int, ...],
    space: Space = Space(),  # noqa: B008  (an immutable tuple)
) -> Parameters:
    """Return the parameters with the least weighted squared residual on the refined grid."""
    a_range, l_range = space.persistence, space.decay
    columns = np.array([X_STATIC + STATIC_SIGMAS.index(sigma) for sigma in space.sigmas])
    beta, at = np.zeros(3), np.zeros(3, dtype=np.int64)
    for step in GRID_STEPS:
        a_grid, l_grid = _grid(a_range, step), _grid(l_range, step)
        A, B = response(a_grid[:, None], l_grid[None, :], horizons)
        _scan(total, weights, A[:, 0].copy(), B, columns, beta, at)
        i, j, s = at
        a, decay = float(a_grid[i]), float(l_grid[j])
        a_range = _around(a, step, space.persistence)
        l_range = _around(decay, step, space.decay)
    return Parameters._make([*beta.tolist(), round(1.0 - a, 6), decay, space.sigmas[s]])


def _grid(bounds: tuple[float, float], step: float) -> FloatArray:
    count = round((bounds[1] - bounds[0]) / step) + 1
    return np.round(bounds[0] + step * np.arange(count), 6)


def _around(value: float, step: float, bounds: tuple[float, float]) -> tuple[float, float]:
    return max(value - step, bounds[0]), min(value + step, bounds[1])


@njit(cache=True, nogil=True)
def _scan(total, weights, A, B, static, best_beta, where):  # type: ignore[no-untyped-def]
    columns = np.empty(3, dtype=np.int64)
    G = np.empty((3, 3))
    c = np.empty(3)
    beta = np.empty(3)
    least = np.inf
    for i in range(A.shape[0]):
        constant = 0.0
        for h in range(weights.size):
            square = total[h, MOVE, MOVE] - 2.0 * A[i, h] * total[h, VELOCITY, MOVE]
            constant += weights[h] * (square + A[i, h] ** 2 * total[h, VELOCITY, VELOCITY])
        for j in range(B.shape[1]):
            for s in range(static.size):
                columns[0], columns[1], columns[2] = X_FLOW, static[s], X_SPRING
                for p in range(3):
                    c[p] = 0.0
                    for q in range(3):
                        G[p, q] = 0.0
                for h in range(weights.size):
                    once = weights[h] * B[i, j, h]
                    twice = once * B[i, j, h]
                    for p in range(3):
                        x = columns[p]
                        c[p] += once * (total[h, x, MOVE] - A[i, h] * total[h, x, VELOCITY])
                        for q in range(3):
                            G[p, q] += twice * total[h, x, columns[q]]
                objective = constant - _nonnegative(G, c, beta)
                if objective < least:
                    least = objective
                    where[0], where[1], where[2] = i, j, s
                    best_beta[:] = beta


@njit(cache=True, nogil=True)
def _nonnegative(G, c, best):  # type: ignore[no-untyped-def]
    """Minimise βᵀGβ − 2cᵀβ over β ≥ 0 into `best`; return how far below 0 the minimum lies."""
    best[:] = 0.0
    gain = 0.0
    index = np.empty(3, dtype=np.int64)
    M = np.empty((3, 4))
    x = np.empty(3)
    for subset in range(1, 8):
        n = 0
        for p in range(3):
            if subset >> p & 1:
                index[n] = p
                n += 1
        for p in range(n):
            for q in range(n):
                M[p, q] = G[index[p], index[q]]
            M[p, 3] = c[index[p]]
        feasible = True
        # G is symmetric and not negative: elimination needs no row exchange, and a pivot that
        # vanishes means that a smaller subset reaches the same minimum.
        for p in range(n):
            if M[p, p] <= 1e-12 * G[index[p], index[p]]:
                feasible = False
                break
            for r in range(p + 1, n):
                factor = M[r, p] / M[p, p]
                for q in range(p, n):
                    M[r, q] -= factor * M[p, q]
                M[r, 3] -= factor * M[p, 3]
        if not feasible:
            continue
        reached = 0.0
        for p in range(n - 1, -1, -1):
            value = M[p, 3]
            for q in range(p + 1, n):
                value -= M[p, q] * x[q]
            x[p] = value / M[p, p]
            feasible = feasible and x[p] >= 0.0
            reached += x[p] * c[index[p]]
        if feasible and reached > gain:
            gain = reached
            best[:] = 0.0
            for p in range(n):
                best[index[p]] = x[p]
    return gain
