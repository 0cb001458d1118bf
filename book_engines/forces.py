"""Forces on the price: what the liquidity surface around the touch exerts on the mid.

Symbols, per window end t and per distance d = 0, 1, 2 … cells from a side's own best price
(d = 0 is the touch; bids run downward, asks upward):

    F_f   flow      Σ w₁₂(d) · (u_p,B(d) − u_p,A(d)), d = 0…64
    F_s   static    Σ w_σ(d) · (rho_B(d) − rho_A(d)), d = 0…64, one value for each σ
    F_m   spring    spot reference − mid, in ticks, both on the surface's cells
    N     viscosity Σ w₆(d) · ½ · (nu_B(d) + nu_A(d)), d = 0…16

All weights are half Gaussians normalised to 1. A positive force pushes the price up. The forces are
anchored at the touch and not at the spot reference: spot is itself a best price, so an anchor at
spot drops the touch, where the information is (measured on five real files: no skill at all).

The options' obstacles, where there are any, are already in nu and Omega_prom (see obstacles.py).
A distance that leaves the grid holds no known liquidity: u_p = rho = 0 and nu = 1 there.
Source: the project's specification of the forecast, section "Forces".
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from book_engines.diagnostics import Diagnostics, run_diagnostics
from book_engines.kernel import kernel

FloatArray = npt.NDArray[np.float64]
FieldArray = npt.NDArray[np.float32]

ASK: Final = 0
BID: Final = 1

FORCE_REACH: Final = 65  # distances 0…64
VISCOSITY_REACH: Final = 17  # distances 0…16
FLOW_SIGMA: Final = 12.0
VISCOSITY_SIGMA: Final = 6.0
# About half the spread fits best; the choice among these belongs to the calibration.
STATIC_SIGMAS: Final = (0.5, 1.0, 2.0, 4.0, 12.0)


class Fields(NamedTuple):
    """Hold a block of gold windows: float32 (W, G, 2), rel_ticks ascending, side 0 = A, 1 = B."""

    u_p: FieldArray
    u_p_slow: FieldArray
    u_near: FieldArray
    rho: FieldArray
    nu: FieldArray
    Omega_prom: FieldArray


class Touch(NamedTuple):
    """Hold where the book stands at each window end, all arrays (W,).

    Ticks are cells of the surface. ``bid_rel`` and ``ask_rel`` are the best cells relative to the
    grid's centre, ``mid_rel`` is the exact mid price relative to the spot reference (half ticks on
    the futures' cells, any fraction where a cell is wider than a price step), ``spot_tick`` the
    spot reference in absolute ticks. ``valid`` is true where the window is valid and has both
    sides; the other columns mean nothing where it is false.
    """

    window_end_ts_ns: npt.NDArray[np.int64]
    spot_tick: FloatArray
    bid_rel: npt.NDArray[np.int64]
    ask_rel: npt.NDArray[np.int64]
    mid_rel: FloatArray
    valid: npt.NDArray[np.bool_]


class Forces(NamedTuple):
    """Hold the forces and diagnostics of W windows; floats are NaN where ``valid`` is false.

    ``mid_tick`` is S(t), the mid in absolute ticks; ``static`` is (W, len(STATIC_SIGMAS)).
    """

    window_end_ts_ns: npt.NDArray[np.int64]
    valid: npt.NDArray[np.bool_]
    mid_tick: FloatArray
    flow: FloatArray
    static: FloatArray
    spring: FloatArray
    viscosity: FloatArray
    diagnostics: Diagnostics

    def rows(self, start: int, stop: int) -> Forces:
        """Return the windows start ≤ index < stop, as views."""
        diagnostics = Diagnostics._make(column[start:stop] for column in self.diagnostics)
        return Forces._make([*(column[start:stop] for column in self[:-1]), diagnostics])


class Kernels(NamedTuple):
    """Hold the widths σ of the weights of flow and viscosity, in cells."""

    flow_sigma: float = FLOW_SIGMA
    viscosity_sigma: float = VISCOSITY_SIGMA


def half_gaussian(sigma: float, reach: int) -> FloatArray:
    """Return weights exp(−d²/2σ²) for d = 0…reach−1, normalised to the sum 1."""
    distance = np.arange(reach, dtype=np.float64)
    weights: FloatArray = np.exp(-0.5 * (distance / sigma) ** 2)
    weights /= weights.sum()
    return weights


_STATIC_WEIGHTS: Final = np.stack([half_gaussian(s, FORCE_REACH) for s in STATIC_SIGMAS])
SPECIFIED_KERNELS: Final = Kernels()


def window_forces(fields: Fields, touch: Touch, kernels: Kernels = SPECIFIED_KERNELS) -> Forces:
    """Compute forces, viscosity and diagnostics of every window of a block.

    Each window is computed from its own row alone, so any split into blocks gives the same values.
    Raises ValueError if the field arrays differ in shape or are not (W, odd G, 2).
    """
    windows, cells, sides = fields.u_p.shape
    if sides != 2 or cells % 2 == 0 or any(f.shape != fields.u_p.shape for f in fields):
        raise ValueError(
            "fields must share one shape (windows, odd number of cells, 2), "
            f"found {[f.shape for f in fields]}"
        )
    if touch.valid.shape != (windows,):
        raise ValueError(f"touch must have {windows} windows, found {touch.valid.shape}")
    half = cells // 2
    flow = np.full(windows, np.nan)
    static = np.full((windows, len(STATIC_SIGMAS)), np.nan)
    viscosity = np.full(windows, np.nan)
    _accumulate(
        fields.u_p,
        fields.rho,
        fields.nu,
        touch.bid_rel,
        touch.ask_rel,
        touch.valid,
        half,
        half_gaussian(kernels.flow_sigma, FORCE_REACH),
        _STATIC_WEIGHTS,
        half_gaussian(kernels.viscosity_sigma, VISCOSITY_REACH),
        flow,
        static,
        viscosity,
    )
    diagnostics = run_diagnostics(
        fields.u_p_slow,
        fields.u_near,
        fields.Omega_prom,
        touch.bid_rel,
        touch.ask_rel,
        touch.valid,
    )
    # Spot is known to its cell alone, so its distance from the mid is that of cells: beside the
    # exact mid a wide cell's rounding would be the greater part of the force.
    mid_cell = np.where(touch.valid, (touch.bid_rel + touch.ask_rel) / 2, np.nan)
    return Forces(
        window_end_ts_ns=touch.window_end_ts_ns.copy(),
        valid=touch.valid.copy(),
        mid_tick=touch.spot_tick + np.where(touch.valid, touch.mid_rel, np.nan),
        flow=flow,
        static=static,
        spring=0.0 - mid_cell,
        viscosity=viscosity,
        diagnostics=diagnostics,
    )


def join_forces(parts: list[Forces]) -> Forces:
    """Return the blocks of one session as one."""
    columns = [np.concatenate(column) for column in zip(*(p[:-1] for p in parts), strict=True)]
    diagnostics = map(np.concatenate, zip(*(p.diagnostics for p in parts), strict=True))
    return Forces._make([*columns, Diagnostics._make(diagnostics)])


def velocity(forces: Forces) -> FloatArray:
    """Return v(t) = S(t) − S(t−1) in ticks per second, (W,); NaN where either is unknown."""
    v = np.full(forces.mid_tick.shape, np.nan)
    v[1:] = np.diff(forces.mid_tick)
    return v


@kernel
def _accumulate(
    u_p: FieldArray,
    rho: FieldArray,
    nu: FieldArray,
    bid_rel: npt.NDArray[np.int64],
    ask_rel: npt.NDArray[np.int64],
    valid: npt.NDArray[np.bool_],
    half: int,
    w_flow: FloatArray,
    w_static: FloatArray,
    w_viscosity: FloatArray,
    flow: FloatArray,
    static: FloatArray,
    viscosity: FloatArray,
) -> None:
    cells = u_p.shape[1]
    for w in range(u_p.shape[0]):
        if not valid[w]:
            continue
        bid = bid_rel[w] + half
        ask = ask_rel[w] + half
        f = 0.0
        for j in range(w_static.shape[0]):
            static[w, j] = 0.0
        for d in range(w_flow.size):
            b = bid - d
            a = ask + d
            u = 0.0
            r = 0.0
            if 0 <= b < cells:
                u += u_p[w, b, 1]
                r += rho[w, b, 1]
            if 0 <= a < cells:
                u -= u_p[w, a, 0]
                r -= rho[w, a, 0]
            f += w_flow[d] * u
            for j in range(w_static.shape[0]):
                static[w, j] += w_static[j, d] * r
        n = 0.0
        for d in range(w_viscosity.size):
            b = bid - d
            a = ask + d
            nu_b = nu[w, b, 1] if 0 <= b < cells else 1.0
            nu_a = nu[w, a, 0] if 0 <= a < cells else 1.0
            n += w_viscosity[d] * 0.5 * (nu_b + nu_a)
        flow[w] = f
        viscosity[w] = n
