"""Exact medians over trailing windows, for many series at once.

A series holds at most one value a window, as a multiset: its distinct values in ascending order
with how often each stands in it. Prices and spreads are whole ticks and repeat, so that a few dozen
distinct values stand for half an hour and every operation runs over a cache line or two.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.kernel import Int, helper


class Trailing(NamedTuple):
    """The last N windows of S series. `value` and `times` hold the first `used` of each row."""

    value: NDArray[np.int64]
    """(S, N) distinct values, ascending."""
    times: NDArray[np.int64]
    """(S, N) how often each stands in the series."""
    ring_value: NDArray[np.int64]
    """(S, N) values in the order of arrival."""
    ring_window: NDArray[np.int64]
    """(S, N) the window of each."""
    bounds: NDArray[np.int64]
    """(S, 3) distinct values, first place in the ring, values in all."""


USED, HEAD, SIZE = range(3)


def trailing(n_series: int, n_windows: int) -> Trailing:
    """Return empty series."""
    shape = (n_series, n_windows)
    return Trailing(
        np.zeros(shape, np.int64),
        np.zeros(shape, np.int64),
        np.zeros(shape, np.int64),
        np.zeros(shape, np.int64),
        np.zeros((n_series, 3), np.int64),
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
def forget_until(series: Trailing, s: Int, window: Int) -> None:
    """Drop the values of series `s` that belong to `window` or an earlier one."""
    n = series.value.shape[1]
    bounds = series.bounds[s]
    values, counts = series.value[s], series.times[s]
    while bounds[SIZE] > 0 and series.ring_window[s, bounds[HEAD]] <= window:
        place = _place(values, bounds[USED], series.ring_value[s, bounds[HEAD]])
        counts[place] -= 1
        if counts[place] == 0:
            bounds[USED] -= 1
            for i in range(place, bounds[USED]):
                values[i] = values[i + 1]
                counts[i] = counts[i + 1]
        bounds[HEAD] = bounds[HEAD] + 1 if bounds[HEAD] + 1 < n else 0
        bounds[SIZE] -= 1


@helper
def remember(series: Trailing, s: Int, window: Int, value: Int) -> None:
    """Append the value of `window` to series `s`; there must be room (`forget_until`)."""
    n = series.value.shape[1]
    bounds = series.bounds[s]
    values, counts = series.value[s], series.times[s]
    tail = bounds[HEAD] + bounds[SIZE]
    tail = tail - n if tail >= n else tail
    series.ring_value[s, tail] = value
    series.ring_window[s, tail] = window
    bounds[SIZE] += 1
    place = _place(values, bounds[USED], value)
    if place < bounds[USED] and values[place] == value:
        counts[place] += 1
        return
    for i in range(bounds[USED], place, -1):
        values[i] = values[i - 1]
        counts[i] = counts[i - 1]
    values[place] = value
    counts[place] = 1
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
