"""Sessions follow New York wall clock, the exchange's holidays and its early closes."""

from __future__ import annotations

import json
from datetime import date, time

import pytest

from contracts.errors import ConfigurationError
from contracts.holidays.__main__ import CALENDARS, freeze
from contracts.schema import CONTRACTS_DIR
from spymaster_resources.trading_calendar import (
    SessionWindow,
    TradingCalendar,
    midnight_ns,
    parse_date,
    utc_date,
    utc_ns,
)

MORNING = SessionWindow.parse("09:30-12:30")
HOUR_NS = 3_600_000_000_000


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", CALENDARS)
def test_frozen_calendar_equals_the_library(name: str) -> None:
    frozen = json.loads((CONTRACTS_DIR / "holidays" / f"{name}.json").read_text("utf-8"))
    assert frozen == freeze(name)


def test_morning_session_has_10801_window_ends() -> None:
    ends = MORNING.window_ends_ns(date(2026, 1, 6))
    assert ends.n_windows == 10_801
    assert ends.first_ns == midnight_ns(date(2026, 1, 6)) + 14 * HOUR_NS + HOUR_NS // 2
    assert ends.last_ns - ends.first_ns == 3 * HOUR_NS


def test_session_follows_daylight_saving_time() -> None:
    winter = MORNING.window_ends_ns(date(2026, 3, 6)).first_ns - midnight_ns(date(2026, 3, 6))
    summer = MORNING.window_ends_ns(date(2026, 3, 9)).first_ns - midnight_ns(date(2026, 3, 9))
    assert winter - summer == HOUR_NS


def test_session_up_to_utc_midnight_is_inside_the_day() -> None:
    evening = SessionWindow.parse("18:00-19:00")
    assert evening.window_ends_ns(date(2023, 12, 25)).last_ns == midnight_ns(date(2023, 12, 26))


def test_session_past_utc_midnight_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="does not lie inside the UTC day"):
        SessionWindow.parse("18:00-20:00").window_ends_ns(date(2023, 12, 25))


@pytest.mark.parametrize(
    "text", ["", "0930-1230", "12:30-09:30", "09:30", "25:00-26:00", "09:30-09:30"]
)
def test_malformed_session_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        SessionWindow.parse(text)


def test_session_round_trips_as_text() -> None:
    assert str(MORNING) == "09:30-12:30"
    assert str(SessionWindow.parse("09:30:05-12:30")) == "09:30:05-12:30"


def test_cme_trades_on_martin_luther_king_day_and_nyse_does_not() -> None:
    day = date(2026, 1, 19)
    assert TradingCalendar("CMES").is_session(day)
    assert not TradingCalendar("XNYS").is_session(day)


def test_early_close_clips_the_session() -> None:
    calendar = TradingCalendar("CMES")
    day = date(2025, 11, 28)
    assert calendar.early_close(day) == time(13, 0)
    assert calendar.clip(MORNING, day) == MORNING
    assert calendar.clip(SessionWindow.parse("09:30-16:00"), day).close == time(13, 0)
    with pytest.raises(ConfigurationError, match="closes early"):
        calendar.clip(SessionWindow.parse("14:00-16:00"), day)


def test_holiday_is_refused_with_its_neighbours() -> None:
    with pytest.raises(ConfigurationError, match="2025-12-24 and 2025-12-26"):
        TradingCalendar("CMES").require_session(date(2025, 12, 25))


def test_any_calendar_takes_every_date() -> None:
    calendar = TradingCalendar("any")
    assert calendar.is_session(date(2023, 12, 25))
    assert calendar.previous(date(2023, 12, 25)) == date(2023, 12, 24)


def test_sessions_skip_weekends_and_holidays() -> None:
    calendar = TradingCalendar("CMES")
    days = list(calendar.sessions(date(2025, 12, 24), date(2025, 12, 29)))
    assert days == [date(2025, 12, 24), date(2025, 12, 26), date(2025, 12, 29)]
    assert calendar.previous(date(2025, 12, 29)) == date(2025, 12, 26)
    assert calendar.next(date(2025, 12, 26)) == date(2025, 12, 29)


def test_dates_outside_of_the_calendar_and_unknown_calendars_are_named() -> None:
    with pytest.raises(ConfigurationError, match="2031-01-02 is outside"):
        TradingCalendar("CMES").is_session(date(2031, 1, 2))
    with pytest.raises(ConfigurationError, match="CMES, XNYS, any"):
        TradingCalendar("LSE")


def test_utc_conversions_agree() -> None:
    day = date(2024, 2, 29)
    assert utc_date(midnight_ns(day)) == day
    assert utc_date(midnight_ns(day) - 1) == date(2024, 2, 28)
    assert utc_ns(day, time(19, 0)) == midnight_ns(date(2024, 3, 1))
    assert parse_date("2024-02-29") == day
    for text in ("2024-2-29", "20240229", "2023-02-29", "../2024"):
        with pytest.raises(ConfigurationError):
            parse_date(text)
