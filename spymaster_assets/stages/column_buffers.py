"""Bronze batches as the columns of a book engine, in reused memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from book_engines.records import UNDEF_PRICE

# A missing time is what the vendor writes for it (all bits set): older than every other record.
_MISSING_TIME: Final = -1

# 5 MB of columns, which stay in the cache while the engine reads them.
_CHUNK_ROWS: Final = 1 << 17


class ColumnBuffers:
    """Reused columns: the engine gets writable memory, and no fresh gigabyte is touched."""

    def __init__(self, names: Sequence[str], dtypes: Sequence[np.dtype[Any]]) -> None:
        """names: columns of bronze, in the engine's order; dtypes: what the engine takes."""
        self._names = tuple(names)
        self._columns = [np.empty(_CHUNK_ROWS, dtype) for dtype in dtypes]

    def chunks(self, batch: pa.RecordBatch) -> Iterator[list[NDArray[Any]]]:
        """Yield the batch in pieces; each is overwritten by the next."""
        sources = [batch.column(name) for name in self._names]
        codes = [_letters(column) for column in sources]
        values = [_values(*pair) for pair in zip(self._names, sources, strict=True)]
        for start in range(0, batch.num_rows, _CHUNK_ROWS):
            stop = min(start + _CHUNK_ROWS, batch.num_rows)
            pieces = [column[: stop - start] for column in self._columns]
            for piece, letters, source in zip(pieces, codes, values, strict=True):
                if letters is None:
                    piece[:] = source[start:stop]
                else:
                    np.take(letters, source[start:stop], out=piece)
            yield pieces


def _letters(column: pa.Array) -> NDArray[np.uint8] | None:
    """Return the ASCII code of each symbol of an enumeration, None for other columns."""
    if not isinstance(column, pa.DictionaryArray):
        return None
    return np.frombuffer("".join(column.dictionary.to_pylist()).encode("ascii"), np.uint8)


def _values(name: str, column: pa.Array) -> NDArray[Any]:
    if isinstance(column, pa.DictionaryArray):
        column = column.indices
    if column.null_count:
        column = pc.fill_null(column, _MISSING_TIME if name.startswith("ts_") else UNDEF_PRICE)
    values: NDArray[Any] = column.to_numpy(zero_copy_only=True)
    return values
