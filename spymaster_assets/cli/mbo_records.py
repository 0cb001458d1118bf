"""Any market-by-order DBN file as the book engines' columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from spymaster_assets.cli.book_file import ORDERS
from spymaster_assets.cli.file_records import record_chunks

if TYPE_CHECKING:
    from book_engines.records import MboColumns
    from spymaster_resources.dbn.split import MboBatch
    from spymaster_resources.dbn.stream import DbnFile


class Chunk(NamedTuple):
    """Consecutive records of a file; overwritten by the next chunk."""

    first: int
    """Place in the file of the first record."""
    batch: MboBatch
    records: MboColumns


def mbo_chunks(file: DbnFile, label: str) -> Iterator[Chunk]:
    """Yield the records of `file` in order; raises the reader's errors."""
    from book_engines.records import MboColumns
    from spymaster_resources.dbn.split import MboBatch, split_mbo
    from spymaster_resources.dbn.stream import CHUNK_RECORDS

    buffers = MboBatch.empty(CHUNK_RECORDS)
    for first, chunk in record_chunks(file, label, ORDERS):
        batch = split_mbo(chunk, buffers)
        columns = {name: getattr(batch, name) for name in MboColumns._fields}
        yield Chunk(first, batch, MboColumns(**columns))
