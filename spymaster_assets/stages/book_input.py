"""Bronze market-by-order batches as the book engines' columns."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

import pyarrow as pa

from book_engines.records import DTYPES, MboColumns
from spymaster_assets.stages.column_buffers import ColumnBuffers
from spymaster_assets.stages.context import StageContext
from spymaster_resources.instruments import Instrument

BRONZE_COLUMNS: Final = [
    {"ts_event_ns": "ts_event", "price_int": "price"}.get(name, name) for name in MboColumns._fields
]


def mbo_of(row: Instrument) -> str:
    """Return the dataset of a product's market-by-order records."""
    return f"bronze.{row.product_type}.mbo"


def bronze_records(ctx: StageContext, symbol: str, dt: date) -> Iterator[MboColumns]:
    """Yield the day of `symbol` in feed order; each piece is overwritten by the next.

    The next row group is read beside the book.
    """
    buffers = RecordBuffers()
    dataset = mbo_of(ctx.instrument)
    for batch in ctx.lake.batches(dataset, symbol, dt, BRONZE_COLUMNS, prefetch=True):
        yield from buffers.chunks(batch)


class RecordBuffers:
    """Reused columns of market-by-order records."""

    def __init__(self) -> None:
        self._buffers = ColumnBuffers(BRONZE_COLUMNS, DTYPES)

    def chunks(self, batch: pa.RecordBatch) -> Iterator[MboColumns]:
        """Yield the batch in pieces; each is overwritten by the next."""
        for pieces in self._buffers.chunks(batch):
            yield MboColumns._make(pieces)
