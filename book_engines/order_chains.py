"""Which orders each book was given, so that a clear looks at those and not at every order there is.

The windows' engines read files of one venue's few books, whose clears come while a book is empty,
and go without; what `inspect` is given may clear thousands of full books in the middle of the day.
A chain may name orders that have left since, and one more than once: it says where to look.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.kernel import Int, helper, kernel
from book_engines.orders import find_order
from book_engines.removals import drop_order, remove_quantity
from book_engines.state import BLOCK, State

LINK: Final = np.dtype([("key", "u8"), ("next", "i8")])


class Chains(NamedTuple):
    """One chain a book."""

    heads: NDArray[np.int64]
    """(books,) the book's latest link, 0 for none."""
    links: NDArray[Any]
    """LINK; number 0 stands for none."""
    used: NDArray[np.int64]
    """(1,) links in use."""


@helper
def has_links(state: State, chains: Chains) -> Int:
    """Return whether BLOCK more records fit, whatever they hold."""
    return chains.used[0] + BLOCK <= chains.links.size and chains.heads.size == state.books.size


@helper
def note_order(chains: Chains, book: Int, key: Int) -> None:
    """Put an order into its book's chain."""
    number = chains.used[0]
    chains.links[number]["key"] = key
    chains.links[number]["next"] = chains.heads[book]
    chains.heads[book] = number
    chains.used[0] = number + 1


@helper
def clear_orders(state: State, chains: Chains, book: Int, ts: Int) -> None:
    """Remove every order of a book, as `removals.empty_book` does; nothing is booked."""
    number = chains.heads[book]
    chains.heads[book] = 0
    live = np.bool_(False)
    while number != 0:
        shift = state.clock[0]["order_shift"]
        slot = find_order(state.orders, chains.links[number]["key"], book, shift)
        if slot >= 0:
            order = state.orders[np.uint64(slot)]
            qty = np.int64(order["qty"])
            remove_quantity(state, order["level"], qty, order["t_entered"], ts, live)
            drop_order(state, slot, book)
        number = chains.links[number]["next"]


@kernel
def enter_orders(orders: NDArray[Any], chains: Chains) -> None:
    """Put every order of the table into its book's chain."""
    for i in range(orders.size):
        if orders[i]["book"] != 0:
            note_order(chains, np.int64(orders[i]["book"]) - 1, orders[i]["key"])


def chained(state: State) -> Chains:
    """Return the chains of all orders there are, with room for as many again and BLOCK more.

    The order table is never more than a quarter full, so the work is paid for by the links that
    are free afterwards.
    """
    chains = Chains(
        np.zeros(state.books.size, np.int64),
        np.zeros(state.orders.size // 2 + 2 * BLOCK, LINK),
        np.ones(1, np.int64),
    )
    enter_orders(state.orders, chains)
    return chains
