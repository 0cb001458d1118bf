"""Kernel that sorts the records of a chunk by partition and checks each on the way."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import from_dtype, njit, types
from numpy.typing import NDArray

from spymaster_resources.dbn.layouts import ACTIONS, MBO_DTYPE, SIDES, UNDEFINED_TIMESTAMP

SOUND: Final = 0
UNKNOWN_INSTRUMENT: Final = 1
OTHER_DAY: Final = 2
UNKNOWN_ACTION: Final = 3
UNKNOWN_SIDE: Final = 4

NO_CODE: Final = 255
SNAPSHOT_OR_BAD_TS_RECV: Final = 32 | 8  # F_SNAPSHOT, F_BAD_TS_RECV: ts_recv says nothing


def code_table(letters: str) -> NDArray[np.uint8]:
    """Return uint8 (256,): the place of each ASCII code in `letters`, 255 for every other."""
    table = np.full(256, NO_CODE, np.uint8)
    for code, letter in enumerate(letters):
        table[ord(letter)] = code
    return table


ACTION_CODES: Final = code_table(ACTIONS)
SIDE_CODES: Final = code_table(SIDES)

_RECORDS: Final = types.Array(from_dtype(MBO_DTYPE), 1, "C")

_GOLDEN: Final = np.uint64(0x9E3779B1)  # of 32 bits, so that the product has 64 at most
_MIXED_BITS: Final = np.uint64(15)  # those below hardly depend on the id's higher ones
_EMPTY: Final = -1
_ENTRIES_AN_INSTRUMENT: Final = 4  # so that the first entry is nearly always the right one


@njit(cache=True, nogil=True)
def _first_entry(instrument_id: int, size: int) -> int:
    mixed = np.uint64(instrument_id) * _GOLDEN
    return int(mixed >> _MIXED_BITS) & (size - 1)


@njit(cache=True, nogil=True)
def instrument_table(instruments: NDArray[np.uint32]) -> NDArray[np.int32]:
    """Return the table with which `place_of` finds the places of different `instruments`.

    Open addressing: a binary search costs 20 ns a record where hundreds of instruments take turns,
    because nothing foretells its branches.
    """
    size = 8
    while size < _ENTRIES_AN_INSTRUMENT * len(instruments):
        size *= 2
    table = np.full(size, _EMPTY, np.int32)
    for place in range(len(instruments)):
        at = _first_entry(instruments[place], size)
        while table[at] != _EMPTY:
            at = (at + 1) & (size - 1)
        table[at] = place
    return table


@njit(cache=True, nogil=True)
def place_of(table: NDArray[np.int32], instruments: NDArray[np.uint32], instrument_id: int) -> int:
    """Return the place of an id in `instruments`, below 0 where it is none of them."""
    size = len(table)
    at = _first_entry(instrument_id, size)
    while table[at] != _EMPTY and instruments[table[at]] != instrument_id:
        at = (at + 1) & (size - 1)
    return int(table[at])


@njit(
    types.Tuple((types.int64, types.int64))(
        _RECORDS,
        types.uint32[::1],
        types.int32[::1],
        types.int32[::1],
        types.uint64,
        types.uint64,
        types.uint8[::1],
        types.uint8[::1],
        types.int32[::1],
        types.int32[::1],
        types.int32[::1],
        types.int64[::1],
        types.int64[:, ::1],
    ),
    cache=True,
    nogil=True,
)
def route_records(
    records: NDArray[np.void],
    instruments: NDArray[np.uint32],
    slots: NDArray[np.int32],
    ordinals: NDArray[np.int32],
    day_start_ns: int,
    day_end_ns: int,
    action_codes: NDArray[np.uint8],
    side_codes: NDArray[np.uint8],
    slot_of: NDArray[np.int32],
    ordinal_of: NDArray[np.int32],
    rows: NDArray[np.int32],
    bounds: NDArray[np.int64],
    by_action: NDArray[np.int64],
) -> tuple[int, int]:
    """Sort the rows of a chunk by slot, feed order kept within each.

    records: MBO_DTYPE (n,); instruments: different ids (k,); slots, ordinals: (k,), the slot of
    each id, in [0, s), and its place in there; slot_of, rows: scratch and result, (≥ n,);
    ordinal_of: result, (≥ n,), the ordinal of each record; bounds: result, (s + 1,): slot j has
    rows[bounds[j]:bounds[j + 1]]; by_action: (s, 7), added to.

    Returns (row, status): at a status other than SOUND the record `row` is bad and nothing was
    sorted. A ts_recv outside [day_start_ns, day_end_ns) is bad unless the record is from a
    snapshot, is flagged or has none.
    """
    n = len(records)
    table = instrument_table(instruments)
    bounds[:] = 0
    known = np.int64(-1)
    slot = np.int32(0)
    ordinal = np.int32(0)
    for i in range(n):
        record = records[i]
        if record["instrument_id"] != known:
            place = place_of(table, instruments, record["instrument_id"])
            if place < 0:
                return i, UNKNOWN_INSTRUMENT
            known = np.int64(record["instrument_id"])
            slot = slots[place]
            ordinal = ordinals[place]
        ts_recv = record["ts_recv"]
        if (
            (ts_recv < day_start_ns or ts_recv >= day_end_ns)
            and not record["flags"] & SNAPSHOT_OR_BAD_TS_RECV
            and ts_recv != UNDEFINED_TIMESTAMP
        ):
            return i, OTHER_DAY
        action = action_codes[record["action"]]
        if action == NO_CODE:
            return i, UNKNOWN_ACTION
        if side_codes[record["side"]] == NO_CODE:
            return i, UNKNOWN_SIDE
        slot_of[i] = slot
        ordinal_of[i] = ordinal
        bounds[slot + 1] += 1
        by_action[slot, action] += 1
    for j in range(1, len(bounds)):
        bounds[j] += bounds[j - 1]
    fill = bounds[:-1].copy()
    for i in range(n):
        slot = slot_of[i]
        rows[fill[slot]] = i
        fill[slot] += 1
    return n, SOUND
