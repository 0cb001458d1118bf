"""Small tables under small contracts, for the tests of the lake."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa

from contracts.registry import Dataset, ParquetLayout
from contracts.schema import Contract, Field
from spymaster_resources.lake import InputRef, Lake, Manifest, RawInput

DAY: Final = datetime.date(2024, 1, 2)
NEXT_DAY: Final = datetime.date(2024, 1, 3)
QUOTES: Final = "silver.test.quotes"
DERIVED: Final = "gold.test.derived"
PICKS: Final = "selection.picks"
ROW_GROUP_ROWS: Final = 16

_TEXT: Final = pa.dictionary(pa.int32(), pa.utf8())


def _field(
    name: str, kind: pa.DataType, *, nullable: bool = False, symbols: tuple[str, ...] | None = None
) -> Field:
    return Field(name, kind, nullable, doc=name, unit="-", formula=name, symbols=symbols)


CONTRACT: Final = Contract(
    name="test.quotes",
    version=2,
    sha256="c" * 64,
    doc="quotes",
    fields=(
        _field("ts_ns", pa.int64()),
        _field("side", _TEXT, symbols=("N", "B", "A")),
        _field("price_int", pa.int64()),
        _field("depth", pa.float32()),
        _field("note", pa.float64(), nullable=True),
        _field("venue", _TEXT, nullable=True),
        _field("valid", pa.bool_()),
    ),
)

_QUOTES: Final = Dataset(
    key=QUOTES,
    path_template="silver/symbol={symbol}/table=quotes/dt={dt}",
    contract=CONTRACT,
    catalogue_file="-",
    key_columns=("ts_ns", "side"),
    sort_columns=("ts_ns", "side"),
    parquet=ParquetLayout(
        row_group_rows=ROW_GROUP_ROWS,
        compression_level=1,
        dictionary=("side", "price_int", "venue"),
        encoding={"ts_ns": "DELTA_BINARY_PACKED", "depth": "BYTE_STREAM_SPLIT"},
        statistics=("ts_ns",),
    ),
)

TABLES: Final = {
    QUOTES: _QUOTES,
    DERIVED: replace(
        _QUOTES, key=DERIVED, path_template="gold/symbol={symbol}/table=derived/dt={dt}"
    ),
    PICKS: replace(_QUOTES, key=PICKS, path_template="selection/picks.parquet"),
}


def quotes(rows: int, seed: int = 0) -> pa.Table:
    """Return `rows` rows that keep the contract, sorted; other seeds give other values."""
    rng = np.random.default_rng(seed)
    codes = pa.array(np.tile([0, 1, 2], rows)[:rows], pa.int32())
    columns = [
        pa.array(np.repeat(np.arange(rows), 3)[:rows] * 1_000_000_000 + seed),
        pa.DictionaryArray.from_arrays(codes, pa.array(["N", "B", "A"])),
        pa.array(rng.integers(1, 1_000, rows) * 250_000_000),
        pa.array(rng.random(rows, np.float32)),
        pa.array(rng.random(rows), mask=rng.random(rows) < 0.3),
        pa.array(rng.choice(["XNAS", "ARCX", "BATS"], rows), mask=rng.random(rows) < 0.2)
        .cast(pa.utf8())
        .dictionary_encode(),
        pa.array(rng.random(rows) < 0.5),
    ]
    return pa.Table.from_arrays(columns, schema=CONTRACT.schema)


def plain(table: pa.Table) -> list[dict[str, object]]:
    """Return the rows as Python values: what remains when encodings are forgotten."""
    rows: list[dict[str, object]] = table.to_pylist()
    return rows


def put(
    lake: Lake,
    table: pa.Table,
    dataset: str = QUOTES,
    symbol: str | None = "ESH4",
    dt: datetime.date | None = DAY,
    inputs: tuple[InputRef | RawInput, ...] = (),
) -> Manifest:
    """Publish `table` as one partition."""
    with lake.writer(
        dataset, symbol, dt, parameters={"grid": 200}, inputs=inputs, code_version="1"
    ) as writer:
        writer.write(table)
        return writer.publish()
