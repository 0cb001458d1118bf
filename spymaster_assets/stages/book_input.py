"""Bronze market-by-order batches as the book engines' columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pyarrow as pa

from book_engines.records import DTYPES, MboColumns
from spymaster_assets.stages.column_buffers import ColumnBuffers

BRONZE: Final = "bronze.future_mbo.mbo"

BRONZE_COLUMNS: Final = [
    {"ts_event_ns": "ts_event", "price_int": "price"}.get(name, name) for name in MboColumns._fields
]


class RecordBuffers:
    """Reused columns of market-by-order records."""

    def __init__(self) -> None:
        self._buffers = ColumnBuffers(BRONZE_COLUMNS, DTYPES)

    def chunks(self, batch: pa.RecordBatch) -> Iterator[MboColumns]:
        """Yield the batch in pieces; each is overwritten by the next."""
        for pieces in self._buffers.chunks(batch):
            yield MboColumns._make(pieces)
