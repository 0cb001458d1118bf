"""The prediction follows the recursion, obeys its limits, knows no future and flips its sign."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book_engines.dynamics import (
    DISPLACEMENT_LIMIT,
    VELOCITY_LIMIT,
    Parameters,
    driving_force,
    predict,
    response,
)
from book_engines.forces import Fields, Forces, Touch, window_forces
from tests.book_engines.planted import TRUTH, mirrored, planted_session, random_surface
from tests.naive import forecast as naive

parameters = st.builds(
    Parameters,
    beta_flow=st.floats(0, 20),
    beta_static=st.floats(0, 20),
    beta_spring=st.floats(0, 20),
    gamma=st.floats(0.1, 1.4),
    decay=st.floats(0.5, 0.9),
    sigma_static=st.sampled_from([0.5, 1.0, 2.0, 4.0, 12.0]),
)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), constants=parameters)
def test_predictions_equal_the_naive_recursion(seed: int, constants: Parameters) -> None:
    forces = planted_session(seed, TRUTH, 12).forces
    forces.valid[4] = False
    forces.mid_tick[4] = np.nan
    found = predict(forces, constants)
    push = driving_force(forces, constants)
    for w in range(12):
        if w == 4:
            assert np.isnan(found[w]).all()
            continue
        v0 = 0.0 if w in (0, 5) else forces.mid_tick[w] - forces.mid_tick[w - 1]
        expected = naive.displacements(push[w], v0, constants.gamma, constants.decay)
        np.testing.assert_allclose(found[w], expected, rtol=1e-9, atol=1e-9)


def test_a_prediction_worked_out_by_hand() -> None:
    forces = planted_session(0, TRUTH, 2).forces
    forces.mid_tick[:] = 100.0, 100.5
    forces.flow[1], forces.static[1, 1], forces.spring[1] = 1.0, 2.0, -0.5
    forces.viscosity[1] = 3.0
    constants = Parameters(4.0, 1.0, 2.0, gamma=1.2, decay=0.5, sigma_static=1.0)
    # a₀ = (4·1 + 1·2 − 2·½)/(1 + 3) = 1.25; v₁ = −0.2·0.5 + 1.25; v₂ = −0.2·1.15 + 0.625
    assert predict(forces, constants)[1, :3] == pytest.approx([1.15, 1.545, 1.545 + 0.2335])


def test_velocity_and_displacement_stop_at_their_limits() -> None:
    forces = planted_session(0, TRUTH, 3).forces
    forces.flow[:] = 1e6, -1e6, 0.0
    forces.mid_tick[:] = 0.0, 0.0, 1e6
    found = predict(forces, TRUTH._replace(gamma=0.1, decay=0.9))
    up = np.minimum(VELOCITY_LIMIT * np.arange(1, 31), DISPLACEMENT_LIMIT)
    np.testing.assert_allclose(found[0], up)
    np.testing.assert_allclose(found[1], -up)
    assert found[2, 0] == VELOCITY_LIMIT
    assert np.abs(found).max() == DISPLACEMENT_LIMIT


@settings(max_examples=40, deadline=None)
@given(
    a=st.floats(-0.4, 0.9),
    decay=st.floats(0.5, 0.9),
    force=st.floats(-0.1, 0.1),
    v0=st.floats(-0.5, 0.5),
)
def test_unclipped_displacement_is_the_linear_response(
    a: float, decay: float, force: float, v0: float
) -> None:
    horizons = (1, 2, 5, 10, 20, 30)
    A, B = response(a, decay, horizons)
    expected = naive.displacements(force, v0, 1 - a, decay)
    for h, horizon in enumerate(horizons):
        assert A[h] * v0 + B[h] * force == pytest.approx(expected[horizon - 1], abs=1e-9)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), constants=parameters)
def test_the_mirrored_book_gets_the_opposite_forecast(seed: int, constants: Parameters) -> None:
    fields, touch = random_surface(seed)
    mirror = predict(window_forces(*mirrored(fields, touch)), constants)
    np.testing.assert_array_equal(mirror, -predict(window_forces(fields, touch), constants))


def test_a_static_sigma_that_is_not_computed_is_refused() -> None:
    with pytest.raises(ValueError, match="sigma_static must be one of"):
        predict(planted_session(0, TRUTH, 2).forces, TRUTH._replace(sigma_static=3.0))


Forecast = Callable[[Fields, Touch], npt.NDArray[np.float64]]


def forecast(fields: Fields, touch: Touch) -> npt.NDArray[np.float64]:
    forces: Forces = window_forces(fields, touch)
    return np.column_stack([predict(forces, TRUTH), *forces.diagnostics])


def leaking_forecast(fields: Fields, touch: Touch) -> npt.NDArray[np.float64]:
    """Read every field one second too late."""
    late = Fields(*(np.concatenate([field[1:], field[-1:]]) for field in fields))
    return forecast(late, touch)


def seconds_that_see_the_future(compute: Forecast, known: int) -> list[int]:
    """Return the seconds up to `known` whose forecast changes when all later ones are noise."""
    fields, touch = random_surface(11, windows=40)
    other_fields, other_touch = random_surface(12, windows=40)

    def splice(ours: npt.NDArray[np.generic], noise: npt.NDArray[np.generic]) -> object:
        return np.concatenate([ours[: known + 1], noise[known + 1 :]])

    before = compute(fields, touch)
    after = compute(
        Fields._make(map(splice, fields, other_fields)),
        Touch._make(map(splice, touch, other_touch)),
    )
    same = (before == after) | (np.isnan(before) & np.isnan(after))
    return np.flatnonzero(~same[: known + 1].all(axis=1)).tolist()


@pytest.mark.parametrize("known", [0, 7, 38])
def test_a_future_of_noise_changes_nothing_before_it(known: int) -> None:
    assert seconds_that_see_the_future(forecast, known) == []


def test_a_leak_of_one_second_is_caught() -> None:
    assert seconds_that_see_the_future(leaking_forecast, 7) == [7]
