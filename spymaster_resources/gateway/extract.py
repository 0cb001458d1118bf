"""The requested part of day files, streamed in bounded memory."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import zstandard
from numpy.typing import NDArray

from contracts.errors import CorruptFileError
from spymaster_resources.dbn.header import DbnMetadata, encode_metadata
from spymaster_resources.dbn.layouts import LENGTH_UNIT, RECORD_HEADER_BYTES
from spymaster_resources.dbn.scan import GATEWAY, SOUND, scan_records
from spymaster_resources.dbn.stream import open_dbn
from spymaster_resources.gateway.archive import Archive, FileState, metadata_of
from spymaster_resources.gateway.instants import day_span_ns
from spymaster_resources.gateway.query import DataQuery
from spymaster_resources.gateway.symbology import DaySymbols, Resolution, symbols_on

BLOCK_BYTES: Final = 1 << 22
ZSTD_LEVEL: Final = 1  # made while the client waits; the vendor's 3 takes twice the time
_TS_EVENT_AT: Final = 8
TS_RECV_AT: Final = {
    "mbo": 40, "mbp-1": 32, "mbp-10": 32, "tbbo": 32, "trades": 32, "definition": 16,
    "statistics": 16, "status": 16, "imbalance": 16, "cmbp-1": 32, "cbbo-1s": 32, "cbbo-1m": 32,
    "tcbbo": 32, "bbo-1s": 32, "bbo-1m": 32,
}  # fmt: skip
"""Byte of ts_recv in a record; a range of time goes by ts_event where a schema has none."""


@dataclass(frozen=True)
class DayPart:
    """What of one day's file a request asks for."""

    query: DataQuery
    path: Path
    symbols: DaySymbols

    @property
    def day(self) -> date:
        """Return the UTC date of the file."""
        return self.symbols.day

    @cached_property
    def source(self) -> DbnMetadata:
        """Return the metadata of the file."""
        return metadata_of(self.path)

    @cached_property
    def ids(self) -> NDArray[np.uint32] | None:
        """Return the wanted instrument ids, None where every record is wanted."""
        wanted = self.symbols.instruments
        if wanted.keys() >= self.source.instruments(self.day).keys():
            return None
        return np.array(sorted(wanted), np.uint32)

    @property
    def span_ns(self) -> tuple[int, int] | None:
        """Return the wanted range of time, None where it covers the file."""
        start, end = self.query.start_ns, self.query.end_ns
        day_start, day_end = day_span_ns(self.day)
        return None if start <= day_start and end >= day_end else (start, end)

    @property
    def is_whole_file(self) -> bool:
        """Return whether the file as it lies is the answer, metadata included."""
        return (
            self.ids is None
            and self.span_ns is None
            and self.query.limit is None
            and self.query.is_compressed == (self.path.suffix == ".zst")
            and self.query.stype_in == self.source.stype_in
            and self.query.symbols == self.source.symbols
            and (self.source.start_ns, self.source.end_ns) == day_span_ns(self.day)
        )

    def blocks(self) -> Iterator[NDArray[np.uint8]]:
        """Yield the wanted records, packed, without the limit of the request.

        A block is valid until the next one is asked for.
        """
        keep_all = self.ids is None and self.span_ns is None
        for rows in _record_blocks(self.path, self.query.schema):
            packed = rows.view(np.uint8).reshape(len(rows), rows.dtype.itemsize)
            wanted = packed if keep_all else packed[self._mask(rows)]
            if len(wanted):
                yield wanted.reshape(-1)

    def _mask(self, rows: NDArray[np.void]) -> NDArray[np.bool_]:
        mask = np.ones(len(rows), np.bool_)
        if self.ids is not None:
            mask &= np.isin(rows["instrument_id"], self.ids)
        if self.span_ns is not None:
            start, end = self.span_ns
            mask &= (rows["index_ns"] >= np.uint64(start)) & (rows["index_ns"] < np.uint64(end))
        return mask

    def count(self) -> tuple[int, int]:
        """Return the number of wanted records, without the limit, and the bytes of one."""
        by_id, record_bytes = _counts(FileState.of(self.path), self.query.schema)
        if self.span_ns is not None:
            size = sum(len(block) for block in self.blocks())
            return size // max(record_bytes, 1), record_bytes
        if self.ids is None:
            return sum(by_id.values()), record_bytes
        return sum(by_id.get(int(number), 0) for number in self.ids), record_bytes


