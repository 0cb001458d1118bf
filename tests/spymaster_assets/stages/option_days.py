"""Small raw days of options, their definitions and statistics for the tests of the stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.raw import raw_folder
from spymaster_resources.dbn.layouts import layout_of, new_records
from spymaster_resources.lake import Lake
from spymaster_resources.settings import Settings
from tests.spymaster_assets.stages.raw_days import write_day
from tests.spymaster_resources.dbn.dbn_records import DAY_START_NS

Records = NDArray[np.void]

AFTERNOON = int(datetime(2024, 3, 12, 20, tzinfo=UTC).timestamp()) * 1_000_000_000  # 16:00 New York
LATE = int(datetime(2024, 3, 13, 3, tzinfo=UTC).timestamp()) * 1_000_000_000  # still 12 March there
NEXT = AFTERNOON + 86_400_000_000_000


class Defined(NamedTuple):
    """What a definition says."""

    number: int
    symbol: str
    underlying: str
    kind: str = "C"
    strike: int = 5_200
    expiration_ns: int = AFTERNOON


CALL = Defined(101, "E2BH4 C5200", "ESH4")
PUT = Defined(102, "E2BH4 P5205", "ESH4", "P", 5_205, LATE)
OTHER_FUTURE = Defined(103, "E2BM4 C5210", "ESM4", "C", 5_210)
TOMORROW = Defined(104, "E2CH4 C5200", "ESH4", expiration_ns=NEXT)
STRANGER = Defined(105, "XESH4 C5200", "XESH4")
SPREAD = Defined(106, "UD:1V: VT 2838", "", "T")
FUTURE = Defined(17_077, "ESH4", "", "F")
MARKET = (CALL, PUT, OTHER_FUTURE, TOMORROW, STRANGER, SPREAD, FUTURE)


def context(folder: Path, root: str, product_type: str) -> StageContext:
    """Return a context on a lake in `folder`."""
    lake = Lake(str(folder / "lake"))
    return StageContext.from_settings(Settings(), root, product_type, lake=lake)


def definitions(rows: Sequence[Defined], version: int = 3) -> Records:
    """Return definition records of `rows`."""
    records = new_records(layout_of("definition", version), len(rows))
    for record, row in zip(records, rows, strict=True):
        record["publisher_id"] = 1
        record["instrument_id"] = row.number
        record["raw_symbol"] = row.symbol.encode()
        record["underlying"] = row.underlying.encode()
        record["instrument_class"] = ord(row.kind)
        record["security_update_action"] = ord("A")
        record["strike_price"] = row.strike * 1_000_000_000
        record["expiration"] = row.expiration_ns
        for name in ("match_algorithm", "user_defined_instrument"):
            record[name] = ord("N")
    records["ts_recv"] = records["ts_event"] = DAY_START_NS + np.arange(len(rows))
    return records


def statistics(numbers: Sequence[int], version: int = 3) -> Records:
    """Return a statistic of each instrument: settlement prices and open interest in turn."""
    records = new_records(layout_of("statistics", version), len(numbers))
    place = np.arange(len(records))
    records["instrument_id"] = numbers
    records["stat_type"] = np.where(place % 2, 9, 3)
    records["price"] = np.where(place % 2, 2**63 - 1, 1_250_000_000 + place)
    undefined = np.iinfo(records.dtype["quantity"]).max
    records["quantity"] = np.where(place % 2, 40 + place, undefined)
    records["ts_ref"] = np.where(place % 3, DAY_START_NS, 2**64 - 1)
    records["ts_recv"] = records["ts_event"] = DAY_START_NS + place
    return records


def put(
    ctx: StageContext,
    table: str,
    records: Records,
    mappings: Mapping[str, int],
    **options: Any,
) -> Path:
    """Write a raw file of the product's day in the folder of `table` and return its path."""
    row = ctx.instrument
    folder = Path(ctx.lake.root) / raw_folder(row.product_type, row.root, table)
    name = options.pop("name", f"{row.dataset.lower().replace('.', '-')}-20240312.{table}.dbn.zst")
    settings = {"schema": table, "dataset": row.dataset, "mappings": mappings}
    return write_day(folder / name, records, **(settings | options))


def mappings_of(rows: Sequence[Defined]) -> dict[str, int]:
    """Return number by symbol."""
    return {row.symbol: row.number for row in rows}


def put_definitions(ctx: StageContext, rows: Sequence[Defined] = MARKET, **options: Any) -> Path:
    """Write the day's definition file."""
    records = definitions(rows, options.get("version", 3))
    return put(ctx, "definition", records, mappings_of(rows), **options)


def days_after_epoch(day: date) -> int:
    """Return how Parquet counts a date."""
    return (day - date(1970, 1, 1)).days
