"""A small market in vendor files: two days of ES, QQQ and the options on them that expire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, time, timedelta
from pathlib import Path

import numpy as np

from spymaster_resources.dbn.layouts import UNDEFINED_TIMESTAMP, layout_of, new_records
from spymaster_resources.dbn.writer import DbnWriter
from spymaster_resources.trading_calendar import DAY_NS, midnight_ns, utc_ns

THURSDAY = date(2024, 5, 9)
FRIDAY = date(2024, 5, 10)
SUNDAY = date(2024, 5, 5)
DAYS = (THURSDAY, FRIDAY)
FAMILY = {THURSDAY: "E2D", FRIDAY: "EW2"}
MONTH = "K4"
STRIKES = (5200, 5205, 5210)
ROWS = 2_000


def write_file(
    archive: Path,
    dataset: str,
    schema: str,
    dt: date,
    symbols: Mapping[str, int],
    *,
    records: np.ndarray | None = None,
    rows: int = ROWS,
    version: int = 3,
    folder: str = "",
) -> Path:
    """Write one day file into the archive; `symbols` maps raw symbol to instrument id."""
    name = f"{dataset.lower().replace('.', '-')}-{dt:%Y%m%d}.{schema}.dbn.zst"
    path = archive / dataset / schema / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if records is None:
        records = some_records(schema, dt, list(symbols.values()), rows, version)
    with DbnWriter(
        path,
        dataset=dataset,
        schema=schema,
        start_ns=midnight_ns(dt),
        end_ns=midnight_ns(dt) + DAY_NS,
        symbols=list(symbols),
        mappings={name: [(dt, dt + timedelta(days=1), n)] for name, n in symbols.items()},
        version=version,
    ) as writer:
        writer.write(records)
    return path


def some_records(schema: str, dt: date, ids: list[int], rows: int, version: int = 3) -> np.ndarray:
    """Return records that hardly compress, in time order."""
    layout = layout_of(schema, version)
    found = new_records(layout, rows)
    noise = np.random.default_rng(dt.toordinal() + rows)
    field = "order_id" if schema == "mbo" else "ts_ref" if schema == "statistics" else "price"
    found[field] = noise.integers(0, 2**62, rows)
    found["instrument_id"] = np.array(ids)[np.arange(rows) % len(ids)]
    found["ts_event"] = midnight_ns(dt) + np.arange(rows) * 1_000_000
    found["ts_recv"] = found["ts_event"] + 500
    return found


def definitions(
    rows: Iterable[tuple[str, int, str, str, int]], dt: date, version: int = 3
) -> np.ndarray:
    """Return definition records of (raw symbol, id, class, underlying, expiration ns)."""
    listed = list(rows)
    found = new_records(layout_of("definition", version), len(listed))
    for record, (symbol, number, kind, underlying, expiration) in zip(found, listed, strict=True):
        record["raw_symbol"] = symbol.encode()
        record["instrument_id"] = number
        record["instrument_class"] = ord(kind)
        record["underlying"] = underlying.encode()
        record["expiration"] = expiration
    found["ts_event"] = found["ts_recv"] = midnight_ns(dt)
    return found


def family_rows(
    family: str, dt: date, first_id: int, root_contract: str = "ESM4"
) -> list[tuple[str, int, str, str, int]]:
    """Return the definitions of a family that expires on `dt` at 16:00 New York."""
    expiration = utc_ns(dt, time(16))
    names = [f"{family}{MONTH} {kind}{strike}" for strike in STRIKES for kind in "CP"]
    return [
        (name, first_id + n, name.split(" ")[1][0], root_contract, expiration)
        for n, name in enumerate(names)
    ]


def osi(root: str, dt: date, kind: str, strike: int) -> str:
    """Return an option symbol as OPRA writes it."""
    return f"{root:<6}{dt:%y%m%d}{kind}{strike * 1000:08d}"


def opra_rows(root: str, dt: date, first_id: int) -> list[tuple[str, int, str, str, int]]:
    """Return the definitions of a ticker's options that expire on `dt`, midnight UTC."""
    return [
        (osi(root, dt, kind, strike), first_id + n, kind, root, midnight_ns(dt))
        for n, (kind, strike) in enumerate((k, s) for s in (440, 441) for k in "CP")
    ]


def build_archive(archive: Path, rows: int = ROWS) -> Path:
    """Write the archive that the tests' gateway serves."""
    futures = {"ESM4": 1, "ESU4": 2, "ESM4-ESU4": 3}
    for dt in (*DAYS, SUNDAY):
        write_file(archive, "GLBX.MDP3", "mbo", dt, futures, rows=rows, folder="futures")
    for dt in DAYS:
        _futures_options(archive, dt, rows)
        write_file(archive, "XNAS.ITCH", "mbo", dt, {"QQQ": 77}, rows=rows)
        _equity_options(archive, dt, rows)
    return archive


def _futures_options(archive: Path, dt: date, rows: int) -> None:
    other = FRIDAY if dt == THURSDAY else THURSDAY
    expiring = family_rows(FAMILY[dt], dt, 1000)
    later = family_rows(FAMILY[dt], dt + timedelta(days=28), 2000, "ESM4")
    later = [(row[0].replace(MONTH, "M4"), *row[1:]) for row in later]
    foreign = family_rows(FAMILY[dt], dt, 3000, "MESM4")
    foreign = [(row[0].replace("5", "7"), *row[1:]) for row in foreign]
    other_family = family_rows(FAMILY[other], other, 4000)
    strategy = (f"{FAMILY[dt]}{MONTH} C5201", 5000, "T", "ESM4", expiring[0][4])
    undated = (f"{FAMILY[dt]}{MONTH} C5202", 5001, "C", "ESM4", UNDEFINED_TIMESTAMP)
    rows_of_day = [*expiring, *later, *foreign, *other_family, strategy, undated]
    names = {row[0]: row[1] for row in rows_of_day}
    records = definitions(rows_of_day, dt)
    write_file(archive, "GLBX.MDP3", "definition", dt, names, records=records)
    traded = {row[0]: row[1] for row in expiring}
    write_file(archive, "GLBX.MDP3", "mbo", dt, traded, rows=rows, folder="options")
    write_file(archive, "GLBX.MDP3", "statistics", dt, traded, rows=200)


def _equity_options(archive: Path, dt: date, rows: int) -> None:
    expiring = opra_rows("QQQ", dt, 1000)
    later = opra_rows("QQQ", dt + timedelta(days=7), 2000)
    adjusted = [(osi("QQQ1", dt, "C", 440), 3000, "C", "QQQ1", midnight_ns(dt))]
    rows_of_day = [*expiring, *later, *adjusted]
    names = {row[0]: row[1] for row in rows_of_day}
    write_file(
        archive, "OPRA.PILLAR", "definition", dt, names, records=definitions(rows_of_day, dt)
    )
    traded = {row[0]: row[1] for row in expiring}
    write_file(archive, "OPRA.PILLAR", "cmbp-1", dt, traded, rows=rows)
    write_file(archive, "OPRA.PILLAR", "statistics", dt, traded, rows=200)
