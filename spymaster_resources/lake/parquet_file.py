"""One Parquet file of a partition: its layout, its checks when opened."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
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


def parquet_writer(dataset: Dataset, stream: pa.NativeFile) -> pq.ParquetWriter:
    """Return a writer with the dataset's layout, zstd, page checksums and the sort order noted.

    The bytes depend on the rows, the layout and the Arrow version alone.
    """
    layout = dataset.parquet
    schema = dataset.schema
    return pq.ParquetWriter(
        stream,
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
