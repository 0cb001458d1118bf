"""The fit finds planted parameters, equals a second solver, and says 0 where nothing pushes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from book_engines.calibration import fit, horizon_weights, search
from book_engines.dynamics import Parameters, response
from book_engines.forces import STATIC_SIGMAS
from book_engines.samples import (
    HORIZONS_S,
    VELOCITY,
    X_FLOW,
    X_SPRING,
    X_STATIC,
    Session,
    features,
    join_moments,
    move,
    session_moments,
)
from tests.book_engines.planted import TRUTH, noise_session, planted_session


def stacked_rows(
    session: Session, found: Parameters, weights: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the explicit design matrix and target of the stacked least squares."""
    z, complete = features(session)
    A, B = response(1 - found.gamma, found.decay, HORIZONS_S)
    columns = [X_FLOW, X_STATIC + STATIC_SIGMAS.index(found.sigma_static), X_SPRING]
    designs, targets = [], []
    for h, horizon in enumerate(HORIZONS_S):
        y = move(session.forces, horizon)
        used = complete & np.isfinite(y)
        root = weights[h] ** 0.5
        designs.append(root * B[h] * z[used][:, columns])
        targets.append(root * (y[used] - A[h] * z[used, VELOCITY]))
    return np.concatenate(designs), np.concatenate(targets)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), signs=st.tuples(*[st.sampled_from([-1.0, 0.0, 1.0])] * 3))
def test_betas_equal_those_of_scipy_on_the_explicit_rows(
    seed: int, signs: tuple[float, float, float]
) -> None:
    session = planted_session(seed, TRUTH, 400)
    forces = session.forces
    forces.flow[:] *= signs[0]
    forces.static[:] *= signs[1]
    forces.spring[:] *= signs[2]
    total = session_moments(session).total()
    weights = horizon_weights(total)
    found = search(total, weights, HORIZONS_S)
    design, target = stacked_rows(session, found, weights)
    expected, residual = nnls(design, target)
    np.testing.assert_allclose(found[:3], expected, rtol=1e-6, atol=1e-8)
    for other in (
        found._replace(gamma=found.gamma + 0.05),
        found._replace(decay=min(found.decay + 0.05, 0.9)),
        found._replace(sigma_static=4.0),
    ):
        assert nnls(*stacked_rows(session, other, weights))[1] >= residual - 1e-9


@pytest.mark.parametrize(
    "truth",
    [
        TRUTH,
        Parameters(1.5, 0.0, 0.6, gamma=0.73, decay=0.86, sigma_static=0.5),
        Parameters(0.4, 0.9, 0.0, gamma=1.31, decay=0.55, sigma_static=4.0),
    ],
)
def test_planted_parameters_lie_inside_their_intervals(truth: Parameters) -> None:
    days = [session_moments(planted_session(seed, truth, 2_500)) for seed in range(10)]
    found = fit(join_moments(days))
    assert found.blocks == 10
    if truth.beta_static:
        assert found.parameters.sigma_static == truth.sigma_static
    names = ["beta_flow", "beta_static", "beta_spring", "gamma", "lambda"]
    inside = 0
    for name, value in zip(names, truth, strict=False):
        interval = found.intervals[name]
        assert interval.estimate == pytest.approx(value, abs=0.06), name
        assert interval.high - interval.low < 0.2
        inside += interval.low <= value <= interval.high
    assert inside >= 4  # of five intervals at 95 %


def test_a_force_that_points_the_wrong_way_gets_no_weight() -> None:
    session = planted_session(5, TRUTH, 4_000)
    session.forces.spring[:] *= -1.0
    assert fit(session_moments(session, block_s=300)).parameters.beta_spring == 0.0


def test_noise_gets_forces_that_hardly_push() -> None:
    found = fit(session_moments(noise_session(6, 20_000), block_s=300)).parameters
    assert max(found[:3]) < 0.05
    assert found.gamma == pytest.approx(1.0, abs=0.05)


def test_the_same_moments_give_the_same_fit() -> None:
    moments = session_moments(planted_session(9, TRUTH, 2_000), block_s=300)
    assert fit(moments) == fit(moments)


def test_a_price_that_never_moves_cannot_be_fitted() -> None:
    session = planted_session(5, TRUTH, 500)
    session.forces.mid_tick[:] = 20_000.0
    with pytest.raises(ValueError, match="no sample whose price moved"):
        fit(session_moments(session))
