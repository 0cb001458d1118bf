"""Trading days, early closes and the session window in New York wall-clock time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from contracts.errors import ConfigurationError
from contracts.schema import CONTRACTS_DIR

NEW_YORK: Final = ZoneInfo("America/New_York")
SECOND_NS: Final = 1_000_000_000
DAY_NS: Final = 86_400 * SECOND_NS
CALENDARS: Final = ("CMES", "XNYS", "any")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WINDOW: Final = re.compile(r"(\d\d:\d\d(?::\d\d)?)-(\d\d:\d\d(?::\d\d)?)")


class WindowEnds(NamedTuple):
    """The window ends of one session: first and last in ns UTC, and how many there are."""

    first_ns: int
    last_ns: int
    n_windows: int


@dataclass(frozen=True)
class SessionWindow:
    """A daily session from `open` to `close`, New York wall clock."""

    open: time
    close: time

    @classmethod
    def parse(cls, text: str) -> SessionWindow:
        """Return the window written as `09:30-12:30` (seconds are allowed)."""
        match = _WINDOW.fullmatch(text.strip())
        try:
            if match is None:
                raise ValueError(text)
            window = cls(time.fromisoformat(match[1]), time.fromisoformat(match[2]))
        except ValueError:
            message = f"session {text!r}: expected HH:MM-HH:MM in New York time, as 09:30-12:30"
            raise ConfigurationError(message) from None
        if window.close <= window.open:
            raise ConfigurationError(f"session {text!r}: expected the close after the open")
        return window

    def __str__(self) -> str:
        return f"{_clock(self.open)}-{_clock(self.close)}"

    def window_ends_ns(self, dt: date) -> WindowEnds:
        """Return the window ends of session date `dt`: every second, open and close included.

        Raises ConfigurationError when the session does not lie inside the UTC day `dt`, which is
        what a day file of the vendor holds.
        """
        first, last = utc_ns(dt, self.open), utc_ns(dt, self.close)
        day_start = midnight_ns(dt)
        if first - SECOND_NS < day_start or last > day_start + DAY_NS:
            message = (
                f"session {self} New York of {dt} does not lie inside the UTC day {dt}, "
                "which is all that the day's file holds; choose another session"
            )
            raise ConfigurationError(message)
        return WindowEnds(first, last, (last - first) // SECOND_NS + 1)


class TradingCalendar:
    """Which dates have a session; `any` makes every UTC date one, for files of odd days."""

    def __init__(self, name: str) -> None:
        if name not in CALENDARS:
            raise ConfigurationError(
                f"calendar {name!r} is not known; expected one of {', '.join(CALENDARS)}"
            )
        self.name: Final = name
        frozen = _frozen(name) if name != "any" else None
        self.first: Final = frozen.first if frozen else date(2010, 1, 1)
        self.last: Final = frozen.last if frozen else date(2030, 12, 31)
        self.holidays: Final = frozen.holidays if frozen else frozenset[date]()
        self._early_closes = frozen.early_closes if frozen else {}

    def is_session(self, dt: date) -> bool:
        """Return whether `dt` has a session; raises ConfigurationError outside the known years."""
        if not self.first <= dt <= self.last:
            message = (
                f"{dt} is outside of calendar {self.name} ({self.first} to {self.last}); "
                "extend it with `python -m contracts.holidays`"
            )
            raise ConfigurationError(message)
        return self.name == "any" or (dt.weekday() < 5 and dt not in self.holidays)

    def require_session(self, dt: date) -> None:
        """Raise ConfigurationError that names the neighbouring sessions unless `dt` has one."""
        if not self.is_session(dt):
            raise ConfigurationError(
                f"{dt} ({dt:%A}) is no trading day of calendar {self.name}; neighbours: "
                f"{self.previous(dt)} and {self.next(dt)}. SPYMASTER_CALENDAR=any accepts every day"
            )

    def sessions(self, first: date, last: date) -> Iterator[date]:
        """Yield the sessions from `first` to `last`, both included."""
        for n in range((last - first).days + 1):
            dt = first + timedelta(days=n)
            if self.is_session(dt):
                yield dt

    def previous(self, dt: date) -> date:
        """Return the last session before `dt`."""
        return self._step(dt, -1)

    def next(self, dt: date) -> date:
        """Return the first session after `dt`."""
        return self._step(dt, +1)

    def early_close(self, dt: date) -> time | None:
        """Return the early close of `dt` in New York time, None on a full day."""
        return self._early_closes.get(dt)

    def clip(self, window: SessionWindow, dt: date) -> SessionWindow:
        """Return `window` cut at the early close of `dt`.

        Raises ConfigurationError when the early close comes before the window opens.
        """
        early = self.early_close(dt)
        if early is None or early >= window.close:
            return window
        if early <= window.open:
            raise ConfigurationError(
                f"{dt} closes early at {_clock(early)} New York, before session {window} opens"
            )
        return SessionWindow(window.open, early)

    def _step(self, dt: date, days: int) -> date:
        step = timedelta(days=days)
        dt += step
        while not self.is_session(dt):
            dt += step
        return dt


def utc_ns(dt: date, wall_clock: time) -> int:
    """Return the instant of a New York wall-clock time on `dt`, ns since the epoch."""
    moment = datetime.combine(dt, wall_clock, tzinfo=NEW_YORK).astimezone(UTC)
    return ((moment - _EPOCH) // timedelta(microseconds=1)) * 1000


def midnight_ns(dt: date) -> int:
    """Return the instant at which the UTC day `dt` starts, ns since the epoch."""
    return (dt - _EPOCH.date()).days * DAY_NS


def utc_date(instant_ns: int) -> date:
    """Return the UTC date of an instant in ns since the epoch."""
    return _EPOCH.date() + timedelta(days=instant_ns // DAY_NS)


def parse_date(text: str) -> date:
    """Return the date written as YYYY-MM-DD; raises ConfigurationError for anything else."""
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ConfigurationError(f"date {text!r}: expected YYYY-MM-DD")


class _Frozen(NamedTuple):
    first: date
    last: date
    holidays: frozenset[date]
    early_closes: Mapping[date, time]


@cache
def _frozen(name: str) -> _Frozen:
    content = json.loads((CONTRACTS_DIR / "holidays" / f"{name}.json").read_text("utf-8"))
    return _Frozen(
        first=date.fromisoformat(content["first"]),
        last=date.fromisoformat(content["last"]),
        holidays=frozenset(date.fromisoformat(d) for d in content["holidays"]),
        early_closes={
            date.fromisoformat(d): time.fromisoformat(t) for d, t in content["early_closes"].items()
        },
    )


def _clock(moment: time) -> str:
    return moment.strftime("%H:%M:%S" if moment.second else "%H:%M")
