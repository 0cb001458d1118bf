"""The records of a raw day, whatever files it lies in."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, BinaryIO, cast

from spymaster_assets.stages.raw import RawDay, RawFile, open_raw
from spymaster_resources.lake import Lake

if TYPE_CHECKING:
    from spymaster_resources.dbn.parts import RecordFile

_log = logging.getLogger(__name__)


def open_day(lake: Lake, day: RawDay) -> RecordFile:
    """Return the day's file, opened, or its parts as one; other forms of them are told.

    Raises the reader's errors.
    """
    from spymaster_resources.dbn.parts import PartedFile

    for other in day.ignored:
        _log.warning("%s is read, its other form %s is not", day.name, other.name)
    parts = [_open(lake, file) for file in day.files]
    return parts[0] if len(parts) == 1 else PartedFile(parts)


def _open(lake: Lake, file: RawFile) -> RecordFile:
    if not file.is_parquet:
        return open_raw(lake, file)
    from spymaster_resources.dbn.parquet_file import ParquetFile

    return ParquetFile(
        lake.file_system.url(file.path),
        lambda _: cast("BinaryIO", lake.file_system.open(file.path)),
        file.dt,
    )
