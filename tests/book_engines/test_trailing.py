"""Trailing windows: against the sorted list of what stands in the ring."""

from __future__ import annotations

from statistics import median

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from book_engines.trailing import (
    ABSENT,
    SIZE,
    USED,
    four_times_deviation,
    put,
    put_many,
    trailing,
    twice_median,
    twice_median_of_ring,
)

SLOTS = 9
PUTS = st.lists(
    st.tuples(
        st.integers(0, SLOTS - 1),
        st.sampled_from([1, 1, 1, 2, SLOTS]),
        st.one_of(st.integers(-3, 3), st.integers(-(2**40), 2**40), st.just(ABSENT)),
    ),
    max_size=60,
)

# helpers are compiled for kernels alone
put_in = njit(lambda *of: put(*of))
put_many_in = njit(lambda *of: put_many(*of))
middle = njit(lambda *of: twice_median(*of))
deviation = njit(lambda *of: four_times_deviation(*of))
middle_of_ring = njit(lambda *of: twice_median_of_ring(*of))


@given(PUTS)
@settings(max_examples=150, deadline=None)
def test_medians_are_those_of_what_stands_in_the_slots(puts: list[tuple[int, int, int]]) -> None:
    series = trailing(2, SLOTS)
    slots = [ABSENT] * SLOTS
    for slot, count, value in puts:
        if count == 1:
            put_in(series, 1, slot, value)
        else:
            put_many_in(series, 1, slot, value, count)
        for place in range(slot, slot + count):
            slots[place % SLOTS] = value
        there = sorted(v for v in slots if v != ABSENT)
        used = series.bounds[1, USED]
        assert series.value[1, :used].tolist() == sorted(set(there))
        assert np.repeat(series.value[1, :used], series.times[1, :used]).tolist() == there
        assert series.bounds[1, SIZE] == len(there)
        twice = middle_of_ring(series.ring[1], np.empty(SLOTS, np.int64))
        if not there:
            assert twice == 0
            continue
        assert twice == middle(series, 1) == 2 * median(there)
        deviations = [abs(2 * v - int(twice)) for v in there]
        assert deviation(series, 1, twice) == 2 * median(deviations)
    assert not series.bounds[0].any()


@given(st.lists(st.integers(0, 30), min_size=1, max_size=300))
@settings(max_examples=100, deadline=None)
def test_the_median_of_a_long_ring_is_selected(values: list[int]) -> None:
    ring = np.array(values, np.int64)
    assert middle_of_ring(ring, np.empty_like(ring)) == 2 * median(values)
    assert ring.tolist() == values
