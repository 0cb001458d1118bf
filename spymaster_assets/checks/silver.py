"""Checks of the silver tables of futures and equities."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from spymaster_assets.checks.check import (
    MAX_OFFENDERS,
    Check,
    Finding,
    first_rows,
    offenders,
    row_check,
    sql_check,
)
from spymaster_assets.checks.executions import Executions, Windows, executions, windows_of
from spymaster_assets.checks.minute import Flow, Place, flows_of_minute, minute_of
from spymaster_assets.checks.rows import Places, RowRule
from spymaster_assets.checks.subject import Subject
from spymaster_resources.instruments import Instrument
from spymaster_resources.trading_calendar import SECOND_NS

_TYPICAL_SPREAD: Final = {"future_mbo": (1, 2), "equity_mbo": (1, 5)}
"""Ticks, first and last, in regular hours."""


@dataclass(frozen=True)
class DepthTable:
    """A depth table of one instrument: cells around its own spot."""

    key: str
    snapshot: str
    bronze: str
    cell: Callable[[Instrument], int]
    half: Callable[[Instrument], int]

    def places(self, subject: Subject) -> dict[str, object]:
        """Return the cell's width, the grid's half width and how exact the snapshot's spot is.

        The snapshot has the spot of the wide table: a finer one is near it.
        """
        row = subject.instrument
        slack = 0 if self.cell(row) == row.cell_int else (row.cell_int + self.cell(row)) // 2
        return {"cell": f"{self.cell(row)}::BIGINT", "half": self.half(row), "slack": slack}


_ODDITIES: Final = (
    "unknown_cancels",
    "unknown_modifies",
    "duplicate_adds",
    "late_records",
    "over_cancels",
    "side_changes",
    "sideless_ignored",
    "null_price_ignored",
)
"""Counters of a replay that are 0 on a feed without faults."""


def replay_check(key: str) -> Check:
    """Return the warning that a replay met records that fit no book."""
    return Check(
        "replay_counters",
        key,
        "the replay met no unknown, doubled, late or sideless order",
        _oddities,
        blocking=False,
    )


def _oddities(subject: Subject) -> Finding:
    counted = {name: subject.manifest.counters.get(name, 0) for name in _ODDITIES}
    numbers = {name: count for name, count in counted.items() if isinstance(count, int)}
    shown = [{"counter": name, "records": count} for name, count in numbers.items() if count]
    text = ", ".join(f"{count} {name}" for name, count in numbers.items() if count)
    return Finding(sum(numbers.values()), text, shown, numbers)


def snapshot_checks(key: str, bronze: str) -> Iterator[Check]:
    """Yield the checks of `book_snapshot_1s`."""
    product = key.split(".")[1]
    yield Check(
        "window_grid",
        key,
        "there is one row for every second of the session, from its first window to its last",
        _missing_windows,
    )
    yield row_check(
        "touch_is_whole",
        key,
        "a best price has a positive quantity, the mid exists exactly when both sides do, "
        "and it is their average",
        "(best_bid_price_int IS NULL) <> (best_bid_qty IS NULL) OR coalesce(best_bid_qty, 1) "
        "<= 0 OR (best_ask_price_int IS NULL) <> (best_ask_qty IS NULL) OR "
        "coalesce(best_ask_qty, 1) <= 0 OR mid_price_int IS DISTINCT FROM ((best_bid_price_int "
        "+ best_ask_price_int + 1) // 2) OR (mid_price IS NULL) <> (mid_price_int IS NULL) OR "
        "NOT isfinite(coalesce(mid_price, 0)) OR abs(mid_price - (best_bid_price_int + "
        "best_ask_price_int) * 0.5e-9) > 1e-9",
        columns=(
            "window_end_ts_ns, best_bid_price_int, best_bid_qty, best_ask_price_int, "
            "best_ask_qty, mid_price_int, mid_price"
        ),
    )
    yield row_check(
        "valid_needs_both_sides",
        key,
        "a valid book has both sides, and where a side is there is a spot reference",
        "(book_valid AND mid_price_int IS NULL) OR (spot_ref_price_int IS NULL) <> "
        "(best_bid_price_int IS NULL AND best_ask_price_int IS NULL)",
        columns=(
            "window_end_ts_ns, book_valid, best_bid_price_int, best_ask_price_int, "
            "spot_ref_price_int"
        ),
    )
    yield row_check(
        "crossed_market",
        key,
        "crossed_market_flag marks exactly the seconds whose best bid is at or above the best ask",
        "crossed_market_flag <> coalesce(best_bid_price_int >= best_ask_price_int, false)",
        columns="window_end_ts_ns, best_bid_price_int, best_ask_price_int, crossed_market_flag",
        numbers={
            "crossed_seconds": "count(*) FILTER (best_bid_price_int > best_ask_price_int)",
            "locked_seconds": "count(*) FILTER (best_bid_price_int = best_ask_price_int)",
        },
    )
    yield rate_check(
        "valid_share",
        key,
        "at least 95 % of the seconds have a valid book",
        "NOT book_valid",
        0.05,
        "invalid_share",
    )
    yield rate_check(
        "crossed_share",
        key,
        "the book is crossed or locked in less than 1 % of the seconds",
        "crossed_market_flag",
        0.01,
        "crossed_share",
    )
    yield rate_check(
        "price_outliers",
        key,
        "price_outlier_flag marks less than 0.5 % of the seconds",
        "price_outlier_flag",
        0.005,
        "price_outlier_share",
    )
    yield rate_check(
        "spread_anomalies",
        key,
        "spread_anomaly_flag marks less than 0.5 % of the seconds",
        "spread_anomaly_flag",
        0.005,
        "spread_anomaly_share",
    )
    yield replay_check(key)
    low, high = _TYPICAL_SPREAD[product]
    spread = "(best_ask_price_int - best_bid_price_int) / {tick}"
    yield rate_check(
        "spread_distribution",
        key,
        f"the spread is {low} to {high} ticks in at least 90 % of the seconds with a valid book",
        f"book_valid AND {spread} NOT BETWEEN {low} AND {high}",
        0.10,
        "unusual_spread_share",
        numbers={"median_spread_ticks": f"median({spread})"},
        values=lambda subject: {"tick": subject.instrument.tick_int},
    )
    yield Check(
        "trades_against_bronze",
        key,
        "traded quantities and counts of every second are those of bronze's T records",
        lambda subject: _trades(subject, bronze),
    )


def depth_checks(table: DepthTable) -> Iterator[Check]:
    """Yield the checks of a depth table."""
    key = table.key
    yield from flow_checks(key)
    yield sql_check(
        "continuity",
        key,
        "in valid windows depth_qty_start is depth_qty_end of the second before, at every price "
        "in both grids",
        # a price without a row is empty; a clear or snapshot restarts the account of its window
        "WITH spots AS (SELECT window_end_ts_ns AS ts, any_value(spot_ref_price_int) AS spot, "
        "any_value(window_valid) AS valid FROM {table} GROUP BY window_end_ts_ns) "
        "SELECT ts AS window_start_ts_ns, price_int, side, depth_qty_end, depth_qty_start FROM "
        "(SELECT window_end_ts_ns AS ts, price_int, side, depth_qty_end FROM {table}) "
        "FULL JOIN (SELECT window_start_ts_ns AS ts, price_int, side, depth_qty_start "
        "FROM {table}) USING (ts, price_int, side) "
        "JOIN spots AS before USING (ts) "
        f"JOIN (SELECT ts - {SECOND_NS} AS ts, spot, valid FROM spots) AS after USING (ts) "
        "WHERE after.valid AND coalesce(depth_qty_start, 0) <> coalesce(depth_qty_end, 0) "
        "AND abs(price_int - before.spot) <= {cell} * {half} "
        "AND abs(price_int - after.spot) <= {cell} * {half}",
        values=table.places,
    )
    yield row_check(
        "rel_ticks",
        key,
        "rel_ticks is the whole number of cells from the spot reference, within the grid",
        "price_int - spot_ref_price_int <> rel_ticks * {cell} OR abs(rel_ticks) > {half}",
        columns="window_end_ts_ns, price_int, side, spot_ref_price_int, rel_ticks",
        values=table.places,
    )
    nearest = "((({p} + {cell} // 2) // {cell}) * {cell})"
    bid = nearest.replace("{p}", "s.best_bid_price_int")
    ask = nearest.replace("{p}", "s.best_ask_price_int")
    yield sql_check(
        "rel_ticks_side",
        key,
        "rel_ticks_side counts from the side's own best price of the snapshot, null without one",
        "SELECT d.window_end_ts_ns, d.price_int, d.side, d.rel_ticks_side, "
        "s.best_bid_price_int, s.best_ask_price_int FROM {table} d "
        "JOIN {snapshot} s USING (window_end_ts_ns) WHERE d.rel_ticks_side IS DISTINCT FROM "
        f"((d.price_int - CASE d.side WHEN 'B' THEN {bid} ELSE {ask} END) // {{cell}})",
        others={"snapshot": table.snapshot},
        values=table.places,
    )
    yield sql_check(
        "spot_of_snapshot",
        key,
        "every row carries the spot reference of its second's snapshot, in cells of the table",
        "SELECT d.window_end_ts_ns, d.price_int, d.spot_ref_price_int, "
        "s.spot_ref_price_int AS snapshot_spot FROM {table} d "
        "LEFT JOIN {snapshot} s USING (window_end_ts_ns) WHERE s.spot_ref_price_int IS NULL "
        "OR abs(d.spot_ref_price_int - s.spot_ref_price_int) > {slack} "
        f"OR d.spot_ref_price_int <> {nearest.replace('{p}', 'd.spot_ref_price_int')}",
        others={"snapshot": table.snapshot},
        values=table.places,
    )
    yield Check(
        "snapshot_best",
        key,
        "the best level of each side is the snapshot's best price with its quantity",
        lambda subject: _best_levels(subject, table),
    )
    yield sql_check(
        "window_valid",
        key,
        "a window is valid as a whole, and only with a valid book",
        "SELECT d.window_end_ts_ns, bool_and(d.window_valid) AS all_rows, "
        "bool_or(d.window_valid) AS any_row, any_value(s.book_valid) AS book_valid "
        "FROM {table} d JOIN {snapshot} s USING (window_end_ts_ns) GROUP BY d.window_end_ts_ns "
        "HAVING all_rows <> any_row OR (any_row AND NOT any_value(s.book_valid))",
        others={"snapshot": table.snapshot},
    )
    yield Check(
        "fills_against_executions",
        key,
        "no second fills more than bronze's F records executed, and in all the table fills what "
        "they executed but for the hidden part",
        lambda subject: fills(subject, table.bronze),
    )
    yield Check(
        "minute_replay",
        key,
        "in a random minute adds, pulls and fills of every cell, and what of its depth came within "
        "the last half second, are, exactly, those of bronze's orders replayed one by one",
        lambda subject: _minute(subject, table),
    )
    yield size_check(key)
    yield Check(
        "side_balance",
        key,
        "bids hold between a tenth and nine tenths of the depth",
        _balance,
        blocking=False,
    )


def flow_checks(key: str) -> Iterator[Check]:
    """Yield the checks of every table of depth and flow."""
    yield row_check(
        "identity",
        key,
        "depth_qty_start + add_qty − pull_qty − fill_qty = depth_qty_end in every row",
        "depth_qty_start + add_qty - pull_qty - fill_qty <> depth_qty_end",
    )
    yield row_check(
        "quantities",
        key,
        "no quantity is negative, rested depth is part of the depth and rested pulls of the pulls",
        "least(depth_qty_start, depth_qty_end, add_qty, pull_qty, fill_qty, depth_qty_rest, "
        "pull_qty_rest) < 0 OR depth_qty_rest > depth_qty_end OR pull_qty_rest > pull_qty",
    )


def rate_check(
    name: str,
    key: str,
    expectation: str,
    condition: str,
    limit: float,
    number: str,
    *,
    numbers: Mapping[str, str] | None = None,
    values: Places | None = None,
) -> Check:
    """Return a warning that is red when more than a share `limit` of the rows meet `condition`.

    `number` names the share among the numbers; numbers and values are those of `row_check`.
    """
    rule = RowRule(condition, numbers or {}, values)

    def find(subject: Subject) -> Finding:
        counted = subject.counted(rule)
        rows, met = counted.rows, counted.broken
        found = {number: met / rows if rows else 0.0, **counted.numbers}
        if met <= limit * rows:
            return Finding(numbers=found)
        return Finding(met, f"{met} of {rows} rows", first_rows(subject, rule), found)

    return Check(name, key, expectation, find, blocking=False, rule=rule)


def size_check(key: str) -> Check:
    """Return the check of how many cells of a depth table hold an order of unusual size."""
    return rate_check(
        "size_outliers",
        key,
        "size_outlier_flag marks less than 0.5 % of the rows",
        "size_outlier_flag",
        0.005,
        "size_outlier_share",
    )


def _missing_windows(subject: Subject) -> Finding:
    windows = windows_of(subject)
    found = offenders(
        subject,
        "SELECT file_row_number, window_start_ts_ns, window_end_ts_ns FROM {table} WHERE "
        f"window_end_ts_ns <> {windows.first_ns} + file_row_number * {SECOND_NS} "
        f"OR window_start_ts_ns <> window_end_ts_ns - {SECOND_NS}",
    )
    rows = subject.one("SELECT count(*) AS rows FROM {table}")["rows"]
    missing = abs(windows.count - rows)
    detail = f"{rows} rows for {windows.count} seconds" if missing else ""
    shown = found.first or ([{"rows": rows, "seconds": windows.count}] if missing else [])
    return Finding(found.count + missing, detail, shown, {"windows": rows})


def executions_of(subject: Subject, bronze: str) -> tuple[Windows, Executions]:
    """Return the windows of a silver partition and what bronze executed in each, read once."""
    windows = windows_of(subject)
    partition = subject.other_partition(bronze)
    name = f"executions {windows}"
    return windows, subject.keep(name, partition, lambda: executions(subject, partition, windows))


def _trades(subject: Subject, bronze: str) -> Finding:
    windows, done = executions_of(subject, bronze)
    rows = []
    for row in subject.query(
        "SELECT window_end_ts_ns, trade_qty_buy, trade_qty_sell, trade_count FROM {table}"
    ):
        k = (row["window_end_ts_ns"] - windows.first_ns) // SECOND_NS
        if not 0 <= k < windows.count:
            continue  # window_grid names it
        expected = (int(done.bought[k]), int(done.sold[k]), int(done.trades[k]))
        if expected != (row["trade_qty_buy"], row["trade_qty_sell"], row["trade_count"]):
            names = ("bronze_buy", "bronze_sell", "bronze_count")
            rows.append({**row, **dict(zip(names, expected, strict=True))})
    volume = int(done.bought.sum() + done.sold.sum())
    return Finding(len(rows), rows=rows[:MAX_OFFENDERS], numbers={"traded_qty": volume})


def fills(subject: Subject, bronze: str, *, is_partial: bool = False) -> Finding:
    """Compare the fills of a table of depth and flow with bronze's F records, second by second.

    is_partial: executions may lie outside of the table's grid.
    """
    windows, done = executions_of(subject, bronze)
    rows, filled = [], 0
    for row in subject.query(
        "SELECT window_end_ts_ns, sum(fill_qty)::BIGINT AS fill_qty FROM {table} "
        "GROUP BY window_end_ts_ns ORDER BY window_end_ts_ns"
    ):
        k = (row["window_end_ts_ns"] - windows.first_ns) // SECOND_NS
        executed = int(done.filled[k]) if 0 <= k < windows.count else 0
        filled += row["fill_qty"]
        if row["fill_qty"] > executed:
            rows.append({**row, "executed_qty": executed})
    executed = int(done.filled.sum())
    hidden = executed - filled
    share = hidden / executed if executed else 0.0
    problems = len(rows)
    if share > _HIDDEN_SHARE and not is_partial:
        problems += 1
        rows.insert(0, {"fill_qty": filled, "executed_qty": executed})
    return Finding(
        problems,
        f"{filled} of {executed} executed",
        rows[:MAX_OFFENDERS],
        {"filled_qty": filled, "executed_qty": executed, "hidden_share": share},
    )


_HIDDEN_SHARE: Final = 0.25
"""More than a quarter of the executions against nothing displayed is no hidden liquidity."""


def _best_levels(subject: Subject, table: DepthTable) -> Finding:
    cell, half = table.cell(subject.instrument), table.half(subject.instrument)
    whole = cell == subject.instrument.tick_int
    problems = []
    for name, side, best in (("bid", "B", "max"), ("ask", "A", "min")):
        price = f"s.best_{name}_price_int"
        bucket = f"((({price} + {cell // 2}) // {cell}) * {cell})"
        spot = f"(((s.spot_ref_price_int + {cell // 2}) // {cell}) * {cell})"
        quantity = "<>" if whole else "<"
        problems.append(
            f"SELECT s.window_end_ts_ns, '{side}' AS side, {price} AS best_price, "
            f"s.best_{name}_qty AS best_qty, d.price AS depth_price, d.qty AS depth_qty "
            f"FROM {{snapshot}} s LEFT JOIN (SELECT window_end_ts_ns, {best}(price_int) AS price, "
            f"arg_{best}(depth_qty_end, price_int) AS qty FROM {{table}} "
            f"WHERE side = '{side}' AND depth_qty_end > 0 GROUP BY window_end_ts_ns) d "
            f"USING (window_end_ts_ns) WHERE abs({bucket} - {spot}) <= {cell * half}::BIGINT "
            f"AND (d.price IS DISTINCT FROM {bucket} OR d.qty {quantity} s.best_{name}_qty) "
            # without a best price no cell of the side may hold anything
            f"OR ({price} IS NULL AND d.price IS NOT NULL)"
        )
    sql = " UNION ALL ".join(problems).replace("{snapshot}", subject.other(table.snapshot))
    found = offenders(subject, sql)
    return Finding(found.count, rows=found.first)


def _balance(subject: Subject) -> Finding:
    row = subject.one(
        "SELECT sum(depth_qty_end) FILTER (side = 'B') AS bids, sum(depth_qty_end) AS both "
        "FROM {table}"
    )
    share = float(row["bids"] or 0) / float(row["both"]) if row["both"] else 0.5
    red = not 0.1 <= share <= 0.9
    shown = [{"bid_share": share}] if red else []
    return Finding(int(red), f"bids hold {share:.1%}" if red else "", shown, {"bid_share": share})


def _minute(subject: Subject, table: DepthTable) -> Finding:
    bronze = subject.other_partition(table.bronze)
    windows, done = executions_of(subject, table.bronze)
    minute = minute_of(bronze, windows)
    replayed = subject.keep(
        f"flows {minute}",
        bronze,
        lambda: flows_of_minute(subject, bronze, minute, done.rows_of(windows, minute)),
    )
    cell, half = table.cell(subject.instrument), table.half(subject.instrument)
    cells: dict[Place, Flow] = defaultdict(Flow)
    for place, flow in replayed.items():
        price = (place.price_int + cell // 2) // cell * cell
        add_flow(cells[place._replace(price_int=price)], flow)
    spots, rows = {}, []
    for row in rows_of(subject, minute):
        spots[row["window"]] = row["spot_ref_price_int"]
        place = Place(row["window"], row["price_int"], row["side"], 0, "")
        rows.append((place, row))
    expected = {
        place: flow
        for place, flow in cells.items()
        if place.window in spots and abs(place.price_int - spots[place.window]) <= cell * half
    }
    return compare_flows(expected, rows, Flow())


def rows_of(subject: Subject, windows: Windows) -> list[dict[str, Any]]:
    """Return the rows of some windows, `window` being their number since the epoch."""
    return subject.query(
        f"SELECT *, window_start_ts_ns // {SECOND_NS} AS window, "
        f"depth_qty_end - depth_qty_rest AS unrested_qty FROM {{table}} "
        f"WHERE window_end_ts_ns BETWEEN {windows.first_ns} AND {windows.last_ns}"
    )


def add_flow(total: Flow, flow: Flow) -> None:
    """Add the quantities of `flow` to `total`."""
    for name, value in vars(flow).items():
        setattr(total, name, getattr(total, name) + value)


def compare_flows(
    expected: Mapping[Place, Flow], rows: list[tuple[Place, dict[str, Any]]], nothing: Flow
) -> Finding:
    """Return the places where a table's flows are not the replayed ones; nothing: a flow of 0."""
    wrong: list[dict[str, Any]] = []
    waiting = dict(expected)
    for place, row in rows:
        flow = waiting.pop(place, nothing)
        found = {name: row[name] for name in vars(flow)}
        if found != vars(flow):
            replayed = {f"replayed_{name}": value for name, value in vars(flow).items()}
            depth = {name: row[name] for name in ("depth_qty_end", "depth_qty_rest")}
            wrong.append({**place._asdict(), **depth, **found, **replayed})
    for place, flow in waiting.items():
        if flow != nothing:
            wrong.append({**place._asdict(), **{f"replayed_{k}": v for k, v in vars(flow).items()}})
    added = sum(flow.add_qty for flow in expected.values())
    return Finding(len(wrong), rows=wrong[:MAX_OFFENDERS], numbers={"replayed_add_qty": added})
