"""Names of the vendor's day files, and the writer of one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from spymaster_resources.dbn.writer import DbnWriter
from spymaster_resources.trading_calendar import DAY_NS, midnight_ns

GLBX: Final = "GLBX.MDP3"
XNAS: Final = "XNAS.ITCH"
OPRA: Final = "OPRA.PILLAR"


class Named(NamedTuple):
    """An instrument of a day's file."""

    symbol: str
    instrument_id: int


def file_name(dataset: str, schema: str, dt: date) -> str:
    """Return the vendor's name of a day's file, as glbx-mdp3-20260105.mbo.dbn.zst."""
    return f"{dataset.lower().replace('.', '-')}-{dt:%Y%m%d}.{schema}.dbn.zst"


def day_writer(
    folder: Path,
    dataset: str,
    schema: str,
    dt: date,
    listed: Iterable[Named],
    *,
    parents: Iterable[str] = (),
    version: int = 3,
    zstd_level: int = 1,
) -> DbnWriter:
    """Return the writer of a day's file with its symbol mappings.

    parents: what was asked for, as ES.FUT; none for a request by raw symbols.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tomorrow = dt + timedelta(days=1)
    mappings = {row.symbol: [(dt, tomorrow, row.instrument_id)] for row in listed}
    asked = tuple(parents)
    return DbnWriter(
        folder / file_name(dataset, schema, dt),
        version=version,
        dataset=dataset,
        schema=schema,
        start_ns=midnight_ns(dt),
        end_ns=midnight_ns(dt) + DAY_NS,
        symbols=asked or tuple(mappings),
        stype_in="parent" if asked else "raw_symbol",
        mappings=mappings,
        zstd_level=zstd_level,
    )
