"""RunScore and D equal the naive walk along the book."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book_engines.diagnostics import Diagnostics, run_diagnostics
from book_engines.forces import Fields, Touch
from tests.book_engines.planted import mirrored, random_surface
from tests.naive import forecast as naive


def diagnostics(fields: Fields, touch: Touch) -> Diagnostics:
    return run_diagnostics(
        fields.u_p_slow, fields.u_near, fields.Omega_prom, touch.bid_rel, touch.ask_rel, touch.valid
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), half=st.integers(5, 200))
def test_diagnostics_equal_the_naive_walk(seed: int, half: int) -> None:
    fields, touch = random_surface(seed, windows=6, half=half)
    found = diagnostics(fields, touch)
    for w in range(6):
        if not touch.valid[w]:
            assert np.isnan(found.run_up[w])
            assert np.isnan(found.run_down[w])
            continue
        bids = naive.side_of(fields, w, 1, int(touch.bid_rel[w]), -1)
        asks = naive.side_of(fields, w, 0, int(touch.ask_rel[w]), +1)
        assert found.d_up[w] == naive.obstacle(asks)
        assert found.d_down[w] == naive.obstacle(bids)
        assert found.run_up[w] == pytest.approx(naive.run_score(asks), abs=1e-12)
        assert found.run_down[w] == pytest.approx(naive.run_score(bids), abs=1e-12)


def one_window() -> tuple[Fields, Touch]:
    zero = np.zeros((1, 401, 2), dtype=np.float32)
    fields = Fields(*(zero.copy() for _ in range(6)))
    at = np.array
    return fields, Touch(at([1]), at([0.0]), at([0]), at([1]), at([0.5]), at([True]))


def test_without_an_obstacle_the_run_is_64_cells_long() -> None:
    fields, touch = one_window()
    fields.Omega_prom[...] = -1.0
    fields.Omega_prom[0, 201, 0] = 9.0  # the touch itself is no obstacle
    found = diagnostics(fields, touch)
    assert (found.d_up[0], found.d_down[0]) == (64, 64)


def test_a_wall_that_grows_takes_its_reinforcement_off_the_vacuum_before_it() -> None:
    fields, touch = one_window()
    fields.Omega_prom[0, 203, 0] = 2.0  # two cells above the ask
    fields.Omega_prom[0, 206, 0] = 2.0  # as high but further away
    fields.u_p_slow[0, 203, 0] = 0.25
    fields.u_near[0, 201, 0] = -0.5
    fields.u_near[0, 202, 0] = 0.1
    found = diagnostics(fields, touch)
    weight = math.exp(-1 / 16)
    vacuum = (0.5 - 0.1 * weight) / (1 + weight)
    assert found.d_up[0] == 2
    assert found.run_up[0] == pytest.approx(vacuum - 0.25)
    assert (found.d_down[0], found.run_down[0]) == (64, 0.0)


def test_a_wall_that_shrinks_reinforces_nothing() -> None:
    fields, touch = one_window()
    fields.Omega_prom[0, 198, 1] = 2.0
    fields.u_p_slow[0, 198, 1] = -0.25
    assert diagnostics(fields, touch).run_down[0] == 0.0


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_mirrored_book_swaps_up_and_down(seed: int) -> None:
    fields, touch = random_surface(seed)
    found, mirror = diagnostics(fields, touch), diagnostics(*mirrored(fields, touch))
    np.testing.assert_array_equal(mirror.run_up, found.run_down)
    np.testing.assert_array_equal(mirror.run_down, found.run_up)
    np.testing.assert_array_equal(mirror.d_up, found.d_down)
    np.testing.assert_array_equal(mirror.d_down, found.d_up)
