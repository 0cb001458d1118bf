"""Dates as they are written on the command line: `D`, `A:B` or `A,B,C`."""

from __future__ import annotations

from datetime import date

from contracts.errors import ConfigurationError
from spymaster_resources.trading_calendar import TradingCalendar, parse_date


def parse_dates(text: str, calendar: TradingCalendar) -> list[date]:
    """Return the session dates that `text` names, in order and once each.

    A range `A:B` (both included) takes the sessions in it; a date that stands alone must be a
    session. Raises ConfigurationError for a malformed date, a date that is no session, a range
    that ends before it starts, or nothing at all.
    """
    found: set[date] = set()
    for part in text.split(","):
        first_text, colon, last_text = part.strip().partition(":")
        first = parse_date(first_text)
        if not colon:
            calendar.require_session(first)
            found.add(first)
            continue
        last = parse_date(last_text)
        if last < first:
            raise ConfigurationError(f"dates {part!r}: the range ends before it starts")
        found.update(calendar.sessions(first, last))
    if not found:
        raise ConfigurationError(f"dates {text!r}: no session of calendar {calendar.name} in it")
    return sorted(found)
