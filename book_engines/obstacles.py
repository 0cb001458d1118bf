"""Obstacles that options put in the way of the underlying's price.

Symbols, per window and side s, x the cells of the underlying's grid:

    S(k)     Omega_opt of strike k, summed over right and side
    O(x)     0.70 · Σ_k g(x − k) · S(k), g Gaussian of σ 8 cells, cut at ±24, Σ g = 1
    Omega'   Omega + O, on both sides alike; near, far, prominence and nu are formed of it anew, by
             the definitions of the surface and under its mask

σ and reach count cells of the grid that the forecast stands on: a strike is 20 cells wide for ES
($5 of $0.25) and for QQQ ($1 of $0.05), so that neighbouring strikes blend alike. What spreads
beyond the grid is lost. Source: the project's specification of the forecast, section "Fields".
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from book_engines.errors import SurfaceInputError
from book_engines.forces import Fields
from book_engines.kernel import kernel
from book_engines.lattice import Placement
from book_engines.smoothing import (
    F64,
    gaussian_weights,
    mask_row,
    norm_row,
    padded_size,
    reach_weights,
    smooth_row,
)
from book_engines.surface_params import SIDES, SurfaceParams

OPTIONS_WEIGHT: Final = 0.70
SPREAD_SIGMA: Final = 8.0
SPREAD_REACH: Final = 24

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]


class StrikeObstacles(NamedTuple):
    """Omega_opt of V windows at K neighbouring strikes, summed over right and side.

    window_end_ts_ns: int64 (V), ascending. low_strike_int: int64 (V), lowest strike, 1e-9 dollars;
    step_int: from one strike to the next. omega: float64 (V, K), ≥ 0.
    """

    window_end_ts_ns: I64
    low_strike_int: I64
    step_int: int
    omega: F64


class _Smoothing(NamedTuple):
    """Weights of one scale, what their flanks reach, and reused rows: norm, padded, smoothed."""

    weights: F64
    reach: F64
    norm: F64
    padded: F64
    out: F64


def spread_weights() -> F64:
    """Return 0.70 · g(d) for d = 0…24, g normalised over −24…24."""
    distance = np.arange(SPREAD_REACH + 1)
    weights: F64 = np.exp(-0.5 * (distance / SPREAD_SIGMA) ** 2)
    weights *= OPTIONS_WEIGHT / (weights[0] + 2.0 * weights[1:].sum())
    return weights


def add_obstacles(
    params: SurfaceParams,
    window_end_ts_ns: I64,
    placement: Placement,
    Omega: F32,
    fields: Fields,
    strikes: StrikeObstacles,
) -> Fields:
    """Return the fields with `nu` and `Omega_prom` formed of obstacles that include the options'.

    window_end_ts_ns: int64 (W); placement: the windows' grids; Omega: float32 (W, G, 2). A window
    that `strikes` does not hold keeps its fields. Raises SurfaceInputError when a strike is no
    whole number of cells.
    """
    if strikes.step_int % params.cell_int or np.any(strikes.low_strike_int % params.cell_int):
        raise SurfaceInputError(f"expected strikes to be multiples of a cell, {params.cell_int}")
    row = np.searchsorted(strikes.window_end_ts_ns, window_end_ts_ns)
    known = np.isin(window_end_ts_ns, strikes.window_end_ts_ns) & placement.has_spot
    row = np.where(known, row, 0)
    if not known.any():
        return fields
    nu, prominence = fields.nu.copy(), fields.Omega_prom.copy()
    flat = (Omega.shape[0], -1)
    _add(
        known,
        row,
        strikes.low_strike_int[row] // params.cell_int - placement.low_cell,
        strikes.step_int // params.cell_int,
        strikes.omega,
        spread_weights(),
        placement.ask_lo,
        placement.bid_hi,
        _smoothing(params, params.near_sigma, params.near_radius),
        _smoothing(params, params.far_sigma, params.far_radius),
        np.zeros((2, SIDES * params.cells)),
        Omega.reshape(flat),
        nu.reshape(flat),
        prominence.reshape(flat),
    )
    return fields._replace(nu=nu, Omega_prom=prominence)


def _smoothing(params: SurfaceParams, sigma: float, radius: int) -> _Smoothing:
    weights = gaussian_weights(sigma, radius)
    n = SIDES * params.cells
    padded = np.zeros(padded_size(SIDES, params.cells, weights))
    return _Smoothing(weights, reach_weights(weights), np.zeros(n), padded, np.zeros(n))


@kernel
def _add(
    known: npt.NDArray[np.bool_],
    row: I64,
    low_cell: I64,
    step: int,
    strike_omega: F64,
    spread: F64,
    ask_lo: I64,
    bid_hi: I64,
    near: _Smoothing,
    far: _Smoothing,
    scratch: F64,
    Omega: F32,
    nu: F32,
    prominence: F32,
) -> None:
    """Overwrite nu and prominence, float32 (W, 2 G), of the known windows; scratch: (2, 2 G)."""
    field, mask = scratch[0], scratch[1]
    for w in range(known.size):
        if not known[w]:
            continue
        for i in range(field.size):
            field[i] = Omega[w, i]
        _spread(low_cell[w], step, strike_omega[row[w]], spread, field)
        mask_row(2, ask_lo[w], bid_hi[w], mask)
        norm_row(2, ask_lo[w], bid_hi[w], near.weights[0], near.reach, near.norm)
        norm_row(2, ask_lo[w], bid_hi[w], far.weights[0], far.reach, far.norm)
        smooth_row(2, field, mask, near.norm, near.weights, near.padded, near.out)
        smooth_row(2, field, mask, far.norm, far.weights, far.padded, far.out)
        for i in range(field.size):
            stands_out = near.out[i] - far.out[i]
            prominence[w, i] = stands_out
            nu[w, i] = 1.0 + near.out[i] + 2.0 * max(0.0, stands_out)


@kernel
def _spread(low_cell: int, step: int, omega: F64, spread: F64, field: F64) -> None:
    """Add every strike's obstacle to both sides of the cells around it."""
    cells = field.size // 2
    reach = spread.size - 1
    for k in range(omega.size):
        strike = low_cell + k * step
        for cell in range(max(0, strike - reach), min(cells, strike + reach + 1)):
            added = spread[abs(cell - strike)] * omega[k]
            field[2 * cell] += added
            field[2 * cell + 1] += added
