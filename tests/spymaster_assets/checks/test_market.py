"""The checks of equities and options: green on a small market, red when one thing is broken."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from contracts.registry import datasets
from spymaster_assets.checks.check import run_checks
from spymaster_assets.checks.subject import published
from spymaster_assets.checks.tables import all_checks
from spymaster_assets.stages import (
    bronze,
    forecast,
    gold,
    option_gold,
    option_silver,
    quote_bronze,
    quote_silver,
    reference,
    silver,
)
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.raw import raw_folder
from spymaster_resources.instruments import (
    EQUITY,
    EQUITY_OPTION,
    FUTURE,
    FUTURE_OPTION,
    instrument,
)
from spymaster_resources.lake import Lake
from spymaster_resources.simulator.session import Scale, Session
from spymaster_resources.trading_calendar import SECOND_NS, TradingCalendar
from tests.spymaster_assets.checks.breaking import (
    Mutation,
    Table,
    both,
    counted,
    dropped,
    everywhere,
    outcome_of,
    put,
    silent,
)
from tests.spymaster_assets.checks.test_mutations import OF_ANY_CELL

DT = date(2026, 1, 6)
SCALE = Scale.named("tiny")
GENERAL = {"contract", "sorted_unique_key"}
SYMBOLS = {FUTURE: "ESH6", FUTURE_OPTION: "ESH6", EQUITY: "QQQ", EQUITY_OPTION: "QQQ"}

Contexts = dict[str, StageContext]


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Contexts:
    """Return the surroundings of each product of a lake that holds a small market's day."""
    root = tmp_path_factory.mktemp("lake")
    roots = {product: "ES" if "future" in product else "QQQ" for product in SYMBOLS}

    def folder_of(product: str, schema: str) -> Path:
        folder = root / raw_folder(product, roots.get(product, "ES"), schema)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    Session(instrument("ES", FUTURE), "QQQ", DT, SCALE, seed=11).write(list(SYMBOLS), folder_of)
    contexts = {}
    for product, name in roots.items():
        row = instrument(name, product)
        session = SCALE.equity.session if name == "QQQ" else SCALE.future.session
        calendar = TradingCalendar(row.calendar)
        contexts[product] = StageContext(Lake(str(root)), row, calendar, session)
    future, option, ticker, quotes = (contexts[product] for product in SYMBOLS)
    bronze.build_bronze(future, DT)
    silver.build_silver(future, "ESH6", DT)
    reference.build_reference(option, DT)
    bronze.build_bronze(option, DT)
    option_silver.build_silver(option, "ESH6", DT)
    option_gold.build_gold(option, "ESH6", DT)
    bronze.build_bronze(ticker, DT)
    silver.build_silver(ticker, "QQQ", DT)
    gold.build_gold(ticker, "QQQ", DT)
    forecast.build_forecast(ticker, "QQQ", DT)
    reference.build_reference(quotes, DT)
    quote_bronze.build_bronze(quotes, DT)
    quote_silver.build_silver(quotes, "QQQ", DT)
    option_gold.build_gold(quotes, "QQQ", DT)
    return contexts


@pytest.mark.parametrize("product", [FUTURE_OPTION, EQUITY, EQUITY_OPTION])
def test_a_small_market_passes_every_blocking_check(market: Contexts, product: str) -> None:
    ctx, symbol = market[product], SYMBOLS[product]
    checked = 0
    for key in datasets():
        manifest = ctx.lake.manifest(key, symbol, DT) if f".{product}." in key else None
        if manifest is not None:
            outcomes = run_checks(all_checks(), published(ctx.lake, manifest), ctx=ctx)
            assert [o.sentence for o in outcomes if o.finding.not_run] == []
            assert [o.sentence for o in outcomes if o.check.blocking and not o.passed] == []
            checked += 1
    assert checked >= 4


def without_option(table: Table) -> Table:
    """Return `table` without the option that has the most rows."""
    numbers = table["instrument_id"].to_pylist()
    (busiest, _), *_ = Counter(numbers).most_common(1)
    return table.filter([number != busiest for number in numbers])


