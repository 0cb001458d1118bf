"""Checks of the silver and gold tables of options."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from spymaster_assets.checks.chain import accounting_check, streamed, strikes_check
from spymaster_assets.checks.check import (
    MAX_OFFENDERS,
    Check,
    Finding,
    offenders,
    row_check,
    sql_check,
)
from spymaster_assets.checks.executions import windows_of
from spymaster_assets.checks.gold import physics_checks, sample_check
from spymaster_assets.checks.option_minute import option_minute_check
from spymaster_assets.checks.silver import fills, flow_checks, rate_check, replay_check, size_check
from spymaster_assets.checks.subject import Subject
from spymaster_resources.instruments import UNDERLYING_PRODUCTS
from spymaster_resources.trading_calendar import SECOND_NS

_PARITY_SHARE: Final = 0.005
"""Of the strike: further apart are call − put and underlying − strike on no market."""


def option_snapshot_checks(key: str, bronze: str) -> Iterator[Check]:
    """Yield the checks of the snapshots of options."""
    product = key.split(".")[1]
    underlying = f"silver.{UNDERLYING_PRODUCTS[product]}.book_snapshot_1s"
    yield row_check(
        "quote_is_whole",
        key,
        "a row has a side, a price has a positive quantity, and the mid is the average of both",
        "(bid_price_int IS NULL AND ask_price_int IS NULL) OR (bid_price_int IS NULL) <> "
        "(bid_qty IS NULL) OR coalesce(bid_qty, 1) <= 0 OR (ask_price_int IS NULL) <> (ask_qty "
        "IS NULL) OR coalesce(ask_qty, 1) <= 0 OR mid_price_int IS DISTINCT FROM "
        "((bid_price_int + ask_price_int + 1) // 2) OR (mid_price IS NULL) <> (mid_price_int "
        "IS NULL) OR NOT isfinite(coalesce(mid_price, 0)) OR abs(mid_price - (bid_price_int + "
        "ask_price_int) * 0.5e-9) > 1e-9",
    )
    yield row_check(
        "windows_of_session",
        key,
        "every row is of a second of the session, and its start a second before its end",
        f"window_start_ts_ns <> window_end_ts_ns - {SECOND_NS} "
        f"OR window_end_ts_ns % {SECOND_NS} <> 0 "
        "OR window_end_ts_ns NOT BETWEEN {first_ns} AND {last_ns}",
        columns="window_start_ts_ns, window_end_ts_ns, instrument_id",
        values=lambda subject: asdict(windows_of(subject)),
    )
    yield sql_check(
        "spot_of_underlying",
        key,
        "the spot reference is that of the underlying's snapshot at the same second",
        "SELECT o.window_end_ts_ns, o.instrument_id, o.spot_ref_price_int, "
        "u.spot_ref_price_int AS underlying_spot FROM {table} o LEFT JOIN {underlying} u "
        "USING (window_end_ts_ns) "
        "WHERE o.spot_ref_price_int IS DISTINCT FROM u.spot_ref_price_int",
        others={"underlying": underlying},
    )
    yield sql_check(
        "one_option_an_instrument",
        key,
        "an instrument is one strike and one right all day long",
        "SELECT instrument_id, count(DISTINCT strike_price_int) AS strikes, "
        'count(DISTINCT "right") AS rights FROM {table} GROUP BY instrument_id '
        "HAVING strikes > 1 OR rights > 1",
    )
    yield Check(
        "calls_and_puts",
        key,
        "there are calls and puts, and every instrument is one that bronze has",
        lambda subject: _rights(subject, bronze),
    )
    yield accounting_check(key, bronze)
    yield row_check(
        "crossed_market",
        key,
        "crossed_market_flag marks exactly the quotes whose bid is at or above the ask",
        "crossed_market_flag <> coalesce(bid_price_int >= ask_price_int, false)",
        columns=(
            "window_end_ts_ns, instrument_id, bid_price_int, ask_price_int, crossed_market_flag"
        ),
        numbers={
            "crossed_quotes": "count(*) FILTER (bid_price_int > ask_price_int)",
            "locked_quotes": "count(*) FILTER (bid_price_int = ask_price_int)",
        },
    )
    yield row_check(
        "iv_needs_both_sides",
        key,
        "iv_anomaly_flag is null where there is no two-sided quote",
        "iv_anomaly_flag IS NOT NULL AND mid_price_int IS NULL",
    )
    for name, flag in (
        ("price_outliers", "price_outlier_flag"),
        ("spread_anomalies", "spread_anomaly_flag"),
        ("iv_anomalies", "iv_anomaly_flag"),
        ("arbitrage_violations", "arbitrage_violation_flag"),
        ("crossed_quotes", "crossed_market_flag"),
    ):
        text = f"{flag} marks less than 0.5 % of the quotes"
        yield rate_check(name, key, text, flag, 0.005, f"{name}_share")
    yield replay_check(key)
    yield Check(
        "put_call_parity",
        key,
        f"call − put is underlying − strike within {_PARITY_SHARE:.1%} of the strike "
        "for nine in ten pairs",
        lambda subject: _parity(subject, underlying),
        blocking=False,
    )


def option_depth_checks(key: str, snapshot: str, bronze: str) -> Iterator[Check]:
    """Yield the checks of the depth and flow of options."""
    quotes = bronze.endswith("cmbp_1")
    yield from flow_checks(key)
    yield Check(
        "dense_grid",
        key,
        "every second with rows has every strike of the grid, call and put, ask and bid",
        _grid,
    )
    yield row_check(
        "rel_ticks",
        key,
        "rel_ticks is the strike's distance from spot, strike_points the strike in dollars",
        "strike_price_int - spot_ref_price_int <> rel_ticks * {rel}::BIGINT OR "
        "abs(strike_points - strike_price_int / 1e9) > 1e-9",
        values=lambda subject: {"rel": subject.instrument.rel_tick_int},
    )
    yield sql_check(
        "continuity",
        key,
        "where valid, depth_qty_start is depth_qty_end of the second before, at every strike "
        "of both",  # a clear or snapshot restarts the account of its window
        'SELECT n.window_start_ts_ns, strike_price_int, "right", side, p.depth_qty_end, '
        "n.depth_qty_start FROM {table} n JOIN (SELECT window_end_ts_ns AS window_start_ts_ns, "
        'strike_price_int, "right", side, depth_qty_end FROM {table}) p '
        'USING (window_start_ts_ns, strike_price_int, "right", side) '
        "WHERE n.window_valid AND n.depth_qty_start <> p.depth_qty_end",
    )
    yield strikes_check(key, bronze)
    compared = "<>" if quotes else "<"
    yield sql_check(
        "snapshot_best",
        key,
        "the depth of a strike is its best quantity"
        if quotes
        else "the depth of a strike holds at least its best quantity",
        "WITH grids AS (SELECT window_end_ts_ns, min(strike_price_int) AS lowest, "
        "max(strike_price_int) AS highest FROM {table} GROUP BY window_end_ts_ns), "
        'best AS (SELECT window_end_ts_ns, strike_price_int, "right", sum(ask_qty) AS ask_qty, '
        "sum(bid_qty) AS bid_qty FROM {snapshot} JOIN grids USING (window_end_ts_ns) "
        "WHERE strike_price_int BETWEEN lowest AND highest "
        'GROUP BY window_end_ts_ns, strike_price_int, "right") '
        'SELECT window_end_ts_ns, strike_price_int, "right", side, d.depth_qty_end, '
        "coalesce(CASE side WHEN 'A' THEN ask_qty ELSE bid_qty END, 0) AS best_qty "
        'FROM {table} d LEFT JOIN best USING (window_end_ts_ns, strike_price_int, "right") '
        f"WHERE d.depth_qty_end {compared} best_qty",
        others={"snapshot": snapshot},
    )
    if quotes:
        yield row_check(
            "reprices",
            key,
            "what was booked by a reprice is part of the adds and of the pulls",
            "least(add_reprice_qty, pull_reprice_qty) < 0 OR add_reprice_qty > add_qty OR "
            "pull_reprice_qty > pull_qty",
        )
    else:
        yield Check(
            "fills_against_executions",
            key,
            "no second fills more than bronze's F records executed",
            lambda subject: fills(subject, bronze, is_partial=True),
        )
    yield option_minute_check(key, bronze)
    yield size_check(key)


def option_surface_checks(key: str, snapshot: str, depth: str) -> Iterator[Check]:
    """Yield the checks of the surfaces of options."""
    yield Check(
        "dense_grid",
        key,
        "every second with rows has every strike of the grid, call and put, ask and bid",
        _grid,
    )
    yield from physics_checks(key, "_opt", "u_opt", "Omega_opt")
    yield sql_check(
        "rows_of_silver",
        key,
        "the surface has exactly the rows of silver's depth, is valid exactly where that is and no "
        "flag of the option's quote is set, and has no flow elsewhere",
        'WITH flagged AS (SELECT DISTINCT window_end_ts_ns, strike_price_int, "right", '
        "true AS is_flagged FROM {snapshot} WHERE price_outlier_flag OR crossed_market_flag "
        "OR spread_anomaly_flag OR iv_anomaly_flag OR arbitrage_violation_flag) "
        'SELECT window_end_ts_ns, strike_price_int, "right", side, g.window_valid, '
        "d.window_valid AS silver_valid, is_flagged, liquidity_velocity_opt "
        "FROM {table} g FULL JOIN {depth} d "
        'USING (window_end_ts_ns, strike_price_int, "right", side) LEFT JOIN flagged '
        'USING (window_end_ts_ns, strike_price_int, "right") '
        "WHERE g.window_valid IS DISTINCT FROM (d.window_valid AND is_flagged IS NULL) "
        "OR (NOT g.window_valid AND liquidity_velocity_opt <> 0)",
        others={"snapshot": snapshot, "depth": depth},
    )
    yield sample_check(key, depth, "_opt")


def _rights(subject: Subject, bronze: str) -> Finding:
    listed = streamed(subject, bronze)
    rows = subject.query(
        'SELECT DISTINCT instrument_id, "right"::VARCHAR AS "right", strike_price_int '
        "FROM {table} ORDER BY ALL"
    )
    wrong: list[dict[str, Any]] = []
    for row in rows:
        found = listed.get(row["instrument_id"], {})
        names = ("right", "strike_price_int")
        if any(row[name] != found.get(name) for name in names):
            wrong.append({**row, **{f"bronze_{name}": found.get(name) for name in names}})
    counts = {r: sum(row["right"] == r for row in rows) for r in "CP"}
    if rows:
        wrong += [{"right": r, "instruments": 0} for r, count in counts.items() if not count]
    numbers = {"calls": counts["C"], "puts": counts["P"]}
    return Finding(len(wrong), rows=wrong[:MAX_OFFENDERS], numbers=numbers)


def _grid(subject: Subject) -> Finding:
    row = subject.instrument
    strikes = 2 * row.grid_half_width + 1
    found = offenders(
        subject,
        "SELECT window_end_ts_ns, count(*) AS rows, min(strike_price_int) AS lowest, "
        "max(strike_price_int) AS highest, count(*) FILTER (side = 'A') AS asks, "
        "count(*) FILTER (\"right\" = 'C') AS calls, count(DISTINCT spot_ref_price_int) AS spots "
        "FROM {table} GROUP BY window_end_ts_ns "
        f"HAVING rows <> {4 * strikes} OR 2 * asks <> rows OR 2 * calls <> rows OR spots <> 1 "
        f"OR highest - lowest <> {(strikes - 1) * row.cell_int}",
    )
    return Finding(found.count, rows=found.first)


def _parity(subject: Subject, underlying: str) -> Finding:
    row = subject.one(
        "SELECT count(*) AS pairs, median(abs(residual)) AS residual, count(*) FILTER "
        f"(abs(residual) > {_PARITY_SHARE} * strike) AS far FROM (SELECT "
        "c.mid_price - p.mid_price - u.mid_price + c.strike_price_int / 1e9 AS residual, "
        "c.strike_price_int / 1e9 AS strike FROM {table} c JOIN {table} p "
        "USING (window_end_ts_ns, strike_price_int) "
        f"JOIN {subject.other(underlying)} u USING (window_end_ts_ns) "
        "WHERE c.\"right\" = 'C' AND p.\"right\" = 'P' AND c.window_end_ts_ns % "
        f"{60 * SECOND_NS} = 0 AND c.mid_price + p.mid_price + u.mid_price IS NOT NULL)"
    )
    pairs, far = row["pairs"], row["far"]
    numbers = {"pairs": pairs, "far_pairs": far, "median_residual": row["residual"] or 0.0}
    if 10 * far <= pairs:
        return Finding(numbers=numbers)
    return Finding(far, f"{far} of {pairs} pairs", [dict(numbers)], numbers)
