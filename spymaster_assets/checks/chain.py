"""Checks of a chain of options against its listing: nothing is left out, nothing is invented."""

from __future__ import annotations

from collections.abc import Collection
from datetime import time, timedelta
from typing import Any, Final

from spymaster_assets.checks.check import MAX_OFFENDERS, Check, Finding, offenders
from spymaster_assets.checks.executions import windows_of
from spymaster_assets.checks.subject import Subject, relation
from spymaster_assets.checks.unavailable import UnavailableError
from spymaster_resources.trading_calendar import SECOND_NS, midnight_ns, utc_ns

_STANDING_S: Final = 5
"""A quote that stands so long is there when a window ends, however late a record may come."""
_NAMED: Final = 5
"""Options without a quote whose symbols are told."""


def accounting_check(key: str, bronze: str) -> Check:
    """Return the check that the snapshots leave no option out."""
    return Check(
        "listing_accounted_for",
        key,
        "every option that is defined and expires, or is in the stream, has rows, unless it was "
        f"never quoted for {_STANDING_S} s of the session",
        lambda subject: _unaccounted(subject, bronze),
    )


def strikes_check(key: str, bronze: str) -> Check:
    """Return the check that there is depth and flow only where an option is listed."""
    return Check(
        "listed_strikes",
        key,
        "depth and flow are at strikes that are listed for their right",
        lambda subject: _unlisted(subject, bronze),
    )


def _unaccounted(subject: Subject, bronze: str) -> Finding:
    rows = subject.query(
        "SELECT instrument_id, coalesce(d.symbol, b.symbol) AS symbol, "
        "d.symbol IS NOT NULL AS is_defined, s.instrument_id IS NOT NULL AS has_rows "
        f"FROM ({_defined(subject, bronze)}) d FULL JOIN ({_stream_values(subject, bronze)}) b "
        "USING (instrument_id) FULL JOIN (SELECT DISTINCT instrument_id FROM {table}) s "
        "USING (instrument_id) ORDER BY symbol"
    )
    absent = {row["instrument_id"]: row["symbol"] for row in rows if not row["has_rows"]}
    quoted = _quoted(subject, bronze, absent) if absent else []
    never = [symbol for number, symbol in absent.items() if number not in quoted]
    wrong: list[dict[str, Any]] = [{"instrument_id": n, "symbol": absent[n]} for n in quoted]
    named = ", ".join(never[:_NAMED]) + (", …" if len(never) > _NAMED else "")
    numbers = {
        "defined": sum(row["is_defined"] for row in rows),
        "undefined": sum(not row["is_defined"] for row in rows),
        "never_quoted": len(never),
    }
    detail = f"never quoted: {named}" if never else ""
    return Finding(len(wrong), detail, wrong[:MAX_OFFENDERS], numbers)


def _unlisted(subject: Subject, bronze: str) -> Finding:
    found = offenders(
        subject,
        'SELECT window_end_ts_ns, strike_price_int, "right", side, depth_qty_end, add_qty '
        "FROM {table} WHERE depth_qty_start + depth_qty_end + add_qty + pull_qty + fill_qty > 0 "
        f'AND (strike_price_int, "right") NOT IN (SELECT (strike_price_int, "right") '
        f"FROM ({_defined(subject, bronze)}))",
    )
    return Finding(found.count, rows=found.first)


def _defined(subject: Subject, bronze: str) -> str:
    """Return SQL for the options that expire: instrument_id, right, strike_price_int, symbol.

    They are those of the day's definitions; where consolidated quotes came without, those of the
    stream, whose symbols say it all.
    """
    is_quotes = bronze.endswith("cmbp_1")
    try:
        definitions = subject.other(f"{bronze.rpartition('.')[0]}.definition")
    except UnavailableError:
        if is_quotes:
            return _stream_values(subject, bronze)
        raise
    dt = subject.partition.dt
    if dt is None:
        raise UnavailableError("the partition has no date")
    # An exchange's instant is of the date of New York; consolidated ones are a midnight UTC.
    first, after = (
        midnight_ns(day) if is_quotes else utc_ns(day, time())
        for day in (dt, dt + timedelta(days=1))
    )
    return (
        'SELECT instrument_id, instrument_class::VARCHAR AS "right", '
        "strike_price AS strike_price_int, raw_symbol AS symbol FROM (SELECT * "
        f"FROM {definitions} QUALIFY row_number() OVER "
        "(PARTITION BY instrument_id ORDER BY feed_seq DESC) = 1) WHERE "
        "instrument_class IN ('C', 'P') AND strike_price IS NOT NULL "
        f"AND expiration >= {first} AND expiration < {after}"
    )


