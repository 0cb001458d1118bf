"""One Parquet file of a partition: its layout, its hash while written, its checks when opened."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.registry import Dataset
from spymaster_resources.lake.manifest import DataFile

_MAGIC: Final = b"PAR1"
_TAIL_BYTES: Final = 8  # length of the footer, then the magic
_PAGE_BYTES: Final = 1 << 20


class FileMismatchError(ValueError):
    """A data file that is not the one its manifest describes."""


class HashingSink:
    """A new file that knows size and SHA-256 of everything handed to it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb", buffering=0)
        self._digest = hashlib.sha256()
        self._abandoned = False
        self.size = 0

    @property
    def closed(self) -> bool:
        """Return whether the file is closed."""
        return self._file.closed

    @property
    def sha256(self) -> str:
        """Return the hash of all bytes so far."""
        return self._digest.hexdigest()

    def write(self, data: bytes | memoryview) -> int:
        """Append `data` whole; after `abandon` do nothing."""
        view = memoryview(data).cast("B")
        if not self._abandoned:
            written = 0
            while written < len(view):
                written += self._file.write(view[written:])
            self._digest.update(view)
            self.size += len(view)
        return len(view)

    def flush(self) -> None:
        """Do nothing: the file is unbuffered."""

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def abandon(self) -> None:
        """Close the file and ignore whatever an unfinished Parquet writer still says."""
        self._abandoned = True
        self._file.close()


def parquet_writer(dataset: Dataset, sink: HashingSink) -> pq.ParquetWriter:
    """Return a writer with the dataset's layout, zstd, page checksums and the sort order noted.

    The bytes depend on the rows, the layout and the Arrow version alone.
    """
    layout = dataset.parquet
    schema = dataset.schema
    return pq.ParquetWriter(
        pa.PythonFile(sink, mode="w"),
        schema,
        compression="zstd",
        compression_level=layout.compression_level,
        use_dictionary=list(layout.dictionary),
        column_encoding=dict(layout.encoding) or None,
        write_statistics=list(layout.statistics),
        write_page_checksum=True,
        # Arrow's 20,000 rows a page cost a seventh of the time to write bronze.
        data_page_size=_PAGE_BYTES,
        max_rows_per_page=layout.row_group_rows,
        sorting_columns=[
            pq.SortingColumn(schema.get_field_index(name)) for name in dataset.sort_columns
        ],
    )


def open_parquet(
    source: pa.NativeFile, file: DataFile, dictionaries: Sequence[str], *, remote: bool
) -> pq.ParquetFile:
    """Open `source` as the data file `file`, with page checksums verified on every read.

    Raises FileMismatchError when size, footer or row count are not those of the manifest.
    """
    size = source.size()
    if size != file.size:
        raise FileMismatchError(f"{file.name}: expected {file.size} bytes, found {size}")
    found = footer_sha256(source)
    if found != file.footer_sha256:
        raise FileMismatchError(
            f"{file.name}: expected footer hash {file.footer_sha256}, found {found}"
        )
    return pq.ParquetFile(
        source,
        read_dictionary=list(dictionaries),
        pre_buffer=remote,
        page_checksum_verification=True,
    )


def footer_sha256(source: pa.NativeFile) -> str:
    """Return the hash of a Parquet file's tail: metadata, its length and the magic.

    Raises FileMismatchError when there is no such tail.
    """
    size = source.size()
    if size < _TAIL_BYTES:
        raise FileMismatchError(f"expected a Parquet file, found {size} bytes")
    tail = source.read_at(_TAIL_BYTES, size - _TAIL_BYTES)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != _MAGIC or length + _TAIL_BYTES > size:
        raise FileMismatchError(f"expected a Parquet footer, found {tail!r}")
    start = size - _TAIL_BYTES - length
    return hashlib.sha256(source.read_at(length, start) + tail).hexdigest()
