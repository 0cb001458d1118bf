"""Bronze market-by-order batches as the book engines' columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from book_engines.records import DTYPES, UNDEF_PRICE, MboColumns
from contracts.registry import dataset

BRONZE: Final = "bronze.future_mbo.mbo"

_SOURCES: Final = MboColumns(  # type: ignore[arg-type]
    ts_event_ns="ts_event",
    order_id="order_id",
    price_int="price",
    size="size",
    action="action",
    side="side",
    flags="flags",
    publisher_id="publisher_id",
    instrument_id="instrument_id",
    sequence="sequence",
)
BRONZE_COLUMNS: Final = [str(name) for name in _SOURCES]

# A missing time is what the vendor writes for it (all bits set): older than every other record.
_MISSING: Final = {"ts_event": -1, "price": UNDEF_PRICE}

# 5 MB of columns, which stay in the cache while the engine reads them.
_CHUNK_ROWS: Final = 1 << 17


class RecordBuffers:
    """Reused columns: the engine gets writable memory, and no fresh gigabyte is touched."""

    def __init__(self) -> None:
        self._columns = MboColumns(
            *(np.empty(_CHUNK_ROWS, dtype) for dtype in DTYPES)  # type: ignore[arg-type]
        )
        self._codes = {
            field.name: np.frombuffer("".join(field.symbols).encode("ascii"), np.uint8)
            for field in dataset(BRONZE).contract.fields
            if field.symbols is not None
        }

    def chunks(self, batch: pa.RecordBatch) -> Iterator[MboColumns]:
        """Yield the batch in pieces; each is overwritten by the next."""
        sources = [self._values(str(name), batch.column(str(name))) for name in _SOURCES]
        for start in range(0, batch.num_rows, _CHUNK_ROWS):
            stop = min(start + _CHUNK_ROWS, batch.num_rows)
            pieces = [column[: stop - start] for column in self._columns]
            for name, piece, values in zip(_SOURCES, pieces, sources, strict=True):
                codes = self._codes.get(str(name))
                if codes is None:
                    piece[:] = values[start:stop]
                else:
                    np.take(codes, values[start:stop], out=piece)
            yield MboColumns(*pieces)

    @staticmethod
    def _values(name: str, column: pa.Array) -> NDArray[Any]:
        if isinstance(column, pa.DictionaryArray):
            column = column.indices
        if column.null_count:
            column = pc.fill_null(column, _MISSING[name])
        values: NDArray[Any] = column.to_numpy(zero_copy_only=True)
        return values
