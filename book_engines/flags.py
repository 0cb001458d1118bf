"""Flags of silver snapshots: prices and spreads unlike those of the minutes before.

Only windows before a row decide about it, so that what comes later changes no flag. Rows are judged
in the order of their windows, each series (an instrument) on its own; any split of the rows into
calls gives the same flags.

**Price.** With m the median of the mid prices of the trailing 60 s and s = 1.4826 · their median
absolute deviation, at least one tick, a mid x is an outlier when |x − m| > 3 s. On a random walk
that alone marks 6.6 % of all windows, whatever its speed, because a walk is mostly far from its own
median, and a quiet minute makes every move an outlier. Hence two conditions more: s is at least
1.4826 · the median |x − m| of the trailing 30 minutes, how far prices usually stand from their
median; and x has left the last mid that was no outlier by more than 3 s as well, in one step and
not by walking there. Beyond the tier (a share of m that depends on the product, its price and the
hour) a mid is an outlier without condition.

**Crossed.** The mid and the spread of a crossed or locked book mean nothing: they are neither
judged nor remembered. (In a real pre-open the mid stands 20 ticks off while the book is crossed;
the first half minute of trading would be compared with it.)

**Spread.** An anomaly is wider than 10 times the median spread of the trailing 30 minutes, and than
a share of the mid where the product has one: the quote of an option far in the money may be a tick
wide for half an hour and half a dollar when a maker leaves, which is nothing of 300 dollars.

Until a series has seen `min_samples` values it has no usual state and nothing of it is an outlier.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.kernel import Int, helper, kernel
from book_engines.records import SECOND_NS, UNDEF_PRICE
from book_engines.snapshot_memory import Memory, arrays_of, empty_memory, skip_to, with_more_series
from book_engines.snapshot_rules import Limits, SnapshotRules
from book_engines.trailing import (
    ABSENT,
    LEAST,
    SIZE,
    bounds_of_median,
    four_times_deviation,
    put_in_ring,
    put_sorted,
    twice_median,
    twice_median_of_ring,
)

Saved = Mapping[str, NDArray[Any]]

MAD_TO_DEVIATION: Final = 1.4826
"""Standard deviation of a normal variable over its median absolute deviation."""

_NO_ROW: Final = -1


class SnapshotFlags(NamedTuple):
    """The flags of R rows."""

    price_outlier: NDArray[np.bool_]
    crossed_market: NDArray[np.bool_]
    spread_anomaly: NDArray[np.bool_]


@helper
def _is_far(
    memory: Memory,
    limits: Limits,
    scratch: NDArray[np.int64],
    s: Int,
    end: Int,
    twice_mid: Int,
    four_median: Int,
) -> bool:
    """Return whether a mid is an outlier by the median of the minute before it.

    What decides is looked for in the order of what it costs: the tick, bounds of the distances of
    half an hour, the deviation of the minute, the median of these distances.
    """
    distance = abs(2 * twice_mid - four_median) * 0.25
    median = four_median * 0.25
    hours = 0 if limits.regular_after < end <= limits.regular_until else 1
    for tier in range(limits.below.shape[1]):
        if median < limits.below[hours, tier]:
            if distance > limits.share[hours, tier] * median:
                return True
            break
    step = min(distance, abs(twice_mid - memory.clean[s]) * 0.5)
    if step <= limits.z_limit * float(limits.tick):
        return False
    scale = limits.z_limit * MAD_TO_DEVIATION
    low = high = np.int64(0)
    if memory.distances.bounds[s, SIZE] > 0:
        low, high = bounds_of_median(memory.distances, s, scratch)
    if step <= scale * (low * 0.125):
        return False
    if step <= scale * (four_times_deviation(memory.prices, s, four_median) * 0.125):
        return False
    if step <= scale * (high * 0.125):
        low = twice_median_of_ring(memory.distances, s, scratch)
    return bool(step > scale * (low * 0.125))


@helper
def _is_price_outlier(
    memory: Memory,
    limits: Limits,
    scratch: NDArray[np.int64],
    s: Int,
    end: Int,
    twice_mid: Int,
    slot: Int,
) -> bool:
    """Return whether a mid is an outlier of its series.

    Its distance from the median joins the others, and `clean` keeps the last mid that was none.
    """
    if memory.prices.size[s] < limits.min_samples:
        put_in_ring(memory.distances, s, slot, ABSENT)
        memory.clean[s] = twice_mid
        return False
    four_median = twice_median(memory.prices, s)
    outlier = bool(_is_far(memory, limits, scratch, s, end, twice_mid, four_median))
    put_in_ring(memory.distances, s, slot, abs(2 * twice_mid - four_median))
    if not outlier:
        memory.clean[s] = twice_mid
    return outlier


@helper
def _is_wide(
    memory: Memory,
    limits: Limits,
    scratch: NDArray[np.int64],
    s: Int,
    spread: Int,
    twice_mid: Int,
) -> bool:
    """Return whether a spread is an anomaly of its series.

    No median is below the least spread, and mostly that decides.
    """
    bounds = memory.spreads.bounds[s]
    if bounds[SIZE] < limits.min_samples or 2 * spread <= limits.spread_floor_share * twice_mid:
        return False
    if 2 * spread <= limits.spread_factor * (2 * bounds[LEAST]):
        return False
    low, high = bounds_of_median(memory.spreads, s, scratch)
    if limits.spread_factor * low < 2 * spread <= limits.spread_factor * high:
        low = twice_median_of_ring(memory.spreads, s, scratch)
    return bool(2 * spread > limits.spread_factor * low)


@kernel
def _flag_rows(
    memory: Memory,
    limits: Limits,
    series: NDArray[np.int32],
    ends: NDArray[np.int64],
    bids: NDArray[np.int64],
    asks: NDArray[np.int64],
    first: NDArray[np.int32],
    following: NDArray[np.int32],
    scratch: NDArray[np.int64],
    flags: NDArray[np.bool_],
) -> None:
    """Judge every row by what its series was before, then add it to the series.

    One series after the other, so that what it remembers stays in the nearest cache.
    first: (S,) full of _NO_ROW. following: (R,) where the row of each row's series after it goes.
    """
    n_near, n_far = memory.prices.slots.shape[1], memory.spreads.slots.shape[1]
    for i in range(ends.size - 1, -1, -1):
        following[i] = first[series[i]]
        first[series[i]] = i
    for s in range(first.size):
        row: Int = first[s]
        near = memory.last[s] % n_near
        far = memory.last[s] % n_far
        while row != _NO_ROW:
            i, row = row, following[row]
            bid, ask = bids[i], asks[i]
            flags[0, i] = flags[1, i] = flags[2, i] = False
            if bid == UNDEF_PRICE or ask == UNDEF_PRICE:
                continue
            if bid >= ask:
                flags[1, i] = True
                continue
            window = ends[i] // SECOND_NS
            if memory.last[s] == window - 1:
                near = near + 1 if near + 1 < n_near else 0
                far = far + 1 if far + 1 < n_far else 0
            else:
                skip_to(memory, s, window, scratch)
                near = window % n_near
                far = window % n_far
            memory.last[s] = window
            twice_mid, spread = bid + ask, ask - bid
            flags[0, i] = _is_price_outlier(memory, limits, scratch, s, ends[i], twice_mid, far)
            put_sorted(memory.prices, s, near, twice_mid, scratch)
            flags[2, i] = _is_wide(memory, limits, scratch, s, spread, twice_mid)
            put_in_ring(memory.spreads, s, far, spread)


class SnapshotFlagger:
    """Flags snapshot rows as they come, window after window."""

    def __init__(self, rules: SnapshotRules, n_series: int = 1) -> None:
        self._rules = rules
        self._limits = rules.limits()
        self._memory = self._empty(n_series)
        self._scratch = np.empty(max(rules.price_windows, rules.spread_windows), np.int64)
        self._flagged = np.zeros(3, np.int64)

    @property
    def counters(self) -> dict[str, int]:
        """Return how many rows carry each flag."""
        names = SnapshotFlags._fields
        counted = zip(names, self._flagged.tolist(), strict=True)
        return {f"flag_{name}": count for name, count in counted}

    def flag(
        self,
        series: NDArray[np.int32],
        window_end_ns: NDArray[np.int64],
        bid_int: NDArray[np.int64],
        ask_int: NDArray[np.int64],
    ) -> SnapshotFlags:
        """Return the flags of rows in the order of their windows.

        series: which series each row belongs to, from 0 on; at most one row a window and series.
        bid_int, ask_int: best prices, 1e-9 dollars, UNDEF_PRICE where the side is empty.
        """
        n_series, known = int(series.max(initial=0)) + 1, self._memory.last.size
        if n_series > known:
            self._memory = with_more_series(self._memory, max(n_series, 2 * known))
        flags = np.empty((3, window_end_ns.size), np.bool_)
        _flag_rows(
            self._memory,
            self._limits,
            _writable(series),
            _writable(window_end_ns),
            _writable(bid_int),
            _writable(ask_int),
            np.full(self._memory.last.size, _NO_ROW, np.int32),
            np.empty(window_end_ns.size, np.int32),
            self._scratch,
            flags,
        )
        self._flagged += np.count_nonzero(flags, axis=1)
        return SnapshotFlags(*flags)

    def save(self) -> dict[str, NDArray[Any]]:
        """Return the state between two calls; a flagger of the same rules takes it up."""
        arrays = {**arrays_of(self._memory), "flagged": self._flagged}
        return {name: array.copy() for name, array in arrays.items()}

    def load(self, saved: Saved) -> None:
        """Take up where `saved` left off."""
        self._flagged = saved["flagged"].copy()
        self._memory = self._empty(saved["last"].size)
        for name, array in arrays_of(self._memory).items():
            array[:] = saved[name]

    def _empty(self, n_series: int) -> Memory:
        return empty_memory(n_series, self._rules.price_windows, self._rules.spread_windows)


def _writable(column: NDArray[Any]) -> NDArray[Any]:
    return np.require(column, requirements=["C", "W"])
