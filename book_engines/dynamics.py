"""Dynamics: a price particle in a viscous medium, 1–30 seconds ahead.

    a_k = (β_f F_f + β_s F_s + β_m F_m) · λ^k / (1 + N)          force of the k-th second
    v_k = clip((1 − γ) v_{k−1} + a_{k−1}, ±8 ticks/s)
    δ_k = clip(δ_{k−1} + v_k, ±80 ticks)                         v₀ = v(t), δ₀ = 0 at the mid

The forces decay (λ), because a field frozen for the whole horizon overshoots; γ may exceed 1,
because one-second mids bounce. Without the clips δ_h is linear in v₀ and in the force:

    δ_h = A_h(a) · v₀ + B_h(a, λ) · a₀,   a = 1 − γ,
    A_h = Σ_{j=1…h} a^j,   B_h = Σ_{j=1…h} Σ_{k<j} a^{j−1−k} λ^k

which is what the calibration solves for β. Source: the project's specification of the forecast.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from book_engines.forces import STATIC_SIGMAS, Forces, velocity
from book_engines.kernel import kernel

FloatArray = npt.NDArray[np.float64]

LAST_HORIZON_S: Final = 30
VELOCITY_LIMIT: Final = 8.0  # ticks per second
DISPLACEMENT_LIMIT: Final = 80.0  # ticks


class Parameters(NamedTuple):
    """Hold the fitted constants: β (ticks/s per unit of force, ≥ 0), γ, λ and the static σ."""

    beta_flow: float
    beta_static: float
    beta_spring: float
    gamma: float
    decay: float
    sigma_static: float


# Fitted to one real hour of ES (2023-12-25, 23:00–24:00 UTC, 3,599 seconds) and rounded, for roots
# that have no calibration of their own. Fitted on one half of that hour and tested on the other,
# the MSE skill against zero change was 2.5–5 % at 1–10 s: a plausible particle, not a promise.
DEFAULT_PARAMETERS: Final = Parameters(
    beta_flow=22.0, beta_static=0.17, beta_spring=0.0, gamma=1.06, decay=0.79, sigma_static=0.5
)


def driving_force(forces: Forces, parameters: Parameters) -> FloatArray:
    """Return a₀ = (β_f F_f + β_s F_s + β_m F_m) / (1 + N) in ticks/s², (W,), NaN where invalid.

    Raises ValueError if the static σ is none of STATIC_SIGMAS.
    """
    if parameters.sigma_static not in STATIC_SIGMAS:
        raise ValueError(
            f"sigma_static must be one of {STATIC_SIGMAS}, found {parameters.sigma_static}"
        )
    static = forces.static[:, STATIC_SIGMAS.index(parameters.sigma_static)]
    push: FloatArray = (
        parameters.beta_flow * forces.flow
        + parameters.beta_static * static
        + parameters.beta_spring * forces.spring
    )
    return push / (1.0 + forces.viscosity)


def predict(forces: Forces, parameters: Parameters) -> FloatArray:
    """Return the predicted displacement from the mid in ticks, (W, 30), column h−1 = horizon h s.

    NaN rows where the window is invalid. Where only the window before is unknown (the session's
    first second, the first after a gap) the particle starts at rest, v₀ = 0.
    """
    v0 = velocity(forces)
    v0[forces.valid & np.isnan(v0)] = 0.0
    out = np.full((v0.size, LAST_HORIZON_S), np.nan)
    _integrate(
        driving_force(forces, parameters),
        v0,
        forces.valid,
        1.0 - parameters.gamma,
        parameters.decay,
        VELOCITY_LIMIT,
        DISPLACEMENT_LIMIT,
        out,
    )
    return out


def response(
    persistence: float | FloatArray, decay: float | FloatArray, horizons: Sequence[int]
) -> tuple[FloatArray, FloatArray]:
    """Return A_h(a) and B_h(a, λ) of the unclipped dynamics; a = persistence, λ = decay.

    Both have the broadcast shape of a and λ, the horizons as a further last axis.
    """
    a, ratio = np.broadcast_arrays(persistence, decay)
    A, B = np.zeros(a.shape), np.zeros(a.shape)
    v_part, force_part, force = np.ones(a.shape), np.zeros(a.shape), np.ones(a.shape)
    by_horizon = {}
    for second in range(1, max(horizons) + 1):
        v_part = v_part * a
        force_part = a * force_part + force
        force = force * ratio
        A, B = A + v_part, B + force_part
        by_horizon[second] = A, B
    chosen = [by_horizon[h] for h in horizons]
    return np.stack([A for A, _ in chosen], axis=-1), np.stack([B for _, B in chosen], axis=-1)


@kernel
def _integrate(
    a0: FloatArray,
    v0: FloatArray,
    valid: npt.NDArray[np.bool_],
    persistence: float,
    decay: float,
    v_limit: float,
    delta_limit: float,
    out: FloatArray,
) -> None:
    for w in range(out.shape[0]):
        if not valid[w]:
            continue
        v = v0[w]
        a = a0[w]
        delta = 0.0
        for h in range(out.shape[1]):
            v = min(max(persistence * v + a, -v_limit), v_limit)
            delta = min(max(delta + v, -delta_limit), delta_limit)
            out[w, h] = delta
            a *= decay
