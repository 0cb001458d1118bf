"""Packed market-by-order records to contiguous columns."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numba import from_dtype, njit, types
from numpy.typing import NDArray

from spymaster_resources.dbn.layouts import MBO_DTYPE


class MboBatch(NamedTuple):
    """Market-by-order records as columns, in feed order; all arrays have one length.

    Times are ns since the epoch, UTC (-1 where the vendor gives none); `price_int` is 1e-9 dollars
    (2**63 - 1 where undefined); `action` and `side` are ASCII codes; `ts_in_delta_ns` is what
    ts_recv minus the exchange's sending time was.
    """

    ts_recv_ns: NDArray[np.int64]
    ts_event_ns: NDArray[np.int64]
    order_id: NDArray[np.uint64]
    price_int: NDArray[np.int64]
    size: NDArray[np.uint32]
    action: NDArray[np.uint8]
    side: NDArray[np.uint8]
    flags: NDArray[np.uint8]
    channel_id: NDArray[np.uint8]
    publisher_id: NDArray[np.uint16]
    instrument_id: NDArray[np.uint32]
    ts_in_delta_ns: NDArray[np.int32]
    sequence: NDArray[np.uint32]

    @classmethod
    def empty(cls, rows: int) -> MboBatch:
        """Return columns of `rows` rows with unset values, for `split_mbo` to fill."""
        return cls._make(np.empty(rows, dtype) for dtype in _DTYPES)

    def part(self, start: int, stop: int) -> MboBatch:
        """Return views of the rows [start, stop)."""
        return MboBatch._make(column[start:stop] for column in self)


_DTYPES: Final = (
    np.int64, np.int64, np.uint64, np.int64, np.uint32, np.uint8, np.uint8, np.uint8, np.uint8,
    np.uint16, np.uint32, np.int32, np.uint32,
)  # fmt: skip
_SIGNATURE: Final = types.void(
    types.Array(from_dtype(MBO_DTYPE), 1, "C"),
    types.Array(types.int32, 1, "C"),
    *(types.Array(from_dtype(np.dtype(dtype)), 1, "C") for dtype in _DTYPES),
)


@njit(_SIGNATURE, cache=True, nogil=True)
def _gather(
    records: NDArray[np.void],
    rows: NDArray[np.int32],
    ts_recv_ns: NDArray[np.int64],
    ts_event_ns: NDArray[np.int64],
    order_id: NDArray[np.uint64],
    price_int: NDArray[np.int64],
    size: NDArray[np.uint32],
    action: NDArray[np.uint8],
    side: NDArray[np.uint8],
    flags: NDArray[np.uint8],
    channel_id: NDArray[np.uint8],
    publisher_id: NDArray[np.uint16],
    instrument_id: NDArray[np.uint32],
    ts_in_delta_ns: NDArray[np.int32],
    sequence: NDArray[np.uint32],
) -> None:
    for i in range(len(rows)):
        record = records[rows[i]]
        ts_recv_ns[i] = np.uint64(record["ts_recv"]).view(np.int64)
        ts_event_ns[i] = np.uint64(record["ts_event"]).view(np.int64)
        order_id[i] = record["order_id"]
        price_int[i] = record["price"]
        size[i] = record["size"]
        action[i] = record["action"]
        side[i] = record["side"]
        flags[i] = record["flags"]
        channel_id[i] = record["channel_id"]
        publisher_id[i] = record["publisher_id"]
        instrument_id[i] = record["instrument_id"]
        ts_in_delta_ns[i] = record["ts_in_delta"]
        sequence[i] = record["sequence"]


def packed(records: NDArray[np.void], dtype: np.dtype[np.void]) -> NDArray[np.void]:
    """Return `records` as a writable array of `dtype`, copied only where it is not one.

    A kernel would be compiled anew, seconds each, for every other dtype (ts_out) and for read-only
    memory.
    """
    if records.dtype == dtype and records.flags.writeable and records.flags.c_contiguous:
        return records
    copy = np.empty(len(records), dtype)
    for name in dtype.names or ():
        copy[name] = records[name]
    return copy


def packed_mbo(records: NDArray[np.void]) -> NDArray[np.void]:
    """Return market-by-order `records` as `packed` does."""
    return packed(records, MBO_DTYPE)


def gather_mbo(records: NDArray[np.void], rows: NDArray[np.int32], buffers: MboBatch) -> MboBatch:
    """Return the records at `rows` as columns in `buffers`, in the order of `rows`.

    records: packed_mbo (n,); rows: int32 (m,), each in [0, n). The returned columns are views of
    `buffers`, valid until its next use; ValueError where the buffers are shorter than `rows`.
    """
    room = len(buffers.order_id)
    if len(rows) > room:
        raise ValueError(f"{len(rows)} records do not fit into buffers of {room} rows")
    columns = buffers.part(0, len(rows))
    _gather(records, rows, *columns)
    return columns


def split_mbo(records: NDArray[np.void], buffers: MboBatch) -> MboBatch:
    """Return all `records` (MBO, with or without ts_out) as columns in `buffers`.

    As `gather_mbo` with every row.
    """
    return gather_mbo(packed_mbo(records), np.arange(len(records), dtype=np.int32), buffers)
