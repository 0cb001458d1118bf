"""Small vendor files, as an archive for the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from spymaster_resources.dbn.layouts import layout_of, new_records
from spymaster_resources.dbn.writer import DbnWriter
from spymaster_resources.trading_calendar import DAY_NS, SECOND_NS, midnight_ns

MONDAY: Final = date(2026, 1, 5)
TUESDAY: Final = date(2026, 1, 6)
HOLIDAY: Final = date(2026, 1, 7)  # inside the archive's span, without a file
THURSDAY: Final = date(2026, 1, 8)
FUTURES: Final = {"ESH6": 11, "ESM6": 12, "ESH6-ESM6": 13}
ES_OPTIONS: Final = {"E1AF6 C6000": 21, "E1AF6 P6000": 22, "EW1F6 C6000": 23}
QQQ_OPTIONS: Final = {"QQQ   260105C00500000": 31, "QQQ   260105P00500000": 32}
RECORDS: Final = 3_000
"""Records of a day file of quotes; each second of the day's first has one."""


def records(
    schema: str, ids: Mapping[str, int], day: date, rows: int = RECORDS
) -> NDArray[np.void]:
    """Return records one second apart, of the instruments in turn, each with its own number."""
    made = new_records(layout_of(schema, 3), rows)
    numbers = list(ids.values())
    place = np.arange(rows)
    made["instrument_id"] = np.array(numbers)[place % len(numbers)]
    made["ts_recv"] = midnight_ns(day) + place * SECOND_NS
    made["ts_event"] = made["ts_recv"] - 1_000
    if "sequence" in (made.dtype.names or ()):
        made["sequence"] = place + day.toordinal()
    return made


def write_day(
    folder: Path,
    dataset: str,
    schema: str,
    day: date,
    ids: Mapping[str, int],
    made: NDArray[np.void],
    *,
    symbols: tuple[str, ...],
    stype_in: str,
) -> Path:
    """Write a day's file at its place in the archive and return it."""
    place = folder / dataset / schema / symbols[0].strip()
    place.mkdir(parents=True, exist_ok=True)
    name = f"{dataset.lower().replace('.', '-')}-{day:%Y%m%d}.{schema}.dbn.zst"
    tomorrow = day + timedelta(days=1)
    with DbnWriter(
        place / name,
        dataset=dataset,
        schema=schema,
        start_ns=midnight_ns(day),
        end_ns=midnight_ns(day) + DAY_NS,
        symbols=symbols,
        stype_in=stype_in,
        mappings={symbol: [(day, tomorrow, number)] for symbol, number in ids.items()},
    ) as writer:
        writer.write(made)
    return place / name


def write_archive(folder: Path) -> Path:
    """Write three days of futures, and Monday's definitions and option quotes."""
    for day in (MONDAY, TUESDAY, THURSDAY):
        made = records("mbo", FUTURES, day)
        write_day(
            folder, "GLBX.MDP3", "mbo", day, FUTURES, made, symbols=("ES.FUT",), stype_in="parent"
        )
    made = records("definition", ES_OPTIONS, MONDAY, 6)
    parents = ("E1A.OPT", "EW1.OPT")
    write_day(
        folder, "GLBX.MDP3", "definition", MONDAY, ES_OPTIONS, made, symbols=parents,
        stype_in="parent",
    )  # fmt: skip
    made = records("cmbp-1", QQQ_OPTIONS, MONDAY)
    write_day(
        folder, "OPRA.PILLAR", "cmbp-1", MONDAY, QQQ_OPTIONS, made, symbols=tuple(QQQ_OPTIONS),
        stype_in="raw_symbol",
    )  # fmt: skip
    return folder


def day_file(folder: Path, day: date) -> Path:
    """Return the futures file of a day."""
    return folder / "GLBX.MDP3/mbo/ES.FUT" / f"glbx-mdp3-{day:%Y%m%d}.mbo.dbn.zst"


def futures_of(day: date, **changes: Any) -> dict[str, Any]:
    """Return the arguments of the client that ask for all futures of a day."""
    return {
        "dataset": "GLBX.MDP3",
        "symbols": "ES.FUT",
        "stype_in": "parent",
        "schema": "mbo",
        "start": day,
        "end": day + timedelta(days=1),
    } | changes
