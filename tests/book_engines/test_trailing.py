"""Trailing windows: against the sorted list of what stands in the slots."""

from __future__ import annotations

from statistics import median

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from book_engines.trailing import (
    ABSENT,
    LEAST,
    SIZE,
    bounds_of_median,
    four_times_deviation,
    median_ring,
    put_in_ring,
    put_sorted,
    sorted_window,
    twice_median,
    twice_median_of_ring,
)

SLOTS = 9
VALUES = st.one_of(st.integers(-3, 3), st.integers(-(2**40), 2**40), st.just(ABSENT))
PUTS = st.lists(st.tuples(st.integers(0, SLOTS - 1), VALUES), max_size=60)

# helpers are compiled for kernels alone
put = njit(lambda *of: put_sorted(*of))
middle = njit(lambda *of: twice_median(*of))
deviation = njit(lambda *of: four_times_deviation(*of))
put_into = njit(lambda *of: put_in_ring(*of))
bounds = njit(lambda *of: bounds_of_median(*of))
middle_of_ring = njit(lambda *of: twice_median_of_ring(*of))


@given(PUTS)
@settings(max_examples=150, deadline=None)
def test_a_sorted_window_holds_what_stands_in_its_slots(puts: list[tuple[int, int]]) -> None:
    window = sorted_window(2, SLOTS)
    untouched = [array[0].copy() for array in window]
    slots = [ABSENT] * SLOTS
    for slot, value in puts:
        put(window, 1, slot, value, np.empty(SLOTS, np.int64))
        slots[slot] = value
        there = sorted(v for v in slots if v != ABSENT)
        assert window.values[1, 1:-1].tolist() == sorted(slots)
        assert window.size[1] == len(there)
        if not there:
            continue
        twice = middle(window, 1)
        assert twice == 2 * median(there)
        deviations = [abs(2 * v - int(twice)) for v in there]
        assert deviation(window, 1, twice) == 2 * median(deviations)
    assert all(np.array_equal(a, b[0]) for a, b in zip(untouched, window, strict=True))


@given(
    st.integers(1, 60),
    st.lists(VALUES, max_size=300),
    st.lists(st.booleans(), min_size=300, max_size=300),
)
@settings(max_examples=150, deadline=None)
def test_a_ring_knows_its_median_and_bounds_of_it(
    n_slots: int, values: list[int], asked: list[bool]
) -> None:
    ring, scratch = median_ring(2, n_slots), np.empty(n_slots, np.int64)
    slots = [ABSENT] * n_slots
    for number, (value, ask) in enumerate(zip(values, asked, strict=False)):
        put_into(ring, 1, number % n_slots, value)
        slots[number % n_slots] = value
        there = [v for v in slots if v != ABSENT]
        twice = 2 * median(there) if there else 0
        assert ring.slots[1].tolist() == slots
        assert ring.bounds[1, SIZE] == len(there)
        assert ring.bounds[1, LEAST] <= min(there, default=ABSENT)
        assert middle_of_ring(ring, 1, scratch) == twice
        if ask and there:
            low, high = bounds(ring, 1, scratch)
            assert low <= twice <= high
    assert ring.bounds[0, SIZE] == 0


def test_bounds_stand_until_half_of_the_values_lie_beyond() -> None:
    ring, scratch = median_ring(1, 64), np.empty(64, np.int64)
    for number in range(64):
        put_into(ring, 0, number, number)
    found = []
    for number in range(10):
        found.append(bounds(ring, 0, scratch))
        put_into(ring, 0, number, 1000)
    assert found[:9] == [(2 * 23, 2 * 40)] * 9
    assert found[9] == (2 * 32, 2 * 49)
