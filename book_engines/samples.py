"""Samples: what one session gives to the calibration, and its second moments.

A session is reduced to the matrix Σ z zᵀ of the vector z below, per horizon and per block of time:
everything linear (the non-negative fit at any (a, λ, σ), the regression baseline, their bootstrap)
is solved from sums of these matrices, whatever the number of sessions.

    z = (1, x_f, x_s for each σ, x_m, v, order flow, queue, spot − mid, move),  x = F / (1 + N)

A sample of horizon h is a second t at which S(t), S(t−1) and S(t+h) are all known: features use
nothing later than t, the move S(t+h) − S(t) is strictly later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from book_engines.forces import STATIC_SIGMAS, Forces, velocity

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

HORIZONS_S: Final = (1, 2, 5, 10, 20, 30)

CONSTANT: Final = 0
X_FLOW: Final = 1
X_STATIC: Final = 2  # and the following, one for each σ
X_SPRING: Final = X_STATIC + len(STATIC_SIGMAS)
VELOCITY: Final = X_SPRING + 1
ORDER_FLOW: Final = VELOCITY + 1
QUEUE: Final = ORDER_FLOW + 1
SPRING: Final = QUEUE + 1
MOVE: Final = SPRING + 1
COLUMNS: Final = MOVE + 1

REGRESSORS: Final = (ORDER_FLOW, QUEUE, VELOCITY, SPRING)
REGRESSOR_NAMES: Final = (
    "order_flow_imbalance",
    "queue_imbalance",
    "velocity",
    "spot_minus_mid",
)


class Session(NamedTuple):
    """Hold one session's forces and baseline features, (W,) each, NaN where unknown."""

    forces: Forces
    order_flow: FloatArray
    queue: FloatArray

    def rows(self, start: int, stop: int) -> Session:
        """Return the seconds start ≤ index < stop as a session of their own, as views."""
        return Session(
            self.forces.rows(start, stop), self.order_flow[start:stop], self.queue[start:stop]
        )


@dataclass(frozen=True)
class Moments:
    """Hold Σ z zᵀ per block and horizon: float64 (blocks, H, COLUMNS, COLUMNS)."""

    values: FloatArray
    horizons: tuple[int, ...]

    def total(self) -> FloatArray:
        """Return the sum over all blocks, (H, COLUMNS, COLUMNS)."""
        return np.asarray(self.values.sum(axis=0))

    def samples(self) -> npt.NDArray[np.int64]:
        """Return the number of samples of each horizon, (H,)."""
        return self.total()[:, CONSTANT, CONSTANT].astype(np.int64)


def features(session: Session) -> tuple[FloatArray, BoolArray]:
    """Return z without the move, (W, MOVE), and where it is complete, (W,)."""
    forces = session.forces
    mobility = 1.0 / (1.0 + forces.viscosity)
    z = np.empty((forces.valid.size, MOVE))
    z[:, CONSTANT] = 1.0
    z[:, X_FLOW] = forces.flow * mobility
    z[:, X_STATIC:X_SPRING] = forces.static * mobility[:, None]
    z[:, X_SPRING] = forces.spring * mobility
    z[:, VELOCITY] = velocity(forces)
    z[:, ORDER_FLOW] = session.order_flow
    z[:, QUEUE] = session.queue
    z[:, SPRING] = forces.spring
    return z, np.asarray(np.isfinite(z).all(axis=1))


def move(forces: Forces, horizon_s: int) -> FloatArray:
    """Return S(t+h) − S(t) in ticks, (W,); NaN where either is unknown or past the session."""
    out = np.full(forces.mid_tick.shape, np.nan)
    if horizon_s < out.size:
        out[:-horizon_s] = forces.mid_tick[horizon_s:] - forces.mid_tick[:-horizon_s]
    return out


def time_blocks(windows: int, block_s: int | None) -> list[slice]:
    """Return the slices of `block_s` consecutive seconds; one slice of all when it is None."""
    step = windows if block_s is None else block_s
    return [slice(start, min(start + step, windows)) for start in range(0, windows, max(step, 1))]


def session_moments(
    session: Session, *, block_s: int | None = None, horizons: Sequence[int] = HORIZONS_S
) -> Moments:
    """Return the moments of one session, in one block or in blocks of `block_s` seconds.

    A sample belongs to the block of its t; its move may end in the next block.
    """
    z, complete = features(session)
    blocks = time_blocks(complete.size, block_s)
    values = np.zeros((len(blocks), len(horizons), COLUMNS, COLUMNS))
    for h, horizon in enumerate(horizons):
        target = move(session.forces, horizon)
        usable = complete & np.isfinite(target)
        rows = np.column_stack([z, target])
        for b, block in enumerate(blocks):
            chosen = rows[block][usable[block]]
            values[b, h] = chosen.T @ chosen
    return Moments(values, tuple(horizons))


def join_moments(parts: Sequence[Moments]) -> Moments:
    """Return the blocks of several sessions as one; the horizons must agree."""
    if len({part.horizons for part in parts}) != 1:
        raise ValueError("moments must share one set of horizons")
    return Moments(np.concatenate([part.values for part in parts]), parts[0].horizons)
