"""Naive twin of the forecast: one window at a time, dictionaries and plain sums."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from book_engines.surface_params import SurfaceParams
from tests.naive.surface import smooth

Book = Mapping[int, float]
"""One field of one side: value by distance from the side's own best price."""


class Side(NamedTuple):
    """The six fields of one side by distance; a distance that is missing is unknown."""

    u_p: Book
    u_p_slow: Book
    u_near: Book
    rho: Book
    nu: Book
    Omega_prom: Book


def gaussian_mean(values: Sequence[float], sigma: float) -> float:
    """Return the mean of values[d] under exp(−d²/2σ²)."""
    weights = [math.exp(-d * d / (2 * sigma * sigma)) for d in range(len(values))]
    return sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)


def flow(bids: Side, asks: Side) -> float:
    return gaussian_mean([bids.u_p.get(d, 0.0) - asks.u_p.get(d, 0.0) for d in range(65)], 12.0)


def static(bids: Side, asks: Side, sigma: float) -> float:
    return gaussian_mean([bids.rho.get(d, 0.0) - asks.rho.get(d, 0.0) for d in range(65)], sigma)


def viscosity(bids: Side, asks: Side) -> float:
    return gaussian_mean([(bids.nu.get(d, 1.0) + asks.nu.get(d, 1.0)) / 2 for d in range(17)], 6.0)


def obstacle(side: Side) -> int:
    """Return D."""
    heights = {d: side.Omega_prom.get(d, 0.0) for d in range(1, 65)}
    highest = max(heights.values())
    return min(d for d in heights if heights[d] == highest) if highest > 0 else 64


def run_score(side: Side) -> float:
    D = obstacle(side)
    weights = [math.exp(-d / 16) for d in range(D)]
    vacuum = sum(-side.u_near.get(d, 0.0) * w for d, w in enumerate(weights)) / sum(weights)
    return vacuum - max(0.0, side.u_p_slow.get(D, 0.0))


def displacements(
    force: float, v0: float, gamma: float, decay: float, seconds: int = 30
) -> list[float]:
    """Return δ_1 … δ_seconds for the force a₀ of the first second."""
    v, delta, out = v0, 0.0, []
    for k in range(1, seconds + 1):
        v = max(-8.0, min(8.0, (1 - gamma) * v + force * decay ** (k - 1)))
        delta = max(-80.0, min(80.0, delta + v))
        out.append(delta)
    return out


def side_of(fields: Any, w: int, side: int, best_rel: int, step: int) -> Side:
    """Return one side of window w of dense fields (W, G, 2) by distance from its best cell."""
    half = fields[0].shape[1] // 2
    cells = range(fields[0].shape[1])
    return Side(
        *(
            {
                d: float(field[w, best_rel + half + step * d, side])
                for d in range(70)
                if best_rel + half + step * d in cells
            }
            for field in fields
        )
    )


def option_obstacles(strikes: Mapping[int, float], cells: Sequence[int]) -> list[float]:
    """Return O(x) of every cell x, for Omega_opt by the cell of its strike."""
    kernel = {d: math.exp(-d * d / (2 * 8.0 * 8.0)) for d in range(-24, 25)}
    total = sum(kernel.values())
    return [
        sum(0.70 * kernel.get(x - strike, 0.0) / total * omega for strike, omega in strikes.items())
        for x in cells
    ]


def obstacles_with_options(
    params: SurfaceParams, Omega: Sequence[float], added: Sequence[float], mask: Sequence[bool]
) -> tuple[list[float], list[float]]:
    """Return (nu, Omega_prom) of one side."""
    whole = [own + others for own, others in zip(Omega, added, strict=True)]
    near = smooth(whole, list(mask), params.near_sigma, params.near_radius)
    far = smooth(whole, list(mask), params.far_sigma, params.far_radius)
    prominence = [n - f for n, f in zip(near, far, strict=True)]
    return [1 + n + 2 * max(0, p) for n, p in zip(near, prominence, strict=True)], prominence
