"""Reliability counts plainly, calls true confidences true, and sees those that are not."""

from __future__ import annotations

import numpy as np
import pytest

from book_engines.reliability import Calls, reliability


def calls(seed: int, moves: int, *, slope: float = 1.0, shift: float = 0.0) -> Calls:
    """Return moves whose true probability is 0.65 + slope · (confidence − 0.65) + shift."""
    rng = np.random.default_rng(seed)
    said = rng.uniform(0.5, 0.8, moves)
    truth = 0.65 + slope * (said - 0.65) + shift
    right = (rng.random(moves) < truth).astype(np.float64)
    return Calls(said, right, np.arange(moves) * 20 // moves, 20)


def test_true_confidences_are_off_by_no_more_than_chance() -> None:
    for seed in range(5):
        found = reliability(calls(seed, 20_000), 1)
        assert len(found.table) == 10
        assert found.calibration_error < 2 * found.calibration_error_by_chance
        assert found.calibration_error < 0.02
        assert found.monotonicity_p > 0.01
        assert found.brier.low < found.brier.estimate < found.base_rate_brier


def test_a_shifted_confidence_is_off_by_its_shift() -> None:
    found = reliability(calls(1, 20_000, shift=-0.1), 1)
    assert found.calibration_error == pytest.approx(0.1, abs=0.01)
    assert found.calibration_error > 5 * found.calibration_error_by_chance


def test_a_hit_rate_that_falls_with_confidence_is_found() -> None:
    assert reliability(calls(1, 20_000, slope=-1.0), 1).monotonicity_p < 0.01


def test_figures_equal_plain_sums() -> None:
    said = np.array([0.6, 0.5, 0.6, 0.7, 0.5, 0.6])
    right = np.array([1.0, 0.0, 0.5, 1.0, 1.0, 0.0])
    found = reliability(Calls(said, right, np.array([0, 0, 0, 1, 1, 1]), 2), 1)
    (pool,) = found.table
    assert (pool.lowest, pool.highest, pool.moves) == (0.5, 0.7, 6)
    assert pool.mean_confidence == pytest.approx(said.mean())
    assert pool.hit_rate == pytest.approx(right.mean())
    assert found.brier.estimate == pytest.approx(np.mean((said - right) ** 2))
    assert found.base_rate_brier == pytest.approx(right.var())
    assert found.calibration_error == pytest.approx(abs(said.mean() - right.mean()))


def test_ties_stay_together_and_pools_hold_enough_independent_moves() -> None:
    rng = np.random.default_rng(4)
    said = rng.choice([0.55, 0.6, 0.7], 30_000, p=[0.2, 0.5, 0.3])
    right = (rng.random(30_000) < said).astype(np.float64)
    block = np.arange(30_000) // 3_000
    one_second = reliability(Calls(said, right, block, 10), 1)
    assert [(pool.lowest, pool.highest) for pool in one_second.table] == [
        (0.55, 0.55),
        (0.6, 0.6),
        (0.7, 0.7),
    ]
    assert len(reliability(Calls(said, right, block, 10), 30).table) == 1


def test_no_moves_are_not_measurable() -> None:
    nothing = np.empty(0)
    found = reliability(Calls(nothing, nothing, nothing.astype(np.int64), 3), 1)
    assert found.table == []
    assert np.isnan([found.calibration_error, found.brier.estimate, found.monotonicity_p]).all()
