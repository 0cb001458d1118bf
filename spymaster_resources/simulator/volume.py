"""How a size's volume is spread over a date, and what an early close leaves of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np

from spymaster_resources.simulator.crowd import F64
from spymaster_resources.simulator.intraday import activity
from spymaster_resources.simulator.sizes import Size
from spymaster_resources.trading_calendar import (
    SECOND_NS,
    SessionWindow,
    TradingCalendar,
    midnight_ns,
    utc_ns,
)


def action_rates(size: Size, dt: date, records_of_an_action: float) -> F64:
    """Return the actions a second by second of the UTC day, so that the size's volume comes out."""
    curve = activity(dt)
    traded = np.zeros(len(curve), bool)
    for part in size.trading:
        traded[_seconds(part, dt)] = True
    rates: F64 = curve * (size.records / records_of_an_action / curve[traded].sum())
    return rates


def segments(size: Size, dt: date) -> list[tuple[int, int]]:
    """Return the stretches of `dt` that are traded, [start, end) in ns."""
    return [(utc_ns(dt, part.open), utc_ns(dt, part.close)) for part in size.trading]


def clipped(size: Size, calendar: TradingCalendar, dt: date) -> Size:
    """Return the size cut at the early close of `dt`, with the volume of what is left."""
    early = calendar.early_close(dt)
    if early is None:
        return size
    trading = tuple(calendar.clip(part, dt) for part in size.trading if part.open < early)
    whole = sum(_activity(part, dt) for part in size.trading)
    left = sum(_activity(part, dt) for part in trading)
    return replace(
        size,
        trading=trading,
        session=calendar.clip(size.session, dt),
        records=int(size.records * left / whole),
    )


def _activity(part: SessionWindow, dt: date) -> float:
    """Return the activity of a stretch of `dt`, in seconds of the calm of late morning."""
    return float(activity(dt)[_seconds(part, dt)].sum())


def _seconds(part: SessionWindow, dt: date) -> slice:
    start = midnight_ns(dt)
    return slice(
        (utc_ns(dt, part.open) - start) // SECOND_NS, (utc_ns(dt, part.close) - start) // SECOND_NS
    )
