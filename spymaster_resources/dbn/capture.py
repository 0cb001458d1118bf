"""What a live capture holds, whose metadata names neither a schema nor an instrument.

Its records do: the gateway sends a symbol mapping before the first record of an instrument.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from spymaster_resources.dbn.header import DbnMetadata, SymbolInterval, SymbolMapping
from spymaster_resources.dbn.layouts import (
    GATEWAY_RTYPES,
    HEADER_FIELDS,
    LENGTH_UNIT,
    RECORD_HEADER_BYTES,
    RTYPES,
)

if TYPE_CHECKING:
    from spymaster_resources.dbn.stream import DbnFile

_LOOKED_AT_BYTES: Final = 1 << 22
_HEADER: Final = np.dtype(list(HEADER_FIELDS))
_SYMBOL_MAPPING: Final = 22
# Where the instrument's own name lies in a symbol mapping of so many bytes: version 1, 2 and 3.
_NAME: Final = {80: slice(38, 60), 176: slice(89, 160)}


class Capture(NamedTuple):
    """What the start of a capture tells."""

    kinds: tuple[str, ...]
    """Types of its records, the gateway's apart, each once in the order of the file."""
    symbols: dict[int, str]
    """Name by instrument id."""


def start_of(dbn: DbnFile) -> Capture:
    """Return what the first megabytes of a file tell."""
    start = bytearray(_LOOKED_AT_BYTES)
    with dbn.open() as raw:
        _, body = dbn.body(raw, None)
        stop = body.readinto(memoryview(start))
    kinds: dict[int, None] = {}
    symbols: dict[int, str] = {}
    at = 0
    while at + RECORD_HEADER_BYTES <= stop:
        header = np.frombuffer(start, _HEADER, 1, at)[0]
        length, kind = int(header["length"]) * LENGTH_UNIT, int(header["rtype"])
        if length < RECORD_HEADER_BYTES or at + length > stop:
            break
        if kind == _SYMBOL_MAPPING and length in _NAME:
            name = bytes(start[at : at + length][_NAME[length]]).split(b"\0", 1)[0]
            symbols[int(header["instrument_id"])] = name.decode("utf-8", "replace")
        elif kind not in GATEWAY_RTYPES:
            kinds[kind] = None
        at += length
    return Capture(tuple(RTYPES.get(kind, f"type {kind}") for kind in kinds), symbols)


def with_symbols(metadata: DbnMetadata, symbols: dict[int, str]) -> DbnMetadata:
    """Return metadata that maps the names of a capture on every date."""
    always = (date.min, date.max)
    return replace(
        metadata,
        stype_in="raw_symbol",
        mappings=tuple(
            SymbolMapping(name, (SymbolInterval(*always, str(number)),))
            for number, name in symbols.items()
        ),
    )
