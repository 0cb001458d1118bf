"""Exact medians over trailing windows, for many series at once.

A ring of N slots holds the last N windows of a series: window k's value stands in slot k mod N and
gives way to that of window k + N. Beside it stands the same as a multiset: the distinct values in
ascending order with how often each is there. Prices and spreads are whole ticks and repeat, so that
a few dozen distinct values stand for half an hour, and mostly the value that comes is the one that
goes: then nothing else changes.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.kernel import Int, helper

ABSENT: Final = -(2**63)
"""In the slot of a window that has no value."""


class Trailing(NamedTuple):
    """The last N windows of S series. `value` and `times` hold the first `used` of each row."""

    ring: NDArray[np.int64]
    """(S, N) the value of each window."""
    value: NDArray[np.int64]
    """(S, N) distinct values, ascending."""
    times: NDArray[np.int64]
    """(S, N) how often each stands in the series."""
    bounds: NDArray[np.int64]
    """(S, 4) distinct values, values in all, where the last one came and the last one went."""


USED, SIZE, CAME, WENT = range(4)


def trailing(n_series: int, n_windows: int) -> Trailing:
    """Return empty series."""
    shape = (n_series, n_windows)
    return Trailing(
        np.full(shape, ABSENT),
        np.zeros(shape, np.int64),
        np.zeros(shape, np.int64),
        np.zeros((n_series, 4), np.int64),
    )


def with_more_series(old: Trailing, n_series: int) -> Trailing:
    """Return the same series with room for `n_series`."""
    new = trailing(n_series, old.value.shape[1])
    for before, after in zip(old, new, strict=True):
        after[: len(before)] = before
    return new


@helper
def _place(values: NDArray[np.int64], used: Int, value: Int) -> Int:
    """Return where `value` stands among the ascending first `used` values, or would."""
    low, high = np.int64(0), np.int64(used)
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@helper
def _place_near(values: NDArray[np.int64], used: Int, value: Int, guess: Int) -> Int:
    """Return the same, at once where `guess` is right: one value mostly follows itself."""
    if guess < used and values[guess] == value:
        return guess
    return _place(values, used, value)


@helper
def put(series: Trailing, s: Int, slot: Int, value: Int) -> None:
    """Put `value`, which may be ABSENT, in the place of what stands in a slot of series `s`."""
    if series.ring[s, slot] != value:
        put_many(series, s, slot, value, 1)


@helper
def put_many(series: Trailing, s: Int, slot: Int, value: Int, count: Int) -> None:
    """Put `value` in `count` slots from `slot` on, at most N; what goes is mostly one value too."""
    ring = series.ring[s]
    old, gone = ring[slot], np.int64(0)
    for _ in range(count):
        if ring[slot] != old:
            _take_out(series, s, old, gone)
            old, gone = ring[slot], np.int64(0)
        gone += 1
        ring[slot] = value
        slot = slot + 1 if slot + 1 < ring.size else 0
    _take_out(series, s, old, gone)
    _add(series, s, value, count)


@helper
def _take_out(series: Trailing, s: Int, value: Int, times: Int) -> None:
    if value == ABSENT:
        return
    bounds = series.bounds[s]
    values, counts = series.value[s], series.times[s]
    bounds[SIZE] -= times
    place = _place_near(values, bounds[USED], value, bounds[WENT])
    bounds[WENT] = place
    counts[place] -= times
    if counts[place] == 0:
        bounds[USED] -= 1
        for i in range(place, bounds[USED]):
            values[i] = values[i + 1]
            counts[i] = counts[i + 1]


@helper
def _add(series: Trailing, s: Int, value: Int, times: Int) -> None:
    if value == ABSENT:
        return
    bounds = series.bounds[s]
    values, counts = series.value[s], series.times[s]
    bounds[SIZE] += times
    place = _place_near(values, bounds[USED], value, bounds[CAME])
    bounds[CAME] = place
    if place < bounds[USED] and values[place] == value:
        counts[place] += times
        return
    for i in range(bounds[USED], place, -1):
        values[i] = values[i - 1]
        counts[i] = counts[i - 1]
    values[place] = value
    counts[place] = times
    bounds[USED] += 1


@helper
def twice_median(series: Trailing, s: Int) -> Int:
    """Return the sum of the two middle values of series `s` (the middle one twice); not empty."""
    values, counts = series.value[s], series.times[s]
    size = series.bounds[s, SIZE]
    lower, upper = (size - 1) >> 1, size >> 1
    seen, i = counts[0], np.int64(0)
    while seen <= lower:
        i += 1
        seen += counts[i]
    first = values[i]
    if seen <= upper:
        i += 1
    return first + values[i]


@helper
def four_times_deviation(series: Trailing, s: Int, twice: Int) -> Int:
    """Return four times the median absolute deviation of series `s` from half of `twice`.

    The deviations are met in ascending order by two pointers that leave the median on both sides.
    """
    values, counts = series.value[s], series.times[s]
    used, size = series.bounds[s, USED], series.bounds[s, SIZE]
    lower, upper = (size - 1) >> 1, size >> 1
    above = _place(values, used, (twice + 1) >> 1)
    below = above - 1
    seen = np.int64(0)
    first = np.int64(-1)
    while True:
        if below >= 0 and (above >= used or twice - 2 * values[below] <= 2 * values[above] - twice):
            deviation = twice - 2 * values[below]
            seen += counts[below]
            below -= 1
        else:
            deviation = 2 * values[above] - twice
            seen += counts[above]
            above += 1
        if first < 0 and seen > lower:
            first = deviation
        if seen > upper:
            return first + deviation


@helper
def twice_median_of_ring(ring: NDArray[np.int64], scratch: NDArray[np.int64]) -> Int:
    """Return the sum of the two middle values of one ring without a multiset, 0 of an empty one.

    For what is remembered in every window and asked for once in a while. ring, scratch: (N,).
    """
    size = np.int64(0)
    for slot in range(ring.size):
        scratch[size] = ring[slot]
        size += ring[slot] != ABSENT
    if size == 0:
        return size
    lower = (size - 1) >> 1
    _part(scratch, size, lower)
    if size & 1:
        return 2 * scratch[lower]
    upper = scratch[lower + 1]
    for i in range(lower + 2, size):
        upper = min(upper, scratch[i])
    return scratch[lower] + upper


@helper
def _part(values: NDArray[np.int64], size: Int, middle: Int) -> None:
    """Put the first `size` values in such an order that none before `middle` is greater than it.

    And none behind it is less (Hoare's selection).
    """
    low, high = np.int64(0), size - 1
    while low < high:
        pivot = values[(low + high) >> 1]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if middle <= j:
            high = j
        elif middle >= i:
            low = i
        else:
            return
