"""`forecast_1s` carries the engine's numbers, nulls where there is no book, and its origin."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from book_engines.confidence import ConfidenceMap
from book_engines.dynamics import DEFAULT_PARAMETERS, predict
from book_engines.forces import window_forces
from book_engines.trust import Forecast, Trust, forecast_of
from contracts.errors import DataQualityError, PartitionMissingError
from spymaster_assets.stages.calibration_record import (
    EVALUATION_DOCUMENT,
    FIT_DOCUMENT,
    entry_sha256,
    publish_entry,
    published_calibration,
)
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.forecast import (
    build_forecast,
    forecast_tables,
    recipe,
)
from spymaster_assets.stages.trust_record import trust_entry
from spymaster_resources.lake import StagedPartition
from spymaster_resources.trading_calendar import SessionWindow
from tests.book_engines.planted import planted_session
from tests.spymaster_assets.stages.gold_days import (
    SURFACE,
    SYMBOL,
    best_prices,
    publish_day,
    publish_options,
    random_day,
    small_context,
)

DAY = date(2026, 1, 5)
DATASET = "gold.future_mbo.forecast_1s"
TRUST = Trust(
    0.25,
    (
        *(
            ConfidenceMap(np.array([0.0, 2.0]), np.array([0.5, 0.8 - h / 100]), 900)
            for h in range(29)
        ),
        None,  # nothing is known of 30 s
    ),
    np.array([[0.5 * h, 2.0 * h] for h in range(1, 31)]),
)
ENTRY = {
    **trust_entry(TRUST),
    "beta": {"flow": 0.5, "static": 0.0, "spring": 0.25},
    "gamma": 1.25,
    "lambda": 0.75,
    "sigma_static": 2.0,
    "session": "09:30-09:35",
    "train_dates": ["2026-01-05"],
    "held_out_dates": ["2026-01-06"],
}
PREDICTION = ("predicted_delta", "predicted_tick_delta", "predicted_spot_tick")
DIAGNOSTIC = ("RunScore_up", "RunScore_down", "D_up", "D_down")
UNCALIBRATED = ("confidence", "band_lo_50", "band_hi_50", "band_lo_90", "band_hi_90")


def publish_calibration(ctx: StageContext, **evaluation: object) -> None:
    """Publish ENTRY and its evaluation, with the label unless told otherwise."""
    publish_entry(ctx.lake, FIT_DOCUMENT, "ES", ENTRY)
    judged = {"calibration_sha256": entry_sha256(ENTRY), "label": "calibrated", **evaluation}
    publish_entry(ctx.lake, EVALUATION_DOCUMENT, "ES", judged)


@pytest.fixture
def ctx(tmp_path: Path) -> StageContext:
    context = small_context(tmp_path)
    fields, touch = random_day(5, 120)
    touch.valid[:3] = True, True, False
    publish_day(context, DAY, fields, touch)
    return context


def test_rows_carry_prediction_or_diagnostics_and_nulls_elsewhere(ctx: StageContext) -> None:
    fields, touch = random_day(5, 120)
    touch.valid[:3] = True, True, False
    forces = window_forces(fields, touch)
    deltas = predict(forces, DEFAULT_PARAMETERS)
    build_forecast(ctx, SYMBOL, DAY)
    rows = ctx.lake.read(DATASET, SYMBOL, DAY).to_pylist()
    assert len(rows) == 120 * 31
    for i, row in enumerate(rows):
        window, horizon = divmod(i, 31)
        assert row["window_end_ts_ns"] == touch.window_end_ts_ns[window]
        assert row["horizon_s"] == horizon
        assert all(row[name] is None for name in UNCALIBRATED)
        known = bool(touch.valid[window])
        assert all((row[name] is not None) == (known and horizon > 0) for name in PREDICTION)
        assert all((row[name] is not None) == (known and horizon == 0) for name in DIAGNOSTIC)
        if known and horizon:
            delta = deltas[window, horizon - 1]
            assert row["predicted_delta"] == delta
            assert row["predicted_tick_delta"] == math.copysign(math.floor(abs(delta) + 0.5), delta)
            mid = touch.spot_tick[window] + touch.mid_rel[window]
            assert row["predicted_spot_tick"] == math.floor(mid + delta + 0.5)
        if known and not horizon:
            found = forces.diagnostics
            assert row["RunScore_up"] == found.run_up[window]
            assert row["RunScore_down"] == found.run_down[window]
            assert (row["D_up"], row["D_down"]) == (found.d_up[window], found.d_down[window])


def test_halves_round_away_from_zero_for_the_move_and_up_for_the_price() -> None:
    forces = planted_session(0, DEFAULT_PARAMETERS, 2).forces
    forces.mid_tick[:] = 100.0, 100.5
    deltas = np.full((2, 30), -0.5)
    deltas[0, 1] = 0.5
    unknown = np.full((2, 30, 2), np.nan)
    forecast = Forecast(deltas, unknown[:, :, 0], unknown)
    rows = next(forecast_tables(DATASET, forces, forecast)).to_pylist()
    assert [rows[h]["predicted_tick_delta"] for h in (1, 2)] == [-1, 1]
    assert [rows[h]["predicted_spot_tick"] for h in (1, 2)] == [100, 101]
    assert rows[32]["predicted_spot_tick"] == 100


def test_without_a_calibration_the_defaults_are_used_and_marked(ctx: StageContext) -> None:
    (manifest,) = build_forecast(ctx, SYMBOL, DAY)
    assert manifest.parameters["calibrated"] is False
    assert manifest.parameters["calibration_sha256"] is None
    assert manifest.parameters["gamma"] == DEFAULT_PARAMETERS.gamma
    assert manifest.inputs == (ctx.lake.input(SURFACE, SYMBOL, DAY),)
    _, touch = random_day(5, 120)
    touch.valid[:3] = True, True, False
    assert manifest.counters["windows"] == 120
    assert manifest.counters["forecast_windows"] == np.count_nonzero(touch.valid)
    started_at_rest = touch.valid & ~np.concatenate([[False], touch.valid[:-1]])
    assert manifest.counters["started_at_rest"] == np.count_nonzero(started_at_rest)


def test_a_published_calibration_is_used_named_and_makes_older_forecasts_stale(
    ctx: StageContext,
) -> None:
    build_forecast(ctx, SYMBOL, DAY)
    publish_calibration(ctx)
    assert recipe(ctx, SYMBOL, DAY).current(ctx.lake, SYMBOL, DAY) is None
    (manifest,) = build_forecast(ctx, SYMBOL, DAY)
    assert recipe(ctx, SYMBOL, DAY).current(ctx.lake, SYMBOL, DAY) == [manifest]
    assert manifest.parameters["calibrated"] is True
    assert manifest.parameters["beta"] == ENTRY["beta"]
    assert manifest.parameters["role_in_calibration"] == "train"
    for day, role in ((6, "held_out"), (7, "unseen")):
        dt = date(2026, 1, day)
        publish_day(ctx, dt, *random_day(day, 3))
        assert recipe(ctx, SYMBOL, dt).parameters["role_in_calibration"] == role


def test_a_fitted_forecast_carries_the_engines_confidence_and_bands(ctx: StageContext) -> None:
    publish_calibration(ctx)
    build_forecast(ctx, SYMBOL, DAY)
    fields, touch = random_day(5, 120)
    touch.valid[:3] = True, True, False
    forces = window_forces(fields, touch)
    said = forecast_of(forces, published_calibration(ctx.lake, "ES").parameters, TRUST)
    rows = ctx.lake.read(DATASET, SYMBOL, DAY).to_pylist()
    for i, row in enumerate(rows):
        window, horizon = divmod(i, 31)
        if not horizon or not touch.valid[window]:
            assert all(row[name] is None for name in UNCALIBRATED)
            continue
        assert (row["confidence"] is None) == (horizon == 30)
        if horizon < 30:
            assert row["confidence"] == said.confidence[window, horizon - 1]
        for k, level in enumerate((50, 90)):
            delta, width = row["predicted_delta"], said.half_width[window, horizon - 1, k]
            assert row[f"band_lo_{level}"] == delta - width
            assert row[f"band_hi_{level}"] == delta + width


@pytest.mark.parametrize(
    ("evaluation", "reason"),
    [
        ({"label": "uncalibrated", "breaches": ["5 s: too wide", "9 s: no"]}, "5 s: too wide; 9 s"),
        ({"calibration_sha256": "of another fit"}, "the fit is not evaluated yet"),
    ],
)
def test_without_the_label_the_numbers_stay_and_the_manifest_says_why(
    ctx: StageContext, evaluation: dict[str, object], reason: str
) -> None:
    publish_calibration(ctx, **evaluation)
    (manifest,) = build_forecast(ctx, SYMBOL, DAY)
    assert manifest.parameters["calibrated"] is False
    assert reason in manifest.parameters["uncalibrated_because"]
    assert ctx.lake.read(DATASET, SYMBOL, DAY)["confidence"].null_count < 120 * 31
    assert "mean_confidence_10s" in manifest.counters


def test_a_calibration_of_another_root_is_not_used(ctx: StageContext) -> None:
    publish_entry(ctx.lake, FIT_DOCUMENT, "NQ", ENTRY)
    assert build_forecast(ctx, SYMBOL, DAY)[0].parameters["calibrated"] is False


def test_a_calibration_of_another_session_window_is_not_used(ctx: StageContext) -> None:
    evening = replace(ctx, session=SessionWindow.parse("18:00-19:00"))
    publish_day(evening, date(2026, 1, 6), *random_day(6, 3))
    publish_calibration(ctx)
    (manifest,) = build_forecast(ctx, SYMBOL, date(2026, 1, 6))
    assert manifest.parameters["calibrated"] is False
    assert manifest.parameters["gamma"] == DEFAULT_PARAMETERS.gamma
    assert build_forecast(evening, SYMBOL, DAY)[0].parameters["calibrated"] is True


def test_a_fit_of_another_window_leaves_the_forecast_current(ctx: StageContext) -> None:
    (manifest,) = build_forecast(ctx, SYMBOL, DAY)
    publish_entry(ctx.lake, FIT_DOCUMENT, "ES", {**ENTRY, "session": "18:00-19:00"})
    assert recipe(ctx, SYMBOL, DAY).current(ctx.lake, SYMBOL, DAY) == [manifest]


def test_the_same_input_gives_the_same_bytes(ctx: StageContext) -> None:
    assert build_forecast(ctx, SYMBOL, DAY) == build_forecast(ctx, SYMBOL, DAY)


def test_a_future_replaced_by_noise_changes_no_row_before_it(ctx: StageContext) -> None:
    publish_calibration(ctx)
    build_forecast(ctx, SYMBOL, DAY)
    before = ctx.lake.read(DATASET, SYMBOL, DAY)
    fields, touch = random_day(5, 120)
    touch.valid[:3] = True, True, False
    other_fields, other_touch = random_day(6, 120)
    seen = 80
    for column, other in zip(fields, other_fields, strict=True):
        column[seen:] = other[seen:]
    for name in ("spot_tick", "bid_rel", "ask_rel", "mid_rel", "valid"):
        getattr(touch, name)[seen:] = getattr(other_touch, name)[seen:]
    publish_day(ctx, DAY, fields, touch)
    build_forecast(ctx, SYMBOL, DAY)
    after = ctx.lake.read(DATASET, SYMBOL, DAY)
    assert after.slice(0, seen * 31).equals(before.slice(0, seen * 31))
    assert not after.slice(seen * 31).equals(before.slice(seen * 31))


def test_a_red_audit_publishes_nothing(ctx: StageContext) -> None:
    def refuse(staged: Sequence[StagedPartition]) -> None:
        raise DataQualityError(staged[0].dataset, ["expected green"])

    with pytest.raises(DataQualityError):
        build_forecast(replace(ctx, audit=refuse), SYMBOL, DAY)
    assert ctx.lake.manifest(DATASET, SYMBOL, DAY) is None


def test_a_day_without_windows_gives_an_empty_forecast(ctx: StageContext) -> None:
    fields, touch = random_day(5, 1)
    publish_day(
        ctx,
        date(2026, 1, 6),
        type(fields)._make(f[:0] for f in fields),
        type(touch)._make(c[:0] for c in touch),
    )
    assert build_forecast(ctx, SYMBOL, date(2026, 1, 6))[0].row_count == 0


def test_a_day_without_a_surface_is_named(ctx: StageContext) -> None:
    with pytest.raises(PartitionMissingError, match="physics_surface_1s"):
        build_forecast(ctx, SYMBOL, date(2026, 1, 7))


def test_options_weigh_in_where_their_surface_is_published_and_current(ctx: StageContext) -> None:
    (alone,) = build_forecast(ctx, SYMBOL, DAY)
    assert alone.parameters["options_weight"] == 0.0
    _, touch = random_day(5, 120)
    low = np.full(120, 4_740_000_000_000)
    omega = np.full((120, 9, 4), 20.0, np.float32)
    publish_options(ctx, DAY, touch.window_end_ts_ns, low, omega)

    assert recipe(ctx, SYMBOL, DAY).current(ctx.lake, SYMBOL, DAY) is None
    (manifest,) = build_forecast(ctx, SYMBOL, DAY)
    assert manifest.parameters["options_weight"] == 0.70
    options = ctx.lake.input("gold.future_option_mbo.physics_surface_1s", SYMBOL, DAY)
    assert set(manifest.inputs) == {*alone.inputs, options}
    assert manifest.files != alone.files

    publish_options(ctx, DAY, touch.window_end_ts_ns, low, omega, code_version="0")
    (again,) = build_forecast(ctx, SYMBOL, DAY)
    assert again.parameters["options_weight"] == 0.0
    assert again.files == alone.files


def test_forecast_of_an_equity_counts_fine_cells_from_its_exact_mid(tmp_path: Path) -> None:
    ctx = small_context(tmp_path, "QQQ", "equity_mbo")
    fields, touch = random_day(5, 120)
    publish_day(ctx, DAY, fields, touch, symbol="QQQ")
    (manifest,) = build_forecast(ctx, "QQQ", DAY)
    assert manifest.dataset == "gold.equity_mbo.forecast_1s"
    assert [item.dataset for item in manifest.inputs] == [
        "gold.equity_mbo.physics_surface_tick_1s",
        "silver.equity_mbo.book_snapshot_1s",
    ]
    bid, ask = best_prices(ctx, touch)
    mid_cell = (bid + ask) / 2 / 50_000_000
    exact = touch._replace(mid_rel=mid_cell - touch.spot_tick)
    deltas = predict(window_forces(fields, exact), DEFAULT_PARAMETERS)
    rows = ctx.lake.read(manifest.dataset, "QQQ", DAY).to_pylist()
    for window in np.flatnonzero(touch.valid).tolist():
        for horizon in (1, 30):
            row, delta = rows[31 * window + horizon], deltas[window, horizon - 1]
            assert row["predicted_delta"] == pytest.approx(delta, abs=1e-9)
            assert row["predicted_spot_tick"] == math.floor(mid_cell[window] + delta + 0.5)
