"""Price cells around spot: the levels themselves, or accounts of cells that hold many."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.accounts import (
    account_row,
    close_accounts,
    fold_flow,
    has_account_room,
    open_account,
    touched_row,
)
from book_engines.cursor import BREACH, DONE, FLUSH, GROW
from book_engines.kernel import Int, helper
from book_engines.levels import price_key
from book_engines.records import UNDEF_PRICE
from book_engines.semantics import open_window
from book_engines.state import Accounts, Ledger, State
from book_engines.windows import (
    BROKEN_ACCOUNT,
    OFF_GRID,
    Session,
    adds_up,
    audit_touched,
    best_level,
    best_price,
    breach,
    copy_sizes,
    in_session,
    spot_reference,
    window_after,
    write_window,
)

# Columns of a cell.
(
    PRICE,
    SIDE,
    REL,
    REL_SIDE,
    START,
    END,
    ADDED,
    PULLED,
    REST,
    PULLED_REST,
    FILLED,
    ADDED_MAX,
) = range(12)
CELL_COLUMNS: Final = 12
UNPLACED: Final = -1  # no number of entries: the scratch holds nothing yet
NO_REL: Final = -(2**63)
OFF_REL: Final = 2**63 - 1

# What a window has in one table of cells.
SPAN: Final = np.dtype(
    [
        ("spot", "i8"),  # spot reference as the price of a cell; UNDEF_PRICE while there is none
        ("cells", "i8"),
        ("outside", "i8"),  # cells with flow outside of the grid
    ]
)


class Grid(NamedTuple):
    """The cells around spot: their width in 1e-9 dollars, their number on either side."""

    width: int
    half_width: int


class LevelView(NamedTuple):
    """Cells that are the levels: one grid, as wide as the tick of the prices."""

    session: Session
    grid: Grid


class CellView(NamedTuple):
    """Cells that hold all prices nearest to theirs: a grid and its accounts for each table."""

    session: Session
    grids: tuple[Grid, ...]
    accounts: tuple[Accounts, ...]


class CellTable(NamedTuple):
    """Buffers of one table: spans SPAN (W,), cells int64 (12, R), scratch int64 (2·G,)."""

    spans: NDArray[Any]
    cells: NDArray[np.int64]
    scratch: NDArray[np.int64]
    placed: NDArray[np.int64]
    """(2,) the centre and the `entries` of the accounts for which `scratch` was last written."""
    used: NDArray[np.int64]
    """(1,) cells filled so far."""


class Output(NamedTuple):
    """Buffers a replay fills: windows WINDOW (W,), added_sizes int32 (W, SIZE_BINS), the tables."""

    windows: NDArray[Any]
    added_sizes: NDArray[np.int32]
    used: NDArray[np.int64]
    """(1,) windows filled so far."""
    tables: tuple[CellTable, ...]


@helper
def nearest_cell(price: Int, width: Int) -> Int:
    """Return the price of the cell nearest to `price`, of two as near the upper."""
    below = price // width * width
    return below + width if 2 * (price - below) >= width else below


@helper
def is_full(out: Output) -> Int:
    """Return whether one more window may not fit."""
    if out.used[0] == out.windows.size:
        return True
    for t in range(len(out.tables)):
        table = out.tables[t]
        if table.used[0] + table.scratch.size > table.cells.shape[1]:
            return True
    return False


@helper
def place_levels(state: State, grid: Grid, spot: Int, scratch: NDArray[np.int64]) -> Int:
    """Write row + 1 of every live or touched level into its cell of `scratch`.

    `scratch` is int64 (2·G,), cell = 2 · (rel_ticks + half width) + side, zero where nothing is.
    Returns the number of levels with flow outside of the grid, −1 on a breach.
    """
    clock = state.clock[0]
    scratch[:] = 0
    low = spot - grid.half_width * grid.width
    high = spot + grid.half_width * grid.width
    for side in range(2):
        ladder = state.lanes[side]
        worst = price_key(side, low if side == 1 else high)
        best = price_key(side, high if side == 1 else low)
        cell = np.int64(0)
        previous = low
        for i in range(ladder["offset"] + ladder["length"] - 1, ladder["offset"] - 1, -1):
            key = state.rungs[i]["key"]
            if key > best:
                continue
            if key < worst:
                break
            price = price_key(side, key)
            # neighbours are mostly one tick apart: a 64-bit division a level would cost more
            # than all the rest
            step = price - previous
            previous = price
            if step == grid.width:
                cell += 1
            elif step == -grid.width:
                cell -= 1
            else:
                jump = step // grid.width
                if jump * grid.width != step:
                    breach(clock, OFF_GRID, state.levels[state.rungs[i]["level"]])
                    return -1
                cell += jump
            scratch[2 * cell + side] = np.int64(state.rungs[i]["level"]) + 1
    outside = 0
    for i in range(clock["touched"]):
        flow = state.flows[i]
        row = np.int64(flow["level"])
        level = state.levels[row]
        price = level["price"]
        if price < low or price > high:
            outside += 1 if flow["add"] + flow["pull"] + flow["fill"] > 0 else 0
        elif level["depth"] == 0:
            cell = (price - low) // grid.width
            if cell * grid.width != price - low:
                breach(clock, OFF_GRID, level)
                return -1
            scratch[2 * cell + (level["lane"] & 1)] = row + 1
    return outside


@helper
def place_accounts(accounts: Accounts, grid: Grid, spot: Int, table: CellTable) -> Int:
    """Write row + 1 of every account into its cell of the scratch, as `place_levels` does.

    Rows of the window before still hold where neither spot nor the accounts have changed. Returns
    the number of cells with flow outside of the grid.
    """
    low = spot - grid.half_width * grid.width
    high = spot + grid.half_width * grid.width
    entries = accounts.clock[0]["entries"]
    if table.placed[0] != spot or table.placed[1] != entries:
        for cell in range(table.scratch.size):
            price = low + (cell >> 1) * grid.width
            row = account_row(accounts, np.uint32(cell & 1), price)
            table.scratch[cell] = max(row, np.int64(-1)) + 1
        table.placed[0] = spot
        table.placed[1] = entries
    outside = 0
    for i in range(accounts.clock[0]["touched"]):
        flow = accounts.flows[i]
        price = accounts.levels[flow["level"]]["price"]
        if price < low or price > high:
            outside += 1 if flow["add"] + flow["pull"] + flow["fill"] > 0 else 0
    return outside


@helper
def level_rel_ticks(state: State, grid: Grid, lane: Int, spot: Int) -> Int:
    """Return the lane's best price relative to spot, NO_REL when empty, OFF_REL on a breach."""
    if state.lanes[lane]["length"] == 0:
        return NO_REL
    distance = best_price(state, lane) - spot
    rel = distance // grid.width
    if rel * grid.width != distance:
        breach(state.clock[0], OFF_GRID, state.levels[best_level(state, lane)])
        return OFF_REL
    return rel


