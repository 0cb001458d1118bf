"""Packed consolidated quotes to contiguous columns, each record checked on the way."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numba import from_dtype, njit, types
from numpy.typing import NDArray

from spymaster_resources.dbn.layouts import CMBP1_DTYPE, UNDEFINED_TIMESTAMP
from spymaster_resources.dbn.route import (
    NO_CODE,
    OTHER_DAY,
    SNAPSHOT_OR_BAD_TS_RECV,
    SOUND,
    UNKNOWN_ACTION,
    UNKNOWN_INSTRUMENT,
    UNKNOWN_SIDE,
    instrument_table,
    place_of,
)


class QuoteBatch(NamedTuple):
    """Consolidated quotes and trades as columns, in feed order; all arrays have one length.

    Times are ns since the epoch, UTC (-1 where the vendor gives none); prices are 1e-9 dollars
    (2**63 - 1 where undefined); `action` and `side` are ASCII codes; `option` is what the
    instruments' table says of the instrument.
    """

    feed_seq: NDArray[np.int64]
    ts_recv_ns: NDArray[np.int64]
    ts_event_ns: NDArray[np.int64]
    price_int: NDArray[np.int64]
    bid_price_int: NDArray[np.int64]
    ask_price_int: NDArray[np.int64]
    size: NDArray[np.uint32]
    bid_qty: NDArray[np.uint32]
    ask_qty: NDArray[np.uint32]
    instrument_id: NDArray[np.uint32]
    option: NDArray[np.int32]
    publisher_id: NDArray[np.uint16]
    bid_publisher_id: NDArray[np.uint16]
    ask_publisher_id: NDArray[np.uint16]
    action: NDArray[np.uint8]
    side: NDArray[np.uint8]
    flags: NDArray[np.uint8]

    @classmethod
    def empty(cls, rows: int) -> QuoteBatch:
        """Return columns of `rows` rows with unset values, for `split_quotes` to fill."""
        return cls._make(np.empty(rows, dtype) for dtype in _DTYPES)

    def part(self, start: int, stop: int) -> QuoteBatch:
        """Return views of the rows [start, stop)."""
        return QuoteBatch._make(column[start:stop] for column in self)


_DTYPES: Final[tuple[np.dtype[Any], ...]] = tuple(
    np.dtype(code) for code in (*["i8"] * 6, *["u4"] * 4, "i4", *["u2"] * 3, *["u1"] * 3)
)


@njit(
    types.Tuple((types.int64, types.int64, types.int64))(
        types.Array(from_dtype(CMBP1_DTYPE), 1, "C"),
        types.int64,
        types.int64,
        types.uint32[::1],
        types.int32[::1],
        types.uint64,
        types.uint64,
        types.uint8[::1],
        types.uint8[::1],
        types.int64[:, ::1],
        types.NamedTuple([from_dtype(dtype)[::1] for dtype in _DTYPES], QuoteBatch),
    ),
    cache=True,
    nogil=True,
)
def split_quotes(
    records: NDArray[np.void],
    start: int,
    first_seq: int,
    instruments: NDArray[np.uint32],
    options: NDArray[np.int32],
    day_start_ns: int,
    day_end_ns: int,
    action_codes: NDArray[np.uint8],
    side_codes: NDArray[np.uint8],
    by_action: NDArray[np.int64],
    out: QuoteBatch,
) -> tuple[int, int, int]:
    """Write the records from `start` on whose instrument is an option of the table.

    records: CMBP1_DTYPE (n,); first_seq: place in the day of records[0]; instruments: ascending
    ids (k,); options: (k,), below 0 for an instrument to leave out; by_action: (2, 7), records
    kept and left out, added to.

    Returns (next record, rows written, status): it stops before n where `out` is full, and where
    the status is other than SOUND, at a bad record. A ts_recv outside [day_start_ns, day_end_ns)
    is bad unless the record is from a snapshot, is flagged or has none.
    """
    table = instrument_table(instruments)
    room = len(out.feed_seq)
    known = np.int64(-1)
    option = np.int32(-1)
    row = 0
    for i in range(start, len(records)):
        record = records[i]
        if record["instrument_id"] != known:
            place = place_of(table, instruments, record["instrument_id"])
            if place < 0:
                return i, row, UNKNOWN_INSTRUMENT
            known = np.int64(record["instrument_id"])
            option = options[place]
        if option >= 0 and row == room:
            return i, row, SOUND
        ts_recv = record["ts_recv"]
        if (
            (ts_recv < day_start_ns or ts_recv >= day_end_ns)
            and not record["flags"] & SNAPSHOT_OR_BAD_TS_RECV
            and ts_recv != UNDEFINED_TIMESTAMP
        ):
            return i, row, OTHER_DAY
        action = action_codes[record["action"]]
        if action == NO_CODE:
            return i, row, UNKNOWN_ACTION
        if side_codes[record["side"]] == NO_CODE:
            return i, row, UNKNOWN_SIDE
        if option < 0:
            by_action[1, action] += 1
            continue
        by_action[0, action] += 1
        out.feed_seq[row] = first_seq + i
        out.ts_recv_ns[row] = np.uint64(ts_recv).view(np.int64)
        out.ts_event_ns[row] = np.uint64(record["ts_event"]).view(np.int64)
        out.price_int[row] = record["price"]
        out.bid_price_int[row] = record["bid_px_00"]
        out.ask_price_int[row] = record["ask_px_00"]
        out.size[row] = record["size"]
        out.bid_qty[row] = record["bid_sz_00"]
        out.ask_qty[row] = record["ask_sz_00"]
        out.instrument_id[row] = record["instrument_id"]
        out.option[row] = option
        out.publisher_id[row] = record["publisher_id"]
        out.bid_publisher_id[row] = record["bid_pb_00"]
        out.ask_publisher_id[row] = record["ask_pb_00"]
        out.action[row] = record["action"]
        out.side[row] = record["side"]
        out.flags[row] = record["flags"]
        row += 1
    return len(records), row, SOUND
