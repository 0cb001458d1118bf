"""Strikes around spot: the books of a chain's options, summed to strikes at a window's close.

Every option has its book; each strike, call or put, and side has one account, to which all premium
levels of its options are folded. A strike that leaves the grid keeps its account.
"""

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
from book_engines.cells import nearest_cell
from book_engines.cursor import BREACH, DONE, FLUSH, GROW, NEW_TABLE
from book_engines.kernel import Int, helper, inlined
from book_engines.quote_records import PUT
from book_engines.quote_windows import (
    ADDED,
    ADDED_REPRICE,
    ASK,
    ASK_QTY,
    BID,
    BID_QTY,
    CELLS_OF_A_STRIKE,
    END,
    FILLED,
    INVALID,
    LARGEST,
    NUMBER,
    PULLED,
    PULLED_REPRICE,
    PULLED_REST,
    REST,
    START,
    VALID,
    QuoteOutput,
    StrikeGrid,
)
from book_engines.records import UNDEF_PRICE
from book_engines.semantics import open_window
from book_engines.state import Accounts, State
from book_engines.windows import (
    BROKEN_ACCOUNT,
    Session,
    adds_up,
    audit_touched,
    best_price,
    best_qty,
    breach,
    copy_sizes,
    in_session,
    is_two_sided,
    is_whole,
    window_after,
)

UNSEEN: Final = -1

OPTION: Final = np.dtype(
    [
        ("instrument_id", "i8"),
        ("strike", "i8"),  # 1e-9 dollars
        ("right", "i8"),  # ASCII
        ("table", "i8"),  # of its books; UNSEEN before its first record
    ]
)


class StrikeView(NamedTuple):
    """A chain, where its strikes are emitted, and the strikes' accounts."""

    session: Session
    grid: StrikeGrid
    spots: NDArray[np.int64]
    """(W,), the underlying's spot reference at each window end, UNDEF_PRICE where it has none."""
    options: NDArray[Any]
    """OPTION (N,), by instrument id."""
    option_of: NDArray[np.int64]
    """Place in `options` of a table of books, for tables below `admitted`."""
    admitted: NDArray[np.int64]
    """(1,)."""
    accounts: Accounts
    """By strike; lane = 2 · (1 for a put) + side: the order of a strike's cells."""


@helper
def account_lane(option: NDArray[Any], side: Int) -> Int:
    """Return the lane of an option's account. `option` is one OPTION, side 0 ask and 1 bid."""
    return np.uint32(side + (2 if option["right"] == PUT else 0))


@helper
def fold_strikes(state: State, view: StrikeView) -> Int:
    """Fold every touched level into the account of its strike; return whether all adds up."""
    clock = state.clock[0]
    accounts = view.accounts
    for i in range(clock["touched"]):
        row = touched_row(state, i)
        level = state.levels[row]
        flow = state.flows[np.uint64(i)]
        if not adds_up(level, flow):
            breach(clock, BROKEN_ACCOUNT, level)
            return False
        account = np.uint32(accounts.of_level[row] - 1)
        if accounts.of_level[row] == 0:
            option = view.options[view.option_of[level["lane"] >> 1]]
            lane = account_lane(option, np.int64(level["lane"] & 1))
            account = open_account(accounts, row, lane, option["strike"])
        fold_flow(accounts, account, flow, level["depth"])
    return audit_touched(accounts, clock)


@inlined
def write_quote(
    state: State, number: Int, table: Int, window: NDArray[Any], out: QuoteOutput
) -> None:
    """Append an option's best prices where a side is there. `window` is one QUOTE_WINDOW."""
    bid, ask = best_price(state, 2 * table + 1), best_price(state, 2 * table)
    if bid == UNDEF_PRICE and ask == UNDEF_PRICE:
        return
    n = out.used[1]
    both = is_two_sided(state, table)
    out.quotes[NUMBER, n] = number
    out.quotes[BID, n] = bid
    out.quotes[BID_QTY, n] = best_qty(state, 2 * table + 1)
    out.quotes[ASK, n] = ask
    out.quotes[ASK_QTY, n] = best_qty(state, 2 * table)
    out.quotes[VALID, n] = both and is_whole(state, table)
    if both and bid > ask:
        window["crossed"] += 1
    elif both and bid == ask:
        window["locked"] += 1
    out.used[1] = n + 1