def streamed(subject: Subject, bronze: str) -> dict[int, dict[str, Any]]:
    """Return right, strike_price_int and symbol of each instrument of the stream, read once."""
    partition = subject.other_partition(bronze)
    rows = subject.keep(
        "options",
        partition,
        lambda: subject.query(
            'SELECT instrument_id, any_value("right")::VARCHAR AS "right", any_value(strike) AS '
            "strike_price_int, any_value(symbol)::VARCHAR AS symbol "
            f"FROM {relation(partition.files)} GROUP BY instrument_id"
        ),
    )
    return {row["instrument_id"]: row for row in rows}


def _stream_values(subject: Subject, bronze: str) -> str:
    """Return SQL for what `streamed` returns."""
    values = ", ".join(
        f"({number}, '{row['right']}', {row['strike_price_int']}, '{row['symbol']}')"
        for number, row in streamed(subject, bronze).items()
    )
    names = '(instrument_id, "right", strike_price_int, symbol)'
    return f"SELECT * FROM (VALUES {values}) AS streamed{names}"


def _quoted(subject: Subject, bronze: str, instruments: Collection[int]) -> list[int]:
    """Return those of the instruments of which something surely stood when a window ended."""
    windows = windows_of(subject)
    first_ns, last_ns = windows.first_ns - SECOND_NS, windows.last_ns + SECOND_NS
    records = (
        f"(SELECT * FROM {subject.other(bronze)} WHERE instrument_id IN "
        f"({', '.join(map(str, instruments))}))"
    )
    standing = _quotes(records) if bronze.endswith("cmbp_1") else _orders(records)
    found = subject.query(
        f"SELECT DISTINCT instrument_id FROM ({standing}) WHERE "
        f"least(coalesce(until_ns, {last_ns}), {last_ns}) - greatest(ts_event, {first_ns}) "
        f">= {_STANDING_S * SECOND_NS} ORDER BY instrument_id"
    )
    return [row["instrument_id"] for row in found]


def _quotes(records: str) -> str:
    """Return SQL for the spans, of ts_event to until_ns, in which an instrument had a side."""
    return (
        "SELECT *, lead(ts_event) OVER numbered AS until_ns FROM (SELECT instrument_id, feed_seq, "
        "ts_event, bid_px_00 IS NOT NULL OR ask_px_00 IS NOT NULL AS stands, "
        "lag(stands) OVER (PARTITION BY instrument_id ORDER BY feed_seq) AS stood "
        f"FROM {records} WHERE action <> 'T' QUALIFY stands IS DISTINCT FROM stood) "
        "WINDOW numbered AS (PARTITION BY instrument_id ORDER BY feed_seq) QUALIFY stands"
    )


def _orders(records: str) -> str:
    """Return SQL for the spans from an order's add to its next record, a partial cancel or not.

    Those that a clear may have ended are left out.
    """
    return (
        "SELECT *, lead(ts_event) OVER numbered AS until_ns, "
        "max(feed_seq) FILTER (action = 'R') OVER (PARTITION BY instrument_id) AS cleared "
        f"FROM {records} WINDOW numbered AS (PARTITION BY instrument_id, order_id "
        "ORDER BY feed_seq) QUALIFY action = 'A' AND side IN ('A', 'B') AND price IS NOT NULL "
        "AND feed_seq > coalesce(cleared, -1)"
    )
