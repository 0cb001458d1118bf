"""Any DBN file of consolidated quotes as the quote engines' columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from spymaster_assets.cli.book_file import QUOTES
from spymaster_assets.cli.file_records import record_chunks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from book_engines.quote_records import QuoteColumns
    from spymaster_resources.dbn.stream import DbnFile

_OF_OPTIONS: Final = ("strike_price_int", "right")  # a file of quotes need not be of options


class QuoteChunk(NamedTuple):
    """Consecutive records of a file; overwritten by the next chunk."""

    first: int
    """Place in the file of the first record."""
    raw: NDArray[np.void]
    records: QuoteColumns
    publisher_id: NDArray[np.uint16]


def quote_chunks(file: DbnFile, label: str) -> Iterator[QuoteChunk]:
    """Yield the records of `file` in order; raises the reader's errors."""
    import numpy as np

    from book_engines.quote_records import QuoteColumns, empty_quotes
    from spymaster_resources.dbn.quote_layouts import QUOTE_FIELD_OF
    from spymaster_resources.dbn.stream import CHUNK_RECORDS

    buffers: list[NDArray[Any]] = list(empty_quotes(CHUNK_RECORDS))
    publishers = np.empty(CHUNK_RECORDS, np.uint16)
    for name in _OF_OPTIONS:
        buffers[QuoteColumns._fields.index(name)][:] = 0
    for first, chunk in record_chunks(file, label, QUOTES):
        n = len(chunk)
        for name, buffer in zip(QuoteColumns._fields, buffers, strict=True):
            if name not in _OF_OPTIONS:
                buffer[:n] = chunk[QUOTE_FIELD_OF.get(name, name)].view(buffer.dtype)
        publishers[:n] = chunk["publisher_id"]
        columns = QuoteColumns._make(buffer[:n] for buffer in buffers)
        yield QuoteChunk(first, chunk, columns, publishers[:n])