@inlined
def write_strike(accounts: Accounts, strike: Int, lane: Int, out: QuoteOutput, n: Int) -> None:
    """Write the account of a strike, call or put, and side to column n; zeros where none is."""
    cells = out.cells
    row = account_row(accounts, lane, strike)
    for column in (START, END, ADDED, PULLED, PULLED_REST, FILLED, REST, LARGEST):
        cells[column, n] = 0
    cells[ADDED_REPRICE, n] = 0
    cells[PULLED_REPRICE, n] = 0
    cells[INVALID, n] = 0
    if row < 0:
        return
    cell = accounts.levels[row]
    depth = cell["depth"]
    cells[END, n] = depth
    if cell["stamp"] != accounts.clock[0]["epoch"]:
        cells[START, n] = depth
        cells[REST, n] = depth
        return
    flow = accounts.flows[cell["flow"]]
    cells[START, n] = flow["depth_start"]
    cells[REST, n] = depth - flow["young"]
    cells[ADDED, n] = flow["add"]
    cells[PULLED, n] = flow["pull"]
    cells[PULLED_REST, n] = flow["pull_rest"]
    cells[FILLED, n] = flow["fill"]
    cells[LARGEST, n] = flow["add_max"]


@helper
def strikes_outside(accounts: Accounts, grid: StrikeGrid, centre: Int) -> Int:
    """Return how many accounts of strikes outside of the grid have flow, all without a centre."""
    outside = 0
    reach = grid.half_width * grid.strike_step
    for i in range(accounts.clock[0]["touched"]):
        flow = accounts.flows[i]
        away = accounts.levels[flow["level"]]["price"] - centre
        # few strikes are near enough to need the division
        far = centre == UNDEF_PRICE or abs(away) > reach
        if far or away % grid.strike_step != 0:
            outside += 1 if flow["add"] + flow["pull"] + flow["fill"] > 0 else 0
    return outside


@helper
def is_strike_output_full(view: StrikeView, out: QuoteOutput) -> Int:
    """Return whether one more window may not fit."""
    n_grid = (2 * view.grid.half_width + 1) * CELLS_OF_A_STRIKE
    return (
        out.used[0] == out.windows.size
        or out.used[1] + view.options.size > out.quotes.shape[1]
        or out.used[2] + n_grid > out.cells.shape[1]
    )


@helper
def emit_strikes(state: State, view: StrikeView, out: QuoteOutput) -> None:
    """Write the open window's row, every option's quote and the strikes around spot.

    A strike's calls (puts) are invalid while one of its options is not whole or was cleared or
    filled from a snapshot in the window. A side without orders is data: far options have no bid.
    """
    clock = state.clock[0]
    grid = view.grid
    w = out.used[0]
    first_quote, first_cell = out.used[1], out.used[2]
    n_strikes = 2 * grid.half_width + 1
    window = out.windows[w]
    spot = view.spots[clock["window"] - view.session.first_window]
    placed = spot != UNDEF_PRICE
    centre = nearest_cell(spot, grid.strike_step) if placed else UNDEF_PRICE
    lowest = centre - grid.half_width * grid.strike_step
    window["end"] = clock["end"]
    window["spot"] = spot
    window["centre"] = centre if placed else 0
    window["crossed"] = 0
    window["locked"] = 0
    window["strikes_outside"] = strikes_outside(view.accounts, grid, centre)
    if placed:
        for k in range(n_strikes * CELLS_OF_A_STRIKE):
            strike = lowest + (k >> 2) * grid.strike_step
            write_strike(view.accounts, strike, np.uint32(k & 3), out, first_cell + k)
        out.used[2] = first_cell + n_strikes * CELLS_OF_A_STRIKE
    for number in range(view.options.size):
        option = view.options[number]
        table = option["table"]
        if table == UNSEEN:
            continue
        write_quote(state, number, table, window, out)
        if is_whole(state, table) and state.tables[table]["disturbed"] != clock["window"]:
            continue
        away = option["strike"] - lowest
        row = away // grid.strike_step
        if placed and 0 <= row < n_strikes and row * grid.strike_step == away:
            n = first_cell + row * CELLS_OF_A_STRIKE + account_lane(option, 0)
            out.cells[INVALID, n] = 1
            out.cells[INVALID, n + 1] = 1
    window["quotes"] = out.used[1] - first_quote
    window["cells"] = out.used[2] - first_cell
    copy_sizes(state, out.sizes, w)
    out.used[0] = w + 1


@helper
def roll_strikes(state: State, view: StrikeView, out: QuoteOutput, target: Int) -> Int:
    """Move the clock to window `target`, emitting every session window that closes on the way.

    Returns DONE, or with the clock on the window that could not be closed: FLUSH, BREACH, GROW, or
    NEW_TABLE when an option was met for the first time.
    """
    clock = state.clock[0]
    if clock["tables"] > view.admitted[0]:
        return NEW_TABLE
    while clock["window"] < target:
        window = clock["window"]
        emits = in_session(view.session, window)
        if not has_account_room(view.accounts, state):
            return GROW
        if emits and is_strike_output_full(view, out):
            return FLUSH
        if not fold_strikes(state, view):
            return BREACH
        if emits:
            emit_strikes(state, view, out)
        close_accounts(view.accounts)
        open_window(state, window_after(view.session, window, target))
    return DONE
