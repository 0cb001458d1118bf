"""Rows of books as Arrow batches, and the files they are written to."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from spymaster_assets.cli.book_rows import BookRows

FORMS: Final = (".parquet", ".csv", ".jsonl")
_GROUP_ROWS: Final = 1 << 17
_PRICE_DIGITS: Final = 9
_TIMES: Final = ("ts", "ts_event", "ts_recv")


def level_schema(levels: int, *, of_quotes: bool = False, at_instants: bool = False) -> pa.Schema:
    """Return the columns of the table for `levels` levels; quotes have no sequence."""
    import pyarrow as pa

    fields = [pa.field("ts", pa.int64(), nullable=False)] if at_instants else []
    fields += [
        pa.field("record_index", pa.int64(), nullable=False),
        pa.field("ts_event", pa.int64()),
        pa.field("ts_recv", pa.int64()),
        pa.field("sequence", pa.uint32(), nullable=of_quotes),
        pa.field("publisher_id", pa.uint16(), nullable=False),
        pa.field("instrument_id", pa.uint32(), nullable=False),
    ]
    for level in range(levels):
        for side in ("bid", "ask"):
            fields += [
                pa.field(f"{side}_px_{level:02d}", pa.int64()),
                pa.field(f"{side}_sz_{level:02d}", pa.int64()),
                pa.field(f"{side}_ct_{level:02d}", pa.int64()),
            ]
    return pa.schema(fields)


def level_batch(
    rows: BookRows, schema: pa.Schema, instants: NDArray[np.int64] | None = None
) -> pa.RecordBatch:
    """Return rows under `schema`; null where there is no level, no time, or nothing is told."""
    import pyarrow as pa

    from book_engines.records import UNDEF_PRICE

    of_quotes = schema.field("sequence").nullable
    n = rows.record_index.size
    columns = [] if instants is None else [pa.array(instants)]
    columns += [
        pa.array(rows.record_index),
        pa.array(rows.ts_event, mask=rows.ts_event == -1),
        pa.array(rows.ts_recv, mask=rows.ts_recv == -1),
        pa.nulls(n, pa.uint32()) if of_quotes else pa.array(rows.sequence),
        pa.array(rows.publisher_id),
        pa.array(rows.instrument_id),
    ]
    for price, qty, orders in zip(rows.price, rows.qty, rows.orders, strict=True):
        empty = price == UNDEF_PRICE
        columns += [pa.array(price, mask=empty), pa.array(qty, mask=empty)]
        columns.append(pa.nulls(n, pa.int64()) if of_quotes else pa.array(orders, mask=empty))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def pretty_schema(schema: pa.Schema) -> pa.Schema:
    """Return the columns with prices in exact decimal dollars and times as UTC timestamps."""
    import pyarrow as pa

    kinds = {name: pa.timestamp("ns", "UTC") for name in _TIMES}
    kinds |= {name: pa.decimal128(19, _PRICE_DIGITS) for name in schema.names if "_px_" in name}
    return pa.schema([field.with_type(kinds.get(field.name, field.type)) for field in schema])


def pretty_batch(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch under the `pretty_schema` of its own."""
    import pyarrow as pa

    columns = []
    for column, field in zip(batch.columns, schema, strict=True):
        if pa.types.is_decimal(field.type):
            prices = column.fill_null(0).to_numpy()
            words = np.stack([prices, prices >> 63], axis=1)  # low and high 64 bits
            valid = column.is_valid()
            exact = pa.Array.from_buffers(field.type, len(column), [None, pa.py_buffer(words)])
            columns.append(pa.compute.if_else(valid, exact, pa.scalar(None, field.type)))
        else:
            columns.append(column if column.type == field.type else column.cast(field.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


@contextmanager
def sink(out: Path | None, schema: pa.Schema) -> Iterator[Callable[[pa.RecordBatch], Any]]:
    """Open the file of a table, or standard output as CSV; yields what writes a batch.

    The form is that of the suffix, one of `FORMS`. A file appears under its name only when it is
    complete.
    """
    if out is None:
        with _csv(sys.stdout.buffer, schema) as write:
            yield write
        return
    part = out.with_name(f".{out.name}.part")
    try:
        form = {".csv": _csv, ".jsonl": _json_lines}.get(out.suffix, _parquet)
        with part.open("wb") as file, form(file, schema) as write:
            yield write
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _parquet(file: Any, schema: pa.Schema) -> Iterator[Callable[[pa.RecordBatch], Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Differences pack smaller than a dictionary does and take less time.
    packed = {
        field.name: "DELTA_BINARY_PACKED" for field in schema if not pa.types.is_decimal(field.type)
    }
    with pq.ParquetWriter(
        file,
        schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=False,
        column_encoding=packed,
    ) as writer:
        yield lambda batch: writer.write_batch(batch, row_group_size=_GROUP_ROWS)


@contextmanager
def _csv(file: Any, schema: pa.Schema) -> Iterator[Callable[[pa.RecordBatch], Any]]:
    from pyarrow import csv

    options = csv.WriteOptions(quoting_style="none", batch_size=_GROUP_ROWS)
    with csv.CSVWriter(file, schema, write_options=options) as writer:
        yield writer.write_batch


@contextmanager
def _json_lines(file: Any, schema: pa.Schema) -> Iterator[Callable[[pa.RecordBatch], Any]]:
    del schema

    def write(batch: pa.RecordBatch) -> None:
        for row in _plain(batch):
            file.write(json.dumps(row, separators=(",", ":")).encode() + b"\n")

    yield write


def _plain(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Return rows of what JSON can say: a decimal or a time is its exact text."""
    import pyarrow as pa

    columns = [
        column if pa.types.is_integer(column.type) else column.cast(pa.utf8())
        for column in batch.columns
    ]
    rows: list[dict[str, Any]] = pa.RecordBatch.from_arrays(
        columns, names=batch.schema.names
    ).to_pylist()
    return rows
