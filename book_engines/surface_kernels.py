"""Numba kernels of the liquidity surface: one pass over windows, float64 throughout.

Symbols: w window of the block, t window index since the start, n = lanes * G flat places of a
window (price ascending, each cell's lanes together, asks at even, bids at odd places, as in the
gold tables), s the scratch rows.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.kernel import kernel
from book_engines.smoothing import F64, mask_row, norm_row, smooth_row
from book_engines.surface_params import EMA_FLOOR, PAGE_CELLS, PHYSICS_COLUMNS, TAUS_S

I64 = NDArray[np.int64]

(
    ADD,
    PULL,
    FILL,
    U,
    RHO,
    PHI,
    EMA_2,
    EMA_8,
    EMA_32,
    EMA_128,
    BAND_FAST,
    BAND_MID,
    BAND_SLOW,
    ENERGY,
    DU_DT,
    D2U_DT2,
    U_P,
    U_P_SLOW,
    OMEGA,
    U_NEAR,
    U_FAR,
    OMEGA_NEAR,
    OMEGA_FAR,
    U_PROM,
    OMEGA_PROM,
    DU_DX,
    D2U_DX2,
    NU,
    KAPPA,
    PRESSURE,
) = range(len(PHYSICS_COLUMNS))
# Scratch rows beyond the physics columns: gains of the averages, switches of the differences.
GAIN: Final = len(PHYSICS_COLUMNS)
HAS_FIRST: Final = GAIN + len(TAUS_S)
HAS_SECOND: Final = HAS_FIRST + 1
SCRATCH_ROWS: Final = HAS_SECOND + 1

# Fields of a page of state: the averages in the order of TAUS_S, then du_dt.
RATE: Final = len(TAUS_S)
STATE_FIELDS: Final = RATE + 1

OK: Final = 0
OFF_LATTICE: Final = 1
OUTSIDE_GRID: Final = 2
NOT_SORTED: Final = 3

_TAUS: Final = tuple(float(tau) for tau in TAUS_S)


class CellRows(NamedTuple):
    """Silver cells of the block, sorted by (window, price, lane): all of length R.

    lane: side (0 = ask, 1 = bid), of options 2 * (0 = call, 1 = put) + side. valid: whether the
    row's flow counts. Quantities: int64; the reprice ones are parts of add_qty and pull_qty.
    """

    price_int: I64
    lane: NDArray[np.uint8]
    valid: NDArray[np.bool_]
    depth_qty_start: I64
    depth_qty_end: I64
    add_qty: I64
    pull_qty: I64
    fill_qty: I64
    depth_qty_rest: I64
    add_reprice_qty: I64
    pull_reprice_qty: I64


class WindowRows(NamedTuple):
    """Windows of the block as the kernel needs them, all of length W but first_row (W + 1).

    first_row: int64, first silver row of each window. low_cell: int64, absolute cell of the grid's
    lowest price; slots: int64 (W, pages a grid may touch), state row of each page, -1 where not
    needed. ask_lo, bid_hi: int64 mask bounds in grid cells.
    """

    first_row: I64
    has_spot: NDArray[np.bool_]
    low_cell: I64
    slots: I64
    ask_lo: I64
    bid_hi: I64
    valid: NDArray[np.bool_]


class StatePages(NamedTuple):
    """State by absolute price; see `SurfaceState`."""

    fields: F64
    first: I64
    last: I64


class Tables(NamedTuple):
    """Constants: `age_tables()`, and the weights and flank sums of both smoothings."""

    by_age: F64
    near: F64
    near_reach: F64
    far: F64
    far_reach: F64


class Scratch(NamedTuple):
    """Reused work space: s float64 (SCRATCH_ROWS, n), mask and norms (n), padded rows."""

    s: F64
    mask: F64
    near_norm: F64
    far_norm: F64
    near_padded: F64
    far_padded: F64


@kernel
def advance_block(
    t0: int,
    lanes: int,
    cell_int: int,
    cell_ticks: float,
    windows: WindowRows,
    cells: CellRows,
    state: StatePages,
    tables: Tables,
    scratch: Scratch,
    out: NDArray[np.float32],
    abs_u: F64,
) -> tuple[int, int]:
    """Advance the surface by the block's windows; return (OK, 0) or (what is wrong, silver row).

    out: float32 (30, >= W, n), every cell of the first W windows is written.
    abs_u: float64 (>= W), sum of |u| of each window.
    """
    for w in range(windows.first_row.size - 1):
        s = scratch.s
        s[:GAIN] = 0.0
        abs_u[w] = 0.0
        if windows.has_spot[w]:
            code, row = _scatter(w, lanes, cell_int, windows, cells, s)
            if code != OK:
                return code, row
            low_cell = windows.low_cell[w]
            _advance_grid(t0 + w, lanes, low_cell, windows.slots[w], state, tables.by_age, s)
            _pointwise(s)
            _smoothed(lanes, windows.ask_lo[w], windows.bid_hi[w], tables, scratch)
            _differences(lanes, cell_ticks, scratch.mask, s)
            for i in range(s.shape[1]):
                abs_u[w] += abs(s[U, i])
        else:
            # Without a spot there is no grid to project to: prices decay until it returns.
            if windows.first_row[w + 1] > windows.first_row[w]:
                return OUTSIDE_GRID, windows.first_row[w]
            s[NU] = 1.0
            s[KAPPA] = 1.0
        for column in range(out.shape[0]):
            for i in range(s.shape[1]):
                # + 0.0 makes the negative zeros of masked products plain zeros.
                out[column, w, i] = s[column, i] + 0.0
    return OK, 0


@kernel
def _scatter(
    w: int, lanes: int, cell_int: int, windows: WindowRows, cells: CellRows, s: F64
) -> tuple[int, int]:
    """Put the window's silver rows in their places: intensities, u, rho, phi_rest.

    add, pull, fill intensity = quantity / (depth_qty_start + add_qty + 1)
    u = add - pull - fill intensity;  rho = ln(1 + depth_qty_end)
    phi_rest = depth_qty_rest / (depth_qty_end + 1)
    What a reprice added or pulled is no intensity, but counts in the denominator as what came:
    it may be pulled or filled again in the same second, and intensities stay below 1.
    The flow of an invalid window or row is taken as zero, its depth as it is.
    """
    low_price = windows.low_cell[w] * cell_int
    before = -1
    for row in range(windows.first_row[w], windows.first_row[w + 1]):
        distance = cells.price_int[row] - low_price
        cell = distance // cell_int
        if cell * cell_int != distance:
            return OFF_LATTICE, row
        i = lanes * cell + cells.lane[row]
        if cell < 0 or i >= s.shape[1]:
            return OUTSIDE_GRID, row
        if i <= before:
            return NOT_SORTED, row
        before = i
        end = cells.depth_qty_end[row]
        s[RHO, i] = math.log1p(end)
        s[PHI, i] = cells.depth_qty_rest[row] / (end + 1.0)
        if windows.valid[w] and cells.valid[row]:
            what_was_and_came = cells.depth_qty_start[row] + cells.add_qty[row] + 1.0
            s[ADD, i] = (cells.add_qty[row] - cells.add_reprice_qty[row]) / what_was_and_came
            s[PULL, i] = (cells.pull_qty[row] - cells.pull_reprice_qty[row]) / what_was_and_came
            s[FILL, i] = cells.fill_qty[row] / what_was_and_came
            s[U, i] = s[ADD, i] - s[PULL, i] - s[FILL, i]
    return OK, 0


@kernel
def _advance_grid(
    t: int, lanes: int, low_cell: int, slots: I64, state: StatePages, by_age: F64, s: F64
) -> None:
    """Advance the averages and rates of every price in the grid, page by page."""
    n_cells = s.shape[1] // lanes
    done = 0
    begin = low_cell - low_cell // PAGE_CELLS * PAGE_CELLS
    for slot in slots:
        if done == n_cells:
            break
        count = min(PAGE_CELLS - begin, n_cells - done)
        fields, first, last = state.fields[slot], state.first[slot], state.last[slot]
        for k in range(begin, begin + count):
            if last[k] != t - 1:
                _catch_up(t, lanes, k, fields, first, last)
            last[k] = t
        here = slice(lanes * done, lanes * (done + count))
        there = slice(lanes * begin, lanes * (begin + count))
        _gains(t, lanes, first[begin : begin + count], by_age, s[GAIN:, here])
        # The second before's average, until `_rates` turns it into the difference.
        before, average = s[DU_DT, here], fields[0, there]
        for i in range(before.size):
            before[i] = average[i]
        for row in range(len(_TAUS)):
            _average(s[U, here], s[GAIN + row, here], fields[row, there], s[EMA_2 + row, here])
        _rates(
            s[EMA_2, here],
            s[HAS_FIRST, here],
            s[HAS_SECOND, here],
            fields[RATE, there],
            s[DU_DT, here],
            s[D2U_DT2, here],
        )
        done += count
        begin = 0


@kernel
def _gains(t: int, lanes: int, first: I64, by_age: F64, gains: F64) -> None:
    """Write the gains and switches of prices by their age; neighbours mostly share one."""
    oldest = by_age.shape[1] - 1
    begin = 0
    for k in range(1, first.size + 1):
        if k == first.size or first[k] != first[begin]:
            age = min(t - first[begin] + 1, oldest)
            for row in range(by_age.shape[0]):
                gains[row, lanes * begin : lanes * k] = by_age[row, age]
            begin = k


@kernel
def _catch_up(t: int, lanes: int, k: int, fields: F64, first: I64, last: I64) -> None:
    """Bring price k, away from the grid or never seen, to the state it had at second t - 1.

    While a price is away its u is 0, so that its bias-corrected average m of age n becomes after
    d seconds m · (1 - e^(-n/tau)) · e^(-d/tau) / (1 - e^(-(n + d)/tau)).
    """
    if first[k] < 0:
        first[k] = t
        return
    away = t - 1 - last[k]
    age = last[k] - first[k] + 1
    for i in range(lanes * k, lanes * (k + 1)):
        before = _decayed(fields[0, i], age, away - 1, _TAUS[0])
        for row in range(len(_TAUS)):
            fields[row, i] = _decayed(fields[row, i], age, away, _TAUS[row])
        fields[RATE, i] = fields[0, i] - before


@kernel
def _decayed(average: float, age: int, away: int, tau: float) -> float:
    weight = math.expm1(-age / tau) / math.expm1(-(age + away) / tau)
    decayed = average * weight * math.exp(-away / tau)
    return decayed if abs(decayed) >= EMA_FLOOR else 0.0


@kernel
def _average(u: F64, gain: F64, average: F64, out: F64) -> None:
    """Advance one bias-corrected average by a second: m += g(n) · (u - m)."""
    for i in range(u.size):
        m = average[i] + gain[i] * (u[i] - average[i])
        average[i] = m if abs(m) >= EMA_FLOOR else 0.0
        out[i] = average[i]


@kernel
def _rates(ema: F64, has_first: F64, has_second: F64, rate: F64, du: F64, d2u: F64) -> None:
    """Write first and second difference in time; du holds the second before's average on entry."""
    for i in range(ema.size):
        du[i] = (ema[i] - du[i]) * has_first[i]
        d2u[i] = (du[i] - rate[i]) * has_second[i]
        rate[i] = du[i]


