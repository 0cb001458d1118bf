"""A raw day as Parquet in the vendor client's column layout, read as DBN records.

`DBNStore.to_parquet` writes one row a record in feed order and forgets the metadata. The UTC day is
therefore the caller's to say, and the symbols are those of the column that `map_symbols` adds, of a
definition its own; a file without them leaves them to the caller, too.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from functools import cached_property
from typing import Any, BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from contracts.errors import (
    BadMagicError,
    CorruptFileError,
    EmptyFileError,
    RawFileError,
    TruncatedFileError,
    UnknownSymbolError,
    WrongSchemaError,
)
from spymaster_resources.dbn.header import DbnMetadata, SymbolInterval, SymbolMapping
from spymaster_resources.dbn.layouts import (
    KNOWN_VERSIONS,
    RTYPES,
    RecordLayout,
    layout_of,
    new_records,
)
from spymaster_resources.dbn.parquet_columns import ColumnReader
from spymaster_resources.dbn.stream import CHUNK_RECORDS, Opener
from spymaster_resources.trading_calendar import DAY_NS, midnight_ns

_MAGIC: Final = b"PAR1"
_LEAST_BYTES: Final = 12  # magic, an empty footer's length, magic
_VERSION: Final = KNOWN_VERSIONS[-1]
_MADE_HERE: Final = frozenset({"length", "rtype"})
_FEW_VALUES: Final = ("symbol", "action", "side")  # text that is cheaper read as a dictionary
# What the reader raises at a broken footer or page; a name that is no text is a ValueError.
_REFUSALS: Final = (pa.ArrowException, OSError, ValueError)
_SYMBOLS: Final = ("symbol", "raw_symbol")  # by map_symbols, of a definition
_NULLABLE_NUMBERS: Final = frozenset({"definition", "statistics"})


class ParquetFile:
    """An opened Parquet file of one UTC day, with the interface of a DBN file."""

    def __init__(
        self,
        path: str,
        opener: Opener,
        day: date,
        names: Callable[[], dict[int, str]] = dict,
    ) -> None:
        """Open the file; names: asked for the symbols by instrument where the file tells none."""
        self.path = path
        self._names = names
        self._opener = opener
        self._day = day
        self.columns: tuple[str, ...] = ()
        with self._opened() as file:
            self.columns = tuple(file.schema_arrow.names)

    @cached_property
    def metadata(self) -> DbnMetadata:
        """Return what a header would say: the day, and the symbol of every instrument.

        One pass over two columns. Raises UnknownSymbolError for an instrument of two symbols.
        """
        until = self._day + timedelta(days=1)
        start_ns = midnight_ns(self._day)
        symbols = self._symbols()
        return DbnMetadata(
            version=_VERSION,
            dataset="",
            schema=None,
            start_ns=start_ns,
            end_ns=start_ns + DAY_NS,
            symbols=tuple(sorted(set(symbols.values()))),
            mappings=tuple(
                SymbolMapping(symbol, (SymbolInterval(self._day, until, str(number)),))
                for number, symbol in sorted(symbols.items())
            ),
        )

    def records(
        self, chunk_records: int = CHUNK_RECORDS, *, schema: str = "mbo", buffers: int = 1
    ) -> ParquetPass:
        """Return a pass over the rows as records of `schema`; each chunk has memory of its own.

        Raises WrongSchemaError where a column of the schema's records is missing.
        """
        del buffers
        layout = layout_of(schema, _VERSION)
        names = set(layout.dtype.names or ())
        needed = names.intersection(
            *(layout_of(schema, version).dtype.names or () for version in KNOWN_VERSIONS)
        )
        missing = sorted(
            name
            for name in needed - _MADE_HERE - {"ts_recv"} - set(self.columns)
            if not name.startswith("_")
        )
        if missing:
            raise WrongSchemaError(
                self.path,
                f"expected the columns of {schema}, found none named {', '.join(missing)}; "
                f"give the {schema} file of the day",
            )
        return ParquetPass(self, layout, chunk_records)

    @property
    def tells_names(self) -> bool:
        """Return whether a column of the file tells the symbols of the instruments."""
        return any(name in self.columns for name in _SYMBOLS)

    def _symbols(self) -> dict[int, str]:
        if not self.tells_names or "instrument_id" not in self.columns:
            return self._names()
        wanted = ["instrument_id", next(name for name in _SYMBOLS if name in self.columns)]
        found: dict[int, str] = {}
        for batch in self.batches(wanted, CHUNK_RECORDS):
            for number, symbol in self._pairs(batch):
                if symbol is not None and found.setdefault(number, symbol) != symbol:
                    raise UnknownSymbolError(
                        self.path,
                        f"instrument {number} is {found[number]} in one row and {symbol} in "
                        "another; give a file of one day",
                    )
        return found

    def _pairs(self, batch: pa.RecordBatch) -> list[tuple[int, str | None]]:
        """Return every instrument of a batch with its symbol, each pair once."""
        numbers, names = batch.schema.names
        try:
            pairs = pa.table(batch).group_by([numbers, names], use_threads=False).aggregate([])
            symbols = pairs[names].cast(pa.utf8()).cast(pa.binary()).cast(pa.utf8())  # checked
            return list(zip(pairs[numbers].to_pylist(), symbols.to_pylist(), strict=True))
        except _REFUSALS as error:
            raise CorruptFileError(
                self.path, f"column {names}: expected text ({error}); write the file again"
            ) from error

    def batches(self, columns: list[str], rows: int) -> Generator[pa.RecordBatch, None, None]:
        """Yield some columns in batches; raises CorruptFileError for a page that cannot be read."""
        with self._opened() as file:
            batches = file.iter_batches(batch_size=rows, columns=columns, use_threads=False)
            at = 0
            while True:
                try:
                    batch = next(batches, None)
                except _REFUSALS as error:
                    raise CorruptFileError(
                        self.path,
                        f"a page cannot be read ({error}); write the file again",
                        position=f"row {at} or later",
                    ) from error
                if batch is None:
                    break
                if batch.num_rows:
                    yield batch
                at += batch.num_rows
            if at != file.metadata.num_rows:
                raise CorruptFileError(
                    self.path,
                    f"expected the {file.metadata.num_rows} rows of its footer, found {at}; "
                    "write the file again",
                )

    @contextmanager
    def _opened(self) -> Iterator[pq.ParquetFile]:
        """Open the file; raises RawFileError where it is no whole Parquet file."""
        with self._opener(self.path) as source:
            try:
                file = pq.ParquetFile(
                    source,
                    pre_buffer=False,
                    read_dictionary=[name for name in _FEW_VALUES if name in self.columns],
                    page_checksum_verification=True,
                )
            except _REFUSALS as error:
                raise self._unreadable(source, error) from error
            yield file

    def _unreadable(self, source: BinaryIO, error: Exception) -> RawFileError:
        """Return what is wrong with a file that Parquet's reader refuses."""
        size = source.seek(0, 2)
        source.seek(0)
        start = source.read(len(_MAGIC))
        if not size:
            return EmptyFileError(self.path, "expected a Parquet file, found no byte")
        if start != _MAGIC[: len(start)]:
            return BadMagicError(
                self.path, f"expected the magic bytes PAR1, found {start!r}", position="byte 0"
            )
        source.seek(max(0, size - len(_MAGIC)))
        if size < _LEAST_BYTES or source.read() != _MAGIC:
            return TruncatedFileError(
                self.path,
                "the file ends before its footer; write it again",
                position=f"byte {size}",
            )
        return CorruptFileError(self.path, f"is no sound Parquet file ({error}); write it again")


