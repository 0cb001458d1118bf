"""The order table: open addressing over (order id, publisher, instrument).

Multiplicative hashing, linear probing and backward-shift deletion at a load of at most one
quarter: an order is found in one cache line, and there are no tombstones.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from book_engines.kernel import Int, helper, kernel

GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
# Indices are unsigned: for a signed one numba adds three instructions that look for a negative.
ONE: Final = np.uint64(1)
_MIX_INSTRUMENT: Final = np.uint64(0xC2B2AE3D27D4EB4F)
_MIX_PUBLISHER: Final = np.uint64(0x165667B19E3779F9)


@helper
def book_mix(publisher_id: Int, instrument_id: Int) -> Int:
    """Return what a book adds to its order ids, so that equal ids of two books lie apart."""
    return np.uint64(instrument_id) * _MIX_INSTRUMENT + np.uint64(publisher_id) * _MIX_PUBLISHER


@helper
def home_slot(key: Int, shift: Int) -> Int:
    """Return the slot where the search for `key` begins."""
    return (key * GOLDEN) >> np.uint64(shift)


@helper
def find_order(orders: NDArray[Any], key: Int, book: Int, shift: Int) -> Int:
    """Return the slot of the order, or ~slot of the free slot that ends the search."""
    mask = np.uint64(orders.size - 1)
    slot = home_slot(key, shift)
    while orders[slot]["book"] != 0:
        if orders[slot]["key"] == key and orders[slot]["book"] == book + 1:
            return np.int64(slot)
        slot = (slot + ONE) & mask
    return ~np.int64(slot)


@helper
def delete_order(orders: NDArray[Any], slot: Int, shift: Int) -> None:
    """Free `slot` and move back every later order of the run that may lie nearer to its home."""
    mask = np.uint64(orders.size - 1)
    hole = np.uint64(slot)
    probe = (hole + ONE) & mask
    while orders[probe]["book"] != 0:
        home = home_slot(orders[probe]["key"], shift)
        if ((probe - home) & mask) >= ((probe - hole) & mask):
            orders[hole] = orders[probe]
            hole = probe
        probe = (probe + ONE) & mask
    orders[hole]["book"] = 0


@kernel
def rehash_orders(old: NDArray[Any], new: NDArray[Any], shift: Int) -> None:
    """Insert every order of `old` into the empty table `new`."""
    mask = np.uint64(new.size - 1)
    for i in range(old.size):
        if old[i]["book"] != 0:
            slot = home_slot(old[i]["key"], shift)
            while new[slot]["book"] != 0:
                slot = (slot + ONE) & mask
            new[slot] = old[i]
