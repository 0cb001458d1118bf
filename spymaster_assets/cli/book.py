"""`spymaster book`: the best levels at every event of a file, as Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from spymaster_assets.cli.mbo_records import mbo_chunks
from spymaster_assets.cli.quote_records import QUOTES, quote_chunks

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from spymaster_resources.dbn.stream import DbnFile

_MAX_LEVELS: Final = 100
_GROUP_EVENTS: Final = 1 << 17


def book_levels(
    file: Annotated[
        Path, typer.Argument(help="A DBN file of schema mbo or cmbp-1, .dbn or .dbn.zst.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Parquet file to write.")],
    levels: Annotated[
        int, typer.Option("--levels", min=1, max=_MAX_LEVELS, help="Levels of either side.")
    ] = 10,
) -> None:
    """Write price, size and order count of the best levels after every record with F_LAST.

    A row shows the book of its own publisher and instrument. Prices are int64 at 1e-9 dollars;
    price, size and count are null where there is no such level. A file of consolidated quotes
    (cmbp-1) has one level, that of all publishers, and tells neither counts nor sequence.

    Example: spymaster book glbx-mdp3-20231225.mbo.dbn.zst --levels 10 --out book.parquet
    """
    rows = write_book(file, levels, out)
    typer.echo(f"{rows:,} events in {out}")


def write_book(file: Path, levels: int, out: Path) -> int:
    """Write the table of `book_levels` and return its number of rows.

    The file appears under its name only when it is complete.
    """
    import pyarrow.parquet as pq

    from spymaster_resources.dbn.stream import open_dbn

    dbn = open_dbn(file)
    of_quotes = dbn.metadata.schema == QUOTES
    schema = level_schema(1 if of_quotes else levels, of_quotes=of_quotes)
    rows = 0
    part = out.with_name(f".{out.name}.part")
    try:
        with pq.ParquetWriter(part, schema, compression="zstd", compression_level=1) as writer:
            batches = _quote_batches(dbn, schema) if of_quotes else _batches(dbn, levels, schema)
            for batch in batches:
                writer.write_batch(batch, row_group_size=_GROUP_EVENTS)
                rows += batch.num_rows
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return rows


def level_schema(levels: int, *, of_quotes: bool = False) -> pa.Schema:
    """Return the columns of the table for `levels` levels; quotes have no sequence."""
    import pyarrow as pa

    fields = [
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


def _batches(dbn: DbnFile, levels: int, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a market-by-order file; raises BookIntegrityError at its end."""
    import pyarrow as pa

    from book_engines.tops import TopsEngine

    engine = TopsEngine(levels)
    for chunk in mbo_chunks(dbn, "levels"):
        batch = chunk.batch
        for tops in engine.feed(chunk.records):
            columns = [
                pa.array(tops.record + chunk.first),
                _time(batch.ts_event_ns[tops.record]),
                _time(batch.ts_recv_ns[tops.record]),
                pa.array(batch.sequence[tops.record]),
                pa.array(batch.publisher_id[tops.record]),
                pa.array(batch.instrument_id[tops.record]),
            ]
            for row in range(tops.price.shape[0]):
                empty = tops.orders[row] == 0
                columns += [
                    pa.array(values[row], mask=empty)
                    for values in (tops.price, tops.qty, tops.orders)
                ]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)
    engine.finish()


def _quote_batches(dbn: DbnFile, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a file of consolidated quotes."""
    import numpy as np
    import pyarrow as pa

    from book_engines.quote_tape import QuoteTapeEngine

    engine = QuoteTapeEngine()
    for chunk in quote_chunks(dbn, "levels"):
        for tops in engine.feed(chunk.records, chunk.publisher_id):
            place, n = tops.record, tops.record.size
            columns = [
                pa.array(place + chunk.first),
                _time(chunk.records.ts_event_ns[place]),
                _time(chunk.raw["ts_recv"][place].astype(np.int64)),
                pa.nulls(n, pa.uint32()),
                pa.array(chunk.publisher_id[place]),
                pa.array(chunk.records.instrument_id[place]),
            ]
            for price, qty in zip(tops.price, tops.qty, strict=True):
                empty = qty == 0
                columns += [pa.array(price, mask=empty), pa.array(qty, mask=empty)]
                columns.append(pa.nulls(n, pa.int64()))
            yield pa.RecordBatch.from_arrays(columns, schema=schema)
    engine.finish()


def _time(values: NDArray[np.int64]) -> pa.Array:
    import pyarrow as pa

    return pa.array(values, mask=values == -1)
