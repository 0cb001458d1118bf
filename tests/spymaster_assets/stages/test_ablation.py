"""The ablation reads what each variant needs, splits as the fit does, and publishes nothing."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from contracts.errors import ConfigurationError
from spymaster_assets.stages.ablation import REGRESSION, WHOLE_MODEL, ablate
from spymaster_assets.stages.calibration import evaluate_calibration, fit_calibration
from spymaster_assets.stages.calibration_record import EVALUATION_DOCUMENT, FIT_DOCUMENT
from spymaster_assets.stages.context import StageContext
from tests.spymaster_assets.stages.gold_days import SYMBOL, publish_options, small_context
from tests.spymaster_assets.stages.test_calibration import DAYS, publish_random_day

WITHOUT_OPTIONS = "without options"


@pytest.fixture
def ctx(tmp_path: Path) -> StageContext:
    context = small_context(tmp_path)
    for dt in DAYS:
        publish_random_day(context, dt)
    return context


def test_the_whole_model_is_what_the_evaluation_says_of_the_fit(ctx: StageContext) -> None:
    report = ablate(ctx)
    assert ctx.lake.document(FIT_DOCUMENT) is None
    fitted = fit_calibration(ctx)
    judged = evaluate_calibration(ctx)
    assert report["train_dates"] == fitted["train_dates"]
    assert report["held_out_dates"] == judged["held_out_dates"]
    variants = {variant["name"]: variant for variant in report["variants"]}
    whole, regression = variants[WHOLE_MODEL], variants[REGRESSION]
    constants = whole["constants"]
    assert constants["beta"] == pytest.approx(fitted["beta"])
    for name in ("gamma", "lambda", "sigma_static"):
        assert constants[name] == fitted[name]
    for row, beside, other in zip(
        judged["horizons"], whole["horizons"], regression["horizons"], strict=True
    ):
        assert beside["skill"] == pytest.approx(row["skill"]["zero_change"])
        assert beside["contribution"]["estimate"] == 0.0
        assert other["skill"]["estimate"] == pytest.approx(row["regression_skill"]["estimate"])
    assert regression["constants"] is None
    assert variants["without decay (lambda 1)"]["constants"]["lambda"] == 1.0
    assert variants["without flow"]["constants"]["beta"]["flow"] == 0.0
    assert variants["static kernel sigma 4"]["constants"]["sigma_static"] == 4.0
    assert WITHOUT_OPTIONS not in variants
    # The made-up surface has no u_ema_8: without the weighting there is no flow to push.
    assert variants["without persistence weighting"]["constants"]["beta"]["flow"] == 0.0


def test_options_are_left_out_where_there_are_any(ctx: StageContext) -> None:
    ends = np.arange(1, 401) * 1_000_000_000
    low_strike_int = np.full(400, 4_990_000_000_000)
    omega = np.random.default_rng(1).uniform(0, 30, (400, 5, 4)).astype(np.float32)
    publish_options(ctx, DAYS[0], ends, low_strike_int, omega)
    names = [variant["name"] for variant in ablate(ctx)["variants"]]
    assert WITHOUT_OPTIONS in names


def test_one_session_is_cut_in_halves(ctx: StageContext) -> None:
    report = ablate(ctx, DAYS[:1], halves=True)
    assert report["train_dates"] == report["held_out_dates"] == ["2026-01-05"]
    assert report["split"] == "halves of each session"
    assert report["bootstrap"]["blocks"] == 1  # 200 of the 400 seconds
    assert ctx.lake.document(EVALUATION_DOCUMENT) is None


def test_too_few_sessions_are_a_plain_message(ctx: StageContext) -> None:
    with pytest.raises(ConfigurationError, match=r"at least 2 sessions.*found 1"):
        ablate(ctx, DAYS[:1])
    with pytest.raises(ConfigurationError, match="found no session 09:30-09:35 in gold"):
        ablate(ctx, [date(2026, 2, 2)], halves=True)


def test_the_symbol_of_the_days_is_the_contract(ctx: StageContext) -> None:
    assert ablate(ctx)["symbol"] == "ES" != SYMBOL
