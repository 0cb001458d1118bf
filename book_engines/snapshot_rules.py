"""The thresholds of the snapshot flags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.records import UNDEF_PRICE


@dataclass(frozen=True)
class PriceTier:
    """How far a price below `below_int` may lie from the trailing median, as a share of it."""

    below_int: int
    """1e-9 dollars."""
    share: float


@dataclass(frozen=True)
class SnapshotRules:
    """The thresholds of the snapshot flags."""

    tick_int: int
    """Floor of the deviation, 1e-9 dollars."""
    tiers: tuple[PriceTier, ...] = ()
    """In ascending order of `below_int`; above the last one there is no limit."""
    outside_tiers: tuple[PriceTier, ...] = ()
    """The same outside of the regular hours."""
    regular_ns: tuple[int, int] = (0, UNDEF_PRICE)
    """Window ends in regular hours: after the first, up to the second."""
    price_windows: int = 60
    z_limit: float = 3.0
    spread_windows: int = 1800
    spread_factor: float = 10.0
    spread_floor_share: float = 0.0
    min_samples: int = 10

    def limits(self) -> Limits:
        """Return the rules as a kernel takes them."""
        tiers = (self.tiers, self.outside_tiers)
        width = max(map(len, tiers))
        below, share = np.zeros((2, width), np.int64), np.zeros((2, width))
        for hours, row in enumerate(tiers):
            for number, tier in enumerate(row):
                below[hours, number], share[hours, number] = tier.below_int, tier.share
        return Limits(
            self.tick_int,
            self.z_limit,
            self.spread_factor,
            self.spread_floor_share,
            self.min_samples,
            *self.regular_ns,
            below,
            share,
        )


class Limits(NamedTuple):
    """The rules as a kernel takes them."""

    tick: int
    z_limit: float
    spread_factor: float
    spread_floor_share: float
    min_samples: int
    regular_after: int
    regular_until: int
    below: NDArray[np.int64]
    """(2, T): regular hours, outside."""
    share: NDArray[np.float64]
    """(2, T)."""
