"""The block bootstrap has the right width and the same draws every time."""

from __future__ import annotations

import numpy as np
import pytest

from book_engines.bootstrap import block_counts, block_seconds, interval


def test_every_replicate_draws_as_many_blocks_as_there_are() -> None:
    counts = block_counts(7, 50)
    assert counts.shape == (50, 7)
    assert (counts.sum(axis=1) == 7).all()
    np.testing.assert_array_equal(counts, block_counts(7, 50))


def test_standard_error_of_a_mean_is_that_of_theory() -> None:
    blocks = np.random.default_rng(0).normal(size=40)
    replicates = block_counts(40, 4_000) @ blocks / 40
    found = interval(float(blocks.mean()), replicates, 40)
    assert found.standard_error == pytest.approx(blocks.std(ddof=1) / 40**0.5, rel=0.05)
    assert found.low < found.estimate < found.high


def test_intervals_of_few_blocks_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(300):
        blocks = rng.normal(size=5)
        found = interval(float(blocks.mean()), block_counts(5, 200) @ blocks / 5, 5)
        held += found.low < 0.0 < found.high
    assert 0.90 < held / 300 < 0.99


def test_one_block_gives_no_interval() -> None:
    found = interval(1.0, np.ones(10), 1)
    assert found.estimate == 1.0
    assert np.isnan([found.standard_error, found.low, found.high]).all()


def test_few_days_are_cut_into_time_blocks() -> None:
    assert block_seconds(4) == 300
    assert block_seconds(5) is None
