"""The forces equal the naive sums, stay put under splits and flip with the book."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book_engines.forces import (
    STATIC_SIGMAS,
    Fields,
    Kernels,
    Touch,
    join_forces,
    velocity,
    window_forces,
)
from tests.book_engines.planted import mirrored, random_surface
from tests.naive import forecast as naive


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), half=st.integers(5, 200))
def test_forces_equal_the_naive_sums(seed: int, half: int) -> None:
    fields, touch = random_surface(seed, windows=6, half=half)
    forces = window_forces(fields, touch)
    for w in np.flatnonzero(touch.valid).tolist():
        bids = naive.side_of(fields, w, 1, int(touch.bid_rel[w]), -1)
        asks = naive.side_of(fields, w, 0, int(touch.ask_rel[w]), +1)
        assert forces.flow[w] == pytest.approx(naive.flow(bids, asks), abs=1e-12)
        assert forces.viscosity[w] == pytest.approx(naive.viscosity(bids, asks), abs=1e-12)
        for j, sigma in enumerate(STATIC_SIGMAS):
            expected = naive.static(bids, asks, sigma)
            assert forces.static[w, j] == pytest.approx(expected, abs=1e-12)
        assert forces.spring[w] == -(touch.bid_rel[w] + touch.ask_rel[w]) / 2
        assert forces.mid_tick[w] == touch.spot_tick[w] - forces.spring[w]


def test_other_kernels_weigh_as_the_naive_sums_do() -> None:
    fields, touch = random_surface(3, windows=6)
    forces = window_forces(fields, touch, Kernels(flow_sigma=3.0, viscosity_sigma=12.0))
    for w in np.flatnonzero(touch.valid).tolist():
        bids = naive.side_of(fields, w, 1, int(touch.bid_rel[w]), -1)
        asks = naive.side_of(fields, w, 0, int(touch.ask_rel[w]), +1)
        flows = [bids.u_p.get(d, 0.0) - asks.u_p.get(d, 0.0) for d in range(65)]
        media = [(bids.nu.get(d, 1.0) + asks.nu.get(d, 1.0)) / 2 for d in range(17)]
        assert forces.flow[w] == pytest.approx(naive.gaussian_mean(flows, 3.0), abs=1e-12)
        assert forces.viscosity[w] == pytest.approx(naive.gaussian_mean(media, 12.0), abs=1e-12)


def test_a_book_with_liquidity_only_at_the_touch_gives_the_weights_of_distance_0() -> None:
    zero = np.zeros((1, 401, 2), dtype=np.float32)
    u_p, rho, nu = zero.copy(), zero.copy(), zero + 1
    u_p[0, 200, 1] = 0.5  # bid at spot
    rho[0, 201, 0] = 2.0  # ask one tick above
    fields = Fields(u_p, zero, zero, rho, nu, zero)
    at = np.array
    touch = Touch(at([10**9]), at([100.0]), at([0]), at([1]), at([0.5]), at([True]))
    forces = window_forces(fields, touch)
    total = {s: sum(math.exp(-d * d / (2 * s * s)) for d in range(65)) for s in (1.0, 12.0)}
    assert forces.flow[0] == pytest.approx(0.5 / total[12.0])
    assert forces.static[0, STATIC_SIGMAS.index(1.0)] == pytest.approx(-2.0 / total[1.0])
    assert forces.viscosity[0] == pytest.approx(1.0)
    assert forces.spring[0] == -0.5
    assert forces.mid_tick[0] == 100.5


def test_bids_that_build_push_up_and_asks_that_build_push_down() -> None:
    fields, touch = random_surface(1)
    towards_bids = fields._replace(u_p=np.zeros_like(fields.u_p), rho=np.zeros_like(fields.rho))
    towards_bids.u_p[:, :, 1] = 0.3
    towards_bids.rho[:, :, 1] = 1.0
    forces = window_forces(towards_bids, touch)
    assert (forces.flow[touch.valid] > 0).all()
    assert (forces.static[touch.valid] > 0).all()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_mirrored_book_gives_exactly_the_opposite_forces(seed: int) -> None:
    fields, touch = random_surface(seed)
    forces = window_forces(fields, touch)
    mirror = window_forces(*mirrored(fields, touch))
    np.testing.assert_array_equal(mirror.flow, -forces.flow)
    np.testing.assert_array_equal(mirror.static, -forces.static)
    np.testing.assert_array_equal(mirror.spring, -forces.spring)
    np.testing.assert_array_equal(mirror.viscosity, forces.viscosity)
    np.testing.assert_array_equal(velocity(mirror), -velocity(forces))


@given(cuts=st.sets(st.integers(1, 19)))
def test_any_split_into_blocks_gives_the_same_bits(cuts: set[int]) -> None:
    fields, touch = random_surface(7)
    whole = window_forces(fields, touch)
    edges = [0, *sorted(cuts), 20]
    parts = [
        window_forces(
            Fields._make(field[a:b] for field in fields), Touch._make(c[a:b] for c in touch)
        )
        for a, b in pairwise(edges)
    ]
    joined = join_forces(parts)
    for ours, theirs in zip(joined[:-1], whole[:-1], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(joined.diagnostics, whole.diagnostics)


def test_an_invalid_window_has_no_forces_and_no_velocity_on_either_side() -> None:
    fields, touch = random_surface(3)
    touch.valid[:] = True
    touch.valid[5] = False
    forces = window_forces(fields, touch)
    for column in (forces.mid_tick, forces.flow, forces.spring, forces.viscosity):
        np.testing.assert_array_equal(np.flatnonzero(np.isnan(column)), [5])
    assert np.isnan(forces.static[5]).all()
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(velocity(forces))), [0, 5, 6])


def test_fields_that_differ_in_shape_are_refused() -> None:
    fields, touch = random_surface(3)
    with pytest.raises(ValueError, match="share one shape"):
        window_forces(fields._replace(nu=fields.nu[:, 1:]), touch)
    with pytest.raises(ValueError, match="20 windows"):
        window_forces(fields, touch._replace(valid=touch.valid[1:]))
