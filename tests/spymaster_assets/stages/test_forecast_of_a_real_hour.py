"""On a real hour of ES the forecast has the skill that was found for it elsewhere."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from book_engines.ablation import WHOLE, effects, squared_errors
from book_engines.baselines import fit_regression
from book_engines.calibration import fit
from book_engines.evaluation import evaluate, session_scores
from book_engines.forces import velocity
from book_engines.samples import HORIZONS_S, Session, session_moments
from book_engines.trust import fit_trust, forecast_of
from spymaster_assets.checks.calibration import breaches
from spymaster_assets.stages.bronze import build_bronze
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.evaluation_record import horizon_entry
from spymaster_assets.stages.forecast import build_forecast
from spymaster_assets.stages.gold import build_gold
from spymaster_assets.stages.sessions import finished_sessions, read_session
from spymaster_assets.stages.silver import build_silver
from spymaster_resources.instruments import instrument
from spymaster_resources.lake import Lake
from spymaster_resources.trading_calendar import SessionWindow, TradingCalendar

FILE = "esh4-glbx-mdp3-20231225.mbo.dbn.zst"
RAW = "raw/source=databento/product_type=future_mbo/symbol=ES/table=market_by_order_dbn"
SYMBOL = "ESH4"
DAY = date(2023, 12, 25)


@pytest.fixture(scope="module")
def christmas(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> StageContext:
    """Return the surroundings of a lake that holds the real hour up to its forecast."""
    root = tmp_path_factory.mktemp("lake")
    (root / RAW).mkdir(parents=True)
    (root / RAW / FILE).symlink_to(real_data / "glbx-mbo" / FILE)
    ctx = StageContext(
        Lake(str(root)),
        instrument("ES", "future_mbo"),
        TradingCalendar("any"),
        SessionWindow.parse("18:00-19:00"),
    )
    build_bronze(ctx, DAY)
    build_silver(ctx, SYMBOL, DAY)
    build_gold(ctx, SYMBOL, DAY)
    build_forecast(ctx, SYMBOL, DAY)
    return ctx


@pytest.fixture(scope="module")
def session(christmas: StageContext) -> Session:
    return read_session(christmas, finished_sessions(christmas, None)[0])


def test_fitted_on_one_half_it_has_skill_on_the_other(session: Session) -> None:
    half = session.forces.valid.size // 2
    first, second = session.rows(0, half), session.rows(half, 2 * half)
    for train, held_out in ((first, second), (second, first)):
        moments = session_moments(train, block_s=300)
        said = forecast_of(held_out.forces, fit(moments).parameters, None)
        scores = session_scores(held_out, said, fit_regression(moments), block_s=300)
        results = {result.horizon_s: result for result in evaluate(scores)}
        for horizon in (1, 2):
            assert results[horizon].verdict == "skill"
            assert 0.02 < results[horizon].skill["zero_change"].estimate < 0.07
            assert results[horizon].hit_rate.estimate > 0.55
        assert results[10].skill["zero_change"].estimate > 0.0


def shuffled(session: Session, seed: int) -> Session:
    """Return the session with its one-second moves in random order: nothing can foretell them."""
    forces = session.forces
    v = velocity(forces)
    known = np.isfinite(v)
    v[known] = np.random.default_rng(seed).permutation(v[known])
    mid = forces.mid_tick[np.flatnonzero(forces.valid)[0]] + np.cumsum(np.where(known, v, 0.0))
    return session._replace(forces=forces._replace(mid_tick=np.where(forces.valid, mid, np.nan)))


def test_its_moves_in_random_order_show_no_skill(session: Session) -> None:
    half = session.forces.valid.size // 2
    above = dict.fromkeys(HORIZONS_S, 0)
    for seed in range(20):
        day = shuffled(session, seed)
        train, held_out = [day.rows(0, half)], [day.rows(half, 2 * half)]
        _, sums = squared_errors(train, held_out, WHOLE, block_s=300)
        for effect in effects(sums, sums):
            above[effect.horizon_s] += effect.skill.low > 0
    assert max(above.values()) <= 1, above


def test_its_forecast_is_not_called_calibrated_on_the_other_half(session: Session) -> None:
    """Busier first, quieter then: the bands of the first half hold too much of the second."""
    half = session.forces.valid.size // 2
    first, second = session.rows(0, half), session.rows(half, 2 * half)
    moments = session_moments(first, block_s=300)
    parameters = fit(moments).parameters
    said = forecast_of(second.forces, parameters, fit_trust([first.forces], parameters))
    scores = session_scores(second, said, fit_regression(moments), block_s=300)
    found = breaches({"horizons": [horizon_entry(result) for result in evaluate(scores)]})
    assert any("50 % band held" in breach for breach in found)


def test_every_window_with_a_book_has_a_forecast(christmas: StageContext, session: Session) -> None:
    table = christmas.lake.read("gold.future_mbo.forecast_1s", SYMBOL, DAY)
    assert table.num_rows == 31 * 3601
    delta = table["predicted_delta"].to_numpy().reshape(3601, 31)
    np.testing.assert_array_equal(np.isfinite(delta[:, 1]), session.forces.valid)
    assert 0.01 < np.nanmean(np.abs(delta[:, 1:])) < 1.0  # a quiet evening
