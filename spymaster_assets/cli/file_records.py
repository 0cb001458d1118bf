"""The records of any DBN file, chunk by chunk, with a progress bar."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from spymaster_resources.dbn.stream import DbnFile


def record_chunks(file: DbnFile, label: str, schema: str) -> Iterator[tuple[int, NDArray[np.void]]]:
    """Yield (place in the file of the first record, records); raises the reader's errors.

    A chunk is overwritten by the next one. Of a live capture, whose metadata names no schema, the
    records of other schemas are left out.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    from spymaster_resources.dbn.stream import CHUNK_RECORDS

    mixed = file.metadata.schema is None
    stream = file.records(CHUNK_RECORDS, schema=schema, among_others=mixed)
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
            yield stream.first_record, chunk
            bar.update(task, completed=stream.raw_bytes)
