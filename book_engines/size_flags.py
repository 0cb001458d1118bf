"""The flag of unusually large orders, by what the half hour before them brought.

An order is too large above the 99.9th percentile of the trailing orders, above 10 times their
median where that is at least 10, or above what is believed of the product at all. Sizes are counted
in the bins of `book_engines.sizes`: a percentile and a median stand for the largest size of their
bin, so that of two sizes that one bin holds neither is called larger than the other. Before
`min_orders` orders have come only the product's cap speaks. A window is judged by earlier ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.kernel import Int, helper, kernel
from book_engines.records import SECOND_NS
from book_engines.sizes import SIZE_BINS, bin_floors

NO_LIMIT: Final = 2**63 - 1


@dataclass(frozen=True)
class SizeRules:
    """The thresholds of the size flag."""

    windows: int = 1800
    share: float = 0.999
    factor: int = 10
    median_floor: int = 10
    min_orders: int = 1000
    cap: int | None = None


class _State(NamedTuple):
    """Histograms of the trailing windows: window k's is ring[k % (N + 1)]."""

    ring: NDArray[np.int32]
    total: NDArray[np.int64]
    last: NDArray[np.int64]
    """(1,) the latest window."""


class _Limits(NamedTuple):
    share: float
    factor: int
    median_floor: int
    min_orders: int
    cap: int


@helper
def _forget_before(state: _State, window: Int) -> None:
    """Drop the histograms that lie more than N windows before `window`."""
    slots = state.ring.shape[0]
    first = max(state.last[0] + 1, window - slots + 1)
    for number in range(first, window + 1):
        slot = number % slots
        for size in range(state.total.size):
            state.total[size] -= state.ring[slot, size]
            state.ring[slot, size] = 0
    state.last[0] = window


@helper
def _limit(total: NDArray[np.int64], ceilings: NDArray[np.int64], limits: _Limits) -> Int:
    """Return the largest size that is not too large."""
    orders = np.int64(0)
    for size in range(total.size):
        orders += total[size]
    limit = np.int64(limits.cap)
    if orders < limits.min_orders:
        return limit
    seen = np.int64(0)
    median_known = False
    for size in range(total.size):
        seen += total[size]
        if not median_known and 2 * seen >= orders:
            median_known = True
            if ceilings[size] >= limits.median_floor:
                limit = min(limit, limits.factor * ceilings[size])
        if seen >= limits.share * orders:
            return min(limit, ceilings[size])
    return limit


@kernel
def _limit_windows(
    state: _State,
    limits: _Limits,
    ceilings: NDArray[np.int64],
    ends: NDArray[np.int64],
    sizes: NDArray[np.int64],
    found: NDArray[np.int64],
) -> None:
    """Find the limit of every window by what came before it, then add its own sizes."""
    slots = state.ring.shape[0]
    for w in range(ends.size):
        window = ends[w] // SECOND_NS
        _forget_before(state, window)
        found[w] = _limit(state.total, ceilings, limits)
        for size in range(sizes.shape[1]):
            state.ring[window % slots, size] = sizes[w, size]
            state.total[size] += sizes[w, size]


class SizeFlagger:
    """Finds, window after window, which orders are too large."""

    def __init__(self, rules: SizeRules) -> None:
        self._limits = _Limits(
            rules.share,
            rules.factor,
            rules.median_floor,
            rules.min_orders,
            NO_LIMIT if rules.cap is None else rules.cap,
        )
        self._ceilings = np.append(bin_floors()[1:] - 1, NO_LIMIT)
        self._state = _State(
            np.zeros((rules.windows + 1, SIZE_BINS), np.int32),
            np.zeros(SIZE_BINS, np.int64),
            np.full(1, -(2**62), np.int64),
        )

    def limits(
        self, window_end_ns: NDArray[np.int64], sizes: NDArray[np.int64] | NDArray[np.int32]
    ) -> NDArray[np.int64]:
        """Return the largest size of each window, (W,), that is not too large.

        window_end_ns: (W,), ascending from call to call. sizes: (W, SIZE_BINS), the orders of each
        window by bin.
        """
        found = np.empty(len(window_end_ns), np.int64)
        _limit_windows(
            self._state,
            self._limits,
            self._ceilings,
            np.require(window_end_ns, np.int64, ["C", "W"]),
            np.require(sizes, np.int64, ["C", "W"]),
            found,
        )
        return found
