"""Accounts of cells that hold many levels: what a window did to the levels, summed at its close.

Levels know the depth that was folded into their cell, so that a window costs as much as it touched
and not as much as the book is deep.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from book_engines.kernel import Int, helper, inlined
from book_engines.levels import find_level, obtain_level, release_level, touch_level
from book_engines.state import Accounts, State


@inlined
def fold_level(accounts: Accounts, lane: Int, price: Int, level: NDArray[Any]) -> None:
    """Add what the open window did to `level` to the account of its cell (lane, price)."""
    row = obtain_level(accounts, lane, price)
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
def has_account_room(accounts: Accounts, state: State) -> Int:
    """Return whether every level touched in the open window may bring a cell of its own."""
    return accounts.clock[0]["levels"] + state.clock[0]["touched"] <= accounts.levels.size


@helper
def account_row(accounts: Accounts, lane: Int, price: Int) -> Int:
    """Return the row of a cell's account, below 0 where there is none."""
    shift = accounts.clock[0]["level_shift"]
    return find_level(accounts.levels, accounts.level_lookup, lane, price, shift)


@helper
def close_accounts(accounts: Accounts) -> None:
    """Close the window's accounts and free the cells that stand empty."""
    clock = accounts.clock[0]
    for i in range(clock["touched"]):
        row = accounts.touched[i]
        if accounts.levels[row]["depth"] == 0:
            release_level(accounts, np.int64(row))
    clock["touched"] = 0
    clock["epoch"] += 1
