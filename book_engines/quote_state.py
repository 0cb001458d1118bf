"""The memory of a replay of quotes: what each array holds and how it grows.

Everything a kernel knows between two calls lies in these arrays, so that a replay can stop at any
record, be saved, and go on.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.kernel import Int, helper, inlined, kernel
from book_engines.orders import GOLDEN, ONE
from book_engines.records import UNDEF_PRICE
from book_engines.sizes import SIZE_BINS
from book_engines.state import COUNTER, FAR, UNSET, aligned

_ROOM: Final = 1024  # instruments before the arrays grow

# One side of an instrument's quote; both sides of an instrument share a cache line.
SHOWN: Final = np.dtype(
    [
        ("price", "i8"),  # UNDEF_PRICE where the side is empty, and then qty is 0
        ("qty", "i8"),
        ("since", "i8"),  # ts_event at which it came to its price
        ("pending", "i8"),  # traded at this price, not yet seen to leave
    ]
)
# What the open window did to a side, one cache line. Untouched, it starts from the quantity shown
# and the rest is 0: the close of a window puts the accounts back that it touched, so that no record
# has to ask whether its account is open.
ACCOUNT: Final = np.dtype(
    [
        ("start", "i8"),
        ("add", "i8"),
        ("pull", "i8"),
        ("pull_rest", "i8"),
        ("fill", "i8"),
        ("largest", "i8"),  # single addition
        ("add_reprice", "i8"),
        ("pull_reprice", "i8"),
    ]
)
INSTRUMENT: Final = np.dtype(
    [
        ("instrument_id", "i8"),
        ("strike", "i8"),  # 1e-9 dollars
        ("right", "i8"),  # ASCII
        ("opening", "i8"),  # what came before the first live change
        ("disturbed", "i8"),  # window of the last clear, snapshot or doubtful record
    ]
)
# Marks of an instrument. Its quote is not to be relied on while a snapshot is in progress, or after
# MAYBE_BAD_BOOK until a sound quote.
IN_SNAPSHOT: Final = 1
DOUBTFUL: Final = 2
UNSOUND: Final = IN_SNAPSHOT | DOUBTFUL
UNCHANGED: Final = 4  # no live change yet
TOUCHED: Final = 8  # its accounts are not as the open window found them
ENTRY: Final = np.dtype([("key", "u8"), ("number", "i8")])  # number + 1, 0 for free
CLOCK: Final = np.dtype(
    [
        ("ts", "i8"),  # latest live ts_event
        ("window", "i8"),  # epoch second of the open window
        ("end", "i8"),
        ("instruments", "i8"),
        ("touched", "u8"),  # instruments whose accounts the open window touched
        ("breach", "i8"),  # number of the instrument whose account broke + 1
    ]
)

_HIGH = np.uint64(32)


class QuoteState(NamedTuple):
    """All arrays of a replay with room for N instruments; lookup has 4·N entries."""

    shown: NDArray[Any]
    """SHOWN (2·N,): row 2 · number + side, side 0 ask and 1 bid."""
    accounts: NDArray[Any]
    """ACCOUNT (2·N,), rows as of `shown`."""
    marks: NDArray[np.uint8]
    """Bits IN_SNAPSHOT, DOUBTFUL, UNCHANGED, TOUCHED by number, (N,)."""
    touched: NDArray[np.int64]
    """Numbers of the instruments that the open window touched, (N + 1,): the place after the last
    is written to before it is known whether it is needed."""
    instruments: NDArray[Any]
    """INSTRUMENT (N,), by order of first record."""
    ordered: NDArray[np.int64]
    """Numbers of the instruments, by instrument id."""
    lookup: NDArray[Any]
    """ENTRY, open addressing by instrument id (or whatever tells things apart), a power of two."""
    counters: NDArray[Any]
    """COUNTER rows; which record counts in which is the engine's matter."""
    sizes: NDArray[np.int64]
    """Additions of the open window by size, (SIZE_BINS,); of 0: sides that did not grow."""
    clock: NDArray[Any]


