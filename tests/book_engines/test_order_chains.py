"""Clears of many full books: each costs what the book held, whatever else there is."""

from __future__ import annotations

import time

import numpy as np

from book_engines.records import CLEAR, MboColumns
from book_engines.state import BLOCK
from book_engines.tops import TopsEngine
from tests.book_engines.test_growth import adds

BOOKS = 3 * BLOCK  # more than are reserved at first


def cleared(rounds: int) -> MboColumns:
    """Return 4 orders in each of many books, and the clear of every book, some times over."""
    orders, one = 4 * BOOKS, 5 * BOOKS
    records = adds(rounds * one)
    for start in range(0, rounds * one, one):
        records.order_id[start : start + orders] = np.arange(orders)  # used again every time
        records.action[start + orders : start + one] = CLEAR
        records.instrument_id[start : start + one] = np.arange(one) % BOOKS
    return records


def test_clears_of_many_full_books_leave_nothing_behind() -> None:
    engine = TopsEngine()
    list(engine.feed(cleared(3)))
    left = adds(10)
    list(engine.feed(left))
    engine.finish()  # audits that every level is the sum of its orders
    counters = engine.counters
    assert (counters.clears, counters.duplicate_adds) == (3 * BOOKS, 0)
    assert counters.resting_orders == 10
    assert {book.best_bid_qty for book in engine.books()} == {None, 10}


def test_a_clear_looks_at_the_orders_of_its_own_book_alone() -> None:
    engine = TopsEngine()
    list(engine.feed(adds(1)))  # compiled by now
    records = cleared(3)
    start = time.process_time()
    list(engine.feed(records))
    # 0.1 s; a look at every order for every clear takes 20 s.
    assert time.process_time() - start < 4
