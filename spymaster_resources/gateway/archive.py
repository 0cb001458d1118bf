"""The files that the gateway serves: which one holds a dataset, a schema and a day."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from spymaster_resources.dbn.header import DbnMetadata
from spymaster_resources.dbn.stream import open_dbn
from spymaster_resources.gateway.symbology import symbols_on

_NAME: Final = re.compile(r"(?:.*[-_.])?(?P<day>\d{8})\.(?P<schema>[a-z0-9-]+)\.dbn(?:\.zst)?")


class DaySpan(NamedTuple):
    """The UTC dates that are available, both ends included."""

    first: date
    last: date


class Archive(Protocol):
    """Where files come from; methods may be called from several threads."""

    def datasets(self) -> tuple[str, ...]:
        """Return the datasets that are served."""

    def schemas(self, dataset: str) -> tuple[str, ...]:
        """Return the schemas of a dataset."""

    def span(self, dataset: str) -> DaySpan | None:
        """Return the dates for which a dataset can be asked, None where there is none."""

    def has_data(self, dataset: str, day: date) -> bool:
        """Return whether the dataset has data on a UTC date inside its span."""

    def find(
        self, dataset: str, schema: str, symbols: Sequence[str], stype_in: str, day: date
    ) -> Path | None:
        """Return the file that holds most of `symbols` on a UTC date, None where there is none.

        May take as long as it takes to make the file.
        """


class FolderArchive:
    """Account files in a folder, as `<dataset>/<schema>/…/<vendor file name>`.

    The folder is read anew at every call, so files may be added while the gateway runs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def datasets(self) -> tuple[str, ...]:
        """Return the datasets of which there is a folder."""
        return _folders(self.folder)

    def schemas(self, dataset: str) -> tuple[str, ...]:
        """Return the schemas of which there is a folder."""
        return _folders(self.folder / dataset)

    def span(self, dataset: str) -> DaySpan | None:
        """Return the first and the last date of which there is a file."""
        days = {day for schema in self.schemas(dataset) for day, _ in self._files(dataset, schema)}
        return DaySpan(min(days), max(days)) if days else None

    def has_data(self, dataset: str, day: date) -> bool:
        """Return whether there is a file of the date, of any schema."""
        return any(
            day == held
            for schema in self.schemas(dataset)
            for held, _ in self._files(dataset, schema)
        )

    def find(
        self, dataset: str, schema: str, symbols: Sequence[str], stype_in: str, day: date
    ) -> Path | None:
        """Return the day's file with most of `symbols`; of equals the first by name."""
        files = sorted(path for held, path in self._files(dataset, schema) if held == day)
        if len(files) < 2:
            return files[0] if files else None
        return max(
            files, key=lambda path: len(symbols_on(metadata_of(path), day, symbols, stype_in).found)
        )

    def _files(self, dataset: str, schema: str) -> Iterator[tuple[date, Path]]:
        return day_files(self.folder / dataset / schema, schema)


def day_files(folder: Path, schema: str) -> Iterator[tuple[date, Path]]:
    """Yield the vendor files of a schema below a folder, with the date in their name."""
    for path in folder.rglob("*.dbn*"):
        match = _NAME.fullmatch(path.name)
        if match is not None and match["schema"] == schema:
            moment = datetime.strptime(match["day"], "%Y%m%d").replace(tzinfo=UTC)
            yield moment.date(), path


class FileState(NamedTuple):
    """A file at one moment: what was learned of it holds as long as all three are equal."""

    path: Path
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> FileState:
        """Return the present state of a file."""
        stat = path.stat()
        return cls(path, stat.st_size, stat.st_mtime_ns)


def metadata_of(path: Path) -> DbnMetadata:
    """Return the metadata of a file, read once as long as the file does not change."""
    return _metadata(FileState.of(path))


@lru_cache(maxsize=256)
def _metadata(state: FileState) -> DbnMetadata:
    return open_dbn(state.path).metadata


def _folders(folder: Path) -> tuple[str, ...]:
    if not folder.is_dir():
        return ()
    return tuple(sorted(entry.name for entry in folder.iterdir() if entry.is_dir()))
