"""The accounts of the open window: which instruments it touched, whether they add up, their end."""

from __future__ import annotations

from typing import Final

import numpy as np

from book_engines.kernel import Int, helper, inlined
from book_engines.quote_state import (
    DOUBTFUL,
    IN_SNAPSHOT,
    TOUCHED,
    UNCHANGED,
    QuoteState,
    ask_row,
    bid_row,
)

_FOR_THE_DAY: Final = IN_SNAPSHOT | DOUBTFUL | UNCHANGED


@inlined
def touch_instrument(state: QuoteState, number: Int) -> None:
    """Note that the open window changes the accounts of an instrument.

    No branch on whether it did before: with some hundred instruments a second nothing foretells it.
    """
    clock = state.clock[0]
    marks = state.marks[number]
    state.touched[clock["touched"]] = number
    clock["touched"] += np.uint64((marks & TOUCHED) == 0)
    state.marks[number] = marks | TOUCHED


@inlined
def restart_account(state: QuoteState, row: Int) -> None:
    """Let a side's account start from the quantity there is."""
    account = state.accounts[row]
    account["start"] = state.shown[row]["qty"]
    account["add"] = 0
    account["pull"] = 0
    account["pull_rest"] = 0
    account["fill"] = 0
    account["largest"] = 0
    account["add_reprice"] = 0
    account["pull_reprice"] = 0


@inlined
def has_flow(state: QuoteState, row: Int) -> Int:
    """Return 1 where anything came or left at a side in the open window."""
    account = state.accounts[row]
    return np.int64(account["add"] + account["pull"] + account["fill"] > 0)


@inlined
def is_broken(state: QuoteState, row: Int) -> Int:
    """Return whether a side's account does not lead to the quantity shown."""
    account = state.accounts[row]
    qty = state.shown[row]["qty"]
    booked = account["start"] + account["add"] - account["pull"] - account["fill"]
    return (
        (booked != qty)
        | (qty < 0)
        | (account["pull_rest"] > account["pull"])
        | (account["pull_reprice"] > account["pull"])
        | (account["add_reprice"] > account["add"])
    )


@helper
def audit_quotes(state: QuoteState) -> Int:
    """Return how many sides the window has flow at, −1 where an account does not hold.

    The first that does not is written down.
    """
    clock = state.clock[0]
    flows = np.int64(0)
    for i in range(clock["touched"]):
        ask, bid = ask_row(state.touched[i]), bid_row(state.touched[i])
        if is_broken(state, ask) | is_broken(state, bid):
            clock["breach"] = state.touched[i] + 1
            return np.int64(-1)
        flows += has_flow(state, ask) + has_flow(state, bid)
    return flows


@helper
def restart_accounts(state: QuoteState) -> None:
    """Let every account start from the quantity there is: the window is over."""
    clock = state.clock[0]
    for i in range(clock["touched"]):
        number = np.uint64(state.touched[i])
        state.marks[number] &= _FOR_THE_DAY
        restart_account(state, ask_row(number))
        restart_account(state, bid_row(number))
    clock["touched"] = 0
