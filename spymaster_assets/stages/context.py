"""What a stage needs to build one partition: where to read and write, and whom to tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from spymaster_resources.instruments import Instrument
from spymaster_resources.lake import Lake, StagedPartition
from spymaster_resources.settings import Settings
from spymaster_resources.trading_calendar import SessionWindow, TradingCalendar, WindowEnds

Audit = Callable[[Sequence[StagedPartition]], None]
"""Looks at staged partitions before they are published; raises to keep them unpublished."""

Progress = Callable[[str, int, int | None], None]
"""Told the stage's name, the rows or windows done, and the total where it is known."""


def no_audit(staged: Sequence[StagedPartition]) -> None:
    """Accept every staged partition."""


def no_progress(stage: str, done: int, total: int | None) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class StageContext:
    """The surroundings of a stage, the same for every date of one instrument."""

    lake: Lake
    instrument: Instrument
    calendar: TradingCalendar
    session: SessionWindow
    """The daily session before early closes."""
    audit: Audit = no_audit
    progress: Progress = no_progress

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        root: str,
        product_type: str,
        *,
        lake: Lake | None = None,
        audit: Audit = no_audit,
        progress: Progress = no_progress,
    ) -> StageContext:
        """Return the context that `settings` give for an instrument of the catalogue."""
        row = settings.instrument(root, product_type)
        return cls(
            lake=Lake(settings.lake) if lake is None else lake,
            instrument=row,
            calendar=settings.calendar_of(row),
            session=settings.session_of(row),
            audit=audit,
            progress=progress,
        )

    def session_on(self, dt: date) -> SessionWindow:
        """Return the session of `dt`, cut at an early close.

        Raises ConfigurationError when `dt` is no trading day.
        """
        self.calendar.require_session(dt)
        return self.calendar.clip(self.session, dt)

    def window_ends(self, dt: date) -> WindowEnds:
        """Return the window ends of the session of `dt`."""
        return self.session_on(dt).window_ends_ns(dt)
