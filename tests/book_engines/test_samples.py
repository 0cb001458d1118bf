"""Samples pair features with strictly later moves, and their moments add up."""

from __future__ import annotations

import numpy as np
import pytest

from book_engines.samples import (
    CONSTANT,
    HORIZONS_S,
    MOVE,
    VELOCITY,
    X_FLOW,
    features,
    join_moments,
    move,
    session_moments,
)
from tests.book_engines.planted import TRUTH, planted_session


def test_moments_are_the_sums_over_seconds_with_all_three_prices() -> None:
    session = planted_session(1, TRUTH, 60)
    session.forces.valid[20] = False
    session.forces.mid_tick[20] = np.nan
    found = session_moments(session)
    for h, horizon in enumerate(HORIZONS_S):
        used = [
            t for t in range(1, 60 - horizon) if not {t, t - 1, t + horizon} & {20}
        ]  # t = 20: no mid, t = 21: no velocity
        mid = session.forces.mid_tick
        x = session.forces.flow / (1 + session.forces.viscosity)
        matrix = found.total()[h]
        assert matrix[CONSTANT, CONSTANT] == len(used) == found.samples()[h]
        expected = sum(x[t] * (mid[t + horizon] - mid[t]) for t in used)
        assert matrix[X_FLOW, MOVE] == pytest.approx(expected)
        expected = sum((mid[t] - mid[t - 1]) ** 2 for t in used)
        assert matrix[VELOCITY, VELOCITY] == pytest.approx(expected)


def test_blocks_sum_to_the_session() -> None:
    session = planted_session(2, TRUTH, 250)
    whole = session_moments(session)
    parts = session_moments(session, block_s=60)
    assert parts.values.shape[0] == 5
    np.testing.assert_allclose(parts.total(), whole.total(), rtol=1e-12, atol=1e-12)
    twice = join_moments([whole, whole])
    np.testing.assert_array_equal(twice.samples(), 2 * whole.samples())


def test_features_do_not_see_prices_that_come_later_and_moves_see_only_those() -> None:
    session = planted_session(3, TRUTH, 100)
    before, complete = features(session)
    moves = {h: move(session.forces, h) for h in HORIZONS_S}
    session.forces.mid_tick[51:] += 7.0
    after, _ = features(session)
    np.testing.assert_array_equal(before[:51], after[:51])
    assert complete.tolist() == [False] + [True] * 99
    for h in HORIZONS_S:
        changed = np.flatnonzero(np.abs(move(session.forces, h) - moves[h]) > 1e-6)
        np.testing.assert_array_equal(changed, np.arange(51 - h, 51))


def test_a_session_shorter_than_the_horizon_has_no_sample() -> None:
    found = session_moments(planted_session(4, TRUTH, 10))
    assert found.samples().tolist() == [8, 7, 4, 0, 0, 0]


def test_moments_of_different_horizons_do_not_join() -> None:
    session = planted_session(5, TRUTH, 40)
    with pytest.raises(ValueError, match="one set of horizons"):
        join_moments([session_moments(session), session_moments(session, horizons=(1, 2))])
