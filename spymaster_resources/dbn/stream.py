"""Reader of DBN files, plain or zstd-compressed, in bounded memory.

`open_dbn(path)` reads the header. `records()` streams the record bodies as packed structured arrays
over one reused buffer. Whatever a file can do wrong is a named error of `contracts.errors` that
tells the file and the byte or record.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Generator
from datetime import date
from pathlib import Path
from typing import BinaryIO, Final, cast

import numpy as np
import zstandard
from numpy.typing import NDArray

from contracts.errors import (
    BadMagicError,
    CorruptFileError,
    EmptyFileError,
    RawFileError,
    TruncatedFileError,
    UnknownVersionError,
    WrongSchemaError,
)
from spymaster_resources.dbn import frames, header, scan
from spymaster_resources.dbn.header import DbnMetadata
from spymaster_resources.dbn.layouts import (
    KNOWN_VERSIONS,
    LENGTH_UNIT,
    MAX_RECORD_BYTES,
    RECORD_HEADER_BYTES,
    RTYPES,
    RecordLayout,
    layout_of,
)

CHUNK_RECORDS: Final = 1 << 16  # 3.7 MB, which a core keeps in its cache
_READ_BYTES: Final = 1 << 18  # compressed bytes a read

_OTHER_KINDS: Final = {
    b"PAR1": ": this is a Parquet file; give the DBN file that it was made of",
    b"\x1f\x8b": ": this is compressed with gzip; unpack it, or compress it with zstd",
    b"PK\x03\x04": ": this is a zip archive; unpack it",
}

Opener = Callable[[str], BinaryIO]
Tap = Callable[[memoryview], object]


def open_local(path: str) -> BinaryIO:
    """Open a local file for reading."""
    return Path(path).open("rb", buffering=0)


class _Plain:
    """The file's own bytes; every one that is read goes through the tap, once and in order."""

    def __init__(self, file: BinaryIO, path: str, tap: Tap | None) -> None:
        self.file = file
        self.path = path
        self.tap = tap
        self.position = 0
        self.ahead = b""

    def peek(self, size: int) -> bytes:
        """Return up to `size` bytes that the next read returns again."""
        self.ahead = self.read(size)
        return self.ahead

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, none at the end of the file."""
        buffer = bytearray(size)
        return bytes(buffer[: self.readinto(memoryview(buffer))])

    def readinto(self, target: memoryview) -> int:
        """Fill `target` as far as the file goes; return the number of bytes."""
        filled = min(len(self.ahead), len(target))
        target[:filled] = self.ahead[:filled]
        self.ahead = self.ahead[filled:]
        while filled < len(target):
            count = self.file.readinto(target[filled:])  # type: ignore[attr-defined]
            if not count:
                break
            if self.tap is not None:
                self.tap(target[filled : filled + count])
            self.position += count
            filled += count
        return filled


class _Zstd:
    """The decompressed bytes of a file of zstd frames; a cut or a broken frame is an error."""

    def __init__(self, plain: _Plain) -> None:
        self.plain = plain
        self.path = plain.path
        self.walk = frames.FrameWalk(plain.path)
        self.reader = zstandard.ZstdDecompressor().stream_reader(
            cast("BinaryIO", self), read_size=_READ_BYTES, read_across_frames=True
        )

    def read(self, size: int) -> bytes:
        """Return the next compressed bytes, as the decompressor asks for them."""
        piece = self.plain.read(size)
        self.walk.feed(piece)
        return piece

    def readinto(self, target: memoryview) -> int:
        """Fill `target` as far as the file goes; return the number of bytes."""
        filled = 0
        try:
            while filled < len(target):
                count = self.reader.readinto(target[filled:])
                if not count:
                    break
                filled += count
        except zstandard.ZstdError as error:
            raise CorruptFileError(
                self.path,
                f"does not decompress ({error}); fetch the file again",
                position=f"before byte {self.plain.position}",
            ) from error
        if filled < len(target) and not self.walk.at_end:
            raise TruncatedFileError(
                self.path,
                f"the zstd frame that starts at byte {self.walk.frame_start} is cut; "
                "fetch the file again",
                position=f"byte {self.plain.position}",
            )
        return filled


class DbnFile:
    """An opened DBN file: its metadata, and as many passes over its records as are asked for."""

    def __init__(
        self,
        path: str,
        opener: Opener,
        metadata: DbnMetadata,
        header_bytes: int,
        *,
        is_compressed: bool,
    ) -> None:
        self.path = path
        self.is_compressed = is_compressed
        self.metadata = metadata
        self.header_bytes = header_bytes
        self._opener = opener

    def records(
        self,
        chunk_records: int = CHUNK_RECORDS,
        *,
        schema: str = "mbo",
        tap: Tap | None = None,
        buffers: int = 1,
        among_others: bool = False,
    ) -> RecordStream:
        """Return a pass over the records of `schema`, in the order of the file.

        `tap` gets every raw byte of the file in order (a hash's `update`). A chunk stays valid
        while the next `buffers - 1` chunks are read. With `among_others` the records of other
        schemas, as a live capture may hold them, are left out with those of the gateway; without,
        they are errors. Raises WrongSchemaError where the metadata names another schema.
        """
        found = self.metadata.schema
        if found is not None and found != schema:
            raise WrongSchemaError(
                self.path,
                f"expected schema {schema}, found {found}; give the {schema} file of the day",
                position="metadata byte 24",
            )
        layout = layout_of(schema, self.metadata.version, ts_out=self.metadata.ts_out)
        leave_out = scan.ALL_KNOWN if among_others else scan.GATEWAY
        return RecordStream(self, layout, chunk_records, tap, buffers, leave_out)

    def symbol_of(self, instrument_id: int, day: date) -> str | None:
        """Return the name of an instrument on a UTC date, None where the file maps none."""
        return self.metadata.symbol_of(instrument_id, day)

    def body(self, file: BinaryIO, tap: Tap | None) -> tuple[_Plain, _Plain | _Zstd]:
        """Return the raw and the decompressed bytes of `file`, the latter behind the header."""
        plain = _Plain(file, self.path, tap)
        body = _decompressed(plain)
        body.readinto(memoryview(bytearray(self.header_bytes)))
        return plain, body

    def open(self) -> BinaryIO:
        """Open the file's raw bytes."""
        return self._opener(self.path)


class RecordStream:
    """Iterator over packed structured arrays of a file's records, with what was counted so far.

    `first_record`: place in the file of the latest chunk's first record, 0-based, records left out
    not counted; `records_read`, `gateway_records`, `raw_bytes`: so far. Gateway records (error,
    symbol mapping, system), as live captures hold them, are counted and left out, and so are those
    of other schemas where the pass is to leave them out. Raises
    TruncatedFileError, CorruptFileError or WrongSchemaError, naming record and byte; everything
    before that record has been yielded by then.
    """

    def __init__(
        self,
        file: DbnFile,
        layout: RecordLayout,
        chunk_records: int,
        tap: Tap | None,
        buffers: int,
        leave_out: NDArray[np.uint8],
    ) -> None:
        self.first_record = 0
        self.records_read = 0
        self.gateway_records = 0
        self.raw_bytes = 0
        self._file = file
        self._layout = layout
        self._leave_out = leave_out
        self._position = file.header_bytes
        self._chunks = self._read(chunk_records, tap, buffers)

    def __iter__(self) -> RecordStream:
        return self

    def __next__(self) -> NDArray[np.void]:
        return next(self._chunks)

    def close(self) -> None:
        """Close the file before its end."""
        self._chunks.close()

    def _read(
        self, chunk_records: int, tap: Tap | None, buffers: int
    ) -> Generator[NDArray[np.void], None, None]:
        record_bytes = self._layout.dtype.itemsize
        size = max(chunk_records * record_bytes, MAX_RECORD_BYTES)
        ring = [np.empty(size, np.uint8) for _ in range(buffers)]
        carry = np.empty(0, np.uint8)
        with self._file.open() as raw:
            plain, body = self._file.body(raw, tap)
            for data in itertools.cycle(ring):
                start = len(carry)
                data[:start] = carry
                stop = start + body.readinto(data[start:].data)
                self.raw_bytes = plain.position
                kept, consumed, dropped, status = scan.scan_records(
                    data, stop, record_bytes, self._layout.rtype, self._leave_out
                )
                carry = data[consumed:stop].copy()
                self.first_record = self.records_read
                self.records_read += kept
                self.gateway_records += dropped
                self._position += consumed
                if kept:
                    yield data[: kept * record_bytes].view(self._layout.dtype)
                if status != scan.SOUND:
                    raise self._bad_record(status, carry)
                if stop < size:
                    break
        if len(carry):
            raise TruncatedFileError(
                self._file.path,
                f"{len(carry)} bytes are left, less than a record; fetch the file again",
                position=self._place(),
            )

    def _place(self) -> str:
        return f"record {self.records_read + self.gateway_records}, byte {self._position}"

    def _bad_record(self, status: int, record: NDArray[np.uint8]) -> RawFileError:
        length, rtype = int(record[0]) * LENGTH_UNIT, int(record[1])
        message = (
            f"expected a record {self._layout.schema} of {self._layout.dtype.itemsize} bytes, "
            f"found {RTYPES.get(rtype, f'type {rtype}')} of {length} bytes"
        )
        if status == scan.OTHER_RTYPE and rtype in RTYPES:
            return WrongSchemaError(self._file.path, message, position=self._place())
        return CorruptFileError(
            self._file.path, f"{message}; fetch the file again", position=self._place()
        )


def _decompressed(plain: _Plain) -> _Plain | _Zstd:
    magic = int.from_bytes(plain.peek(4), "little")
    return _Zstd(plain) if frames.is_frame(magic) else plain


def open_dbn(path: str | os.PathLike[str], *, opener: Opener = open_local) -> DbnFile:
    """Return the DBN file at `path`, its header read; compression is found by its first bytes.

    Raises EmptyFileError, BadMagicError, UnknownVersionError, TruncatedFileError or
    CorruptFileError.
    """
    name = os.fspath(path)
    with opener(name) as raw:
        plain = _Plain(raw, name, None)
        body = _decompressed(plain)
        prelude = bytearray(header.PRELUDE_BYTES)
        filled = body.readinto(memoryview(prelude))
        length = _metadata_bytes(name, bytes(prelude[:filled]))
        block = bytearray(length)
        filled = body.readinto(memoryview(block))
    if filled < length:
        raise TruncatedFileError(
            name,
            f"the metadata should take {length} bytes, the file ends after {filled}; "
            "fetch the file again",
            position=f"byte {header.PRELUDE_BYTES + filled}",
        )
    metadata = header.decode_metadata(prelude[3], bytes(block), name)
    return DbnFile(
        name,
        opener,
        metadata,
        header.PRELUDE_BYTES + length,
        is_compressed=isinstance(body, _Zstd),
    )


def _metadata_bytes(path: str, prelude: bytes) -> int:
    """Return the announced length of the metadata, bytes, of a checked prelude."""
    magic, version = prelude[:3], prelude[3:4]
    if not prelude:
        raise EmptyFileError(path, "expected a DBN file, found no byte; fetch the file again")
    if magic != header.MAGIC[: len(magic)]:
        raise BadMagicError(
            path,
            f"expected the magic bytes DBN, found {magic!r}{_likeness(prelude)}",
            position="byte 0",
        )
    if version and version[0] not in KNOWN_VERSIONS:
        raise UnknownVersionError(
            path,
            f"expected DBN version 1 to {KNOWN_VERSIONS[-1]}, found {version[0]}; "
            "a newer Spymaster may read it",
            position="byte 3",
        )
    if len(prelude) < header.PRELUDE_BYTES:
        raise TruncatedFileError(
            path, "the file ends inside its first 8 bytes", position=f"byte {len(prelude)}"
        )
    length = int.from_bytes(prelude[4:], "little")
    if length > header.MAX_METADATA_BYTES:
        raise CorruptFileError(
            path,
            f"metadata of {length} bytes is beyond the bound of {header.MAX_METADATA_BYTES}; "
            "fetch the file again",
            position="byte 4",
        )
    return length


def _likeness(start: bytes) -> str:
    """Return what a file with these first bytes may be instead, and what to do about it."""
    for magic, kind in _OTHER_KINDS.items():
        if start.startswith(magic):
            return kind
    if start.isascii() and start.decode("ascii").replace("\n", " ").isprintable():
        return ": this looks like text; ask the vendor for the encoding dbn, not csv or json"
    if (
        len(start) == header.PRELUDE_BYTES
        and start[0] * LENGTH_UNIT >= RECORD_HEADER_BYTES
        and start[1] in RTYPES
    ):
        return (
            ": this looks like a DBN fragment, records without metadata; give the whole file, "
            "because only the metadata names the instruments"
        )
    return ""
