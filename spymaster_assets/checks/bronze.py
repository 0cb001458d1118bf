"""Checks of bronze: the vendor's stream as it should have come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from spymaster_assets.checks.check import MAX_OFFENDERS, Check, Finding, row_check, sql_check
from spymaster_assets.checks.subject import Subject
from spymaster_assets.checks.unavailable import UnavailableError
from spymaster_resources.quality import (
    BUSY_RECORDS,
    FAR_SIZE_FACTOR,
    GAP_S,
    USUAL_SIZE_CAP,
    quality_rules,
)
from spymaster_resources.trading_calendar import DAY_NS, SECOND_NS, midnight_ns

_F_SNAPSHOT: Final = 32
_UNUSED_FLAG: Final = 1  # every other bit of `flags` has a meaning
_REJECTED_SHARE: Final = 0.001
_JITTER_NS: Final = 1_000_000
"""What the clocks of a consolidated feed's lines may differ."""

_ORDERED: Final = {"size": "action NOT IN ('R', 'N')"}
_QUOTED: Final = {
    "bid_sz_00": "bid_px_00 IS NOT NULL",
    "ask_sz_00": "ask_px_00 IS NOT NULL",
    "size": "action = 'T'",
}
"""The quantities of a record, and which records have them."""


def record_checks(key: str) -> Iterator[Check]:
    """Yield the checks of a table of market-by-order records or consolidated quotes."""
    is_quotes, is_chain = key.endswith("cmbp_1"), "option" in key
    sizes = _QUOTED if is_quotes else _ORDERED
    yield row_check(
        "inside_the_day",
        key,
        "every record was received within the UTC day of the partition",
        "ts_recv < {first_ns} OR ts_recv >= {after_ns}",
        columns="feed_seq, instrument_id, ts_recv",
        values=_day,
    )
    jitter_ns = _JITTER_NS if is_quotes else 0
    yield sql_check(
        "feed_order",
        key,
        "the time of reception never goes back from a record to the next"
        + (" by more than a millisecond" if is_quotes else ""),
        "SELECT * FROM (SELECT feed_seq, ts_recv, lag(ts_recv) OVER () AS ts_recv_before "
        f"FROM {{table}}) WHERE ts_recv < ts_recv_before - {jitter_ns}",
        blocking=False,
    )
    yield row_check(
        "flags",
        key,
        "flags are made of the bits that the vendor gives a meaning",
        f"flags & {_UNUSED_FLAG} <> 0",
    )
    if ".future_mbo." in key:
        yield row_check(
            "far_prices",
            key,
            "no order is added at less than a tenth or more than ten times the day's median trade",
            f"action IN ('A', 'M') AND flags & {_F_SNAPSHOT} = 0 AND price NOT BETWEEN "
            "{median} / 10 AND {median} * 10",
            values=_median_trade,
            blocking=False,
        )
    yield row_check(
        "far_sizes",
        key,
        f"no {'quote or trade' if is_quotes else 'order or execution'} is of more than "
        f"{FAR_SIZE_FACTOR} times the largest order that is believed of the product",
        " OR ".join(f"({speaks} AND {size} > {{limit}})" for size, speaks in sizes.items()),
        numbers={
            f"largest_{size}": f"max({size}) FILTER ({speaks})" for size, speaks in sizes.items()
        },
        values=_largest_believed,
        blocking=False,
    )
    if not is_quotes:
        yield row_check(
            "sides",
            key,
            "adds, cancels and modifies say which side they are on",
            "action IN ('A', 'C', 'M') AND side = 'N'",
            blocking=False,
        )
        yield Check(
            "opening_snapshot",
            key,
            "the day opens with a clear or a snapshot of the book",
            _opening,
            blocking=False,
        )
    yield Check(
        "known_instruments",
        key,
        "an instrument has one symbol all day long and a symbol one instrument",
        _symbols,
    )
    yield Check(
        "actions_counted",
        key,
        "records by action are what was counted while the raw file was read",
        _actions,
    )
    yield Check(
        "rejected_share",
        key,
        f"fewer than {_REJECTED_SHARE:.1%} of the records were rejected as impossible",
        _rejected,
        blocking=False,
    )
    yield Check(
        "gaps",
        key,
        f"a busy instrument is never silent for more than {GAP_S} s of the session"
        if not is_chain
        else f"the chain as a whole is never silent for more than {GAP_S} s of the session",
        lambda subject: _gaps(subject, is_chain=is_chain),
        blocking=False,
    )


def _median_trade(subject: Subject) -> dict[str, object]:
    row = subject.one("SELECT median(price) AS price FROM {table} WHERE action = 'T'")
    return {"median": "NULL" if row["price"] is None else row["price"]}