@dataclass(frozen=True)
class Extract:
    """The answer to a request: its parts by day, and what its symbols stand for."""

    query: DataQuery
    parts: tuple[DayPart, ...]

    @cached_property
    def resolution(self) -> Resolution:
        """Return what the symbols stand for, over the days that have a file."""
        return Resolution(self.query.symbols, (part.symbols for part in self.parts))

    @property
    def finds_nothing(self) -> bool:
        """Return whether there are files, and none knows any of the symbols."""
        return bool(self.parts) and len(self.resolution.not_found) == len(self.query.symbols)

    def by_day(self) -> Iterator[Extract]:
        """Yield the answer cut into days, as batch jobs split it; a limit counts over all days."""
        left = self.query.limit
        for part in self.parts:
            day_start, day_end = day_span_ns(part.day)
            cut = replace(
                self.query,
                start_ns=max(self.query.start_ns, day_start),
                end_ns=min(self.query.end_ns, day_end),
                limit=left,
            )
            day = Extract(cut, (replace(part, query=cut),))
            if left is not None:
                left -= day.size()[0]
            yield day
            if left == 0:
                return

    def metadata(self) -> DbnMetadata:
        """Return the metadata of the answer as one file."""
        query = self.query
        return DbnMetadata(
            version=self.parts[0].source.version if self.parts else 3,
            dataset=query.dataset,
            schema=query.schema,
            start_ns=query.start_ns,
            end_ns=query.end_ns,
            limit=query.limit,
            stype_in=query.stype_in,
            stype_out=query.stype_out,
            symbols=query.symbols,
            partial=self.resolution.partial,
            not_found=self.resolution.not_found,
            mappings=self.resolution.mappings(query.stype_in),
        )

    def records(self) -> Iterator[NDArray[np.uint8]]:
        """Yield the records of all days, packed, up to the limit of the request."""
        left = self.query.limit
        for part in self.parts:
            record_bytes = _record_bytes(FileState.of(part.path))
            for block in part.blocks():
                if left is None:
                    yield block
                    continue
                cut = block[: left * record_bytes]
                left -= len(cut) // record_bytes
                yield cut
                if not left:
                    return

    def encoded(self) -> Iterator[bytes]:
        """Yield the answer as a DBN file; as the vendor does, metadata in a zstd frame of its own.

        A limit counts over all days.
        """
        header = encode_metadata(self.metadata())
        if not self.query.is_compressed:
            yield header
            yield from (block.tobytes() for block in self.records())
            return
        compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True)
        yield compressor.compress(header)
        body = compressor.compressobj()
        for block in self.records():
            if piece := body.compress(block.data):
                yield piece
        yield body.flush()

    def size(self) -> tuple[int, int]:
        """Return the number of records and their bytes, uncompressed, as the vendor bills them."""
        records = size = 0
        for part in self.parts:
            count, record_bytes = part.count()
            if self.query.limit is not None:
                count = min(count, self.query.limit - records)
            records += count
            size += count * record_bytes
        return records, size


def extract(archive: Archive, query: DataQuery) -> Extract:
    """Return the answer to `query` out of the archive's files, not read yet."""
    parts = []
    for day in query.days():
        path = archive.find(query.dataset, query.schema, query.symbols, query.stype_in, day)
        if path is not None:
            symbols = symbols_on(metadata_of(path), day, query.symbols, query.stype_in)
            parts.append(DayPart(query, path, symbols))
    return Extract(query, tuple(parts))


def _record_blocks(path: Path, schema: str) -> Generator[NDArray[np.void]]:
    """Yield the records of a file as packed rows of which id and index time are named."""
    record_bytes = _record_bytes(FileState.of(path))
    if not record_bytes:
        return
    layout = np.dtype(
        {
            "names": ["instrument_id", "index_ns"],
            "formats": ["<u4", "<u8"],
            "offsets": [4, TS_RECV_AT.get(schema, _TS_EVENT_AT)],
            "itemsize": record_bytes,
        }
    )
    file = open_dbn(path)
    data = np.empty(BLOCK_BYTES // record_bytes * record_bytes, np.uint8)
    with file.open() as raw:
        _, body = file.body(raw, None)
        rtype = -1
        filled = body.readinto(data.data)
        while filled:
            rtype = int(data[1]) if rtype < 0 else rtype
            kept, consumed, _, status = scan_records(data, filled, record_bytes, rtype, GATEWAY)
            if status != SOUND or consumed != filled:
                raise CorruptFileError(
                    str(path), f"expected records of {record_bytes} bytes and type {rtype} only"
                )
            yield data[: kept * record_bytes].view(layout)
            filled = body.readinto(data.data)


@lru_cache(maxsize=256)
def _record_bytes(state: FileState) -> int:
    """Return the bytes of a record of a file, 0 where it has none."""
    file = open_dbn(state.path)
    with file.open() as raw:
        _, body = file.body(raw, None)
        start = bytearray(RECORD_HEADER_BYTES)
        return start[0] * LENGTH_UNIT if body.readinto(memoryview(start)) else 0


@lru_cache(maxsize=256)
def _counts(state: FileState, schema: str) -> tuple[dict[int, int], int]:
    """Return the records of a file by instrument id, and the bytes of one."""
    totals: dict[int, int] = {}
    for rows in _record_blocks(state.path, schema):
        for number, count in _tally(rows["instrument_id"]):
            totals[number] = totals.get(number, 0) + count
    return totals, _record_bytes(state)


def _tally(ids: NDArray[np.uint32]) -> Iterable[tuple[int, int]]:
    numbers, counts = np.unique(ids, return_counts=True)
    return zip(numbers.tolist(), counts.tolist(), strict=True)
