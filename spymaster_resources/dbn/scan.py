"""Kernel that checks record headers and drops the gateway's own records."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from spymaster_resources.dbn.layouts import GATEWAY_RTYPES, LENGTH_UNIT, RECORD_HEADER_BYTES

SOUND: Final = 0
TOO_SHORT: Final = 1  # a length below the record header's own
OTHER_RTYPE: Final = 2  # neither the schema's nor the gateway's
OTHER_LENGTH: Final = 3  # the schema's type in another length

_ERROR, _SYMBOL_MAPPING, _SYSTEM = GATEWAY_RTYPES


@njit("Tuple((i8, i8, i8, i8))(u1[::1], i8, i8, i8)", cache=True, nogil=True)
def scan_records(
    data: np.ndarray, stop: int, record_bytes: int, rtype: int
) -> tuple[int, int, int, int]:
    """Keep the records of one schema at the front of `data`, in place and in order.

    data: uint8 (n,), whole records from byte 0 on, the last one possibly cut; stop: bytes in use;
    record_bytes, rtype: length and type of a record to keep.

    Returns (kept records, bytes consumed, gateway records dropped, status): at a status other
    than SOUND the record at the byte `consumed` is bad.
    """
    at = 0
    kept = 0
    dropped = 0
    while at + RECORD_HEADER_BYTES <= stop:
        length = data[at] * LENGTH_UNIT
        kind = data[at + 1]
        if length < RECORD_HEADER_BYTES:
            return kept, at, dropped, TOO_SHORT
        if kind == rtype:
            if length != record_bytes:
                return kept, at, dropped, OTHER_LENGTH
            if at + length > stop:
                break
            target = kept * record_bytes
            if target != at:
                for i in range(record_bytes):
                    data[target + i] = data[at + i]
            kept += 1
        elif kind in (_ERROR, _SYMBOL_MAPPING, _SYSTEM):
            if at + length > stop:
                break
            dropped += 1
        else:
            return kept, at, dropped, OTHER_RTYPE
        at += length
    return kept, at, dropped, SOUND
