"""The daily partitions of the whole lake: UTC dates that are trading days of the calendar."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import dagster as dg

from spymaster_resources.trading_calendar import TradingCalendar

FIRST_DATE: Final = date(2017, 5, 22)
"""The first trading day of market-by-order history at CME; XNAS starts a year later."""

_SATURDAY_AND_SUNDAY: Final = ("0 0 * * 6", "0 0 * * 0")


@cache
def daily_partitions(calendar_name: str) -> dg.DailyPartitionsDefinition:
    """Return the partitions of a calendar: `CMES`, `XNYS`, or `any` for every UTC date.

    UTC is the time zone of the vendor's day files; one definition for all assets, because
    mappings between time zones are refused.
    """
    calendar = TradingCalendar(calendar_name)
    if calendar_name == "any":
        return dg.DailyPartitionsDefinition(start_date=FIRST_DATE.isoformat(), timezone="UTC")
    holidays = [
        datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("UTC"))
        for day in sorted(calendar.holidays)
        if day >= FIRST_DATE
    ]
    return dg.DailyPartitionsDefinition(
        start_date=FIRST_DATE.isoformat(),
        timezone="UTC",
        exclusions=[*_SATURDAY_AND_SUNDAY, *holidays],
    )