def of_options(product: str, records: str) -> list[Mutation]:
    """Return a breakage for every check of a product of options."""
    mbo = f"bronze.{product}.{records}"
    snapshot, depth = (f"silver.{product}.{n}" for n in ("book_snapshot_1s", "depth_and_flow_1s"))
    surface = f"gold.{product}.physics_surface_1s"
    tail = "_opt"
    whole = everywhere("crossed_market_flag", lambda v: v | True)
    found = [
        Mutation(mbo, "inside_the_day", put("ts_recv", lambda r: r["ts_recv"] + 10**15, 9)),
        Mutation(mbo, "feed_order", put("ts_recv", lambda r: r["ts_recv"] - 10**13, 9)),
        Mutation(mbo, "flags", put("flags", lambda r: r["flags"] | 1, 9)),
        Mutation(mbo, "known_instruments", put("instrument_id", 1, 9)),
        Mutation(mbo, "actions_counted", manifest=counted(action_A=1)),
        Mutation(mbo, "far_sizes", put("size", 2 * 10**9, lambda r: r["action"] == "T")),
        Mutation(mbo, "rejected_share", manifest=counted(rejected_price=10_000)),
        Mutation(mbo, "gaps", silent(600), session="09:00-10:00"),
        Mutation(
            snapshot,
            "put_call_parity",
            both(  # the pairs of ten seconds later, as if they were those of the whole minute
                everywhere("window_end_ts_ns", lambda v: v - 10 * SECOND_NS),
                everywhere("mid_price", lambda v: [mid and mid * 100 for mid in v]),
            ),
        ),
        Mutation(snapshot, "quote_is_whole", put("mid_price", -1.0, lambda r: r["mid_price"])),
        Mutation(snapshot, "quote_is_whole", put("bid_qty", 0, lambda r: r["bid_qty"])),
        Mutation(snapshot, "windows_of_session", put("window_start_ts_ns", 0)),
        Mutation(snapshot, "spot_of_underlying", put("spot_ref_price_int", 1)),
        Mutation(snapshot, "one_option_an_instrument", put("strike_price_int", 1)),
        Mutation(snapshot, "calls_and_puts", everywhere("strike_price_int", lambda v: v + 1)),
        Mutation(
            snapshot,
            "calls_and_puts",
            lambda t: t.filter([r == "C" for r in t["right"].to_pylist()]),
        ),
        Mutation(snapshot, "listing_accounted_for", without_option),
        Mutation(snapshot, "crossed_market", put("crossed_market_flag", True)),
        Mutation(
            snapshot,
            "iv_needs_both_sides",
            put("mid_price_int", None, lambda r: r["iv_anomaly_flag"] is not None),
        ),
        Mutation(snapshot, "price_outliers", everywhere("price_outlier_flag", lambda v: v | True)),
        Mutation(
            snapshot, "spread_anomalies", everywhere("spread_anomaly_flag", lambda v: v | True)
        ),
        Mutation(
            snapshot, "iv_anomalies", everywhere("iv_anomaly_flag", lambda v: [True] * len(v))
        ),
        Mutation(
            snapshot,
            "arbitrage_violations",
            everywhere("arbitrage_violation_flag", lambda v: v | True),
        ),
        Mutation(snapshot, "crossed_quotes", whole),
        Mutation(snapshot, "replay_counters", manifest=counted(late_records=1)),
        Mutation(depth, "identity", put("add_qty", lambda r: r["add_qty"] + 1, 5)),
        Mutation(depth, "quantities", put("add_qty", -1, 5)),
        Mutation(depth, "dense_grid", dropped(5)),
        Mutation(depth, "dense_grid", put("strike_price_int", 1, 0)),
        Mutation(depth, "rel_ticks", put("rel_ticks", 10_000, 5)),
        Mutation(depth, "rel_ticks", put("strike_points", 1.0, 5)),
        Mutation(depth, "continuity", put("depth_qty_start", 10**6, 1_500)),
        Mutation(
            depth,
            "listed_strikes",
            put(
                "strike_price_int",
                lambda r: r["strike_price_int"] + 1,
                lambda r: r["depth_qty_end"] > 0,
            ),
        ),
        Mutation(depth, "snapshot_best", put("depth_qty_end", 0, lambda r: r["depth_qty_end"] > 0)),
        *(
            Mutation(depth, "minute_replay", everywhere(name, lambda v: v + 1))
            for name in ("add_qty", "pull_qty", "fill_qty", "depth_qty_rest")
        ),
        Mutation(depth, "minute_replay", everywhere("pull_qty_rest", lambda v: v * 0)),
        Mutation(depth, "size_outliers", everywhere("size_outlier_flag", lambda v: v | True)),
        Mutation(surface, "dense_grid", dropped(5)),
        Mutation(surface, "finite", put(f"rho{tail}", float("nan"), 3)),
        Mutation(surface, "permeability", put(f"nu{tail}", 0.5, 3)),
        Mutation(surface, "bands", put("u_opt_wave_energy", 3.0, 3)),
        Mutation(surface, "pressure_sign", put("pressure_grad_opt", 3.0, 3)),
        Mutation(surface, "velocity", put("add_intensity_opt", 1.5, 3)),
        Mutation(surface, "obstacles", put("phi_rest_opt", -0.1, 3)),
        Mutation(surface, "bands", everywhere("u_opt_ema_8", lambda v: v + 0.1)),
        Mutation(surface, "pressure_sign", everywhere("u_opt_p_slow", lambda v: v + 0.1)),
        Mutation(surface, "permeability", everywhere("Omega_opt_near", lambda v: v + 0.1)),
        Mutation(surface, "rows_of_silver", dropped(5)),
        Mutation(surface, "rows_of_silver", everywhere("window_valid", lambda v: v & False)),
        *(
            Mutation(surface, "naive_sample", everywhere(f"{name}{tail}", lambda v: v + 0.01))
            for name in ("add_intensity", "pull_intensity", "fill_intensity", "rho", "phi_rest")
        ),
    ]
    if records == "mbo":
        found += [
            Mutation(mbo, "sides", put("side", "N", lambda r: r["action"] == "C")),
            Mutation(
                mbo,
                "opening_snapshot",
                lambda t: t.slice(
                    next(
                        n
                        for n, r in enumerate(
                            zip(t["action"].to_pylist(), t["flags"].to_pylist(), strict=True)
                        )
                        if r[0] != "R" and not r[1] & 32
                    )
                ),
            ),
            Mutation(depth, "fills_against_executions", everywhere("fill_qty", lambda v: v * 9)),
        ]
    else:
        found += [
            Mutation(mbo, "far_sizes", put("bid_sz_00", 2 * 10**9, lambda r: r["bid_px_00"])),
            Mutation(mbo, "far_sizes", put("ask_sz_00", 2 * 10**9, lambda r: r["ask_px_00"])),
            Mutation(depth, "reprices", put("add_reprice_qty", 10**6, 5)),
            Mutation(depth, "minute_replay", everywhere("pull_reprice_qty", lambda v: v * 0)),
        ]
    return found


