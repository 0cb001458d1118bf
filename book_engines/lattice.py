"""Where the prices of consecutive windows lie in the surface's grid of cells.

The grid of a window is centred on the cell nearest to the spot reference (ties upward). On a price
lattice that is the spot's own cell; between two strikes `rel_ticks` stays the exact distance of
each strike from spot.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.errors import SurfaceInputError
from book_engines.smoothing import mask_bounds
from book_engines.surface_params import SurfaceParams

I64 = NDArray[np.int64]
I32 = NDArray[np.int32]
Flags = NDArray[np.bool_]

NO_PRICE: Final = np.iinfo(np.int64).max
"""Undefined price, as in the vendor's records."""


class Snapshots(NamedTuple):
    """Book snapshots of consecutive windows, all of length W; NO_PRICE where there is none.

    window_end_ts_ns, spot_ref_price_int, best_bid_price_int, best_ask_price_int: int64, prices in
    1e-9 dollars, spot a multiple of `rel_tick_int` and the bests of `tick_int`. A lattice of
    strikes has no best prices: liquidity can stand at every strike. window_valid: bool.
    """

    window_end_ts_ns: I64
    spot_ref_price_int: I64
    best_bid_price_int: I64
    best_ask_price_int: I64
    window_valid: Flags


class Placement(NamedTuple):
    """The grids of W windows.

    has_spot: bool (W). low_cell: int64 (W), absolute cell of the grid's lowest price. ask_lo,
    bid_hi: int64 (W), mask bounds in grid cells. rel_ticks: int32 (W, G), ascending. best_ticks:
    int64 (W, 2), best ask and bid relative to the grid's centre; has_best: bool (W, 2).
    """

    has_spot: Flags
    low_cell: I64
    ask_lo: I64
    bid_hi: I64
    rel_ticks: I32
    best_ticks: I64
    has_best: Flags


def place(params: SurfaceParams, snapshots: Snapshots) -> Placement:
    """Return the grid of every window.

    Raises SurfaceInputError when a price is off its lattice or a distance leaves int32.
    """
    spot = _known("spot_ref_price_int", snapshots, params.rel_tick_int)
    bid = _known("best_bid_price_int", snapshots, params.tick_int)
    ask = _known("best_ask_price_int", snapshots, params.tick_int)
    has_spot = snapshots.spot_ref_price_int != NO_PRICE
    has_bid = snapshots.best_bid_price_int != NO_PRICE
    has_ask = snapshots.best_ask_price_int != NO_PRICE
    centre = _nearest_cell(params, spot)
    low_cell = centre - params.half
    ask_lo, bid_hi = mask_bounds(
        _nearest_cell(params, bid + params.tick_int) - low_cell,
        has_bid,
        _nearest_cell(params, ask - params.tick_int) - low_cell,
        has_ask,
        params.cells,
    )
    has_best = np.stack((has_ask & has_spot, has_bid & has_spot), axis=1)
    best = np.stack([_nearest_cell(params, price) for price in (ask, bid)], axis=1)
    best_ticks = np.where(has_best, best - centre[:, None], 0) * params.cell_ticks
    limit = np.iinfo(np.int32).max - params.half * params.cell_ticks
    if np.any(np.abs(best_ticks) > limit):
        raise SurfaceInputError("expected best prices within int32 ticks of the spot reference")
    offsets = np.arange(-params.half, params.half + 1) * params.cell_ticks
    beside_centre = (centre * params.cell_int - spot) // params.rel_tick_int
    rel_ticks = (offsets + beside_centre[:, None]).astype(np.int32)
    return Placement(has_spot, low_cell, ask_lo, bid_hi, rel_ticks, best_ticks, has_best)


def fill_rel_ticks_side(params: SurfaceParams, placement: Placement, out: I32) -> None:
    """Write (price - best price of the side) in ticks into out: int32 (W, G, 2), 0 without best."""
    offsets = (np.arange(-params.half, params.half + 1) * params.cell_ticks).astype(np.int32)
    shift = placement.best_ticks.astype(np.int32)
    np.subtract(offsets[None, :, None], shift[:, None, :], out=out)
    if not placement.has_best.all():
        out *= placement.has_best[:, None, :]


def _known(name: str, snapshots: Snapshots, step_int: int) -> I64:
    """Return a column of prices, 0 where there is none."""
    column = getattr(snapshots, name)
    price: I64 = np.where(column == NO_PRICE, 0, column)
    wrong = np.flatnonzero(price % step_int)
    if wrong.size:
        raise SurfaceInputError(
            f"expected {name} to be a multiple of {step_int}, found {int(price[wrong[0]])}",
            window_end_ts_ns=int(snapshots.window_end_ts_ns[wrong[0]]),
        )
    return price


def _nearest_cell(params: SurfaceParams, price_int: I64) -> I64:
    """Return absolute cells, ties upward."""
    cell, rest = np.divmod(price_int, params.cell_int)
    nearest: I64 = cell + (2 * rest >= params.cell_int)
    return nearest
