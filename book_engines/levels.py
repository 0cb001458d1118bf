"""Price levels: their window's account, their lookup by price and the ladder of live prices.

A lane is one side of one table. Its ladder keeps the live levels (depth > 0) sorted by `key`, best
last: key = price on the bid side, ~price on the ask side, so that on both sides larger is better.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from book_engines.hints import unlikely
from book_engines.kernel import Int, helper, inlined, kernel
from book_engines.orders import GOLDEN, ONE
from book_engines.records import SECOND_NS
from book_engines.sizes import size_bin
from book_engines.state import BLOCK, FAR, LANE_RUNGS, UNSET, Ledger, State

REST_NS = SECOND_NS // 2
_LANE_MIX = np.uint64(0xD6E8FEB86659FD93)


@helper
def price_key(lane: Int, price: Int) -> Int:
    """Return the sort key of a price in its lane; its own inverse. Odd lanes are bids."""
    return price ^ (np.int64(lane & 1) - 1)


@helper
def level_slot(lane: Int, price: Int, shift: Int) -> Int:
    """Return the slot of the lookup where the search for (lane, price) begins."""
    mixed = np.uint64(price & FAR) + np.uint64(lane) * _LANE_MIX
    return (mixed * GOLDEN) >> np.uint64(shift)


@helper
def find_level(
    levels: NDArray[Any], lookup: NDArray[np.uint32], lane: Int, price: Int, shift: Int
) -> Int:
    """Return the row of (lane, price), or the complement of the lookup slot where it would be."""
    mask = np.uint64(lookup.size - 1)
    slot = level_slot(lane, price, shift)
    while lookup[slot] != 0:
        row = np.uint32(lookup[slot] - 1)
        if levels[row]["price"] == price and levels[row]["lane"] == lane:
            return np.int64(row)
        slot = (slot + ONE) & mask
    return ~np.int64(slot)


@helper
def make_level(state: Ledger, lane: Int, price: Int, slot: Int) -> Int:
    """Return the row of a new empty level, entered at a free slot of the lookup."""
    clock = state.clock[0]
    row = clock["free_level"] - 1
    if row >= 0:
        clock["free_level"] = state.levels[row]["lane"]
        clock["free_levels"] -= 1
    else:
        row = clock["levels"]
        clock["levels"] += 1
    level = state.levels[row]
    level["price"] = price
    level["lane"] = lane
    level["depth"] = 0
    level["orders"] = 0
    level["stamp"] = 0
    clock["entries"] += 1
    state.level_lookup[slot] = row + 1
    return row


@inlined
def obtain_level(state: Ledger, lane: Int, price: Int) -> Int:
    """Return the row of (lane, price), a new empty one where there was none."""
    shift = state.clock[0]["level_shift"]
    row = find_level(state.levels, state.level_lookup, lane, price, shift)
    return np.uint32(row if row >= 0 else make_level(state, lane, price, ~row))


@helper
def rung_position(rungs: NDArray[Any], start: Int, end: Int, key: Int) -> Int:
    """Return the first position in [start, end) whose key is ≥ `key`, `end` where there is none."""
    near = max(start, end - 8)
    if near == start or rungs[near - 1]["key"] < key:
        while end > start and rungs[end - 1]["key"] >= key:
            end -= 1
        return end
    end = near
    while start < end:
        middle = (start + end) >> 1
        if rungs[middle]["key"] < key:
            start = middle + 1
        else:
            end = middle
    return start


@helper
def grow_ladder(state: State, lane: Int, capacity: Int) -> None:
    """Move a lane's ladder to a place of `capacity` rungs; mark the state starved without one.

    Room for the lanes that a block of records may bring is left untouched.
    """
    ladder = state.lanes[lane]
    clock = state.clock[0]
    start = clock["rungs"]
    if start + capacity > state.rungs.size - 2 * LANE_RUNGS * BLOCK:
        clock["starved"] = 1
        return
    for i in range(ladder["length"]):
        state.rungs[start + i] = state.rungs[ladder["offset"] + i]
    ladder["offset"] = start
    ladder["capacity"] = capacity
    clock["rungs"] += capacity


@helper
def insert_rung(state: State, lane: Int, price: Int, row: Int) -> None:
    """Put a level that came alive into its lane's ladder, and make room for the next one."""
    ladder = state.lanes[lane]
    rungs = state.rungs
    key = price_key(lane, price)
    start = ladder["offset"]
    end = start + ladder["length"]
    position = rung_position(rungs, start, end, key)
    for i in range(end, position, -1):
        rungs[i] = rungs[i - 1]
    rungs[position]["key"] = key
    rungs[position]["level"] = row
    ladder["length"] += 1
    ladder["best"] = rungs[end]["key"]
    if ladder["length"] == ladder["capacity"]:
        grow_ladder(state, lane, 2 * np.int64(ladder["capacity"]))