@kernel
def _pointwise(s: F64) -> None:
    """Fill what depends on its own cell alone: bands, energy, u_p, Omega, pressure."""
    for band in range(3):
        faster, slower, out = s[EMA_2 + band], s[EMA_8 + band], s[BAND_FAST + band]
        for i in range(out.size):
            out[i] = faster[i] - slower[i]
    fast, mid, slow, energy = s[BAND_FAST], s[BAND_MID], s[BAND_SLOW], s[ENERGY]
    for i in range(energy.size):
        energy[i] = math.sqrt(fast[i] * fast[i] + mid[i] * mid[i] + slow[i] * slow[i])
    phi, rho = s[PHI], s[RHO]
    ema_8, ema_32, u_p, u_p_slow = s[EMA_8], s[EMA_32], s[U_P], s[U_P_SLOW]
    for i in range(phi.size):
        u_p[i] = phi[i] * ema_8[i]
        u_p_slow[i] = phi[i] * ema_32[i]
    omega = s[OMEGA]
    for i in range(phi.size):
        omega[i] = rho[i] * (0.5 + 0.5 * phi[i]) * (1.0 + max(0.0, u_p_slow[i]))
    pressure = s[PRESSURE]
    for ask in range(0, phi.size, 2):
        pressure[ask] = -u_p[ask]
        pressure[ask + 1] = u_p[ask + 1]


