"""Parameters, columns and state of the liquidity surface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

TAUS_S: Final = (2, 8, 32, 128)
"""Time constants of the four averages, seconds."""

EMA_FLOOR: Final = 1e-12
"""Averages below it are 0: they would decay into denormal numbers, which are slow."""

PAGE_CELLS: Final = 512
"""Price cells of one page of state; a grid of 401 cells touches at most two pages."""

SIDES: Final = 2
"""Lanes of a cell that holds one book: ask, bid."""

OPTION_LANES: Final = 4
"""Lanes of a strike: call ask, call bid, put ask, put bid."""

PHYSICS_COLUMNS: Final = (
    "add_intensity",
    "pull_intensity",
    "fill_intensity",
    "liquidity_velocity",
    "rho",
    "phi_rest",
    "u_ema_2",
    "u_ema_8",
    "u_ema_32",
    "u_ema_128",
    "u_band_fast",
    "u_band_mid",
    "u_band_slow",
    "u_wave_energy",
    "du_dt",
    "d2u_dt2",
    "u_p",
    "u_p_slow",
    "Omega",
    "u_near",
    "u_far",
    "Omega_near",
    "Omega_far",
    "u_prom",
    "Omega_prom",
    "du_dx",
    "d2u_dx2",
    "nu",
    "kappa",
    "pressure_grad",
)
"""Physics columns in the order of the table; the first axis of `SurfaceBlock.physics`."""


@dataclass(frozen=True)
class SurfaceParams:
    """Lattice and smoothing of one surface.

    Attributes:
        half: cells on either side of the cell nearest to spot; the grid has `2 * half + 1`.
        cell_int: price distance of neighbouring cells, 1e-9 dollars; every cell is a multiple.
        rel_tick_int: what `rel_ticks` counts: derivatives along x are per this distance. A cell
            is a whole number of them, and every spot reference is a multiple.
        tick_int: price step of the orders; best prices are multiples, cells a whole number.
        lanes: books and sides a cell holds, 2 (ask, bid) or 4 (call ask, call bid, put ask, put
            bid); asks are the even ones.
        near_sigma, near_radius, far_sigma, far_radius: Gaussian and its cut, in cells.
        block_windows: most windows one `advance` may take; sizes the reused buffers.
    """

    half: int = 200
    cell_int: int = 250_000_000
    rel_tick_int: int = 250_000_000
    tick_int: int = 250_000_000
    lanes: int = SIDES
    near_sigma: float = 6.0
    near_radius: int = 16
    far_sigma: float = 24.0
    far_radius: int = 64
    block_windows: int = 128

    def __post_init__(self) -> None:
        for name in ("half", "cell_int", "rel_tick_int", "tick_int", "block_windows"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, found {getattr(self, name)}")
        for name in ("rel_tick_int", "tick_int"):
            if self.cell_int % getattr(self, name):
                raise ValueError(
                    f"cell_int must be a multiple of {name} {getattr(self, name)}, "
                    f"found {self.cell_int}"
                )
        if self.lanes not in (SIDES, OPTION_LANES):
            raise ValueError(f"lanes must be {SIDES} or {OPTION_LANES}, found {self.lanes}")
        for scale in ("near", "far"):
            if getattr(self, f"{scale}_radius") < 0 or not getattr(self, f"{scale}_sigma") > 0:
                raise ValueError(f"{scale} smoothing needs a radius >= 0 and a sigma > 0")

    @property
    def cells(self) -> int:
        """Return the number of price cells of the grid."""
        return 2 * self.half + 1

    @property
    def cell_ticks(self) -> int:
        """Return by how many ticks `rel_ticks` of neighbouring cells differ."""
        return self.cell_int // self.rel_tick_int


@dataclass(frozen=True)
class SurfaceState:
    """Everything a `SurfaceEngine` must know to go on: copies, safe to keep or to pickle.

    Attributes:
        windows: windows done so far.
        last_end_ns: end of the last one, or None before the first.
        pages: page number (absolute cell // PAGE_CELLS) of every row of the arrays below.
        fields: float64 (P, 5, lanes * PAGE_CELLS): the four averages and du_dt, cell by cell.
        first: int64 (P, PAGE_CELLS): window index at which a price first entered the grid, or -1.
        last: int64 (P, PAGE_CELLS): window index up to which a price is advanced, or -2.
    """

    windows: int
    last_end_ns: int | None
    pages: tuple[int, ...]
    fields: NDArray[np.float64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]


def age_tables() -> NDArray[np.float64]:
    """Return what the age of a cell does to its averages: float64 (6, ages), column = age in s.

    Rows 0-3 hold the gain g of the bias-corrected average m of each time constant, which is the
    plain average divided by 1 - (1 - alpha)^n in its recursive form: m += g(n) * (u - m) with
    g(n) = alpha / (1 - (1 - alpha)^n), alpha = 1 - exp(-1/tau). g(1) is 1, so that a constant u
    gives exactly that constant from the first second. Rows 4 and 5 are 0 where a first (age 1)
    and a second difference (ages 1 and 2) have no earlier value, else 1. The last column stands
    for every greater age: there the correction is 1 to the last bit. Column 0 is not used.
    """
    # exp(-37) is below half a unit in the last place of 1.
    ages = np.arange(37 * max(TAUS_S) + 2)
    table = np.empty((len(TAUS_S) + 2, ages.size))
    for row, tau in enumerate(TAUS_S):
        table[row, 0] = 1.0
        table[row, 1:] = np.expm1(-1.0 / tau) / np.expm1(-ages[1:] / tau)
    table[4] = ages >= 2
    table[5] = ages >= 3
    return table
