"""The metadata at the start of a DBN file: decoded, encoded, and asked for symbols."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, Final, NamedTuple

from contracts.errors import ConfigurationError, CorruptFileError
from spymaster_resources.dbn.layouts import KNOWN_VERSIONS, SCHEMAS, STYPES, UNDEFINED_TIMESTAMP

MAGIC: Final = b"DBN"
PRELUDE_BYTES: Final = 8  # magic, version, length of what follows
# 2,000 symbols a request, 13,492 mappings seen in a real file: 2.1 MB. A length beyond this bound
# is a broken length, not a header.
MAX_METADATA_BYTES: Final = 1 << 26

_FIXED_V1: Final = struct.Struct("<16sHQQQQBBB47x")  # with the record count that version 2 dropped
_FIXED: Final = struct.Struct("<16sHQQQBBBH53x")
_U32: Final = struct.Struct("<I")
_NULL_SCHEMA: Final = 0xFFFF
_NULL_STYPE: Final = 0xFF
_NULL_RECORD_COUNT: Final = 2**64 - 1
_SYMBOL_BYTES_V1: Final = 22
_SYMBOL_BYTES: Final = 71  # as written; a reader goes by the metadata
_ALIGNMENT: Final = 8  # version 3 pads its metadata so that the records are aligned


class SymbolInterval(NamedTuple):
    """One mapped name over the UTC dates [start_date, end_date)."""

    start_date: date
    end_date: date
    symbol: str


class SymbolMapping(NamedTuple):
    """What one requested name stands for, by date."""

    raw_symbol: str
    intervals: tuple[SymbolInterval, ...]


@dataclass(frozen=True)
class DbnMetadata:
    """What a DBN file says of itself.

    Times are ns since the epoch, UTC; `end_ns` and `limit` are None where open. `schema` and
    `stype_in` are None in live captures.
    """

    version: int
    dataset: str
    schema: str | None
    start_ns: int
    end_ns: int | None
    limit: int | None = None
    stype_in: str | None = "raw_symbol"
    stype_out: str | None = "instrument_id"
    ts_out: bool = False
    symbols: tuple[str, ...] = ()
    partial: tuple[str, ...] = ()
    not_found: tuple[str, ...] = ()
    mappings: tuple[SymbolMapping, ...] = ()

    @property
    def start_date(self) -> date:
        """Return the UTC date on which the file's range starts."""
        return datetime.fromtimestamp(self.start_ns // 1_000_000_000, tz=UTC).date()

    @cached_property
    def _names(self) -> dict[int, list[tuple[date, date, str]]]:
        by_id: dict[int, list[tuple[date, date, str]]] = {}
        reverse = self.stype_in == "instrument_id"
        for mapping in self.mappings:
            for start, end, target in mapping.intervals:
                pair = (mapping.raw_symbol, target)
                number, name = pair if reverse else pair[::-1]
                if number.isdecimal() and name:
                    by_id.setdefault(int(number), []).append((start, end, name))
        for intervals in by_id.values():
            intervals.sort()
        return by_id

    def symbol_of(self, instrument_id: int, day: date) -> str | None:
        """Return the name of `instrument_id` on the UTC date `day`, None where it has none."""
        intervals = self._names.get(instrument_id, [])
        place = bisect_right(intervals, day, key=lambda interval: interval[0])
        if place and day < intervals[place - 1][1]:
            return intervals[place - 1][2]
        return None

    def first_symbol_of(self, instrument_id: int) -> str | None:
        """Return the first name that the file gives an instrument, None where it has none."""
        intervals = self._names.get(instrument_id)
        return intervals[0][2] if intervals else None

    def names(self) -> list[str]:
        """Return every name that the file maps on any date, sorted."""
        return sorted({name for spans in self._names.values() for *_, name in spans})

    def numbers_of(self, symbol: str) -> set[int]:
        """Return the instrument ids that have this name on any date of the file."""
        return {
            number
            for number, spans in self._names.items()
            if any(name == symbol for *_, name in spans)
        }

    def instruments(self, day: date) -> dict[int, str]:
        """Return name by instrument id for every instrument mapped on the UTC date `day`."""
        named = ((number, self.symbol_of(number, day)) for number in sorted(self._names))
        return {number: name for number, name in named if name is not None}


class _Reader:
    """Takes fields from the front of a metadata block; a field beyond its end is corruption."""

    def __init__(self, block: bytes, path: str) -> None:
        self.block = block
        self.path = path
        self.at = 0

    def corrupt(self, message: str) -> CorruptFileError:
        return CorruptFileError(
            self.path, message, position=f"metadata byte {PRELUDE_BYTES + self.at}"
        )

    def take(self, layout: struct.Struct) -> tuple[Any, ...]:
        if self.at + layout.size > len(self.block):
            raise self.corrupt(f"the metadata ends where {layout.size} more bytes must follow")
        fields = layout.unpack_from(self.block, self.at)
        self.at += layout.size
        return fields

    def count(self, item_bytes: int, what: str) -> int:
        count: int = self.take(_U32)[0]
        if count * item_bytes > len(self.block) - self.at:
            raise self.corrupt(f"{count} {what} do not fit into the rest of the metadata")
        return count

    def text(self, raw: bytes) -> str:
        try:
            return raw.split(b"\0", 1)[0].decode("utf-8")
        except UnicodeDecodeError as error:
            raise self.corrupt(f"a name is no UTF-8 text: {error.reason}") from error

    def day(self) -> date:
        number: int = self.take(_U32)[0]
        try:
            return date(number // 10_000, number // 100 % 100, number % 100)
        except ValueError as error:
            raise self.corrupt(f"expected a date as YYYYMMDD, found {number}") from error

    def name(self, names: tuple[str, ...], code: int, null: int, what: str) -> str | None:
        if code == null:
            return None
        if code >= len(names):
            raise self.corrupt(f"unknown {what} code {code}")
        return names[code]


def decode_metadata(version: int, block: bytes, path: str) -> DbnMetadata:
    """Return the metadata in `block`, the bytes behind the prelude.

    Raises CorruptFileError, naming the byte, where the block contradicts itself.
    """
    reader = _Reader(block, path)
    fields = reader.take(_FIXED_V1 if version == 1 else _FIXED)
    dataset, schema, start_ns, end_ns, limit = fields[:5]
    stype_in, stype_out, ts_out = fields[6:9] if version == 1 else fields[5:8]
    symbol = struct.Struct(f"{_SYMBOL_BYTES_V1 if version == 1 else fields[8]}s")
    if symbol.size < 2:
        raise reader.corrupt(f"a symbol length of {symbol.size} bytes holds no symbol")
    dataset_name = reader.text(dataset)
    schema_name = reader.name(SCHEMAS, schema, _NULL_SCHEMA, "schema")
    stype_in_name = reader.name(STYPES, stype_in, _NULL_STYPE, "symbology")
    stype_out_name = reader.name(STYPES, stype_out, _NULL_STYPE, "symbology")
    reader.take(struct.Struct(f"{reader.count(1, 'bytes of schema definition')}x"))

    def symbols(what: str) -> tuple[str, ...]:
        count = reader.count(symbol.size, what)
        return tuple(reader.text(*reader.take(symbol)) for _ in range(count))

    def intervals() -> Iterator[SymbolInterval]:
        for _ in range(reader.count(symbol.size + 8, "mapping intervals")):
            yield SymbolInterval(reader.day(), reader.day(), reader.text(*reader.take(symbol)))

    requested, partial, not_found = symbols("symbols"), symbols("partial"), symbols("not found")
    mappings = tuple(
        SymbolMapping(reader.text(*reader.take(symbol)), tuple(intervals()))
        for _ in range(reader.count(symbol.size + 4, "symbol mappings"))
    )
    return DbnMetadata(
        version=version,
        dataset=dataset_name,
        schema=schema_name,
        start_ns=start_ns,
        end_ns=None if end_ns == UNDEFINED_TIMESTAMP else end_ns,
        limit=limit or None,
        stype_in=stype_in_name,
        stype_out=stype_out_name,
        ts_out=bool(ts_out),
        symbols=requested,
        partial=partial,
        not_found=not_found,
        mappings=mappings,
    )


def encode_metadata(metadata: DbnMetadata) -> bytes:
    """Return the prelude and metadata block as they stand at the start of a file.

    Raises ConfigurationError for an unknown version, schema or symbology, and for a symbol longer
    than the version can hold.
    """
    version = metadata.version
    if version not in KNOWN_VERSIONS:
        raise ConfigurationError(f"expected a DBN version of {KNOWN_VERSIONS}, found {version}")
    symbol_bytes = _SYMBOL_BYTES_V1 if version == 1 else _SYMBOL_BYTES

    def code(names: tuple[str, ...], name: str | None, null: int) -> int:
        if name is None:
            return null
        if name not in names:
            raise ConfigurationError(f"expected one of {', '.join(names)}, found {name!r}")
        return names.index(name)

    def text(name: str) -> bytes:
        raw = name.encode()
        if len(raw) >= symbol_bytes:
            raise ConfigurationError(
                f"symbol {name!r} is longer than the {symbol_bytes - 1} bytes of DBN {version}"
            )
        return raw.ljust(symbol_bytes, b"\0")

    def listed(items: Sequence[bytes]) -> bytes:
        return _U32.pack(len(items)) + b"".join(items)

    def day(value: date) -> bytes:
        return _U32.pack(value.year * 10_000 + value.month * 100 + value.day)

    head: list[bytes | int] = [
        metadata.dataset.encode(),
        code(SCHEMAS, metadata.schema, _NULL_SCHEMA),
        metadata.start_ns,
        UNDEFINED_TIMESTAMP if metadata.end_ns is None else metadata.end_ns,
        metadata.limit or 0,
    ]
    if version == 1:
        head.append(_NULL_RECORD_COUNT)
    head += [
        code(STYPES, metadata.stype_in, _NULL_STYPE),
        code(STYPES, metadata.stype_out, _NULL_STYPE),
        metadata.ts_out,
    ]
    if version != 1:
        head.append(symbol_bytes)
    mappings = [
        text(mapping.raw_symbol)
        + listed([day(start) + day(end) + text(name) for start, end, name in mapping.intervals])
        for mapping in metadata.mappings
    ]
    block = b"".join(
        [
            (_FIXED_V1 if version == 1 else _FIXED).pack(*head),
            _U32.pack(0),  # no schema definition
            *(
                listed([text(name) for name in names])
                for names in (metadata.symbols, metadata.partial, metadata.not_found)
            ),
            listed(mappings),
        ]
    )
    if version >= 3:
        block += bytes(-len(block) % _ALIGNMENT)
    return MAGIC + bytes([version]) + _U32.pack(len(block)) + block