def of_equities() -> list[Mutation]:
    """Return the breakages of futures on the tables of equities, the fine ones too."""
    checks = {(check.dataset, check.name) for check in all_checks()}
    moved = [
        replace(mutation, dataset=mutation.dataset.replace(FUTURE, EQUITY).replace("_1s", tail))
        for mutation in OF_ANY_CELL
        for tail in ("_1s", "_tick_1s")
    ]
    known = [m for m in moved if (m.dataset, m.check) in checks]
    return list(dict.fromkeys(known))


MUTATIONS = [
    *of_options(FUTURE_OPTION, "mbo"),
    *of_options(EQUITY_OPTION, "cmbp_1"),
    *of_equities(),
]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_breakage_turns_its_check_red(market: Contexts, mutation: Mutation, tmp_path: Path) -> None:
    product = mutation.dataset.split(".")[1]
    outcome = outcome_of(market[product], mutation, tmp_path, SYMBOLS[product], DT)
    assert not outcome.passed
    assert outcome.finding.rows


def test_every_check_of_equities_and_options_is_turned_red_by_some_breakage() -> None:
    broken = {(mutation.dataset, mutation.check) for mutation in MUTATIONS}
    assert {
        (check.dataset, check.name)
        for check in all_checks()
        if check.dataset.split(".")[1] in SYMBOLS.keys() - {FUTURE} and check.name not in GENERAL
    } == broken
