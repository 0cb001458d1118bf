"""The limit of order sizes: against lists of every trailing order, and causal."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from book_engines.records import SECOND_NS
from book_engines.size_flags import NO_LIMIT, SizeFlagger, SizeRules
from book_engines.sizes import SIZE_BINS, bin_floors

RULES = SizeRules(windows=3, share=0.9, factor=4, median_floor=10, min_orders=5, cap=5000)
FLOORS = bin_floors().tolist()

Cells = list[list[int]]
"""The sizes of the orders that each cell saw."""

Window = tuple[int, Cells]
"""Number and the orders that came in it."""

SIZES = st.one_of(st.integers(1, 80), st.integers(1, 2**20))
CELLS = st.lists(st.lists(SIZES, max_size=4), max_size=6)
WINDOWS = st.lists(st.tuples(st.sampled_from([1, 1, 1, 2, 9]), CELLS), max_size=14)


def numbered(steps: Sequence[tuple[int, Cells]]) -> list[Window]:
    numbers = np.cumsum([step for step, _ in steps]).tolist()
    return [(number, cells) for number, (_, cells) in zip(numbers, steps, strict=True)]


def found(flagger: SizeFlagger, windows: Sequence[Window]) -> list[int]:
    histogram = np.zeros((len(windows), SIZE_BINS), np.int64)
    for row, (_, cells) in zip(histogram, windows, strict=True):
        for size in (size for sizes in cells for size in sizes):
            row[bisect_right(FLOORS, size) - 1] += 1
    ends = np.array([number for number, _ in windows], np.int64) * SECOND_NS
    rows = np.array([len(cells) for _, cells in windows], np.int64)
    largest = np.array([max(sizes, default=0) for _, c in windows for sizes in c], np.int64)
    limits: list[int] = flagger.limits(ends, histogram, rows, largest).tolist()
    return limits


def ceiling(size: int) -> int:
    """Return the largest size that is counted in one bin with `size`."""
    place = bisect_right(FLOORS, size)
    return FLOORS[place] - 1 if place < len(FLOORS) else NO_LIMIT


def naive(rules: SizeRules, windows: Sequence[Window]) -> list[int]:
    limits = []
    for number, _ in windows:
        trailing = [c for other, c in windows if number - rules.windows <= other < number]
        orders = sorted(size for cells in trailing for sizes in cells for size in sizes)
        largest = sorted(max(sizes) for cells in trailing for sizes in cells if sizes)
        limit = NO_LIMIT if rules.cap is None else rules.cap
        if len(orders) >= max(rules.min_orders, 1):
            median = ceiling(orders[math.ceil(len(orders) / 2) - 1])
            if median >= rules.median_floor:
                limit = min(limit, rules.factor * median)
        if len(largest) >= max(rules.min_orders, 1):
            limit = min(limit, ceiling(largest[math.ceil(rules.share * len(largest)) - 1]))
        limits.append(limit)
    return limits


@given(WINDOWS, st.integers(1, 5))
@settings(max_examples=80, deadline=None)
def test_limits_equal_the_naive_twin_whatever_the_split(
    steps: list[tuple[int, Cells]], step: int
) -> None:
    windows = numbered(steps)
    flagger = SizeFlagger(RULES)
    parts = [found(flagger, windows[i : i + step]) for i in range(0, len(windows), step)]
    assert [limit for part in parts for limit in part] == naive(RULES, windows)


@given(WINDOWS, WINDOWS, st.integers(0, 14))
@settings(max_examples=30, deadline=None)
def test_what_comes_later_changes_nothing_before_it(
    steps: list[tuple[int, Cells]], noise: list[tuple[int, Cells]], cut: int
) -> None:
    before = found(SizeFlagger(RULES), numbered(steps))[:cut]
    changed = numbered([*steps[:cut], *noise])
    assert found(SizeFlagger(RULES), changed)[: len(before)] == before


def flagged(sizes: NDArray[np.int64], last: int) -> bool:
    flagger = SizeFlagger(SizeRules(cap=30_000))
    parts = np.array_split(sizes[:, np.newaxis], 60)  # an order a cell
    history = [(k, part.tolist()) for k, part in enumerate(parts)]
    return last > found(flagger, [*history, (60, [[last]])])[-1]


@pytest.mark.parametrize(
    ("usual", "last", "expected"),
    [
        (1, 1, False),  # a median of one must not make a two of a one an anomaly
        (1, 2, True),  # larger than every one of 5,000 orders
        (100, 100, False),
        (100, 1_200, True),
    ],
)
def test_orders_of_one_size(usual: int, last: int, expected: bool) -> None:
    assert flagged(np.full(5_000, usual), last) is expected


def test_before_a_thousand_orders_only_the_cap_speaks() -> None:
    few = np.ones(900, np.int64)
    assert not flagged(few, 30_000)
    assert flagged(few, 30_001)


def test_a_heavy_tail_is_flagged_once_in_a_thousand() -> None:
    random = np.random.default_rng(3)
    sizes = np.ceil(random.pareto(1.5, 20_000)).astype(np.int64)
    limit = found(SizeFlagger(SizeRules()), [(0, sizes[:, np.newaxis].tolist()), (1, [])])[-1]
    assert 0.0004 < (sizes > limit).mean() <= 0.001


def test_a_cell_is_not_flagged_for_being_busy() -> None:
    random = np.random.default_rng(3)
    cells = np.ceil(random.exponential(5.0, (20_000, 100))).astype(np.int64)
    limit = found(SizeFlagger(SizeRules()), [(0, cells.tolist()), (1, [])])[-1]
    assert (cells > np.quantile(cells, 0.999)).any(axis=1).mean() > 0.05  # of all orders
    assert 0 < (cells > limit).any(axis=1).mean() <= 0.001
