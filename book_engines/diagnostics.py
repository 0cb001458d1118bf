"""Diagnostics of one window: how freely the price could run upward and downward.

On the axis of distances d from the touch (up: asks, down: bids):

    D           the d in 1…64 with the largest Omega_prom (the nearest on a tie); 64 if none is > 0
    Vacuum      weighted mean over d = 0…D−1 of −u_near(d), weights exp(−d/16), not clipped
    Reinforce   max(0, u_p_slow(D))
    RunScore    Vacuum − Reinforce

Distances outside the grid hold no known liquidity: every field is 0 there.
Source: the project's specification of the forecast, section "Diagnostics".
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from book_engines.kernel import kernel

OBSTACLE_REACH: Final = 64
VACUUM_SCALE: Final = 16.0

_VACUUM_WEIGHTS: Final = np.exp(-np.arange(OBSTACLE_REACH, dtype=np.float64) / VACUUM_SCALE)


class Diagnostics(NamedTuple):
    """Hold RunScore (NaN where unknown) and the obstacle's distance D (0 where unknown), (W,)."""

    run_up: npt.NDArray[np.float64]
    run_down: npt.NDArray[np.float64]
    d_up: npt.NDArray[np.int32]
    d_down: npt.NDArray[np.int32]


def run_diagnostics(
    u_p_slow: npt.NDArray[np.float32],
    u_near: npt.NDArray[np.float32],
    Omega_prom: npt.NDArray[np.float32],
    bid_rel: npt.NDArray[np.int64],
    ask_rel: npt.NDArray[np.int64],
    valid: npt.NDArray[np.bool_],
) -> Diagnostics:
    """Compute RunScore and D of every valid window; fields are float32 (W, G, 2), 0 = A, 1 = B."""
    windows = u_p_slow.shape[0]
    run = np.full((2, windows), np.nan)
    obstacle = np.zeros((2, windows), dtype=np.int32)
    half = u_p_slow.shape[1] // 2
    _scores(
        u_p_slow, u_near, Omega_prom, ask_rel, valid, half, 0, 1, _VACUUM_WEIGHTS, run, obstacle
    )
    _scores(
        u_p_slow, u_near, Omega_prom, bid_rel, valid, half, 1, -1, _VACUUM_WEIGHTS, run, obstacle
    )
    return Diagnostics(run[0], run[1], obstacle[0], obstacle[1])


@kernel
def _scores(
    u_p_slow: npt.NDArray[np.float32],
    u_near: npt.NDArray[np.float32],
    Omega_prom: npt.NDArray[np.float32],
    best_rel: npt.NDArray[np.int64],
    valid: npt.NDArray[np.bool_],
    half: int,
    side: int,
    step: int,
    weights: npt.NDArray[np.float64],
    run: npt.NDArray[np.float64],
    obstacle: npt.NDArray[np.int32],
) -> None:
    cells = u_p_slow.shape[1]
    reach = weights.size
    for w in range(u_p_slow.shape[0]):
        if not valid[w]:
            continue
        touch = best_rel[w] + half
        largest = 0.0
        D = reach
        for d in range(1, reach + 1):
            i = touch + step * d
            if 0 <= i < cells and Omega_prom[w, i, side] > largest:
                largest = Omega_prom[w, i, side]
                D = d
        total = 0.0
        weight = 0.0
        for d in range(D):
            i = touch + step * d
            weight += weights[d]
            if 0 <= i < cells:
                total -= weights[d] * u_near[w, i, side]
        end = touch + step * D
        reinforce = 0.0
        if 0 <= end < cells and u_p_slow[w, end, side] > 0.0:
            reinforce = u_p_slow[w, end, side]
        run[side, w] = total / weight - reinforce
        obstacle[side, w] = D
