"""Kernel that checks record headers and drops the gateway's own records and other schemas'."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from spymaster_resources.dbn.layouts import (
    GATEWAY_RTYPES,
    LENGTH_UNIT,
    RECORD_HEADER_BYTES,
    RTYPES,
)

SOUND: Final = 0
TOO_SHORT: Final = 1  # a length below the record header's own
OTHER_RTYPE: Final = 2  # neither the schema's nor one to leave out
OTHER_LENGTH: Final = 3  # the schema's type in another length


def _table(rtypes: Iterable[int]) -> NDArray[np.uint8]:
    table = np.zeros(256, np.uint8)
    table[list(rtypes)] = 1
    return table


GATEWAY: Final = _table(GATEWAY_RTYPES)
"""uint8 (256,): 1 for the types that a stream of one schema leaves out."""
ALL_KNOWN: Final = _table(RTYPES)
"""uint8 (256,): 1 for the types that a stream of several schemas leaves out but for its own."""


@njit("Tuple((i8, i8, i8, i8))(u1[::1], i8, i8, i8, u1[::1])", cache=True, nogil=True)
def scan_records(
    data: NDArray[np.uint8],
    stop: int,
    record_bytes: int,
    rtype: int,
    leave_out: NDArray[np.uint8],
) -> tuple[int, int, int, int]:
    """Keep the records of one schema at the front of `data`, in place and in order.

    data: uint8 (n,), whole records from byte 0 on, the last one possibly cut; stop: bytes in use;
    record_bytes, rtype: length and type of a record to keep; leave_out: uint8 (256,), 1 for the
    other types that may lie between.

    Returns (kept records, bytes consumed, records left out, status): at a status other than SOUND
    the record at the byte `consumed` is bad.
    """
    at = 0
    kept = 0
    dropped = 0
    while at + RECORD_HEADER_BYTES <= stop:
        length: Any = np.int64(data[at]) * LENGTH_UNIT  # without numba a byte would wrap
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
        elif leave_out[kind] != 0:
            if at + length > stop:
                break
            dropped += 1
        else:
            return kept, at, dropped, OTHER_RTYPE
        at += length
    return kept, at, dropped, SOUND
