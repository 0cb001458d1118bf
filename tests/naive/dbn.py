"""Naive twins of the DBN kernels: one record after the other, plain Python."""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

MBO = struct.Struct("<BBHIQQqIBBccQiI")


class Record(NamedTuple):
    """The fields of a market-by-order record, in file order."""

    length: int
    rtype: int
    publisher_id: int
    instrument_id: int
    ts_event: int
    order_id: int
    price: int
    size: int
    flags: int
    channel_id: int
    action: bytes
    side: bytes
    ts_recv: int
    ts_in_delta: int
    sequence: int


def decode(content: bytes) -> list[Record]:
    """Return the records in `content`."""
    return [Record(*fields) for fields in MBO.iter_unpack(content)]


def scan(
    content: bytes, record_bytes: int, rtype: int, leave_out: Collection[int]
) -> tuple[bytes, int, int, int]:
    """Return (kept bytes, consumed, dropped, status) as `scan_records` does."""
    kept, at, dropped = b"", 0, 0
    while at + 16 <= len(content):
        length, kind = content[at] * 4, content[at + 1]
        status = 0
        if length < 16:
            status = 1
        elif kind != rtype and kind not in leave_out:
            status = 2
        elif kind == rtype and length != record_bytes:
            status = 3
        if status:
            return kept, at, dropped, status
        if at + length > len(content):
            break
        if kind == rtype:
            kept += content[at : at + length]
        else:
            dropped += 1
        at += length
    return kept, at, dropped, 0


def route(
    records: Sequence[Record], slot_of: Mapping[int, int], day: tuple[int, int]
) -> tuple[dict[int, list[int]], int, int]:
    """Return (rows by slot, row, status) as `route_records` does."""
    rows: dict[int, list[int]] = {}
    for row, record in enumerate(records):
        if record.instrument_id not in slot_of:
            return {}, row, 1
        timeless = record.flags & (32 | 8) or record.ts_recv == 2**64 - 1
        if not timeless and not day[0] <= record.ts_recv < day[1]:
            return {}, row, 2
        if record.action not in [b"A", b"C", b"M", b"R", b"T", b"F", b"N"]:
            return {}, row, 3
        if record.side not in [b"A", b"B", b"N"]:
            return {}, row, 4
        rows.setdefault(slot_of[record.instrument_id], []).append(row)
    return rows, len(records), 0
