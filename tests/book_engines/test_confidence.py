"""The confidence is the frequency of right signs, and a longer horizon is never more certain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from book_engines.confidence import ConfidenceMap, confidence, fit_map, right_signs


def constant(probability: float) -> ConfidenceMap:
    return ConfidenceMap(np.zeros(1), np.full(1, probability), 1_000)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=1, max_size=30))
def test_horizons_that_disagree_share_their_weighted_mean(raw: list[float | None]) -> None:
    maps = [None if p is None else constant(p) for p in raw]
    found = confidence(np.ones((2, len(raw))), np.ones(2), maps)
    known = [h for h, p in enumerate(raw) if p is not None]
    assert np.isnan(np.delete(found, known, axis=1)).all()
    if known:
        weights = [1 / (h + 1) for h in known]
        expected = isotonic_regression([raw[h] for h in known], weights=weights, increasing=False)
        np.testing.assert_allclose(found[0, known], expected.x, atol=1e-12)
        assert (np.diff(found[0, known]) <= 0).all()
    np.testing.assert_array_equal(found[0], found[1])


def test_scores_are_displacements_in_units_of_volatility() -> None:
    ramp = ConfidenceMap(np.array([1.0, 3.0]), np.array([0.5, 0.9]), 1_000)
    delta = np.array([[0.0], [-4.0], [8.0], [np.nan]])
    found = confidence(delta, np.array([1.0, 2.0, 2.0, 1.0]), [ramp])
    np.testing.assert_allclose(found[:, 0], [0.5, 0.7, 0.9, np.nan])


def test_a_true_probability_is_found() -> None:
    rng = np.random.default_rng(1)
    scores = rng.exponential(1.0, 60_000)
    truth = 0.5 + 0.4 * (1 - np.exp(-scores))
    found = fit_map(scores, (rng.random(60_000) < truth).astype(np.float64), 1)
    assert found is not None
    assert (np.diff(found.probability) >= 0).all()
    assert (np.diff(found.score) > 0).all()
    at = np.array([[0.2], [1.0], [2.5]])
    expected = 0.5 + 0.4 * (1 - np.exp(-at[:, 0]))
    np.testing.assert_allclose(confidence(at, np.ones(3), [found])[:, 0], expected, atol=0.03)


def test_no_pool_is_sparse_however_long_the_horizon() -> None:
    rng = np.random.default_rng(2)
    scores, right = rng.random(5_000), np.zeros(5_000)
    right[scores > 0.999] = 1.0  # five lucky moves must not become certainty
    found = fit_map(scores, right, 10)
    assert found is not None
    assert found.probability.max() < 0.01


def test_too_few_moves_say_nothing() -> None:
    assert fit_map(np.ones(29), np.ones(29), 1) is None


def test_a_prediction_without_a_sign_is_right_like_a_coin() -> None:
    delta, moves = np.array([0.0, 0.3, -0.3, 0.3]), np.array([1.0, 1.0, -2.0, -0.5])
    assert right_signs(delta, moves).tolist() == [0.5, 1.0, 1.0, 0.0]


@pytest.mark.parametrize("seed", range(3))
def test_the_mean_cannot_rise_on_any_set_of_windows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    maps = [ConfidenceMap(np.sort(rng.random(5)), np.sort(rng.random(5)), 1_000) for _ in range(30)]
    found = confidence(rng.normal(0, 1, (500, 30)), rng.uniform(0.1, 2, 500), maps)
    chosen = rng.random(500) < 0.3
    assert (np.diff(found[chosen].mean(axis=0)) <= 0).all()
