"""The checks of every table of the lake, by dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING

from contracts.registry import Dataset, dataset, datasets
from contracts.schema import schema_problems
from spymaster_assets.checks.check import (
    MAX_OFFENDERS,
    Check,
    Finding,
    relation,
    sql_check,
)
from spymaster_resources.lake import StagedPartition

if TYPE_CHECKING:
    import duckdb

SNAPSHOT = "silver.future_mbo.book_snapshot_1s"
DEPTH = "silver.future_mbo.depth_and_flow_1s"
SURFACE = "gold.future_mbo.physics_surface_1s"
FORECAST = "gold.future_mbo.forecast_1s"


@cache
def all_checks() -> tuple[Check, ...]:
    """Return every check, those that hold for all tables first."""
    general = [check for entry in datasets().values() for check in _general(entry)]
    return (*general, *_silver(), *_gold())


def checks_of(key: str) -> Sequence[Check]:
    """Return the checks of one dataset."""
    return [check for check in all_checks() if check.dataset == key]


def _general(entry: Dataset) -> Iterator[Check]:
    if not entry.is_partitioned:
        return
    yield Check(
        name="contract",
        dataset=entry.key,
        expectation="names, order, types, nulls and enumerations are the contract's, "
        "and the row count is the manifest's",
        find=partial(_contract_breaches, entry),
    )
    key = ", ".join(entry.sort_columns)
    before = ", ".join(f"lag({c}) OVER () AS before_{c}" for c in entry.sort_columns)
    lagged = ", ".join(f"before_{c}" for c in entry.sort_columns)
    yield sql_check(
        "sorted_unique_key",
        entry.key,
        f"rows are sorted by ({key}) and no key comes twice",
        f"SELECT * FROM (SELECT file_row_number, {key}, {before} FROM {{table}}) "  # noqa: S608
        f"WHERE before_{entry.sort_columns[0]} IS NOT NULL AND ({key}) <= ({lagged})",
    )


def _silver() -> Iterator[Check]:
    yield sql_check(
        "window_grid",
        SNAPSHOT,
        "there is one row for every second of the session",
        "SELECT file_row_number, window_start_ts_ns, window_end_ts_ns FROM {table} "
        "WHERE window_end_ts_ns % 1000000000 <> 0 "
        "OR window_start_ts_ns <> window_end_ts_ns - 1000000000 "
        "OR window_end_ts_ns - file_row_number * 1000000000 <> "
        "(SELECT min(window_end_ts_ns) FROM {table})",
    )
    yield sql_check(
        "touch_is_whole",
        SNAPSHOT,
        "a best price has a positive quantity, the mid exists exactly when both sides do, "
        "and it is their average",
        "SELECT window_end_ts_ns, best_bid_price_int, best_bid_qty, best_ask_price_int, "
        "best_ask_qty, mid_price_int, mid_price FROM {table} WHERE "
        "(best_bid_price_int IS NULL) <> (best_bid_qty IS NULL) OR coalesce(best_bid_qty, 1) <= 0 "
        "OR (best_ask_price_int IS NULL) <> (best_ask_qty IS NULL) "
        "OR coalesce(best_ask_qty, 1) <= 0 "
        "OR mid_price_int IS DISTINCT FROM ((best_bid_price_int + best_ask_price_int + 1) // 2) "
        "OR (mid_price IS NULL) <> (mid_price_int IS NULL) "
        "OR abs(mid_price - (best_bid_price_int + best_ask_price_int) * 0.5e-9) > 1e-9",
    )
    yield sql_check(
        "identity",
        DEPTH,
        "depth_qty_start + add_qty − pull_qty − fill_qty = depth_qty_end in every row",
        "SELECT * FROM {table} "
        "WHERE depth_qty_start + add_qty - pull_qty - fill_qty <> depth_qty_end",
    )
    yield sql_check(
        "quantities",
        DEPTH,
        "no quantity is negative, rested depth is part of the depth and rested pulls of the pulls",
        "SELECT * FROM {table} WHERE least(depth_qty_start, depth_qty_end, add_qty, pull_qty, "
        "fill_qty, depth_qty_rest, pull_qty_rest) < 0 OR depth_qty_rest > depth_qty_end "
        "OR pull_qty_rest > pull_qty",
    )


def _gold() -> Iterator[Check]:
    yield sql_check(
        "dense_grid",
        SURFACE,
        "every window holds every cell of the grid once on each side",
        "SELECT window_end_ts_ns, count(*) AS rows, min(rel_ticks) AS lowest, "
        "max(rel_ticks) AS highest, count(*) FILTER (side = 'A') AS asks FROM {table} "
        "GROUP BY window_end_ts_ns "
        "HAVING rows <> 2 * (highest - lowest + 1) OR lowest <> -highest OR 2 * asks <> rows",
    )
    physics = [f.name for f in dataset(SURFACE).contract.fields if str(f.type) == "float"]
    strange = " OR ".join(f"NOT isfinite({name})" for name in physics)
    yield sql_check(
        "finite",
        SURFACE,
        "no physics column holds a NaN or an infinity",
        f"SELECT * FROM {{table}} WHERE {strange}",  # noqa: S608
    )
    yield sql_check(
        "permeability",
        SURFACE,
        "kappa · nu = 1 within the rounding of float32, and nu is at least 1",
        "SELECT window_end_ts_ns, rel_ticks, side, nu, kappa FROM {table} "
        "WHERE nu < 1 OR abs(kappa::DOUBLE * nu::DOUBLE - 1) > 2.4e-7",
    )
    yield sql_check(
        "horizons",
        FORECAST,
        "every window holds the horizons 0 to 30, diagnostics only at 0, predictions only after",
        "SELECT file_row_number, window_end_ts_ns, horizon_s, predicted_delta, RunScore_up "
        "FROM {table} WHERE horizon_s <> file_row_number % 31 "
        "OR (horizon_s = 0 AND predicted_delta IS NOT NULL) "
        "OR (horizon_s > 0 AND (RunScore_up IS NOT NULL OR D_up IS NOT NULL))",
    )
    yield sql_check(
        "finite",
        FORECAST,
        "predictions are finite, within ±80 ticks, and bands are ordered",
        "SELECT * FROM {table} WHERE NOT isfinite(predicted_delta) OR abs(predicted_delta) > 80 "
        "OR NOT isfinite(RunScore_up) OR NOT isfinite(RunScore_down) "
        "OR confidence NOT BETWEEN 0 AND 1 "
        "OR NOT (band_lo_90 <= band_lo_50 AND band_lo_50 <= band_hi_50 "
        "AND band_hi_50 <= band_hi_90)",
    )


def _contract_breaches(
    entry: Dataset, connection: duckdb.DuckDBPyConnection, staged: StagedPartition
) -> Finding:
    import pyarrow.parquet as pq

    problems: list[str] = []
    rows = 0
    for file in staged.files:
        with pq.ParquetFile(file) as parquet:
            rows += parquet.metadata.num_rows
            problems += schema_problems(parquet.schema_arrow, entry.contract)
    if rows != staged.manifest.row_count:
        problems.append(f"row count: manifest says {staged.manifest.row_count}, found {rows}")
    if not problems:
        problems += _value_breaches(entry, connection, staged)
    offenders = [{"problem": problem} for problem in problems[:MAX_OFFENDERS]]
    return Finding(len(problems), "; ".join(problems[:3]), offenders, {"rows": rows})


def _value_breaches(
    entry: Dataset, connection: duckdb.DuckDBPyConnection, staged: StagedPartition
) -> Iterator[str]:
    rules = {
        f"column {f.name}: null": f"{f.name} IS NULL"
        for f in entry.contract.fields
        if not f.nullable
    } | {
        f"column {f.name}: not one of {list(f.symbols)}": f"{f.name} NOT IN ("
        + ", ".join(f"'{s}'" for s in f.symbols)
        + ")"
        for f in entry.contract.fields
        if f.symbols
    }
    counts = ", ".join(f"count(*) FILTER ({rule})" for rule in rules.values())
    found = connection.execute(f"SELECT {counts} FROM {relation(staged)}").fetchall()[0]  # noqa: S608
    for problem, count in zip(rules, found, strict=True):
        if count:
            yield f"{problem} in {count} rows"
