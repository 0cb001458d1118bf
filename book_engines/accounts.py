"""Accounts of cells that hold many levels: what a window did to the levels, summed at its close.

A flow knows what depth of its level the account holds, so that a window costs as much as it touched
and not as much as the book is deep.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from book_engines.hints import prefetch
from book_engines.kernel import Int, helper, inlined
from book_engines.levels import find_level, flow_place, obtain_level
from book_engines.state import Accounts, State

LOOK_AHEAD = 8


@inlined
def fold_flow(accounts: Accounts, row: Int, flow: NDArray[Any], depth: Int) -> None:
    """Add what the open window did to a level, now of `depth`, to an account."""
    cell = accounts.flows[flow_place(accounts, row)]
    cell["depth_start"] += flow["depth_start"] - flow["folded"]
    cell["add"] += flow["add"]
    cell["pull"] += flow["pull"]
    cell["fill"] += flow["fill"]
    cell["pull_rest"] += flow["pull_rest"]
    cell["young"] += flow["young"]
    cell["add_max"] = max(cell["add_max"], flow["add_max"])
    accounts.levels[row]["depth"] += depth - flow["folded"]


@helper
def open_account(accounts: Accounts, row: Int, lane: Int, price: Int) -> Int:
    """Return the row of the account (lane, price), and note it as that of a level's row."""
    account = obtain_level(accounts, lane, price)
    accounts.of_level[row] = account + 1
    return account


@inlined
def touched_row(state: State, i: Int) -> Int:
    """Return the row of the i-th touched level, and fetch that of a later one."""
    later = min(i + LOOK_AHEAD, state.clock[0]["touched"] - 1)
    prefetch(state.levels, state.flows[np.uint64(later)]["level"])
    return np.int64(state.flows[np.uint64(i)]["level"])


@helper
def has_account_room(accounts: Accounts, state: State) -> Int:
    """Return whether every level touched in the open window may bring a cell of its own."""
    clock = accounts.clock[0]
    needed = clock["levels"] - clock["free_levels"] + state.clock[0]["touched"]
    return needed <= accounts.levels.size and accounts.of_level.size == state.levels.size


@helper
def account_row(accounts: Accounts, lane: Int, price: Int) -> Int:
    """Return the row of a cell's account, below 0 where there is none."""
    shift = accounts.clock[0]["level_shift"]
    return find_level(accounts.levels, accounts.level_lookup, lane, price, shift)


@helper
def close_accounts(accounts: Accounts) -> None:
    """Close the window's accounts."""
    clock = accounts.clock[0]
    clock["touched"] = 0
    clock["epoch"] += 1
