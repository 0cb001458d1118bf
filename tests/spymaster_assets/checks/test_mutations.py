"""Each check is green on a real day and red, by name, when one thing in it is broken."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from contracts.errors import DataQualityError
from spymaster_assets.checks.check import require_blocking, run_checks
from spymaster_assets.checks.subject import published
from spymaster_assets.checks.tables import all_checks, checks_of
from spymaster_assets.stages.bronze import build_bronze
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.forecast import build_forecast
from spymaster_assets.stages.gold import build_gold
from spymaster_assets.stages.raw import adopt_raw_file
from spymaster_assets.stages.silver import build_silver
from spymaster_resources.lake import Lake
from spymaster_resources.settings import Settings
from tests.spymaster_assets.checks.breaking import (
    Mutation,
    both,
    counted,
    dropped,
    everywhere,
    outcome_of,
    put,
    silent,
)
from tests.spymaster_assets.conftest import MONDAY, TINY

SYMBOL = "ESH6"
SECOND = 1_000_000_000
TICK = 250_000_000
BUILT = (
    "bronze.future_mbo.mbo",
    "silver.future_mbo.book_snapshot_1s",
    "silver.future_mbo.depth_and_flow_1s",
    "gold.future_mbo.physics_surface_1s",
    "gold.future_mbo.forecast_1s",
)
GENERAL = {"contract", "sorted_unique_key"}

MBO = "bronze.future_mbo.mbo"
SNAPSHOT = "silver.future_mbo.book_snapshot_1s"
DEPTH = "silver.future_mbo.depth_and_flow_1s"
SURFACE = "gold.future_mbo.physics_surface_1s"
FORECAST = "gold.future_mbo.forecast_1s"


BRONZE_MUTATIONS = [
    Mutation(MBO, "inside_the_day", put("ts_recv", lambda r: r["ts_recv"] + 86_400 * SECOND, 9)),
    Mutation(MBO, "feed_order", put("ts_recv", lambda r: r["ts_recv"] - 3600 * SECOND, 9)),
    Mutation(MBO, "feed_order", everywhere("ts_recv", lambda v: [v[1] + 1, *v[1:]])),
    Mutation(MBO, "flags", put("flags", lambda r: r["flags"] | 1, 9)),
    Mutation(MBO, "sides", put("side", "N", lambda r: r["action"] == "C")),
    Mutation(MBO, "opening_snapshot", lambda t: t.slice(t["flags"].to_pylist().index(130))),
    Mutation(MBO, "known_instruments", put("instrument_id", lambda r: r["instrument_id"] + 1, 9)),
    Mutation(MBO, "known_instruments", put("symbol", "ESZ9", 9)),
    Mutation(MBO, "actions_counted", dropped(lambda r: r["action"] == "T")),
    Mutation(MBO, "actions_counted", manifest=counted(action_A=1)),
    Mutation(
        MBO,
        "far_prices",
        put("price", 10**15, lambda r: r["action"] == "A" and not r["flags"] & 32),
    ),
    Mutation(MBO, "far_sizes", put("size", 2 * 10**9, lambda r: r["action"] == "A")),
    Mutation(MBO, "far_sizes", put("size", 4 * 10**9, lambda r: r["action"] == "T")),
    Mutation(MBO, "rejected_share", manifest=counted(rejected_price=100)),
    Mutation(MBO, "gaps", silent(600), session="09:00-10:00"),
]
SNAPSHOT_MUTATIONS = [
    Mutation(SNAPSHOT, "replay_counters", manifest=counted(unknown_cancels=1)),
    Mutation(SNAPSHOT, "window_grid", dropped(4)),
    Mutation(SNAPSHOT, "window_grid", dropped(30)),
    Mutation(
        SNAPSHOT, "window_grid", put("window_start_ts_ns", lambda r: r["window_end_ts_ns"], 3)
    ),
    Mutation(SNAPSHOT, "window_grid", everywhere("window_end_ts_ns", lambda v: v + 1)),
    Mutation(SNAPSHOT, "touch_is_whole", put("best_bid_qty", None, 3)),
    Mutation(SNAPSHOT, "touch_is_whole", put("best_ask_qty", 0, 3)),
    Mutation(SNAPSHOT, "touch_is_whole", put("mid_price_int", lambda r: r["mid_price_int"] + 1, 3)),
    Mutation(SNAPSHOT, "touch_is_whole", put("mid_price", lambda r: r["mid_price"] * 100, 3)),
    Mutation(SNAPSHOT, "touch_is_whole", put("mid_price", float("nan"), 3)),
    Mutation(SNAPSHOT, "valid_needs_both_sides", put("spot_ref_price_int", None, 3)),
    Mutation(SNAPSHOT, "valid_needs_both_sides", put("mid_price_int", None, 3)),
    Mutation(SNAPSHOT, "crossed_market", put("crossed_market_flag", True, 3)),
    Mutation(
        SNAPSHOT, "crossed_market", put("best_bid_price_int", lambda r: r["best_ask_price_int"], 3)
    ),
    Mutation(SNAPSHOT, "valid_share", everywhere("book_valid", lambda v: v & False)),
    Mutation(SNAPSHOT, "crossed_share", put("crossed_market_flag", True, 3)),
    Mutation(SNAPSHOT, "price_outliers", put("price_outlier_flag", True, 3)),
    Mutation(SNAPSHOT, "spread_anomalies", put("spread_anomaly_flag", True, 3)),
    Mutation(
        SNAPSHOT, "spread_distribution", everywhere("best_ask_price_int", lambda v: v + 5 * TICK)
    ),
    Mutation(
        SNAPSHOT, "trades_against_bronze", put("trade_qty_buy", lambda r: r["trade_qty_buy"] + 1, 3)
    ),
    Mutation(
        SNAPSHOT, "trades_against_bronze", put("trade_count", lambda r: r["trade_count"] + 1, 3)
    ),
]
DEPTH_MUTATIONS = [
    Mutation(DEPTH, "identity", put("depth_qty_end", lambda r: r["depth_qty_end"] + 1, 5)),
    Mutation(DEPTH, "identity", put("fill_qty", lambda r: r["fill_qty"] + 1, 5)),
    Mutation(DEPTH, "quantities", put("depth_qty_rest", lambda r: r["depth_qty_end"] + 1, 5)),
    Mutation(DEPTH, "quantities", put("pull_qty_rest", lambda r: r["pull_qty"] + 1, 5)),
    Mutation(DEPTH, "quantities", put("add_qty", -1, 5)),
    Mutation(
        DEPTH,
        "continuity",
        both(
            *(
                put(
                    column,
                    lambda r, column=column: r[column] + 1,  # type: ignore[misc]
                    lambda r: r["rel_ticks"] == 5 and r["side"] == "A" and r["depth_qty_end"] > 0,
                )
                for column in ("depth_qty_end", "add_qty")
            )
        ),
    ),
    Mutation(
        DEPTH, "continuity", dropped(lambda r: r["rel_ticks"] == 9 and r["depth_qty_end"] > 0)
    ),
    Mutation(DEPTH, "rel_ticks", put("rel_ticks", lambda r: r["rel_ticks"] + 1, 5)),
    Mutation(DEPTH, "rel_ticks", everywhere("price_int", lambda v: v + 1)),
    Mutation(DEPTH, "rel_ticks_side", put("rel_ticks_side", lambda r: r["rel_ticks_side"] + 1, 5)),
    Mutation(DEPTH, "rel_ticks_side", put("rel_ticks_side", None, 5)),
    Mutation(
        DEPTH,
        "spot_of_snapshot",
        put("spot_ref_price_int", lambda r: r["spot_ref_price_int"] + 40 * TICK, 5),
    ),
    Mutation(
        DEPTH,
        "snapshot_best",
        dropped(lambda r: r["rel_ticks_side"] == 0 and r["side"] == "B" and r["depth_qty_end"] > 0),
    ),
    Mutation(DEPTH, "window_valid", put("window_valid", False, 5)),
    Mutation(DEPTH, "fills_against_executions", everywhere("fill_qty", lambda v: v * 3)),
    Mutation(DEPTH, "fills_against_executions", everywhere("fill_qty", lambda v: v * 0)),
    Mutation(
        DEPTH,
        "minute_replay",
        put("add_qty", lambda r: r["add_qty"] + 1, lambda r: r["add_qty"] > 0),
    ),
    Mutation(
        DEPTH,
        "minute_replay",
        put("pull_qty_rest", lambda r: r["pull_qty_rest"] - 1, lambda r: r["pull_qty_rest"] > 0),
    ),
    Mutation(DEPTH, "minute_replay", dropped(lambda r: r["fill_qty"] > 0)),
    Mutation(
        DEPTH,
        "minute_replay",
        put("pull_qty", lambda r: r["pull_qty"] + 3, lambda r: r["depth_qty_end"] > 0),
    ),
    Mutation(
        DEPTH,
        "minute_replay",
        put("depth_qty_rest", lambda r: r["depth_qty_rest"] - 1, lambda r: r["depth_qty_rest"] > 0),
    ),
    Mutation(
        DEPTH,
        "minute_replay",
        put(
            "depth_qty_rest",
            lambda r: r["depth_qty_rest"] + 1,
            lambda r: r["depth_qty_rest"] < r["depth_qty_end"],
        ),
    ),
    Mutation(DEPTH, "size_outliers", everywhere("size_outlier_flag", lambda v: v | True)),
    Mutation(DEPTH, "side_balance", lambda t: t.filter([s == "A" for s in t["side"].to_pylist()])),
]
ONE_PRICE_A_CELL = [
    Mutation(
        DEPTH,
        "snapshot_best",
        put("depth_qty_end", lambda r: r["depth_qty_end"] + 1, lambda r: r["rel_ticks_side"] == 0),
    ),
]
"""What shows only where a cell is one price, as a future's is."""
GOLD_MUTATIONS = [
    Mutation(SURFACE, "dense_grid", dropped(5)),
    Mutation(SURFACE, "dense_grid", put("rel_ticks", -201)),
    Mutation(SURFACE, "dense_grid", put("side", "B")),
    Mutation(SURFACE, "finite", put("u_near", float("nan"), 3)),
    Mutation(SURFACE, "finite", put("Omega", float("inf"), 3)),
    Mutation(SURFACE, "permeability", put("kappa", lambda r: r["kappa"] * 1.000001, 3)),
    Mutation(SURFACE, "permeability", put("nu", 0.5, 3)),
    Mutation(SURFACE, "permeability", everywhere("Omega_prom", lambda v: v + 0.1)),
    Mutation(SURFACE, "bands", everywhere("u_ema_32", lambda v: v + 0.1)),
    Mutation(SURFACE, "pressure_sign", everywhere("u_ema_8", lambda v: v + 0.1)),
    Mutation(SURFACE, "bands", put("u_band_mid", lambda r: r["u_band_mid"] + 0.01, 3)),
    Mutation(SURFACE, "bands", put("u_wave_energy", lambda r: r["u_wave_energy"] + 0.01, 3)),
    Mutation(
        SURFACE,
        "pressure_sign",
        put("pressure_grad", lambda r: -r["pressure_grad"], lambda r: r["u_p"] != 0),
    ),
    Mutation(
        SURFACE,
        "velocity",
        put(
            "liquidity_velocity",
            lambda r: -r["liquidity_velocity"],
            lambda r: abs(r["liquidity_velocity"]) > 0.01,
        ),
    ),
    Mutation(SURFACE, "velocity", put("add_intensity", 1.5, 3)),
    Mutation(SURFACE, "obstacles", put("Omega", lambda r: r["Omega"] + 0.1, 3)),
    Mutation(SURFACE, "obstacles", put("phi_rest", -0.1, 3)),
    Mutation(SURFACE, "windows_of_silver", lambda t: t.slice(802)),
    Mutation(SURFACE, "windows_of_silver", put("spot_ref_price_int", None, 0)),
    Mutation(SURFACE, "clean_windows", everywhere("window_valid", lambda v: v & False)),
    Mutation(
        SURFACE,
        "naive_sample",
        put("rho", lambda r: r["rho"] * 1.01, lambda r: r["rho"] > 0 and r["window_valid"]),
    ),
    Mutation(
        SURFACE,
        "naive_sample",
        put("pull_intensity", lambda r: r["pull_intensity"] + 0.01, lambda r: r["window_valid"]),
    ),
]
FORECAST_MUTATIONS = [
    Mutation(FORECAST, "horizons", put("horizon_s", 6, 5)),
    Mutation(FORECAST, "horizons", put("predicted_delta", 0.5, 31)),
    Mutation(FORECAST, "horizons", put("RunScore_up", 0.5, 32)),
    Mutation(FORECAST, "finite", put("predicted_delta", float("nan"), 70)),
    Mutation(FORECAST, "finite", put("predicted_delta", 80.5, 70)),
    Mutation(FORECAST, "finite", put("confidence", 1.5, 70)),
    Mutation(
        FORECAST,
        "finite",
        both(
            put("band_lo_90", 0.6, 70),
            put("band_lo_50", 0.5, 70),
            put("band_hi_50", 0.7, 70),
            put("band_hi_90", 0.8, 70),
        ),
    ),
    Mutation(
        FORECAST,
        "confidence_by_horizon",
        both(put("confidence", 0.6, 70), put("confidence", 0.61, 71)),
    ),
    Mutation(FORECAST, "rounded_delta", put("predicted_tick_delta", 70, 70)),
    Mutation(FORECAST, "rounded_delta", put("predicted_spot_tick", None, 70)),
]
OF_ANY_CELL = [
    *BRONZE_MUTATIONS,
    *SNAPSHOT_MUTATIONS,
    *DEPTH_MUTATIONS,
    *GOLD_MUTATIONS,
    *FORECAST_MUTATIONS,
]
MUTATIONS = [*OF_ANY_CELL, *ONE_PRICE_A_CELL]