def allocate_quotes(counters: int = 1, room: int = _ROOM) -> QuoteState:
    """Return an empty state."""
    state = QuoteState(
        shown=aligned(2 * room, SHOWN),
        accounts=aligned(2 * room, ACCOUNT),
        marks=np.full(room, UNCHANGED, np.uint8),
        touched=np.zeros(room + 1, np.int64),
        instruments=np.zeros(room, INSTRUMENT),
        ordered=np.zeros(room, np.int64),
        lookup=np.zeros(4 * room, ENTRY),
        counters=np.zeros(counters, COUNTER),
        sizes=np.zeros(SIZE_BINS, np.int64),
        clock=np.zeros(1, CLOCK),
    )
    state.shown["price"] = UNDEF_PRICE
    state.instruments["disturbed"] = FAR
    for name in ("ts", "window", "end"):
        state.clock[0][name] = UNSET
    return state


def grow_quotes(state: QuoteState) -> QuoteState:
    """Return the same state with room for twice the instruments."""
    larger = allocate_quotes(state.counters.size, 2 * state.instruments.size)
    for name, old in state._asdict().items():
        if name != "lookup":
            getattr(larger, name)[: old.size] = old
    return larger._replace(lookup=doubled_lookup(state.lookup))


def restored(saved: Any) -> QuoteState:
    """Return a copy of the state in the arrays of `saved`, by name."""
    arrays = {name: saved[name].copy() for name in QuoteState._fields}
    for name, dtype in (("shown", SHOWN), ("accounts", ACCOUNT)):
        arrays[name] = aligned(saved[name].size, dtype)
        arrays[name][:] = saved[name]
    return QuoteState(**arrays)


@inlined
def ask_row(number: Int) -> Int:
    """Return the row of an instrument's ask."""
    return np.uint64(number) << ONE


@inlined
def bid_row(number: Int) -> Int:
    """Return the row of an instrument's bid."""
    return (np.uint64(number) << ONE) | ONE


@helper
def find_entry(lookup: NDArray[Any], key: Int) -> Int:
    """Return the number entered under `key`, or the complement of the slot where it would be."""
    mask = np.uint64(lookup.size - 1)
    slot = ((np.uint64(key) * GOLDEN) >> _HIGH) & mask
    while lookup[slot]["number"] != 0:
        if lookup[slot]["key"] == np.uint64(key):
            return np.int64(lookup[slot]["number"]) - 1
        slot = (slot + ONE) & mask
    return ~np.int64(slot)


@helper
def enter_instrument(
    state: QuoteState, slot: Int, instrument_id: Int, strike: Int, right: Int
) -> Int:
    """Return the number of a new instrument, entered at a free slot of the lookup."""
    clock = state.clock[0]
    number = clock["instruments"]
    clock["instruments"] += 1
    state.lookup[slot]["key"] = instrument_id
    state.lookup[slot]["number"] = number + 1
    made = state.instruments[number]
    made["instrument_id"] = instrument_id
    made["strike"] = strike
    made["right"] = right
    place = number
    while place > 0:
        other = state.ordered[place - 1]
        if state.instruments[other]["instrument_id"] < instrument_id:
            break
        state.ordered[place] = other
        place -= 1
    state.ordered[place] = number
    return number


@kernel
def rehash(old: NDArray[Any], new: NDArray[Any]) -> None:
    """Enter every entry of `old` into the empty lookup `new`."""
    for i in range(old.size):
        if old[i]["number"] != 0:
            slot = ~find_entry(new, old[i]["key"])
            new[slot]["key"] = old[i]["key"]
            new[slot]["number"] = old[i]["number"]


def doubled_lookup(old: NDArray[Any]) -> NDArray[Any]:
    """Return the same entries in a table of twice the size."""
    new = np.zeros(2 * old.size, ENTRY)
    with np.errstate(over="ignore"):  # hashes wrap; numba does so without a word
        rehash(old, new)
    return new
