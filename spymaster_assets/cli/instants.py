"""Instants and durations as a person writes them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

import typer

_NS: Final = 1_000_000_000
_UNITS: Final = {"us": 1_000, "ms": 1_000_000, "s": _NS, "m": 60 * _NS, "h": 3600 * _NS}
_DURATION: Final = re.compile(r"(\d+)(us|ms|s|m|h)")
_INSTANT: Final = re.compile(
    r"(?:(?P<day>\d{4}-\d{2}-\d{2})[T ])?(?P<time>\d{2}:\d{2}(?::\d{2})?)"
    r"(?:\.(?P<fraction>\d{1,9}))?(?P<zone>Z|[+-]\d{2}:\d{2})?"
)


def duration_ns(text: str) -> int | None:
    """Return a duration such as 500ms, 1s, 5m or 1h in ns, None for any other text or for 0."""
    match = _DURATION.fullmatch(text)
    return int(match[1]) * _UNITS[match[2]] or None if match else None


def instant_ns(text: str, day: date | None) -> int:
    """Return an instant in ns UTC: ns as they are, or a time, of `day` and UTC where it is bare.

    Raises BadParameter for other text, and for a time of no day where `day` is None.
    """
    if text.isdecimal():
        return int(text)
    match = _INSTANT.fullmatch(text)
    if match is not None and (day is not None or match["day"]):
        try:
            moment = datetime.fromisoformat(
                f"{match['day'] or day}T{match['time']}{match['zone'] or 'Z'}"
            ).astimezone(UTC)
        except ValueError:
            pass
        else:
            fraction = int(Decimal(f"0.{match['fraction'] or 0}") * _NS)
            return int(moment.timestamp()) * _NS + fraction
    raise typer.BadParameter(
        "expected a time such as 2024-10-21T09:30:00-04:00 (14:30:00.5 in a file that tells its "
        f"day), or ns since the epoch, found {text!r}"
    )
