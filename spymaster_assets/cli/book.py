"""`spymaster book`: the best levels at every event of a market-by-order file, as Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from spymaster_assets.cli.mbo_records import Chunk, mbo_chunks

if TYPE_CHECKING:
    import pyarrow as pa

    from book_engines.tops import TopLevels

_MAX_LEVELS: Final = 100
_GROUP_EVENTS: Final = 1 << 17


def book_levels(
    file: Annotated[Path, typer.Argument(help="A DBN file of schema mbo, .dbn or .dbn.zst.")],
    out: Annotated[Path, typer.Option("--out", help="Parquet file to write.")],
    levels: Annotated[
        int, typer.Option("--levels", min=1, max=_MAX_LEVELS, help="Levels of either side.")
    ] = 10,
) -> None:
    """Write price, size and order count of the best levels after every record with F_LAST.

    A row shows the book of its own publisher and instrument. Prices are int64 at 1e-9 dollars;
    price, size and count are null where there is no such level.

    Example: spymaster book glbx-mdp3-20231225.mbo.dbn.zst --levels 10 --out book.parquet
    """
    rows = write_book(file, levels, out)
    typer.echo(f"{rows:,} events in {out}")


def write_book(file: Path, levels: int, out: Path) -> int:
    """Write the table of `book_levels` and return its number of rows.

    The file appears under its name only when it is complete.
    """
    import pyarrow.parquet as pq

    from book_engines.tops import TopsEngine
    from spymaster_resources.dbn.stream import open_dbn

    dbn = open_dbn(file)
    schema = level_schema(levels)
    engine = TopsEngine(levels)
    rows = 0
    part = out.with_name(f".{out.name}.part")
    try:
        with pq.ParquetWriter(part, schema, compression="zstd", compression_level=1) as writer:
            for chunk in mbo_chunks(dbn, "levels"):
                for batch in _batches(engine, chunk, schema):
                    writer.write_batch(batch, row_group_size=_GROUP_EVENTS)
                    rows += batch.num_rows
        engine.finish()
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return rows


def level_schema(levels: int) -> pa.Schema:
    """Return the columns of the table for `levels` levels."""
    import pyarrow as pa

    fields = [
        pa.field("record_index", pa.int64(), nullable=False),
        pa.field("ts_event", pa.int64()),
        pa.field("ts_recv", pa.int64()),
        pa.field("sequence", pa.uint32(), nullable=False),
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


def _batches(engine: Any, chunk: Chunk, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    tops: TopLevels
    for tops in engine.feed(chunk.records):
        batch = chunk.batch
        ts_event = batch.ts_event_ns[tops.record]
        ts_recv = batch.ts_recv_ns[tops.record]
        columns = [
            pa.array(tops.record + chunk.first),
            pa.array(ts_event, mask=ts_event == -1),
            pa.array(ts_recv, mask=ts_recv == -1),
            pa.array(batch.sequence[tops.record]),
            pa.array(batch.publisher_id[tops.record]),
            pa.array(batch.instrument_id[tops.record]),
        ]
        for row in range(tops.price.shape[0]):
            empty = tops.orders[row] == 0
            columns += [
                pa.array(values[row], mask=empty) for values in (tops.price, tops.qty, tops.orders)
            ]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)
