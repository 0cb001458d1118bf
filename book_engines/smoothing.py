"""Masked, renormalised Gaussian smoothing along price.

A cell's smoothed value is the weighted mean of its neighbours on which liquidity can stand:
sum(w * f * m) / sum(w * m). The mask m of a side is one interval of cells: asks from `ask_lo` up
to the grid's edge, bids from the grid's edge up to `bid_hi`. A constant field therefore stays
constant up to the edge and up to the touch, and the far side of the spread never bleeds in.

Fields are flat rows of lanes * G values, cell by cell: 2 lanes a cell (ask, bid), or 4 (those of a
call, then those of a put). Asks are at even and bids at odd places, as in the gold tables, and each
lane is smoothed by itself. Neighbours are added in pairs from the centre outwards, so that the
mirror image of a field gives the mirror image of the result to the last bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from book_engines.kernel import kernel

F64 = NDArray[np.float64]


def gaussian_weights(sigma: float, radius: int) -> F64:
    """Return w[k] = exp(-k² / 2 sigma²) for k = 0 … radius, then zeros up to 4 n + 1 values.

    The kernel takes four distances at a time. Weights need not add up to 1: they are renormalised.
    """
    weights = np.zeros(1 + -(-radius // 4) * 4)
    distance = np.arange(radius + 1)
    weights[: radius + 1] = np.exp(-0.5 * (distance / sigma) ** 2)
    return weights


def reach_weights(weights: F64) -> F64:
    """Return r[k] = w[1] + … + w[k]: the weight of one flank that reaches k cells."""
    reach = np.zeros_like(weights)
    np.cumsum(weights[1:], out=reach[1:])
    return reach


@kernel
def mask_row(lanes: int, ask_lo: int, bid_hi: int, mask: F64) -> None:
    """Write 1 where a side can have liquidity, else 0, into mask: float64 (lanes * G)."""
    for cell in range(mask.size // lanes):
        for ask in range(lanes * cell, lanes * (cell + 1), 2):
            mask[ask] = 1.0 if cell >= ask_lo else 0.0
            mask[ask + 1] = 1.0 if cell <= bid_hi else 0.0


@kernel
def norm_row(lanes: int, ask_lo: int, bid_hi: int, centre: float, reach: F64, norm: F64) -> None:
    """Write sum(w * m) of every cell inside the mask, else 1, into norm: float64 (lanes * G).

    The mask is an interval, so the sum is the centre's weight and that of two flanks.
    """
    cells = norm.size // lanes
    longest = reach.size - 1
    for cell in range(cells):
        below = reach[min(longest, cell)]
        above = reach[min(longest, cells - 1 - cell)]
        asks, bids = 1.0, 1.0
        if cell >= ask_lo:
            asks = (reach[min(longest, cell - ask_lo)] + above) + centre
        if cell <= bid_hi:
            bids = (below + reach[min(longest, bid_hi - cell)]) + centre
        for ask in range(lanes * cell, lanes * (cell + 1), 2):
            norm[ask] = asks
            norm[ask + 1] = bids


@kernel
def _flanks(padded: F64, edge: int, distance: int, n: int) -> tuple[F64, F64]:
    return (
        padded[edge - distance : edge - distance + n],
        padded[edge + distance : edge + distance + n],
    )


@kernel
def smooth_row(
    lanes: int, field: F64, mask: F64, norm: F64, weights: F64, padded: F64, out: F64
) -> None:
    """Write the smoothed field into out, 0 outside the mask; all float64 (lanes * G).

    padded: float64, `padded_size` values, zero but for its middle, which is overwritten.
    """
    n = field.size
    edge = lanes * (weights.size - 1)
    middle = padded[edge : edge + n]
    for i in range(n):
        middle[i] = field[i] * mask[i]
    w0 = weights[0]
    for i in range(n):
        out[i] = w0 * middle[i]
    # Four distances a pass: one load and store of the sum serves eight neighbours. Each has a view
    # of its own: an index that adds a variable may be negative for all numba knows, and is slow.
    for k in range(1, weights.size, 4):
        w1, w2, w3, w4 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        below_1, above_1 = _flanks(padded, edge, lanes * k, n)
        below_2, above_2 = _flanks(padded, edge, lanes * (k + 1), n)
        below_3, above_3 = _flanks(padded, edge, lanes * (k + 2), n)
        below_4, above_4 = _flanks(padded, edge, lanes * (k + 3), n)
        for i in range(n):
            out[i] += (
                w1 * (below_1[i] + above_1[i])
                + w2 * (below_2[i] + above_2[i])
                + w3 * (below_3[i] + above_3[i])
                + w4 * (below_4[i] + above_4[i])
            )
    for i in range(n):
        out[i] = out[i] / norm[i] * mask[i]


def padded_size(lanes: int, cells: int, weights: F64) -> int:
    """Return the length of `smooth_row`'s padded row: room for the flanks on either side."""
    return int(lanes * (cells + 2 * (weights.size - 1)))