class ParquetPass:
    """Iterator over packed structured arrays of a file's rows, with what was counted so far."""

    def __init__(self, file: ParquetFile, layout: RecordLayout, chunk_records: int) -> None:
        self.first_record = 0
        self.records_read = 0
        self.gateway_records = 0
        self._file = file
        self._layout = layout
        self._reader = ColumnReader(file.path, nullable_numbers=layout.schema in _NULLABLE_NUMBERS)
        self._chunks = self._read(chunk_records)

    def __iter__(self) -> ParquetPass:
        return self

    def __next__(self) -> NDArray[np.void]:
        return next(self._chunks)

    def _read(self, chunk_records: int) -> Generator[NDArray[np.void], None, None]:
        names = [name for name in self._layout.dtype.names or () if name in self._file.columns]
        for batch in self._file.batches(names, chunk_records):
            self.first_record = self.records_read
            records = self._records(batch)
            self.records_read += len(records)
            yield records

    def _records(self, batch: pa.RecordBatch) -> NDArray[np.void]:
        records = new_records(self._layout, batch.num_rows)
        for name in records.dtype.names or ():
            if name in _MADE_HERE or name.startswith("_"):
                continue
            field: Any = records.dtype[name]
            if name in batch.schema.names:
                column = batch.column(name)
                records[name] = self._reader.field(column, name, field, self.first_record)
            elif field.kind != "S":
                records[name] = np.iinfo(field).max
        if "ts_recv" not in batch.schema.names:
            records["ts_recv"] = records["ts_event"]
        if "rtype" in batch.schema.names:
            self._require_rtype(batch.column("rtype"))
        return records

    def _require_rtype(self, column: pa.Array) -> None:
        """Raise WrongSchemaError where a row is a record of another type."""
        dtype = np.dtype(np.uint8)
        rtypes = self._reader.field(column, "rtype", dtype, self.first_record)
        other = rtypes != self._layout.rtype
        if other.any():
            row = int(other.argmax())
            found = RTYPES.get(int(rtypes[row]), f"type {rtypes[row]}")
            raise WrongSchemaError(
                self._file.path,
                f"expected records {self._layout.schema}, found {found}",
                position=f"row {self.first_record + row}",
            )
