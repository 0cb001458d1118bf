"""The flag of unusually large orders, by what the half hour before them brought.

The largest order that a window and cell saw is too large above 10 times the median of the trailing
orders where that is at least 10, above the 99.9th percentile of what windows and cells saw as their
largest, or above what is believed of the product at all. The percentile is of the largest ones
because they are what is judged: one order in a thousand is above that of all orders, so a cell that
sees a hundred a second would be flagged every ten seconds for being busy.

Sizes are counted in the bins of `book_engines.sizes`: a percentile and a median stand for the
largest size of their bin, so that of two sizes that one bin holds neither is called larger than the
other. A median or percentile of fewer than `min_orders` sizes says nothing. A window is judged by
earlier ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.kernel import Int, helper, kernel
from book_engines.records import SECOND_NS
from book_engines.sizes import SIZE_BINS, bin_floors, size_bin

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


_ORDERS: Final = 0
_LARGEST: Final = 1


class _State(NamedTuple):
    """Histograms of the trailing windows: window k's are ring[k % (N + 1)].

    Row _ORDERS counts all orders, row _LARGEST the largest of each cell that saw one.
    """

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
        for which in (_ORDERS, _LARGEST):
            for size in range(state.total.shape[1]):
                state.total[which, size] -= state.ring[slot, which, size]
                state.ring[slot, which, size] = 0
    state.last[0] = window


@helper
def _quantile(
    counts: NDArray[np.int64], share: float, fewest: Int, ceilings: NDArray[np.int64]
) -> Int:
    """Return the size that `share` of those counted do not exceed, −1 for fewer than `fewest`."""
    sizes = np.int64(0)
    for size in range(counts.size):
        sizes += counts[size]
    if sizes < fewest:
        return np.int64(-1)
    seen = np.int64(0)
    for size in range(counts.size):
        seen += counts[size]
        if seen > 0 and seen >= share * sizes:
            return ceilings[size]
    return np.int64(-1)


@helper
def _limit(total: NDArray[np.int64], ceilings: NDArray[np.int64], limits: _Limits) -> Int:
    """Return the largest size that is not too large."""
    limit = np.int64(limits.cap)
    median = _quantile(total[_ORDERS], 0.5, limits.min_orders, ceilings)
    if median >= limits.median_floor:
        limit = min(limit, limits.factor * median)
    usual = _quantile(total[_LARGEST], limits.share, limits.min_orders, ceilings)
    return min(limit, usual) if usual >= 0 else limit


@kernel
def _limit_windows(
    state: _State,
    limits: _Limits,
    ceilings: NDArray[np.int64],
    ends: NDArray[np.int64],
    sizes: NDArray[np.int64],
    rows: NDArray[np.int64],
    largest: NDArray[np.int64],
    found: NDArray[np.int64],
) -> None:
    """Find the limit of every window by what came before it, then add its own sizes."""
    slots = state.ring.shape[0]
    row = 0
    for w in range(ends.size):
        window = ends[w] // SECOND_NS
        _forget_before(state, window)
        found[w] = _limit(state.total, ceilings, limits)
        slot = window % slots
        for size in range(sizes.shape[1]):
            state.ring[slot, _ORDERS, size] = sizes[w, size]
            state.total[_ORDERS, size] += sizes[w, size]
        for _ in range(rows[w]):
            if largest[row] > 0:
                size = size_bin(largest[row])
                state.ring[slot, _LARGEST, size] += 1
                state.total[_LARGEST, size] += 1
            row += 1


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
            np.zeros((rules.windows + 1, 2, SIZE_BINS), np.int32),
            np.zeros((2, SIZE_BINS), np.int64),
            np.full(1, -(2**62), np.int64),
        )

    def limits(
        self,
        window_end_ns: NDArray[np.int64],
        sizes: NDArray[np.int64] | NDArray[np.int32],
        rows_a_window: NDArray[np.int64],
        largest: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """Return the largest size of each window, (W,), that is not too large.

        window_end_ns: (W,), ascending from call to call. sizes: (W, SIZE_BINS), the orders of each
        window by bin. rows_a_window: (W,), how many of the cells are of each window. largest: (R,),
        the largest order that each cell saw, 0 where it saw none.
        """
        found = np.empty(len(window_end_ns), np.int64)
        _limit_windows(
            self._state,
            self._limits,
            self._ceilings,
            np.require(window_end_ns, np.int64, ["C", "W"]),
            np.require(sizes, np.int64, ["C", "W"]),
            np.require(rows_a_window, np.int64, ["C", "W"]),
            np.require(largest, np.int64, ["C", "W"]),
            found,
        )
        return found
