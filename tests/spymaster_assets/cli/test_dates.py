"""Dates as people write them on the command line."""

from __future__ import annotations

from datetime import date

import pytest

from contracts.errors import ConfigurationError
from spymaster_assets.cli.dates import parse_dates
from spymaster_resources.trading_calendar import TradingCalendar

CME = TradingCalendar("CMES")


def days(*numbers: int) -> list[date]:
    return [date(2026, 1, number) for number in numbers]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-05", days(5)),
        ("2026-01-02:2026-01-06", days(2, 5, 6)),  # a weekend in between
        ("2026-01-06,2026-01-05", days(5, 6)),
        ("2026-01-05:2026-01-06, 2026-01-06:2026-01-07", days(5, 6, 7)),
        ("2026-01-01:2026-01-02", days(2)),  # New Year's Day
    ],
)
def test_dates_are_sessions_in_order_and_once_each(text: str, expected: list[date]) -> None:
    assert parse_dates(text, CME) == expected


def test_calendar_any_takes_every_date() -> None:
    assert parse_dates("2026-01-03:2026-01-05", TradingCalendar("any")) == days(3, 4, 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected YYYY-MM-DD"),
        ("2026-1-5", "expected YYYY-MM-DD"),
        ("2026-02-30", "expected YYYY-MM-DD"),
        ("2026-01-05:", "expected YYYY-MM-DD"),
        ("2026-01-05,", "expected YYYY-MM-DD"),
        ("2026-01-06:2026-01-05", "ends before it starts"),
        ("2026-01-03", r"\(Saturday\) is no trading day of calendar CMES"),
        ("2026-01-03:2026-01-04", "no session of calendar CMES in it"),
        ("1999-01-04", "outside of calendar CMES"),
    ],
)
def test_what_names_no_session_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        parse_dates(text, CME)
