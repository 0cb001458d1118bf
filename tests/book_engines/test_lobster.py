"""The books of a real stock: LOBSTER's messages give its published book after each of them."""

from __future__ import annotations

from pathlib import Path

from book_engines.records import UNDEF_PRICE
from book_engines.tops import TopsEngine
from tests.book_engines.feeds import columns
from tests.book_engines.lobster import Book, Converter, books, messages
from tests.naive.book import LAST

DAY = "AAPL_2012-06-21_34200000_57600000"
LEVELS = 10


def test_messages_give_the_published_book_after_each(real_data: Path) -> None:
    told = messages(real_data / "lobster" / f"{DAY}_message_{LEVELS}.csv")
    shown = books(real_data / "lobster" / f"{DAY}_orderbook_{LEVELS}.csv")
    assert len(told) == len(shown) == 999
    converter = Converter(told, shown, LEVELS)
    engine = TopsEngine(LEVELS)
    found: dict[int, Book] = {}
    for tops in engine.feed(columns(converter.run())):
        for n, index in enumerate(tops.record.tolist()):
            sides: list[dict[int, int]] = [{}, {}]
            for row in range(2 * LEVELS):
                if tops.price[row, n] != UNDEF_PRICE:
                    sides[row % 2][int(tops.price[row, n])] = int(tops.qty[row, n])
            found[index] = Book(*sides)
    engine.finish()
    for end, book in zip(converter.ends, shown, strict=True):
        assert found[end] == book
        for side, best_first in zip(found[end], book, strict=True):
            assert list(side) == list(best_first)
    told_by_books = sum(not record.flags & LAST for record in converter.records)
    assert told_by_books < len(told) / 20  # levels that come into sight, nothing else
    counters = engine.counters
    assert counters.fills == counters.trades - sum(m.kind == 5 for m in told)
    for name in ("unknown_cancels", "over_cancels", "expired_fills", "hidden_fills"):
        assert getattr(counters, name) == 0, name
