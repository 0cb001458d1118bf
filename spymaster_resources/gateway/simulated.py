"""An archive whose files the simulated exchange writes when they are first asked for."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from spymaster_resources.gateway.archive import DaySpan, FolderArchive, day_files
from spymaster_resources.gateway.query import ALL_SYMBOLS
from spymaster_resources.gateway.symbology import parent_of
from spymaster_resources.trading_calendar import TradingCalendar


@dataclass(frozen=True)
class SimulatedFile:
    """A vendor file that the exchange can write for every session of a calendar."""

    dataset: str
    schema: str
    name: str
    """What the archive's folder of such files is called."""
    products: frozenset[str]
    """Parents (ES.FUT, E1A.OPT) or tickers (QQQ) that the file holds."""
    calendar: TradingCalendar
    write: Callable[[date, Path], object]
    """Writes the file of a date into a folder, under the vendor's name, whole or not at all."""

    @property
    def place(self) -> Path:
        """Return the folder of the files below the archive's."""
        return Path(self.dataset, self.schema, self.name)

    def serves(self, symbol: str, stype_in: str) -> bool:
        """Return whether the file holds what a symbol stands for, as far as its form tells."""
        if symbol == ALL_SYMBOLS or stype_in == "instrument_id":
            return True
        product = symbol if stype_in == "parent" else parent_of(symbol) or symbol
        return product in self.products


class SimulatedArchive:
    """Files of the simulated exchange, made on demand and kept in `folder`.

    `last`: last date that can be asked for, as the vendor has none of the running day.
    """

    def __init__(self, folder: Path, files: Iterable[SimulatedFile], *, last: date) -> None:
        self.files = tuple(files)
        self.last = last
        self._kept = FolderArchive(folder)
        self._locks: defaultdict[tuple[Path, date], threading.Lock] = defaultdict(threading.Lock)

    def datasets(self) -> tuple[str, ...]:
        """Return the datasets that the exchange simulates."""
        return tuple(sorted({file.dataset for file in self.files}))

    def schemas(self, dataset: str) -> tuple[str, ...]:
        """Return the schemas of a dataset that the exchange simulates."""
        return tuple(sorted({file.schema for file in self.files if file.dataset == dataset}))

    def span(self, dataset: str) -> DaySpan | None:
        """Return the years of the calendars, up to `last`."""
        calendars = [file.calendar for file in self.files if file.dataset == dataset]
        if not calendars:
            return None
        return DaySpan(
            max(calendar.first for calendar in calendars),
            min(self.last, *(calendar.last for calendar in calendars)),
        )

    def has_data(self, dataset: str, day: date) -> bool:
        """Return whether the date is a session."""
        return any(file.calendar.is_session(day) for file in self.files if file.dataset == dataset)

    def find(
        self, dataset: str, schema: str, symbols: Sequence[str], stype_in: str, day: date
    ) -> Path | None:
        """Return the day's file with most of `symbols`, made now if it never was."""
        for file in self.files:
            if (
                (file.dataset, file.schema) == (dataset, schema)
                and any(file.serves(symbol, stype_in) for symbol in symbols)
                and file.calendar.is_session(day)
            ):
                self._make(file, day)
        return self._kept.find(dataset, schema, symbols, stype_in, day)

    def _make(self, file: SimulatedFile, day: date) -> None:
        folder = self._kept.folder / file.place
        with self._locks[folder, day]:
            if not any(made == day for made, _ in day_files(folder, file.schema)):
                folder.mkdir(parents=True, exist_ok=True)
                file.write(day, folder)


def yesterday(today: date) -> date:
    """Return the last whole UTC date."""
    return today - timedelta(days=1)
