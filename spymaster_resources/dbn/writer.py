"""Writer of DBN files of version 1, 2 or 3, plain or zstd-compressed by the file name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

import numpy as np
import zstandard
from numpy.typing import NDArray

from contracts.errors import ConfigurationError
from spymaster_resources.dbn.header import (
    DbnMetadata,
    SymbolInterval,
    SymbolMapping,
    encode_metadata,
)
from spymaster_resources.dbn.layouts import LENGTH_UNIT

ZSTD_LEVEL: Final = 3  # the vendor's files are written at about this level
Intervals = Iterable[tuple[date, date, int | str]]


class DbnWriter:
    """Writes one DBN file; a context manager.

    The file appears under its name when the block ends well, and not at all when it does not. As
    the vendor does, a compressed file holds its metadata in one frame and its records in another,
    both with a checksum. Equal input gives equal bytes.

    `mappings`: name to (first date, date after the last, instrument id). Raises ConfigurationError
    for what the version cannot hold and for records whose length byte is not their length.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        dataset: str,
        schema: str | None,
        start_ns: int,
        end_ns: int | None,
        symbols: Iterable[str] = (),
        mappings: Mapping[str, Intervals] | None = None,
        stype_in: str | None = "raw_symbol",
        version: int = 3,
        ts_out: bool = False,
        zstd_level: int = ZSTD_LEVEL,
    ) -> None:
        self.path = Path(path)
        self.records_written = 0
        self.metadata = DbnMetadata(
            version=version,
            dataset=dataset,
            schema=schema,
            start_ns=start_ns,
            end_ns=end_ns,
            stype_in=stype_in,
            ts_out=ts_out,
            symbols=tuple(symbols),
            mappings=tuple(
                SymbolMapping(
                    name,
                    tuple(SymbolInterval(start, end, str(number)) for start, end, number in spans),
                )
                for name, spans in (mappings or {}).items()
            ),
        )
        self._partial = self.path.with_name(self.path.name + ".partial")
        self._open = ExitStack()
        header = encode_metadata(self.metadata)
        file = self._open.enter_context(self._partial.open("wb"))
        if self.path.suffix == ".zst":
            compressor = zstandard.ZstdCompressor(level=zstd_level, write_checksum=True)
            file.write(compressor.compress(header))
            self._body: BinaryIO = self._open.enter_context(
                compressor.stream_writer(file, closefd=False)
            )
        else:
            file.write(header)
            self._body = file

    def write(self, records: NDArray[np.void]) -> None:
        """Append packed records, header fields included."""
        wrong = np.flatnonzero(records["length"] * np.int64(LENGTH_UNIT) != records.dtype.itemsize)
        if len(wrong):
            raise ConfigurationError(
                f"record {self.records_written + wrong[0]}: expected the length byte "
                f"{records.dtype.itemsize / LENGTH_UNIT:g}, found {records['length'][wrong[0]]}"
            )
        if len(records):
            self._body.write(np.ascontiguousarray(records).view(np.uint8).data)
        self.records_written += len(records)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()
        if kind is None:
            self._partial.replace(self.path)
        else:
            self._partial.unlink()