@helper
def cell_rel_ticks(state: State, grid: Grid, lane: Int, spot: Int) -> Int:
    """Return the cell of the lane's best price relative to that of spot, NO_REL when empty."""
    if state.lanes[lane]["length"] == 0:
        return NO_REL
    return (nearest_cell(best_price(state, lane), grid.width) - spot) // grid.width


@helper
def write_cells(
    ledger: Ledger, grid: Grid, table: CellTable, best_ask_rel: Int, best_bid_rel: Int
) -> None:
    """Append the placed cells that hold anything, by price then side."""
    epoch = ledger.clock[0]["epoch"]
    cells = table.cells
    n = table.used[0]
    for cell in range(table.scratch.size):
        row = table.scratch[cell] - 1
        if row < 0:
            continue
        level = ledger.levels[row]
        depth = level["depth"]
        rel = (cell >> 1) - grid.half_width
        side = cell & 1
        if level["stamp"] == epoch:
            flow = ledger.flows[level["flow"]]
            start = flow["depth_start"]
            if start == 0 and depth == 0 and flow["add"] == 0:
                continue  # then nothing can have been pulled or filled either
            cells[START, n] = start
            cells[ADDED, n] = flow["add"]
            cells[PULLED, n] = flow["pull"]
            cells[REST, n] = depth - flow["young"]
            cells[PULLED_REST, n] = flow["pull_rest"]
            cells[FILLED, n] = flow["fill"]
            cells[ADDED_MAX, n] = flow["add_max"]
        elif depth == 0:
            continue  # an account that waits for its levels
        else:
            cells[START, n] = depth
            cells[ADDED, n] = 0
            cells[PULLED, n] = 0
            cells[REST, n] = depth
            cells[PULLED_REST, n] = 0
            cells[FILLED, n] = 0
            cells[ADDED_MAX, n] = 0
        cells[PRICE, n] = level["price"]
        cells[SIDE, n] = side
        cells[REL, n] = rel
        best_rel = best_bid_rel if side == 1 else best_ask_rel
        cells[REL_SIDE, n] = rel - best_rel if best_rel != NO_REL else NO_REL
        cells[END, n] = depth
        n += 1
    table.used[0] = n


