"""Bins of order sizes: exact where small, an eighth of an octave wide elsewhere."""

from __future__ import annotations

import numpy as np

from book_engines.sizes import SIZE_BINS, bin_floors
from tests.naive.book import size_bin


def test_floors_are_the_least_sizes_of_their_bins() -> None:
    floors = bin_floors()
    assert floors.size == SIZE_BINS
    assert floors[:66].tolist() == [*range(65), 72]
    assert [size_bin(floor) for floor in floors.tolist()] == list(range(SIZE_BINS))
    assert [size_bin(floor - 1) for floor in floors[1:].tolist()] == list(range(SIZE_BINS - 1))
    assert size_bin(2**32 - 1) == SIZE_BINS - 1


def test_a_bin_above_64_is_at_most_an_eighth_of_its_floor_wide() -> None:
    floors = bin_floors()[64:]
    assert np.all(8 * np.diff(floors) <= floors[:-1])
