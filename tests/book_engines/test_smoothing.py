"""Masked, renormalised smoothing along price."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book_engines.smoothing import mask_bounds, smooth
from tests.naive import surface as naive

ASK, BID = 0, 1


def bounds(ask_lo: int, bid_hi: int) -> tuple[np.ndarray, np.ndarray]:
    return np.array([ask_lo]), np.array([bid_hi])


@pytest.mark.parametrize(("sigma", "radius"), [(6.0, 16), (24.0, 64), (1.0, 1), (1.2, 3), (1.0, 0)])
def test_constant_field_stays_constant_to_the_edges_and_the_touch(
    sigma: float, radius: int
) -> None:
    found = smooth(np.full((1, 401, 2), 0.3), *bounds(201, 200), sigma=sigma, radius=radius)
    np.testing.assert_allclose(found[0, 201:, ASK], 0.3, rtol=1e-14)
    np.testing.assert_allclose(found[0, :201, BID], 0.3, rtol=1e-14)
    assert not found[0, :201, ASK].any()
    assert not found[0, 201:, BID].any()


def test_far_side_of_the_spread_never_bleeds_in() -> None:
    rng = np.random.default_rng(3)
    field = rng.normal(size=(1, 401, 2))
    dirty = field.copy()
    dirty[0, :205, ASK] = 1e9
    dirty[0, 199:, BID] = -1e9
    limits = bounds(205, 198)
    found = smooth(field, *limits, sigma=24.0, radius=64)
    np.testing.assert_array_equal(smooth(dirty, *limits, sigma=24.0, radius=64), found)


@given(
    cells=st.integers(1, 40),
    ask_lo=st.integers(0, 41),
    bid_hi=st.integers(-1, 40),
    sigma=st.floats(0.5, 30),
    radius=st.integers(0, 70),
    seed=st.integers(0, 1000),
)
@settings(max_examples=150, deadline=None)
def test_smoothing_equals_naive_twin(
    cells: int, ask_lo: int, bid_hi: int, sigma: float, radius: int, seed: int
) -> None:
    field = np.random.default_rng(seed).normal(size=(1, cells, 2))
    found = smooth(field, *bounds(ask_lo, bid_hi), sigma=sigma, radius=radius)
    asks = naive.smooth(
        field[0, :, ASK].tolist(), [i >= ask_lo for i in range(cells)], sigma, radius
    )
    bids = naive.smooth(
        field[0, :, BID].tolist(), [i <= bid_hi for i in range(cells)], sigma, radius
    )
    np.testing.assert_allclose(found[0, :, ASK], asks, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(found[0, :, BID], bids, rtol=1e-12, atol=1e-13)


def test_mirror_image_smooths_to_the_mirror_image_to_the_last_bit() -> None:
    field = np.random.default_rng(5).normal(size=(1, 401, 2))
    found = smooth(field, *bounds(150, 260), sigma=6.0, radius=16)
    image = smooth(field[:, ::-1, ::-1], *bounds(400 - 260, 400 - 150), sigma=6.0, radius=16)
    np.testing.assert_array_equal(image, found[:, ::-1, ::-1])


def test_bounds_follow_the_other_side_of_the_book() -> None:
    above_bid = np.array([6, -2, 13, 1])
    below_ask = np.array([5, -3, 12, -1])
    known = np.array([True, True, True, False])
    ask_lo, bid_hi = mask_bounds(above_bid, known, below_ask, known, 10)
    assert ask_lo.tolist() == [6, 0, 10, 0]
    assert bid_hi.tolist() == [5, -1, 9, 9]


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="expected fields"):
        smooth(np.zeros((2, 4)), *bounds(0, 3), sigma=1.0, radius=1)
    with pytest.raises(ValueError, match="expected bounds"):
        smooth(np.zeros((1, 4, 2)), np.array([0]), np.array([3, 3]), sigma=1.0, radius=1)