@kernel
def _smooth_rows(
    lanes: int,
    fields: F64,
    ask_lo: NDArray[np.int64],
    bid_hi: NDArray[np.int64],
    weights: F64,
    reach: F64,
    scratch: tuple[F64, F64, F64],
    out: F64,
) -> None:
    mask, norm, padded = scratch
    for row in range(fields.shape[0]):
        mask_row(lanes, ask_lo[row], bid_hi[row], mask)
        norm_row(lanes, ask_lo[row], bid_hi[row], weights[0], reach, norm)
        smooth_row(lanes, fields[row], mask, norm, weights, padded, out[row])


def smooth(
    fields: NDArray[np.floating],
    ask_lo: NDArray[np.int64],
    bid_hi: NDArray[np.int64],
    *,
    sigma: float,
    radius: int,
) -> F64:
    """Return fields smoothed along price under the mask of their sides: float64 (W, G, lanes).

    fields: (W, G, lanes), asks at even lanes, bids at odd ones. ask_lo, bid_hi: int64 (W): first
    cell where an ask and last cell where a bid can stand, in or outside the grid.
    """
    if fields.ndim != 3 or fields.shape[2] % 2 or ask_lo.shape != fields.shape[:1]:
        raise ValueError(f"expected fields (W, G, lanes) and bounds (W), found {fields.shape}")
    if bid_hi.shape != ask_lo.shape:
        raise ValueError(f"expected bounds of one length, found {ask_lo.shape}, {bid_hi.shape}")
    rows, cells, lanes = fields.shape
    flat = np.array(fields, dtype=np.float64, order="C").reshape(rows, -1)
    weights = gaussian_weights(sigma, radius)
    out = np.empty_like(flat)
    n = flat.shape[1]
    scratch = (np.empty(n), np.empty(n), np.zeros(padded_size(lanes, cells, weights)))
    _smooth_rows(
        lanes,
        flat,
        np.clip(ask_lo, 0, cells).astype(np.int64),
        np.clip(bid_hi, -1, cells - 1).astype(np.int64),
        weights,
        reach_weights(weights),
        scratch,
        out,
    )
    return out.reshape(fields.shape)


def mask_bounds(
    above_bid: NDArray[np.int64],
    has_bid: NDArray[np.bool_],
    below_ask: NDArray[np.int64],
    has_ask: NDArray[np.bool_],
    cells: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (ask_lo, bid_hi) of each window: asks above the best bid, bids below the best ask.

    above_bid, below_ask: cell of the lowest price above the best bid, of the highest below the
    best ask. They count from the grid's lowest price and may lie outside the grid; where a cell
    is wider than a price step both may be the cell of the bests themselves. Without a best bid
    asks may stand everywhere, and the other way round.
    """
    ask_lo = np.where(has_bid, np.clip(above_bid, 0, cells), 0)
    bid_hi = np.where(has_ask, np.clip(below_ask, -1, cells - 1), cells - 1)
    return ask_lo, bid_hi
