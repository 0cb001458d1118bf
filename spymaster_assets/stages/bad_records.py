"""What is wrong with a raw file or one of its records, as the error that names it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from contracts.errors import CorruptFileError, RawFileError, UnknownSymbolError, WrongDayError
from spymaster_assets.stages.raw import covered_day
from spymaster_resources.dbn import route

if TYPE_CHECKING:
    from spymaster_resources.dbn.parts import RecordFile


def require_day(file: RecordFile, dt: date) -> None:
    """Raise WrongDayError unless the header says that the file covers the UTC day `dt`."""
    found = covered_day(file.metadata, file.path)
    if found != dt:
        raise WrongDayError(
            file.path,
            f"expected the UTC day {dt}, the header says {found}; give that day's file",
            position="metadata byte 26",
        )


def none_mapped(mapped: int) -> str:
    """Return what to say of a file none of whose `mapped` instruments is of the root."""
    hint = (
        ""
        if mapped
        else "; a Parquet file names them when it is written with map_symbols, or the day's "
        "definitions do, put into the folder table=definition beside it"
    )
    return f"none among {mapped} mapped instruments{hint}"


def bad_record(path: str, dt: date, record: np.void, place: int, status: int) -> RawFileError:
    """Return the error of a record that a kernel of `route` stopped at with `status`."""
    position = f"record {place}"
    if status == route.UNKNOWN_INSTRUMENT:
        return UnknownSymbolError(
            path,
            f"the file maps no symbol to instrument {record['instrument_id']} on {dt}",
            position=position,
        )
    if status == route.OTHER_DAY:
        return WrongDayError(
            path,
            f"expected a ts_recv in the UTC day {dt}, found "
            f"{np.datetime64(int(record['ts_recv']), 'ns')}Z; give that day's file",
            position=position,
        )
    field = "action" if status == route.UNKNOWN_ACTION else "side"
    return CorruptFileError(
        path,
        f"unknown {field} {bytes([record[field]])!r}; fetch the file again",
        position=position,
    )
