"""What a user asks for: a range of dates, the symbols, and which data of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from contracts.errors import ConfigurationError
from spymaster_resources.trading_calendar import TradingCalendar
from spymaster_resources.vendor.families import expiring_families, family_rules
from spymaster_resources.vendor.products import FUTURES, Market
from spymaster_resources.vendor.requests import (
    Request,
    Underlying,
    definition_requests,
    underlying_requests,
)

SUNDAY = 6


@dataclass(frozen=True)
class Wishes:
    """A range of dates, both included, and what is wanted of each.

    Raises ConfigurationError where there is no trading day in it, where it is not over yet, or
    where a root has no option families in the catalogue.
    """

    market: Market
    start: date
    end: date
    underlyings: tuple[Underlying, ...]
    underlying_schemas: tuple[str, ...]
    option_schemas: tuple[str, ...]
    calendar: TradingCalendar
    today: date
    """The UTC date at present; a day can be asked for when it is over."""
    with_sundays: bool = False

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ConfigurationError(f"--end {self.end} lies before --start {self.start}")
        if self.end >= self.today:
            raise ConfigurationError(
                f"--end {self.end}: expected a UTC day that is over, today is {self.today}"
            )
        if not self.sessions and not self.sundays:
            self.calendar.require_session(self.start)
        if not self.underlying_schemas and not self.option_schemas:
            raise ConfigurationError("neither the underlying nor its options are asked for")
        if self.market is FUTURES and self.option_schemas:
            for underlying in self.underlyings:
                family_rules(underlying.root)

    @property
    def sessions(self) -> list[date]:
        """Return the trading days of the range."""
        return list(self.calendar.sessions(self.start, self.end))

    @property
    def sundays(self) -> list[date]:
        """Return the Sundays of the range when they are asked for.

        The evening belongs to the session of Monday; its file is one of its own.
        """
        if not self.with_sundays:
            return []
        days = (self.start + timedelta(days=n) for n in range((self.end - self.start).days + 1))
        known = set(self.sessions)
        return [day for day in days if day.weekday() == SUNDAY and day not in known]

    def underlying_requests(self) -> Iterator[Request]:
        """Yield the requests of the underlyings, by date."""
        for dt in sorted([*self.sessions, *self.sundays]):
            for underlying in self.underlyings:
                for schema in self.underlying_schemas:
                    yield from underlying_requests(self.market, underlying, schema, dt)

    def definition_requests(self) -> Iterator[Request]:
        """Yield the requests of the definitions of what can expire, by date."""
        if not self.option_schemas:
            return
        for dt in self.sessions:
            for underlying in self.underlyings:
                families = self.families(underlying.root, dt)
                if families:
                    yield from definition_requests(self.market, underlying.root, dt, families)

    def families(self, root: str, dt: date) -> tuple[str, ...]:
        """Return the option families of `root` that can expire on `dt`."""
        return expiring_families(root, dt) if self.market is FUTURES else (root,)