@helper
def remove_rung(lanes: NDArray[Any], rungs: NDArray[Any], lane: Int, price: Int) -> None:
    """Take a level that died out of its lane's ladder."""
    ladder = lanes[lane]
    start = ladder["offset"]
    end = start + ladder["length"]
    for i in range(rung_position(rungs, start, end, price_key(lane, price)), end - 1):
        rungs[i] = rungs[i + 1]
    ladder["length"] -= 1
    ladder["best"] = rungs[end - 2]["key"] if end - 1 > start else UNSET


@inlined
def flow_place(state: Ledger, row: Int) -> Int:
    """Return where the flow of a level in this window is, opened from the depth it has now."""
    clock = state.clock[0]
    level = state.levels[row]
    if level["stamp"] != clock["epoch"]:
        place = np.uint32(clock["touched"])
        clock["touched"] += 1
        level["stamp"] = clock["epoch"]
        level["flow"] = place
        flow = state.flows[place]
        flow["depth_start"] = level["depth"]
        flow["add"] = 0
        flow["pull"] = 0
        flow["fill"] = 0
        flow["pull_rest"] = 0
        flow["young"] = 0
        flow["folded"] = level["depth"]
        flow["add_max"] = 0
        flow["level"] = row
    return np.uint32(level["flow"])


@inlined
def change_level(
    state: State,
    row: Int,
    old: Int,
    new: Int,
    t_entered: Int,
    pending: Int,
    ts: Int,
    live: Int,
) -> None:
    """Book the change of one order's quantity at a level from `old` to `new`.

    Live: fill = min(pending, old), residual = (new − old) + fill; a residual above 0 is add,
    below 0 pull, and pull of an order that has been here for 0.5 s counts as rested too. Not
    live (clear, snapshot), the level's flow begins anew from the depth it then has, so that
    depth_start + add − pull − fill = depth holds at every moment.
    """
    level = state.levels[row]
    flow = state.flows[flow_place(state, row)]
    before = level["depth"]
    delta = new - old
    depth = before + delta
    level["depth"] = depth
    if t_entered > state.clock[0]["young_from"]:
        flow["young"] += delta
    if live:
        fill = min(pending, old)
        residual = delta + fill
        flow["fill"] += fill
        if residual >= 0:
            flow["add"] += residual
        else:
            flow["pull"] -= residual
            if ts - t_entered >= REST_NS:
                flow["pull_rest"] -= residual
    else:
        flow["depth_start"] = depth
        flow["add"] = 0
        flow["pull"] = 0
        flow["fill"] = 0
        flow["pull_rest"] = 0
        flow["add_max"] = 0
    if unlikely(before == 0):
        if depth != 0:
            insert_rung(state, level["lane"], level["price"], row)
    elif unlikely(depth == 0):
        remove_rung(state.lanes, state.rungs, level["lane"], level["price"])


@inlined
def note_added(state: State, row: Int, size: Int) -> None:
    """Remember the size of an order that has just been added to a level that is touched."""
    flow = state.flows[state.levels[row]["flow"]]
    flow["add_max"] = max(flow["add_max"], size)
    state.added_sizes[np.uint64(size_bin(size))] += 1


@kernel
def rehash_levels(
    levels: NDArray[Any], old: NDArray[np.uint32], new: NDArray[np.uint32], clocks: NDArray[Any]
) -> None:
    """Enter every level that `old` finds into the empty lookup `new`, and free those that are idle.

    Idle is a level without depth or orders that the open window did not touch. Until this runs it
    stays where it is: most that stand empty are wanted again. `clocks` is CLOCK (1,).
    """
    clock = clocks[0]
    for i in range(old.size):
        if old[i] == 0:
            continue
        level = levels[np.uint32(old[i] - 1)]
        if level["depth"] == 0 and level["orders"] == 0 and level["stamp"] != clock["epoch"]:
            level["lane"] = clock["free_level"]
            clock["free_level"] = old[i]
            clock["free_levels"] += 1
            clock["entries"] += 1
        else:
            slot = find_level(levels, new, level["lane"], level["price"], clock["level_shift"])
            new[~slot] = old[i]
