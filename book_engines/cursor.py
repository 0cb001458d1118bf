"""What every replay does before it applies a record: make room, move the clock, look ahead."""

from __future__ import annotations

import numpy as np

from book_engines.kernel import Int, inlined
from book_engines.orders import book_mix, home_slot, prefetch
from book_engines.records import MboColumns
from book_engines.state import State

# Records between the prefetch of an order's entry and its use: at about 25 ns a record this hides
# a miss of the last-level cache.
LOOK_AHEAD = 8

# Why a kernel returned.
DONE = 0
GROW = 1
FLUSH = 2
BREACH = 3


@inlined
def fetch_ahead(state: State, records: MboColumns, i: Int) -> None:
    """Prefetch the order entry of the record LOOK_AHEAD places later."""
    ahead = np.uint64(min(i + LOOK_AHEAD, records.order_id.size - 1))
    key = records.order_id[ahead] + book_mix(
        records.publisher_id[ahead], records.instrument_id[ahead]
    )
    prefetch(state.orders, home_slot(key, state.clock[0]["order_shift"]))


@inlined
def note_time(state: State, book: Int, ts: Int) -> None:
    """Advance the clock's time to `ts`; count a record that is older than it as late."""
    clock = state.clock[0]
    if ts >= clock["ts"]:
        clock["ts"] = ts
    else:
        state.counters[book]["late_records"] += 1
