"""What the environment configures: the lake, the calendar, the session and the catalogue."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from contracts.errors import ConfigurationError
from spymaster_resources.instruments import Instrument, instrument, instruments
from spymaster_resources.trading_calendar import SessionWindow, TradingCalendar


@dataclass(frozen=True)
class Settings:
    """The settings of one process; secrets are never among them."""

    lake: str = "./lake"
    """Lake root: a local folder or an object-store URL (SPYMASTER_LAKE)."""
    calendar: str | None = None
    """CMES, XNYS or any (SPYMASTER_CALENDAR); None takes the instrument's."""
    session: SessionWindow | None = None
    """Session window (SPYMASTER_SESSION, as 09:30-12:30 New York); None takes the instrument's."""
    instruments: str | None = None
    """A file with further catalogue rows (SPYMASTER_INSTRUMENTS)."""
    roots: tuple[str, ...] = ("ES",)
    """The futures roots that the asset graph covers (SPYMASTER_ROOTS, separated by commas)."""
    tickers: tuple[str, ...] = ("QQQ",)
    """The equities that it covers (SPYMASTER_TICKERS, separated by commas; none for none)."""
    max_cost: float = 0.0
    """What one scheduled download may spend, US dollars (SPYMASTER_MAX_COST)."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Return the settings that the environment variables give; empty ones count as unset."""
        env = os.environ if environment is None else environment
        session = env.get("SPYMASTER_SESSION")
        roots, tickers = _names(env.get("SPYMASTER_ROOTS")), _names(env.get("SPYMASTER_TICKERS"))
        return cls(
            lake=env.get("SPYMASTER_LAKE") or cls.lake,
            calendar=env.get("SPYMASTER_CALENDAR") or None,
            session=SessionWindow.parse(session) if session else None,
            instruments=env.get("SPYMASTER_INSTRUMENTS") or None,
            roots=roots or cls.roots,
            tickers=() if tickers == ("none",) else tickers or cls.tickers,
            max_cost=_dollars(env.get("SPYMASTER_MAX_COST")),
        )

    def instrument(self, root: str, product_type: str) -> Instrument:
        """Return the catalogue row of `root`."""
        return instrument(root, product_type, self.instruments)

    def knows(self, root: str, product_type: str) -> bool:
        """Return whether the catalogue has a row of `root`."""
        return (root, product_type) in instruments(self.instruments)

    def calendar_of(self, row: Instrument) -> TradingCalendar:
        """Return the calendar that rules the partitions of `row`."""
        return TradingCalendar(self.calendar or row.calendar)

    def session_of(self, row: Instrument) -> SessionWindow:
        """Return the session window of `row`, before early closes."""
        return self.session or row.session


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())


def _dollars(text: str | None) -> float:
    try:
        dollars = float(text or 0.0)
    except ValueError:
        dollars = -1.0
    if not 0.0 <= dollars < inf:
        raise ConfigurationError(f"SPYMASTER_MAX_COST={text!r}: expected US dollars, 0 or more")
    return dollars