@pytest.fixture(scope="module")
def ctx(tiny_days: dict[date, Path], tmp_path_factory: pytest.TempPathFactory) -> StageContext:
    """Return the surroundings of a lake with one whole simulated day."""
    settings = Settings(lake=str(tmp_path_factory.mktemp("lake")), session=TINY.session)
    adopt_raw_file(Lake(settings.lake), tiny_days[MONDAY])
    ctx = StageContext.from_settings(settings, "ES", "future_mbo")
    build_bronze(ctx, MONDAY)
    build_silver(ctx, SYMBOL, MONDAY)
    build_gold(ctx, SYMBOL, MONDAY)
    build_forecast(ctx, SYMBOL, MONDAY)
    return ctx


@pytest.mark.parametrize("key", [MBO, SNAPSHOT, DEPTH, SURFACE, FORECAST])
def test_a_clean_day_passes_every_check(ctx: StageContext, key: str) -> None:
    manifest = ctx.lake.manifest(key, SYMBOL, MONDAY)
    assert manifest is not None
    outcomes = run_checks(all_checks(), published(ctx.lake, manifest), ctx=ctx)
    assert len(outcomes) == len(checks_of(key)) > 2
    assert [o.sentence for o in outcomes if not o.passed or o.finding.not_run] == []
    require_blocking(outcomes)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_breakage_turns_its_check_red(
    ctx: StageContext, mutation: Mutation, tmp_path: Path
) -> None:
    outcome = outcome_of(ctx, mutation, tmp_path, SYMBOL, MONDAY)
    assert not outcome.passed
    assert outcome.finding.rows
    if outcome.check.blocking:
        with pytest.raises(DataQualityError, match=mutation.check):
            require_blocking([outcome])


def test_every_check_is_turned_red_by_some_breakage() -> None:
    broken = {(mutation.dataset, mutation.check) for mutation in MUTATIONS}
    checks = {(c.dataset, c.name) for c in all_checks() if c.name not in GENERAL}
    futures = {(key, name) for key, name in checks if ".future_mbo." in key}
    assert futures == {(key, name) for key, name in broken if key in BUILT}
