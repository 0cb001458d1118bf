"""The Dagster resource through which assets reach the lake and the instrument catalogue."""

from __future__ import annotations

import dagster as dg

from spymaster_assets.progress import tell
from spymaster_assets.stages.context import StageContext
from spymaster_resources.instruments import Instrument
from spymaster_resources.settings import Settings
from spymaster_resources.trading_calendar import SessionWindow


class Surroundings(dg.ConfigurableResource[StageContext]):
    """The lake, the calendar and the session of a run; empty values take the catalogue's."""

    lake: str
    calendar: str = ""
    session: str = ""
    instruments: str = ""
    contract: str = ""
    """A full contract symbol to run for; empty takes the selection map's."""

    @classmethod
    def from_settings(cls, settings: Settings, *, contract: str = "") -> Surroundings:
        """Return the resource that `settings` describe."""
        return cls(
            lake=settings.lake,
            calendar=settings.calendar or "",
            session=str(settings.session) if settings.session else "",
            instruments=settings.instruments or "",
            contract=contract,
        )

    def settings(self) -> Settings:
        """Return the settings that this resource holds."""
        return Settings(
            lake=self.lake,
            calendar=self.calendar or None,
            session=SessionWindow.parse(self.session) if self.session else None,
            instruments=self.instruments or None,
        )

    def stage(self, row: Instrument) -> StageContext:
        """Return the context of a stage for one instrument; whoever listens hears its progress."""
        return StageContext.from_settings(
            self.settings(), row.root, row.product_type, progress=tell
        )
