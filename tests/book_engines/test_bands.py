"""Bands are the conformal quantiles of the residuals, the narrow one inside the wide one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book_engines.bands import conformal_reach, half_widths


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 50), min_size=30, max_size=200))
def test_the_reach_is_the_ranked_residual(residuals: list[float]) -> None:
    ordered = sorted(residuals)
    found = conformal_reach(np.array(residuals))
    for value, level in zip(found, (0.5, 0.9), strict=True):
        assert value == ordered[min(math.ceil((len(ordered) + 1) * level), len(ordered)) - 1]
    assert found[0] <= found[1]


def test_a_new_residual_is_held_with_the_nominal_probability() -> None:
    rng = np.random.default_rng(3)
    draws = rng.standard_exponential((4_000, 100))
    held = [row[99] <= conformal_reach(row[:99]) for row in draws]
    np.testing.assert_allclose(np.mean(held, axis=0), [0.5, 0.9], atol=0.025)


def test_too_few_residuals_say_nothing() -> None:
    assert np.isnan(conformal_reach(np.ones(29))).all()


def test_bands_breathe_with_the_volatility() -> None:
    widths = half_widths(np.array([1.0, 2.0]), np.array([[0.5, 1.5], [1.0, 4.0]]))
    assert widths.tolist() == [[[0.5, 1.5], [1.0, 4.0]], [[1.0, 3.0], [2.0, 8.0]]]
    assert widths[1, 1, 1] == pytest.approx(2 * widths[0, 1, 1])