@kernel
def _smoothed(lanes: int, ask_lo: int, bid_hi: int, tables: Tables, scratch: Scratch) -> None:
    """Fill near, far and prominence of u and Omega."""
    s, mask, near_norm, far_norm, near_padded, far_padded = scratch
    mask_row(lanes, ask_lo, bid_hi, mask)
    norm_row(lanes, ask_lo, bid_hi, tables.near[0], tables.near_reach, near_norm)
    norm_row(lanes, ask_lo, bid_hi, tables.far[0], tables.far_reach, far_norm)
    smooth_row(lanes, s[EMA_8], mask, near_norm, tables.near, near_padded, s[U_NEAR])
    smooth_row(lanes, s[OMEGA], mask, near_norm, tables.near, near_padded, s[OMEGA_NEAR])
    smooth_row(lanes, s[EMA_32], mask, far_norm, tables.far, far_padded, s[U_FAR])
    smooth_row(lanes, s[OMEGA], mask, far_norm, tables.far, far_padded, s[OMEGA_FAR])
    for field in range(2):
        near, far, prom = s[U_NEAR + 2 * field], s[U_FAR + 2 * field], s[U_PROM + field]
        for i in range(prom.size):
            prom[i] = near[i] - far[i]


@kernel
def _differences(lanes: int, cell_ticks: float, mask: F64, s: F64) -> None:
    """Fill du_dx, d2u_dx2 (0 unless the cell and both neighbours are in the mask), nu, kappa."""
    near, du, d2u = s[U_NEAR], s[DU_DX], s[D2U_DX2]
    n = near.size - 2 * lanes
    below, here, above = near[:n], near[lanes : lanes + n], near[2 * lanes :]
    mask_below, mask_here, mask_above = mask[:n], mask[lanes : lanes + n], mask[2 * lanes :]
    du, d2u = du[lanes : lanes + n], d2u[lanes : lanes + n]
    for i in range(n):
        inside = mask_below[i] * mask_here[i] * mask_above[i]
        du[i] = (above[i] - below[i]) / (2.0 * cell_ticks) * inside
        d2u[i] = ((above[i] + below[i]) - 2.0 * here[i]) / (cell_ticks**2) * inside
    omega_near, omega_prom, nu, kappa = s[OMEGA_NEAR], s[OMEGA_PROM], s[NU], s[KAPPA]
    for i in range(nu.size):
        nu[i] = 1.0 + omega_near[i] + 2.0 * max(0.0, omega_prom[i])
    for i in range(nu.size):
        kappa[i] = 1.0 / nu[i]
