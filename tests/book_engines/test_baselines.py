"""The baselines equal their definitions."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LinearRegression

from book_engines.baselines import fit_regression, order_flow_imbalance, queue_imbalance
from book_engines.samples import HORIZONS_S, REGRESSORS, SPRING, features, move, session_moments
from tests.book_engines.planted import TRUTH, planted_session


def test_order_flow_imbalance_of_each_case_of_the_paper() -> None:
    # 0 opening, 1 bid grows, 2 ask shrinks, 3 bid rises, 4 ask falls, 5 bid falls, 6 one-sided
    bid = np.array([100, 100, 100, 101, 101, 100, 100])
    bid_qty = np.array([5, 8, 8, 3, 3, 6, 6])
    ask = np.array([103, 103, 103, 103, 102, 102, 102])
    ask_qty = np.array([7, 7, 4, 4, 9, 9, 9])
    two_sided = np.array([True] * 6 + [False])
    found = order_flow_imbalance(bid, bid_qty, ask, ask_qty, two_sided)
    np.testing.assert_array_equal(found, [np.nan, 3, 3, 3, -9, -3, np.nan])


def test_queue_imbalance_lies_between_minus_one_and_one() -> None:
    two_sided = np.array([True, True, False])
    found = queue_imbalance(np.array([3, 1, 0]), np.array([1, 1, 0]), two_sided)
    np.testing.assert_array_equal(found, [0.5, 0.0, np.nan])


def test_regression_equals_ordinary_least_squares_of_scikit_learn() -> None:
    session = planted_session(8, TRUTH, 3_000)
    found = fit_regression(session_moments(session))
    z, complete = features(session)
    for h, horizon in enumerate(HORIZONS_S):
        target = move(session.forces, horizon)
        usable = complete & np.isfinite(target)
        peer = LinearRegression(fit_intercept=False).fit(z[usable][:, REGRESSORS], target[usable])
        np.testing.assert_allclose(found[h], peer.coef_, rtol=1e-6, atol=1e-9)


def test_regression_on_a_regressor_that_never_varies_is_still_defined() -> None:
    session = planted_session(8, TRUTH, 500)
    session.forces.spring[:] = 0.0
    found = fit_regression(session_moments(session))
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[:, REGRESSORS.index(SPRING)], 0.0)


def test_regression_without_samples_predicts_no_move() -> None:
    found = fit_regression(session_moments(planted_session(8, TRUTH, 20)))
    assert np.count_nonzero(found[-1]) == 0
    assert np.count_nonzero(found[0]) == len(REGRESSORS)
