"""Instants and dates as the vendor's interface writes them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from spymaster_resources.gateway.refusal import unprocessable
from spymaster_resources.trading_calendar import DAY_NS, SECOND_NS, midnight_ns

_INSTANT: Final = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"(?:[T ](?P<clock>\d\d:\d\d(?P<seconds>:\d\d(?:\.(?P<fraction>\d{1,9}))?)?))?"
    r"(?P<zone>Z|[+-]\d\d:?\d\d)?"
)
_MINUTE_NS: Final = 60 * SECOND_NS


class Instant(NamedTuple):
    """A point in time, ns since the epoch, and the length that its writing leaves open, ns."""

    ns: int
    resolution_ns: int


def parse_instant(text: str, field: str) -> Instant:
    """Return the instant written in ISO 8601 (UTC where no zone is given) or in ns."""
    if text.isdecimal():
        return Instant(int(text), 1)
    match = _INSTANT.fullmatch(text.strip())
    try:
        if match is None:
            raise ValueError(text)
        zone = (match["zone"] or "Z").replace("Z", "+00:00")
        clock = (match["clock"] or "00:00").partition(".")[0]
        moment = datetime.fromisoformat(f"{match['day']}T{clock}{zone}").astimezone(UTC)
    except ValueError:
        raise unprocessable(
            "validation_failed", f"`{field}` must be an ISO 8601 date or time, was {text!r}."
        ) from None
    fraction = int((match["fraction"] or "").ljust(9, "0"))
    seconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    if match["clock"] is None:
        resolution = DAY_NS
    elif match["seconds"] is None:
        resolution = _MINUTE_NS
    else:
        resolution = 1 if match["fraction"] else SECOND_NS
    return Instant(seconds * SECOND_NS + fraction, resolution)


def parse_day(text: str, field: str) -> date:
    """Return the date written as YYYY-MM-DD."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise unprocessable(
            "validation_failed", f"`{field}` must be a date as YYYY-MM-DD, was {text!r}."
        ) from None


def iso_ns(instant_ns: int) -> str:
    """Return an instant as the vendor writes it: nanoseconds and a Z."""
    seconds, fraction = divmod(instant_ns, SECOND_NS)
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"


def day_span_ns(day: date) -> tuple[int, int]:
    """Return the first instant of a UTC day and of the next."""
    start = midnight_ns(day)
    return start, start + DAY_NS