def _largest_believed(subject: Subject) -> dict[str, object]:
    cap = quality_rules(subject.instrument).size_cap
    return {"limit": FAR_SIZE_FACTOR * (USUAL_SIZE_CAP if cap is None else cap)}


def _day(subject: Subject) -> dict[str, object]:
    dt = subject.partition.dt
    if dt is None:
        raise UnavailableError("the partition has no date")
    return {"first_ns": midnight_ns(dt), "after_ns": midnight_ns(dt) + DAY_NS}


def _symbols(subject: Subject) -> Finding:
    pairs = subject.query(
        "SELECT instrument_id, symbol::VARCHAR AS symbol, count(*) AS records FROM {table} "
        "GROUP BY ALL ORDER BY instrument_id, symbol"
    )
    instruments = Counter(pair["instrument_id"] for pair in pairs)
    symbols = Counter(pair["symbol"] for pair in pairs)
    wrong = [
        pair
        for pair in pairs
        if instruments[pair["instrument_id"]] > 1 or symbols[pair["symbol"]] > 1
    ]
    return Finding(
        len(wrong), rows=wrong[:MAX_OFFENDERS], numbers={"instruments": len(instruments)}
    )


def _opening(subject: Subject) -> Finding:
    row = subject.query("SELECT action, flags, ts_event FROM {table} LIMIT 1")
    if not row or row[0]["action"] == "R" or row[0]["flags"] & _F_SNAPSHOT:
        return Finding()
    return Finding(1, "the first record is neither", row)


def _actions(subject: Subject) -> Finding:
    counted = {r["action"]: r["records"] for r in subject.query(_BY_ACTION)}
    numbers = {f"action_{action}": count for action, count in counted.items()}
    recorded = {
        name.removeprefix("action_"): count
        for name, count in subject.manifest.counters.items()
        if name.startswith("action_") and isinstance(count, int)
    }
    wrong: list[dict[str, Any]] = [
        {"action": a, "counted": recorded.get(a, 0), "found": counted.get(a, 0)}
        for a in sorted({*counted, *recorded})
        if counted.get(a, 0) != recorded.get(a, 0)
    ]
    return Finding(len(wrong), rows=wrong, numbers=numbers)


_BY_ACTION: Final = "SELECT action, count(*) AS records FROM {table} GROUP BY action"


def _rejected(subject: Subject) -> Finding:
    reasons = {
        name.removeprefix("rejected_"): count
        for name, count in subject.manifest.counters.items()
        if name.startswith("rejected_") and isinstance(count, int)
    }
    rejected, kept = sum(reasons.values()), subject.manifest.row_count
    share = rejected / (rejected + kept) if rejected else 0.0
    numbers: dict[str, int | float] = {"rejected_share": share, "rejected": rejected}
    if share < _REJECTED_SHARE:
        return Finding(numbers=numbers)
    shown = [{"reason": reason, "records": count} for reason, count in reasons.items() if count]
    return Finding(rejected, f"{share:.2%} of all records", shown, numbers)


def _gaps(subject: Subject, *, is_chain: bool) -> Finding:
    dt = subject.partition.dt
    if dt is None:
        raise UnavailableError("the partition has no date")
    session = subject.session(dt)
    numbers = subject.one("SELECT min(instrument_id) = max(instrument_id) AS same FROM {table}")
    one_series = is_chain or numbers["same"]
    series = "0" if one_series else "instrument_id"
    # The rows of one series lie in feed order as they are: a window without an order streams.
    over = "" if one_series else f"PARTITION BY {series} ORDER BY feed_seq"
    found = subject.query(
        "SELECT any_value(instrument_id) AS instrument_id, count(*) AS records, "
        "max(gap) // 1000000000 AS longest_s, "
        f"count(*) FILTER (gap > {GAP_S * SECOND_NS}) AS gaps, "
        f"arg_max(ts_event, gap) AS silent_until_ns FROM (SELECT {series} AS series, "
        "instrument_id, ts_event, ts_event - lag(ts_event) OVER "
        f"({over}) AS gap "
        f"FROM {{table}} WHERE flags & {_F_SNAPSHOT} = 0 AND ts_event >= {session.first_ns} "
        f"AND ts_event <= {session.last_ns}) GROUP BY series"
    )
    hours = (session.last_ns - session.first_ns) / (3600 * SECOND_NS)
    busy = [row for row in found if row["records"] >= BUSY_RECORDS * hours]
    silent = [row for row in busy if row["gaps"]]
    gaps = sum(row["gaps"] for row in silent)
    longest = max((row["longest_s"] or 0 for row in busy), default=0)
    return Finding(
        gaps, rows=silent[:MAX_OFFENDERS], numbers={"gaps": gaps, "longest_gap_s": longest}
    )
