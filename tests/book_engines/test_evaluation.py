"""The evaluation finds planted skill, finds none in noise, and counts as it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from book_engines.baselines import fit_regression
from book_engines.calibration import fit
from book_engines.dynamics import Parameters, predict
from book_engines.evaluation import (
    HorizonResult,
    Scores,
    evaluate,
    join_scores,
    session_scores,
)
from book_engines.samples import (
    HORIZONS_S,
    REGRESSORS,
    VELOCITY,
    Session,
    join_moments,
    session_moments,
)
from book_engines.trust import fit_trust, forecast_of
from tests.book_engines.planted import TRUTH, noise_session, planted_session

NO_REGRESSION = np.zeros((len(HORIZONS_S), len(REGRESSORS)))


def trained_and_tested(train: list[Session], held_out: list[Session]) -> list[HorizonResult]:
    moments = join_moments([session_moments(session) for session in train])
    found = fit(moments).parameters
    regression = fit_regression(moments)
    trust = fit_trust([session.forces for session in train], found)
    scores = [
        session_scores(session, forecast_of(session.forces, found, trust), regression, block_s=300)
        for session in held_out
    ]
    return evaluate(join_scores(scores))


def plainly_scored(
    session: Session,
    parameters: Parameters,
    regression: npt.NDArray[np.float64],
    **options: Any,
) -> Scores:
    """Return the scores of a forecast that nothing is known of."""
    said = forecast_of(session.forces, parameters, None)
    return session_scores(session, said, regression, **options)


def test_planted_forces_show_skill_against_every_baseline() -> None:
    sessions = [planted_session(seed, TRUTH, 4_000) for seed in range(6)]
    for result in trained_and_tested(sessions[:4], sessions[4:]):
        assert result.verdict == "skill"
        assert all(skill.low > 0 for skill in result.skill.values()), result.horizon_s
        assert result.hit_rate.low > 0.5


@pytest.mark.parametrize("seed", [100, 200])
def test_noise_shows_no_skill(seed: int) -> None:
    sessions = [noise_session(seed + i, 4_000) for i in range(6)]
    for result in trained_and_tested(sessions[:4], sessions[4:]):
        assert result.verdict in ("no skill", "worse than zero change")
        assert abs(result.skill["zero_change"].estimate) < 0.01
        assert result.hit_rate.estimate == pytest.approx(0.5, abs=0.03)


def test_figures_equal_plain_sums_over_the_samples() -> None:
    session = planted_session(3, TRUTH, 50)
    session.forces.mid_tick[:] = np.round(session.forces.mid_tick)
    regression = np.zeros_like(NO_REGRESSION)
    regression[:, REGRESSORS.index(VELOCITY)] = 0.25
    result = evaluate(plainly_scored(session, TRUTH, regression, horizons=(2,)), (2,))[0]
    mid, deltas = session.forces.mid_tick, predict(session.forces, TRUTH)
    seconds = range(1, 48)
    moves = [mid[t + 2] - mid[t] for t in seconds]
    errors = [moves[i] - deltas[t, 1] for i, t in enumerate(seconds)]
    squared = sum(e * e for e in errors)
    moved = [(m, deltas[t, 1]) for m, t in zip(moves, seconds, strict=True) if m]
    assert result.samples == 47
    assert result.moved_share == pytest.approx(len(moved) / 47)
    assert result.hit_rate.estimate == pytest.approx(np.mean([m * p > 0 for m, p in moved]))
    assert result.mean_squared_error == pytest.approx(squared / 47)
    assert result.mean_absolute_error == pytest.approx(np.mean(np.abs(errors)))
    assert result.zero_mean_absolute_error == pytest.approx(np.mean(np.abs(moves)))
    velocities = [2 * (mid[t] - mid[t - 1]) for t in seconds]
    rivals = {
        "zero_change": sum(m * m for m in moves),
        "last_velocity": sum((m - v) ** 2 for m, v in zip(moves, velocities, strict=True)),
        "regression": sum((m - v / 8) ** 2 for m, v in zip(moves, velocities, strict=True)),
    }
    for name, rival in rivals.items():
        assert result.skill[name].estimate == pytest.approx(1 - squared / rival)


def test_a_prediction_without_a_sign_counts_as_a_coin() -> None:
    silent = Parameters(0.0, 0.0, 0.0, gamma=1.0, decay=0.5, sigma_static=1.0)
    scores = plainly_scored(planted_session(3, TRUTH, 900), silent, NO_REGRESSION, block_s=300)
    for result in evaluate(scores):
        assert result.hit_rate.estimate == 0.5
        assert result.skill["zero_change"].estimate == 0.0
        assert result.verdict == "no skill"


def test_a_session_without_samples_is_not_measurable() -> None:
    session = planted_session(3, TRUTH, 40)
    session.forces.valid[:] = False
    session.forces.mid_tick[:] = np.nan
    for result in evaluate(plainly_scored(session, TRUTH, NO_REGRESSION)):
        assert result.samples == 0
        assert result.verdict == "not measurable"
