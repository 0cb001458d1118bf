"""Fills that wait for the cancel or modify that takes their quantity from an order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from book_engines.kernel import Int, helper
from book_engines.orders import find_order
from book_engines.state import State


@helper
def take_pending(state: State, order: NDArray[Any], ts: Int, book: Int) -> Int:
    """Return the pending fill that a record at `ts` settles; another time expires it."""
    clock = state.clock[0]
    number = order["pending"]
    pending = state.pendings[number]
    order["pending"] = 0
    pending["next_free"] = clock["free_pending"]
    clock["free_pending"] = number
    if pending["ts_event"] == ts:
        return np.int64(pending["qty"])
    state.counters[book]["expired_fills"] += 1
    return np.int64(0)


@helper
def remember_fill(state: State, book: Int, key: Int, size: Int, ts: Int) -> None:
    """Add a fill to what the next cancel or modify of its order at the same time will settle."""
    clock = state.clock[0]
    counter = state.counters[book]
    slot = find_order(state.orders, key, book, clock["order_shift"])
    if slot < 0:
        counter["fills_unknown_order"] += 1
        return
    order = state.orders[np.uint64(slot)]
    number = np.int64(order["pending"])
    if number != 0:
        if state.pendings[number]["ts_event"] == ts:
            state.pendings[number]["qty"] += size
            return
        counter["expired_fills"] += 1
    elif clock["free_pending"] != 0:
        number = clock["free_pending"]
        clock["free_pending"] = state.pendings[number]["next_free"]
    else:
        number = clock["pendings"]
        clock["pendings"] += 1
    order["pending"] = number
    state.pendings[number]["qty"] = size
    state.pendings[number]["ts_event"] = ts
