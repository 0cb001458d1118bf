"""A market without a signal, from its file to the evaluation: no skill is found in it.

SPYMASTER_SEEDS says how many such markets are looked at (3 by default, 20 in `make soak`).
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from book_engines.baselines import fit_regression
from book_engines.bootstrap import block_seconds
from book_engines.calibration import fit
from book_engines.evaluation import HorizonResult, evaluate, session_scores
from book_engines.samples import Session, session_moments
from book_engines.trust import forecast_of
from spymaster_assets.stages.bronze import build_bronze
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.gold import build_gold
from spymaster_assets.stages.raw import adopt_raw_file
from spymaster_assets.stages.sessions import finished_sessions, read_session
from spymaster_assets.stages.silver import build_silver
from spymaster_resources.instruments import instrument
from spymaster_resources.lake import Lake
from spymaster_resources.simulator.futures import Law, simulate_day
from spymaster_resources.simulator.sizes import SIZES
from spymaster_resources.trading_calendar import SessionWindow, TradingCalendar

SEEDS = range(int(os.environ.get("SPYMASTER_SEEDS", "3")))
SYMBOL = "ESH6"
DAYS = (date(2026, 1, 5), date(2026, 1, 6))
SIZE = replace(
    SIZES["demo"],
    trading=(SessionWindow.parse("09:29-09:45"),),
    session=SessionWindow.parse("09:30-09:45"),
    records=50_000,
)


def sessions(root: Path, law: Law, seed: int) -> list[Session]:
    """Return two simulated sessions, from the vendor's file through every stage up to gold."""
    row = replace(instrument("ES", "future_mbo"), grid_half_width=70)
    ctx = StageContext(Lake(str(root)), row, TradingCalendar("XNYS"), SIZE.session)
    for dt in DAYS:
        day = simulate_day(row, dt, SIZE, root / "sim", seed=seed, law=law, with_truth=False)
        adopt_raw_file(ctx.lake, day.path)
        build_bronze(ctx, dt)
        build_silver(ctx, SYMBOL, dt)
        build_gold(ctx, SYMBOL, dt)
    return [read_session(ctx, ref) for ref in finished_sessions(ctx, None)]


def judged(train: Session, held_out: Session) -> dict[int, HorizonResult]:
    """Return the evaluation on one session of what was fitted on the other, by horizon."""
    moments = session_moments(train, block_s=block_seconds(1))
    said = forecast_of(held_out.forces, fit(moments).parameters, None)
    scores = session_scores(held_out, said, fit_regression(moments), block_s=block_seconds(1))
    return {result.horizon_s: result for result in evaluate(scores)}


def test_no_skill_is_found_where_the_price_answers_to_nothing(tmp_path: Path) -> None:
    skills: dict[tuple[str, int], list[float]] = {}
    above: dict[tuple[str, int], int] = {}
    for seed in SEEDS:
        first, second = sessions(tmp_path / str(seed), Law.NONE, seed)
        for train, held_out in ((first, second), (second, first)):
            for horizon, result in judged(train, held_out).items():
                assert result.moved_share > 0.2
                model, regression = result.skill["zero_change"], result.regression_skill
                for name, skill in (("model", model), ("regression", regression)):
                    skills.setdefault((name, horizon), []).append(skill.estimate)
                    above[name, horizon] = above.get((name, horizon), 0) + (skill.low > 0)
    for place, values in skills.items():
        error = float(np.std(values, ddof=1)) / np.sqrt(len(values))
        assert np.mean(values) < 3 * error, place
    # Two looks a seed, each with a chance of 1 in 40 to lie above its 95 % interval.
    assert max(above.values()) <= 1 + len(SEEDS) // 5, above


def test_the_same_look_finds_the_skill_of_a_crowd_that_reacts_to_its_book(tmp_path: Path) -> None:
    first, second = sessions(tmp_path, Law.CROWD, 0)
    assert judged(first, second)[1].skill["zero_change"].low > 0
