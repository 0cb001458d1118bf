"""Accounts of cells that hold many levels: what a window did to the levels, summed at its close.

Levels know the depth that was folded into their cell, so that a window costs as much as it touched
and not as much as the book is deep.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from book_engines.hints import prefetch, unlikely
from book_engines.kernel import Int, helper, inlined
from book_engines.levels import find_level, obtain_level, release_level, touch_level
from book_engines.state import Accounts, State

LOOK_AHEAD = 8


@inlined
def fold_level(accounts: Accounts, row: Int, level: NDArray[Any]) -> None:
    """Add what the open window did to `level` to an account."""
    cell = accounts.levels[row]
    if cell["stamp"] != accounts.clock[0]["epoch"]:
        touch_level(accounts, row)
    cell["depth_start"] += level["depth_start"] - level["folded"]
    cell["depth"] += level["depth"] - level["folded"]
    cell["add"] += level["add"]
    cell["pull"] += level["pull"]
    cell["fill"] += level["fill"]
    cell["pull_rest"] += level["pull_rest"]
    cell["young"] += level["young"]
    cell["add_max"] = max(cell["add_max"], level["add_max"])


@helper
def open_account(accounts: Accounts, row: Int, lane: Int, price: Int) -> Int:
    """Return the row of the account (lane, price), and note it as that of a level's row."""
    account = obtain_level(accounts, lane, price)
    accounts.levels[account]["orders"] += 1
    accounts.of_level[row] = account + 1
    return account


@helper
def forget_account(accounts: Accounts, row: Int) -> None:
    """Part a level that is freed from its account, which was touched in the open window."""
    accounts.levels[np.uint32(accounts.of_level[row] - 1)]["orders"] -= 1
    accounts.of_level[row] = 0


@helper
def touched_row(state: State, i: Int) -> Int:
    """Return the row of the i-th touched level, and fetch that of a later one."""
    prefetch(state.levels, state.touched[min(i + LOOK_AHEAD, state.clock[0]["touched"] - 1)])
    return np.int64(state.touched[i])


@inlined
def settle_level(state: State, row: Int) -> Int:
    """Note that a level was folded; free it where it stands empty and return whether it did."""
    level = state.levels[row]
    level["folded"] = level["depth"]
    if unlikely(level["depth"] == 0 and level["orders"] == 0):
        release_level(state, row)
        return True
    return False


@helper
def has_account_room(accounts: Accounts, state: State) -> Int:
    """Return whether every level touched in the open window may bring a cell of its own."""
    needed = accounts.clock[0]["levels"] + state.clock[0]["touched"]
    return needed <= accounts.levels.size and accounts.of_level.size == state.levels.size


@helper
def account_row(accounts: Accounts, lane: Int, price: Int) -> Int:
    """Return the row of a cell's account, below 0 where there is none."""
    shift = accounts.clock[0]["level_shift"]
    return find_level(accounts.levels, accounts.level_lookup, lane, price, shift)


@helper
def close_accounts(accounts: Accounts) -> None:
    """Close the window's accounts and free those of which no level is left."""
    clock = accounts.clock[0]
    for i in range(clock["touched"]):
        row = accounts.touched[i]
        if accounts.levels[row]["depth"] == 0 and accounts.levels[row]["orders"] == 0:
            release_level(accounts, np.int64(row))
    clock["touched"] = 0
    clock["epoch"] += 1