@helper
def emit_levels(state: State, view: LevelView, out: Output) -> Int:
    """Write the open window's row and its levels within the grid; return DONE or BREACH."""
    w = out.used[0]
    table = out.tables[0]
    spot = spot_reference(state, 0)
    write_window(state, out.windows[w], spot)
    copy_sizes(state, out.added_sizes, w)
    span = table.spans[w]
    span["spot"] = spot
    span["cells"] = 0
    span["outside"] = state.clock[0]["touched"]
    if spot != UNDEF_PRICE:
        before = table.used[0]
        span["outside"] = place_levels(state, view.grid, spot, table.scratch)
        best_ask_rel = level_rel_ticks(state, view.grid, 0, spot)
        best_bid_rel = level_rel_ticks(state, view.grid, 1, spot)
        if span["outside"] < 0 or best_ask_rel == OFF_REL or best_bid_rel == OFF_REL:
            return BREACH
        write_cells(state, view.grid, table, best_ask_rel, best_bid_rel)
        span["cells"] = table.used[0] - before
    out.used[0] = w + 1
    return DONE


@helper
def emit_cells(state: State, view: CellView, out: Output) -> None:
    """Write the open window's row and the cells of every table within its grid."""
    w = out.used[0]
    spot = spot_reference(state, 0)
    write_window(state, out.windows[w], spot)
    copy_sizes(state, out.added_sizes, w)
    for t in range(len(out.tables)):
        table = out.tables[t]
        grid = view.grids[t]
        accounts = view.accounts[t]
        span = table.spans[w]
        span["spot"] = UNDEF_PRICE
        span["cells"] = 0
        span["outside"] = accounts.clock[0]["touched"]
        if spot != UNDEF_PRICE:
            before = table.used[0]
            centre = nearest_cell(spot, grid.width)
            span["spot"] = centre
            span["outside"] = place_accounts(accounts, grid, centre, table)
            best_ask_rel = cell_rel_ticks(state, grid, 0, centre)
            best_bid_rel = cell_rel_ticks(state, grid, 1, centre)
            write_cells(accounts, grid, table, best_ask_rel, best_bid_rel)
            span["cells"] = table.used[0] - before
    out.used[0] = w + 1


@helper
def roll_levels(state: State, view: LevelView, out: Output, target: Int) -> Int:
    """Move the clock to window `target`, emitting every session window that closes on the way.

    Returns DONE, or FLUSH or BREACH with the clock on the window that could not be closed.
    """
    clock = state.clock[0]
    while clock["window"] < target:
        window = clock["window"]
        if not audit_touched(state, clock):
            return BREACH
        if in_session(view.session, window):
            if is_full(out):
                return FLUSH
            if emit_levels(state, view, out) == BREACH:
                return BREACH
        open_window(state, window_after(view.session, window, target))
    return DONE


@helper
def fold_window(state: State, view: CellView) -> Int:
    """Fold every touched level into its cell of each table; return whether all adds up.

    One pass does all that the close of a window does to a level: most of its time is the wait for
    the level.
    """
    clock = state.clock[0]
    for i in range(clock["touched"]):
        row = touched_row(state, i)
        level = state.levels[row]
        flow = state.flows[np.uint64(i)]
        if not adds_up(level, flow):
            breach(clock, BROKEN_ACCOUNT, level)
            return False
        for t in range(len(view.grids)):
            accounts = view.accounts[t]
            account = np.uint32(accounts.of_level[row] - 1)
            if accounts.of_level[row] == 0:
                cell = nearest_cell(level["price"], view.grids[t].width)
                account = open_account(accounts, row, np.uint32(level["lane"] & 1), cell)
            fold_flow(accounts, account, flow, level["depth"])
    whole = True
    for t in range(len(view.grids)):
        whole = whole and audit_touched(view.accounts[t], clock)
    return whole


@helper
def roll_cells(state: State, view: CellView, out: Output, target: Int) -> Int:
    """Move the clock as `roll_levels` does, through the accounts of cells; may return GROW too."""
    clock = state.clock[0]
    while clock["window"] < target:
        window = clock["window"]
        emits = in_session(view.session, window)
        for t in range(len(view.accounts)):
            if not has_account_room(view.accounts[t], state):
                return GROW
        if emits and is_full(out):
            return FLUSH
        if not fold_window(state, view):
            return BREACH
        if emits:
            emit_cells(state, view, out)
        for t in range(len(view.accounts)):
            close_accounts(view.accounts[t])
        open_window(state, window_after(view.session, window, target))
    return DONE
