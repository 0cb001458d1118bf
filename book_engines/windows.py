"""The close of a one-second window: spot reference, validity and the cells around spot."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.cursor import BREACH, DONE, FLUSH
from book_engines.kernel import Int, helper
from book_engines.levels import find_level, price_key
from book_engines.records import UNDEF_PRICE
from book_engines.semantics import BOTH_SIDES, open_window
from book_engines.state import UNSET, State

WINDOW: Final = np.dtype(
    [
        ("end", "i8"),
        ("best_bid", "i8"),  # UNDEF_PRICE where the side is empty
        ("best_bid_qty", "i8"),
        ("best_ask", "i8"),
        ("best_ask_qty", "i8"),
        ("last_trade", "i8"),
        ("spot", "i8"),
        ("trade_qty_buy", "i8"),
        ("trade_qty_sell", "i8"),
        ("trade_count", "i8"),
        ("cells", "i8"),
        ("cells_outside", "i8"),
        ("book_valid", "?"),
        ("window_valid", "?"),
    ]
)

# Columns of a cell.
PRICE, SIDE, REL, REL_SIDE, START, END, ADDED, PULLED, REST, PULLED_REST, FILLED = range(11)
NO_REL: Final = -(2**63)
OFF_REL: Final = 2**63 - 1

# Breaches.
OFF_GRID, BROKEN_ACCOUNT = 1, 2


class Grid(NamedTuple):
    """The cells around spot and the windows that are emitted."""

    tick: int
    half_width: int
    first_window: int
    last_window: int


class Output(NamedTuple):
    """Buffers a replay fills: windows (W,), cells int64 (11, R), scratch int64 (2·G,)."""

    windows: NDArray[Any]
    cells: NDArray[np.int64]
    scratch: NDArray[np.int64]
    used: NDArray[np.int64]
    """Windows and cells filled so far."""


@helper
def spot_reference(state: State, table: Int) -> Int:
    """Return the spot reference now, UNDEF_PRICE while the table is empty."""
    ask_key = state.lanes[2 * table]["best"]
    bid_key = state.lanes[2 * table + 1]["best"]
    last = state.tables[table]["last_trade"]
    shift = state.clock[0]["level_shift"]
    if last != UNDEF_PRICE:
        for side in range(2):
            row = find_level(state.levels, state.level_lookup, 2 * table + side, last, shift)
            if row >= 0 and state.levels[row]["depth"] > 0:
                return last
    if bid_key == UNSET:
        return ~ask_key if ask_key != UNSET else UNDEF_PRICE
    if ask_key == UNSET or last == UNDEF_PRICE:
        return bid_key
    return bid_key if abs(bid_key - last) <= abs(~ask_key - last) else ~ask_key


@helper
def breach(state: State, code: Int, row: Int) -> None:
    """Write down which level broke which rule."""
    clock = state.clock[0]
    clock["breach"] = code
    clock["breach_price"] = state.levels[row]["price"]
    clock["breach_side"] = state.levels[row]["lane"] & 1


@helper
def audit_touched(state: State) -> Int:
    """Return whether every account of this window adds up; write down the first that does not."""
    clock = state.clock[0]
    for i in range(clock["touched"]):
        level = state.levels[state.touched[i]]
        booked = level["depth_start"] + level["add"] - level["pull"] - level["fill"]
        if (
            booked != level["depth"]
            or level["depth"] < 0
            or level["young"] < 0
            or level["young"] > level["depth"]
            or level["pull_rest"] > level["pull"]
        ):
            breach(state, BROKEN_ACCOUNT, np.int64(state.touched[i]))
            return False
    return True


@helper
def place_cells(state: State, grid: Grid, table: Int, spot: Int, scratch: NDArray[np.int64]) -> Int:
    """Write row + 1 of every live or touched level into its cell of `scratch`.

    `scratch` is int64 (2·G,), cell = 2 · (rel_ticks + half width) + side, zero where nothing is.
    Returns the number of levels with flow outside of the grid, −1 on a breach.
    """
    clock = state.clock[0]
    scratch[:] = 0
    low = spot - grid.half_width * grid.tick
    high = spot + grid.half_width * grid.tick
    for side in range(2):
        lane = 2 * table + side
        ladder = state.lanes[lane]
        worst = price_key(lane, low if side == 1 else high)
        best = price_key(lane, high if side == 1 else low)
        cell = np.int64(0)
        previous = low
        for i in range(ladder["offset"] + ladder["length"] - 1, ladder["offset"] - 1, -1):
            key = state.rungs[i]["key"]
            if key > best:
                continue
            if key < worst:
                break
            price = price_key(lane, key)
            # neighbours are mostly one tick apart: a 64-bit division a level would cost more
            # than all the rest
            step = price - previous
            previous = price
            if step == grid.tick:
                cell += 1
            elif step == -grid.tick:
                cell -= 1
            else:
                jump = step // grid.tick
                if jump * grid.tick != step:
                    breach(state, OFF_GRID, state.rungs[i]["level"])
                    return -1
                cell += jump
            scratch[2 * cell + side] = np.int64(state.rungs[i]["level"]) + 1
    outside = 0
    for i in range(clock["touched"]):
        row = state.touched[i]
        level = state.levels[row]
        if level["lane"] >> 1 != table:
            continue
        price = level["price"]
        if price < low or price > high:
            outside += 1 if level["add"] + level["pull"] + level["fill"] > 0 else 0
        elif level["depth"] == 0:
            cell = (price - low) // grid.tick
            if cell * grid.tick != price - low:
                breach(state, OFF_GRID, row)
                return -1
            scratch[2 * cell + (level["lane"] & 1)] = row + 1
    return outside


@helper
def emit_window(state: State, grid: Grid, out: Output) -> Int:
    """Write the open window's row and cells; return DONE, FLUSH when they do not fit, or BREACH."""
    n_windows = out.used[0]
    n_cells = out.used[1]
    if n_windows == out.windows.size or n_cells + out.scratch.size > out.cells.shape[1]:
        return FLUSH
    clock = state.clock[0]
    table = 0
    summary = state.tables[table]
    lanes = state.lanes
    window = out.windows[n_windows]
    spot = spot_reference(state, table)
    for side in range(2):
        ladder = lanes[2 * table + side]
        price = UNDEF_PRICE
        qty = np.int64(0)
        if ladder["length"] > 0:
            price = price_key(side, ladder["best"])
            qty = state.levels[state.rungs[ladder["offset"] + ladder["length"] - 1]["level"]][
                "depth"
            ]
        if side == 1:
            window["best_bid"] = price
            window["best_bid_qty"] = qty
        else:
            window["best_ask"] = price
            window["best_ask_qty"] = qty
    window["end"] = clock["end"]
    window["last_trade"] = summary["last_trade"]
    window["spot"] = spot
    traded = summary["stamp"] == clock["epoch"]
    window["trade_qty_buy"] = summary["trade_qty_buy"] if traded else 0
    window["trade_qty_sell"] = summary["trade_qty_sell"] if traded else 0
    window["trade_count"] = summary["trade_count"] if traded else 0
    window["book_valid"] = (
        summary["known"] == BOTH_SIDES
        and summary["snapshots"] == 0
        and summary["doubtful"] == 0
        and lanes[2 * table]["length"] > 0
        and lanes[2 * table + 1]["length"] > 0
    )
    window["window_valid"] = (
        window["book_valid"] and summary["disturbed"] != clock["window"] and spot > 0
    )
    window["cells"] = 0
    window["cells_outside"] = clock["touched"]
    if spot != UNDEF_PRICE:
        outside = place_cells(state, grid, table, spot, out.scratch)
        if outside < 0:
            return BREACH
        window["cells_outside"] = outside
        if not write_cells(state, grid, table, spot, out):
            return BREACH
        window["cells"] = out.used[1] - n_cells
    out.used[0] = n_windows + 1
    return DONE


