"""Price levels: their window's account, their lookup by price and the ladder of live prices.

A lane is one side of one table. Its ladder keeps the live levels (depth > 0) sorted by `key`, best
last: key = price on the bid side, ~price on the ask side, so that on both sides larger is better.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from book_engines.kernel import helper, inlined, kernel
from book_engines.orders import GOLDEN
from book_engines.records import SECOND_NS
from book_engines.state import FAR, UNSET, State

REST_NS = SECOND_NS // 2
_LANE_MIX = np.uint64(0xD6E8FEB86659FD93)


@helper
def price_key(lane: int, price: int) -> int:
    """Return the sort key of a price in its lane; its own inverse. Odd lanes are bids."""
    return price ^ ((lane & 1) - 1)


@helper
def find_level(
    levels: NDArray[np.void], lookup: NDArray[np.int32], lane: int, price: int, shift: int
) -> int:
    """Return the row of (lane, price), or the complement of the lookup slot where it would be."""
    mask = lookup.size - 1
    mixed = np.uint64(price & FAR) + np.uint64(lane) * _LANE_MIX
    slot = np.int64((mixed * GOLDEN) >> np.uint64(shift))
    while lookup[slot] != 0:
        row = lookup[slot] - 1
        if levels[row]["price"] == price and levels[row]["lane"] == lane:
            return np.int64(row)
        slot = (slot + 1) & mask
    return ~slot


@helper
def obtain_level(state: State, lane: int, price: int) -> int:
    """Return the row of (lane, price), a new empty one where there was none."""
    clock = state.clock[0]
    row = find_level(state.levels, state.level_lookup, lane, price, clock["level_shift"])
    if row >= 0:
        return row
    slot = ~row
    row = clock["free_level"]
    if row >= 0:
        clock["free_level"] = state.levels[row]["lane"]
    else:
        row = clock["levels"]
        clock["levels"] += 1
    level = state.levels[row]
    level["price"] = price
    level["lane"] = lane
    level["depth"] = 0
    level["orders"] = 0
    level["stamp"] = -1
    state.level_lookup[slot] = row + 1
    return row


@helper
def release_level(state: State, row: int) -> None:
    """Take an empty level out of the lookup and put its row on the free list."""
    clock = state.clock[0]
    levels = state.levels
    lookup = state.level_lookup
    mask = lookup.size - 1
    shift = np.uint64(clock["level_shift"])
    hole = np.int64(0)
    mixed = np.uint64(levels[row]["price"] & FAR) + np.uint64(levels[row]["lane"]) * _LANE_MIX
    hole = np.int64((mixed * GOLDEN) >> shift)
    while lookup[hole] != row + 1:
        hole = (hole + 1) & mask
    probe = (hole + 1) & mask
    while lookup[probe] != 0:
        other = levels[lookup[probe] - 1]
        mixed = np.uint64(other["price"] & FAR) + np.uint64(other["lane"]) * _LANE_MIX
        home = np.int64((mixed * GOLDEN) >> shift)
        if ((probe - home) & mask) >= ((probe - hole) & mask):
            lookup[hole] = lookup[probe]
            hole = probe
        probe = (probe + 1) & mask
    lookup[hole] = 0
    levels[row]["lane"] = clock["free_level"]
    clock["free_level"] = row


@helper
def rung_position(rungs: NDArray[np.void], start: int, end: int, key: int) -> int:
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
def insert_rung(
    lanes: NDArray[np.void], rungs: NDArray[np.void], lane: int, price: int, row: int
) -> None:
    """Put a level that came alive into its lane's ladder, which has room (see `reserve_rung`)."""
    ladder = lanes[lane]
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


@helper
def remove_rung(lanes: NDArray[np.void], rungs: NDArray[np.void], lane: int, price: int) -> None:
    """Take a level that died out of its lane's ladder."""
    ladder = lanes[lane]
    start = ladder["offset"]
    end = start + ladder["length"]
    for i in range(rung_position(rungs, start, end, price_key(lane, price)), end - 1):
        rungs[i] = rungs[i + 1]
    ladder["length"] -= 1
    ladder["best"] = rungs[end - 2]["key"] if end - 1 > start else UNSET


@helper
def reserve_rung(state: State, lane: int) -> bool:
    """Make room for one more rung in a full ladder; return False when the pool must grow first."""
    ladder = state.lanes[lane]
    clock = state.clock[0]
    capacity = max(4, 2 * ladder["capacity"])
    if clock["rungs"] + capacity > state.rungs.size:
        return False
    start = clock["rungs"]
    for i in range(ladder["length"]):
        state.rungs[start + i] = state.rungs[ladder["offset"] + i]
    ladder["offset"] = start
    ladder["capacity"] = capacity
    clock["rungs"] += capacity
    return True


@helper
def touch_level(state: State, row: int) -> None:
    """Open the account of a level in this window: it starts from the depth it has now."""
    clock = state.clock[0]
    level = state.levels[row]
    level["stamp"] = clock["epoch"]
    level["depth_start"] = level["depth"]
    level["add"] = 0
    level["pull"] = 0
    level["fill"] = 0
    level["pull_rest"] = 0
    level["young"] = 0
    state.touched[clock["touched"]] = row
    clock["touched"] += 1


@inlined
def change_level(
    state: State,
    row: int,
    old: int,
    new: int,
    t_entered: int,
    pending: int,
    ts: int,
    flow: bool,
) -> None:
    """Book the change of one order's quantity at a level from `old` to `new`.

    With flow: fill = min(pending, old), residual = (new − old) + fill; a residual above 0 is add,
    below 0 pull, and pull of an order that has been here for 0.5 s counts as rested too. Without
    flow (clear, snapshot) the level's account begins anew from the depth it then has, so that
    depth_start + add − pull − fill = depth holds at every moment.
    """
    clock = state.clock[0]
    level = state.levels[row]
    if level["stamp"] != clock["epoch"]:
        touch_level(state, row)
    before = level["depth"]
    delta = new - old
    depth = before + delta
    level["depth"] = depth
    if t_entered > clock["young_from"]:
        level["young"] += delta
    if flow:
        fill = min(pending, old)
        residual = delta + fill
        level["fill"] += fill
        if residual >= 0:
            level["add"] += residual
        else:
            level["pull"] -= residual
            if ts - t_entered >= REST_NS:
                level["pull_rest"] -= residual
    else:
        level["depth_start"] = depth
        level["add"] = 0
        level["pull"] = 0
        level["fill"] = 0
        level["pull_rest"] = 0
    if before == 0:
        if depth != 0:
            insert_rung(state.lanes, state.rungs, level["lane"], level["price"], row)
    elif depth == 0:
        remove_rung(state.lanes, state.rungs, level["lane"], level["price"])


@kernel
def rehash_levels(
    levels: NDArray[np.void],
    old: NDArray[np.int32],
    new: NDArray[np.int32],
    shift: int,
) -> None:
    """Insert every level that `old` finds into the empty lookup `new`."""
    for i in range(old.size):
        if old[i] != 0:
            level = levels[old[i] - 1]
            slot = ~find_level(levels, new, level["lane"], level["price"], shift)
            new[slot] = old[i]
