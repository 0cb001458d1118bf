"""The records of a raw day, whatever files it lies in, and the names of its instruments.

A Parquet file names its instruments only where its writer asked for that; otherwise the raw
definitions of the same day do.
"""

from __future__ import annotations

import hashlib
import logging
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from spymaster_assets.stages.raw import RawDay, RawFile, list_raw, open_raw, raw_inputs
from spymaster_resources.instruments import FUTURE_OPTION, Instrument
from spymaster_resources.lake import Lake

if TYPE_CHECKING:
    from spymaster_resources.dbn.parquet_file import ParquetFile
    from spymaster_resources.dbn.parts import RecordFile

DEFINITION: Final = "definition"

_log = logging.getLogger(__name__)


def open_day(lake: Lake, day: RawDay, row: Instrument) -> RecordFile:
    """Return the day's file, opened, or its parts as one; other forms of them are told.

    Raises the reader's errors.
    """
    from spymaster_resources.dbn.parts import PartedFile

    for other in day.ignored:
        _log.warning("%s is read, its other form %s is not", day.name, other.name)
    parts = [_open(lake, file, row) for file in day.files]
    return parts[0] if len(parts) == 1 else PartedFile(parts)


def naming_parameters(lake: Lake, day: RawDay, row: Instrument) -> dict[str, str]:
    """Return what decides the names of a day's instruments beside its own files.

    Nothing where those tell the names, nor for options on futures, whose bronze is made of the
    definitions anyway.
    """
    if row.product_type == FUTURE_OPTION or all(_tells_names(lake, f, row) for f in day.files):
        return {}
    definitions = _definitions(lake, row, day)
    if definitions is None:
        return {}
    content = hashlib.sha256()
    for raw in raw_inputs(lake, definitions):
        content.update(bytes.fromhex(raw.sha256))
    return {"named_by_definitions_sha256": content.hexdigest()}


def defined_names(lake: Lake, row: Instrument, day: RawDay) -> dict[int, str]:
    """Return the symbol of every instrument that the day's raw definitions name, by its number.

    Nothing where there are none; of several definitions of an instrument the last one counts.
    """
    definitions = _definitions(lake, row, day)
    if definitions is None:
        return {}
    names: dict[int, str] = {}
    for records in open_day(lake, definitions, row).records(schema=DEFINITION):
        symbols = (raw.decode("utf-8", "replace") for raw in records["raw_symbol"].tolist())
        names |= zip(records["instrument_id"].tolist(), symbols, strict=True)
    return names


def _definitions(lake: Lake, row: Instrument, day: RawDay) -> RawDay | None:
    listing = list_raw(lake, row.product_type, row.root, DEFINITION)
    return next((other for other in listing.days if other.dt == day.dt), None)


def _tells_names(lake: Lake, file: RawFile, row: Instrument) -> bool:
    return not file.is_parquet or _open_parquet(lake, file, row).tells_names


def _open(lake: Lake, file: RawFile, row: Instrument) -> RecordFile:
    return _open_parquet(lake, file, row) if file.is_parquet else open_raw(lake, file)


def _open_parquet(lake: Lake, file: RawFile, row: Instrument) -> ParquetFile:
    from spymaster_resources.dbn.parquet_file import ParquetFile

    return ParquetFile(
        lake.file_system.url(file.path),
        lambda _: cast("BinaryIO", lake.file_system.open(file.path)),
        file.dt,
        partial(defined_names, lake, row, RawDay(file.dt, (file,))),
    )
