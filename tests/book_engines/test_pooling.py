"""Pools are never sparse, never split a tie, and add up to everything."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from book_engines.pooling import group_sums, pooled_starts


@settings(max_examples=100, deadline=None)
@given(
    values=st.lists(st.integers(0, 12), max_size=120),
    minimum=st.integers(1, 40),
    at_most=st.integers(1, 12),
)
def test_pools_hold_enough_and_keep_ties_together(
    values: list[int], minimum: int, at_most: int
) -> None:
    ordered = np.sort(np.array(values, dtype=np.float64))
    starts = pooled_starts(ordered, minimum, at_most)
    if not values:
        assert starts.size == 0
        return
    assert starts[0] == 0
    assert 1 <= starts.size <= at_most
    sizes = np.diff(np.append(starts, ordered.size))
    assert starts.size == 1 or sizes.min() >= minimum
    assert all(ordered[start - 1] < ordered[start] for start in starts[1:])
    assert group_sums(ordered, starts).sum() == ordered.sum()


def test_distinct_values_make_equal_pools() -> None:
    assert pooled_starts(np.arange(100.0), 10, 5).tolist() == [0, 20, 40, 60, 80]
