"""What the environment configures: the lake, the calendar, the session and the catalogue."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from spymaster_resources.instruments import Instrument, instrument
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

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Return the settings that the environment variables give; empty ones count as unset."""
        env = os.environ if environment is None else environment
        session = env.get("SPYMASTER_SESSION")
        roots = tuple(
            root.strip() for root in env.get("SPYMASTER_ROOTS", "").split(",") if root.strip()
        )
        return cls(
            lake=env.get("SPYMASTER_LAKE") or cls.lake,
            calendar=env.get("SPYMASTER_CALENDAR") or None,
            session=SessionWindow.parse(session) if session else None,
            instruments=env.get("SPYMASTER_INSTRUMENTS") or None,
            roots=roots or cls.roots,
        )

    def instrument(self, root: str, product_type: str) -> Instrument:
        """Return the catalogue row of `root`."""
        return instrument(root, product_type, self.instruments)

    def calendar_of(self, row: Instrument) -> TradingCalendar:
        """Return the calendar that rules the partitions of `row`."""
        return TradingCalendar(self.calendar or row.calendar)

    def session_of(self, row: Instrument) -> SessionWindow:
        """Return the session window of `row`, before early closes."""
        return self.session or row.session