@helper
def best_rel_ticks(state: State, grid: Grid, lane: Int, spot: Int) -> Int:
    """Return the lane's best price relative to spot, NO_REL when empty, OFF_REL on a breach."""
    ladder = state.lanes[lane]
    if ladder["length"] == 0:
        return NO_REL
    distance = price_key(lane, ladder["best"]) - spot
    rel = distance // grid.tick
    if rel * grid.tick != distance:
        breach(state, OFF_GRID, state.rungs[ladder["offset"] + ladder["length"] - 1]["level"])
        return OFF_REL
    return rel


@helper
def write_cells(state: State, grid: Grid, table: Int, spot: Int, out: Output) -> Int:
    """Append the placed cells that hold anything, by price then side; return False on a breach."""
    epoch = state.clock[0]["epoch"]
    cells = out.cells
    n = out.used[1]
    best_ask_rel = best_rel_ticks(state, grid, 2 * table, spot)
    best_bid_rel = best_rel_ticks(state, grid, 2 * table + 1, spot)
    if best_ask_rel == OFF_REL or best_bid_rel == OFF_REL:
        return False
    for cell in range(out.scratch.size):
        row = out.scratch[cell] - 1
        if row < 0:
            continue
        level = state.levels[row]
        depth = level["depth"]
        rel = (cell >> 1) - grid.half_width
        side = cell & 1
        if level["stamp"] == epoch:
            start = level["depth_start"]
            if start == 0 and depth == 0 and level["add"] == 0:
                continue  # then nothing can have been pulled or filled either
            cells[START, n] = start
            cells[ADDED, n] = level["add"]
            cells[PULLED, n] = level["pull"]
            cells[REST, n] = depth - level["young"]
            cells[PULLED_REST, n] = level["pull_rest"]
            cells[FILLED, n] = level["fill"]
        else:
            cells[START, n] = depth
            cells[ADDED, n] = 0
            cells[PULLED, n] = 0
            cells[REST, n] = depth
            cells[PULLED_REST, n] = 0
            cells[FILLED, n] = 0
        cells[PRICE, n] = level["price"]
        cells[SIDE, n] = side
        cells[REL, n] = rel
        best_rel = best_bid_rel if side == 1 else best_ask_rel
        cells[REL_SIDE, n] = rel - best_rel if best_rel != NO_REL else NO_REL
        cells[END, n] = depth
        n += 1
    out.used[1] = n
    return True


@helper
def roll(state: State, grid: Grid, out: Output, target: Int) -> Int:
    """Move the clock to window `target`, emitting every session window that closes on the way.

    Returns DONE, or FLUSH or BREACH with the clock on the window that could not be closed.
    """
    clock = state.clock[0]
    while clock["window"] < target:
        window = clock["window"]
        if not audit_touched(state):
            return BREACH
        if grid.first_window <= window <= grid.last_window:
            status = emit_window(state, grid, out)
            if status != DONE:
                return status
        following = target
        if window < grid.first_window:
            following = min(grid.first_window, target)
        elif window < grid.last_window:
            following = window + 1
        open_window(state, following)
    return DONE
