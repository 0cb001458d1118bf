"""Any market-by-order DBN file as the book engines' columns, with a progress bar."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

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
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    from book_engines.records import MboColumns
    from spymaster_resources.dbn.split import MboBatch, split_mbo
    from spymaster_resources.dbn.stream import CHUNK_RECORDS

    buffers = MboBatch.empty(CHUNK_RECORDS)
    stream = file.records(CHUNK_RECORDS)
    bar = Progress(
        TextColumn(label),
        BarColumn(),
        DownloadColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not Console(stderr=True).is_terminal,
    )
    with bar:
        task = bar.add_task(label, total=Path(file.path).stat().st_size)
        for chunk in stream:
            batch = split_mbo(chunk, buffers)
            columns = {name: getattr(batch, name) for name in MboColumns._fields}
            yield Chunk(stream.first_record, batch, MboColumns(**columns))
            bar.update(task, completed=stream.raw_bytes)
