"""Freeze the exchange calendars: `python -m contracts.holidays` rewrites the JSON files here.

Partition keys must never shift under a running lake, so trading days are read from these files; the
calendar library makes them and a test holds them equal to it.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import exchange_calendars

FIRST: Final = date(2010, 1, 1)
LAST: Final = date(2030, 12, 31)
CALENDARS: Final = ("CMES", "XNYS")
NEW_YORK: Final = "America/New_York"


def freeze(name: str) -> dict[str, Any]:
    """Return the weekdays without a session and the early closes (New York wall clock)."""
    calendar = exchange_calendars.get_calendar(name, start=str(FIRST), end=str(LAST))
    sessions = {session.date() for session in calendar.sessions}
    days = (FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1))
    early = {
        session.date().isoformat(): calendar.session_close(session)
        .tz_convert(NEW_YORK)
        .strftime("%H:%M")
        for session in calendar.early_closes
    }
    return {
        "calendar": name,
        "first": FIRST.isoformat(),
        "last": LAST.isoformat(),
        "time_zone": NEW_YORK,
        "holidays": [d.isoformat() for d in days if d.weekday() < 5 and d not in sessions],
        "early_closes": early,
    }


if __name__ == "__main__":
    for calendar_name in CALENDARS:
        target = Path(__file__).parent / f"{calendar_name}.json"
        target.write_text(json.dumps(freeze(calendar_name), indent=1) + "\n", "utf-8")
