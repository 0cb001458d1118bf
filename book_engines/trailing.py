"""Exact medians over trailing windows, for many series at once.

A row of N slots holds the last N windows of a series: window k's value stands in slot k mod N and
gives way to that of window k + N.

A `SortedWindow` keeps the same values in order beside it, which a minute's few dozen are worth:
their median is looked up. A `MedianRing` of half an hour keeps bounds of its median instead: two
values on either side of it, and how many lie beyond each, for as long as that is less than half. A
value is compared with a multiple of the median, and mostly either bound decides.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.kernel import Int, helper

ABSENT: Final = 2**63 - 1
"""In the slot of a window that has no value: greater than any."""

_BELOW_ALL: Final = -(2**63)


class SortedWindow(NamedTuple):
    """The last N windows of S series in order."""

    slots: NDArray[np.int64]
    """(S, N) the value of each window."""
    values: NDArray[np.int64]
    """(S, N + 2) the same ascending, ABSENT last, between one less and one greater than all."""
    size: NDArray[np.int64]
    """(S,) values in all."""


class MedianRing(NamedTuple):
    """The last N windows of S series, with bounds of their medians."""

    slots: NDArray[np.int64]
    """(S, N) the value of each window."""
    bounds: NDArray[np.int64]
    """(S, 6) values in all, no more than any of them, two values around the median while half is
    not beyond them, and how many slots are less than the one and greater than the other."""


SIZE, LEAST, LOW, HIGH, BELOW, ABOVE = range(6)


def sorted_window(n_series: int, n_windows: int) -> SortedWindow:
    """Return empty series."""
    values = np.full((n_series, n_windows + 2), ABSENT)
    values[:, 0] = _BELOW_ALL
    return SortedWindow(
        np.full((n_series, n_windows), ABSENT), values, np.zeros(n_series, np.int64)
    )


def median_ring(n_series: int, n_windows: int) -> MedianRing:
    """Return empty series."""
    return MedianRing(
        np.full((n_series, n_windows), ABSENT),
        np.tile(np.array([0, ABSENT, 0, 0, 0, n_windows]), (n_series, 1)),
    )


@helper
def put_sorted(
    window: SortedWindow, s: Int, slot: Int, value: Int, scratch: NDArray[np.int64]
) -> None:
    """Put `value`, which may be ABSENT, in the place of what stands in a slot of series `s`.

    Every place is computed, without a jump: that is faster than to find the few that change.
    scratch: (>= N,).
    """
    old = window.slots[s, slot]
    if old == value:
        return
    window.slots[s, slot] = value
    row = window.values[s]
    n = row.size - 2
    before, here, after, made = row[:n], row[1 : n + 1], row[2:], scratch[:n]
    if value > old:
        for i in range(n):
            made[i] = here[i] if here[i] < old else min(after[i], max(here[i], value))
    else:
        for i in range(n):
            made[i] = here[i] if here[i] > old else max(before[i], min(here[i], value))
    for i in range(n):
        here[i] = made[i]
    window.size[s] += np.int64(value != ABSENT) - np.int64(old != ABSENT)


@helper
def twice_median(window: SortedWindow, s: Int) -> Int:
    """Return the sum of the two middle values of series `s` (the middle one twice); not empty."""
    row, size = window.values[s], window.size[s]
    return row[(size + 1) >> 1] + row[(size >> 1) + 1]


@helper
def four_times_deviation(window: SortedWindow, s: Int, twice: Int) -> Int:
    """Return four times the median absolute deviation of series `s` from half of `twice`."""
    size = window.size[s]
    values = window.values[s, 1 : size + 1]
    lower, upper = (size + 1) >> 1, (size >> 1) + 1
    reach = _reach(values, twice, upper)
    return reach + (reach if lower == upper else _reach(values, twice, lower))


@helper
def _reach(values: NDArray[np.int64], twice: Int, count: Int) -> Int:
    """Return twice the distance from half of `twice` within which `count` of the values lie.

    The nearest ones stand side by side, and no other neighbours lie within less.
    """
    lowest, highest = values[: values.size - count + 1], values[count - 1 :]
    least = np.int64(ABSENT)
    for i in range(lowest.size):
        least = min(least, max(twice - 2 * lowest[i], 2 * highest[i] - twice))
    return least


@helper
def put_in_ring(ring: MedianRing, s: Int, slot: Int, value: Int) -> None:
    """Put `value`, which may be ABSENT, in the place of what stands in a slot of series `s`."""
    old = ring.slots[s, slot]
    if old == value:
        return
    ring.slots[s, slot] = value
    bounds = ring.bounds[s]
    bounds[SIZE] += np.int64(value != ABSENT) - np.int64(old != ABSENT)
    bounds[BELOW] += np.int64(value < bounds[LOW]) - np.int64(old < bounds[LOW])
    bounds[ABOVE] += np.int64(value > bounds[HIGH]) - np.int64(old > bounds[HIGH])
    bounds[LEAST] = min(bounds[LEAST], value)


@helper
def bounds_of_median(ring: MedianRing, s: Int, scratch: NDArray[np.int64]) -> tuple[Int, Int]:
    """Return two values between which twice the median of series `s` lies; it is not empty.

    scratch: (N,).
    """
    slots, bounds = ring.slots[s], ring.bounds[s]
    lower = (bounds[SIZE] - 1) >> 1
    # slots without a value count as greater
    if bounds[BELOW] > lower or bounds[ABOVE] > lower + slots.size - bounds[SIZE]:
        _find_bounds(slots, bounds, scratch)
    return 2 * bounds[LOW], 2 * bounds[HIGH]


@helper
def _find_bounds(
    slots: NDArray[np.int64], bounds: NDArray[np.int64], scratch: NDArray[np.int64]
) -> None:
    """Select the values an eighth of all ranks away from the median."""
    size = _gathered(slots, scratch)
    low = ((size - 1) >> 1) - (size >> 3)
    high = (size >> 1) + (size >> 3)
    _part(scratch, 0, size, low)
    _part(scratch, low, size, high)
    bounds[LOW], bounds[HIGH] = scratch[low], scratch[high]
    bounds[LEAST], bounds[BELOW], bounds[ABOVE] = ABSENT, 0, 0
    for slot in range(slots.size):
        bounds[LEAST] = min(bounds[LEAST], slots[slot])
        bounds[BELOW] += slots[slot] < scratch[low]
        bounds[ABOVE] += slots[slot] > scratch[high]


@helper
def twice_median_of_ring(ring: MedianRing, s: Int, scratch: NDArray[np.int64]) -> Int:
    """Return the sum of the two middle values of series `s`, 0 of an empty one.

    For where bounds do not decide. scratch: (N,).
    """
    size = _gathered(ring.slots[s], scratch)
    if size == 0:
        return size
    lower = (size - 1) >> 1
    _part(scratch, 0, size, lower)
    if size & 1:
        return 2 * scratch[lower]
    upper = scratch[lower + 1]
    for i in range(lower + 2, size):
        upper = min(upper, scratch[i])
    return scratch[lower] + upper


@helper
def _gathered(slots: NDArray[np.int64], scratch: NDArray[np.int64]) -> Int:
    """Write the values of the slots that have one into `scratch` and return how many."""
    size = np.int64(0)
    for slot in range(slots.size):
        scratch[size] = slots[slot]
        size += slots[slot] != ABSENT
    return size


@helper
def _part(values: NDArray[np.int64], begin: Int, size: Int, middle: Int) -> None:
    """Order the values from `begin` up to `size` so that none before `middle` is greater than it.

    And none behind it is less (Hoare's selection).
    """
    low, high = np.int64(begin), np.int64(size - 1)
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
