"""LOBSTER's order messages of a stock as market-by-order records, and its published books.

The files begin in mid-day and tell only of the ten best levels. What the messages cannot tell is
read from the published book, and nothing else: the quantity of a level that was out of sight before
the message. A level that was in sight lives on messages alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from tests.naive.book import LAST, Record

SUBMISSION, PARTIAL_CANCEL, DELETION, EXECUTION, HIDDEN_EXECUTION = 1, 2, 3, 4, 5
PRICE_INT = 100_000  # its prices are dollars times 10,000
ABSENT = 9_999_999_999
OTHER = {"A": "B", "B": "A"}
FIRST_FILLER = 10**12  # ids of orders that no message names

Levels = dict[int, int]  # price: quantity, best first


class Message(NamedTuple):
    """One line of a message file."""

    ts: int
    kind: int
    order_id: int
    size: int
    price: int
    side: str


class Book(NamedTuple):
    """One line of an order book file."""

    bids: Levels
    asks: Levels

    def side(self, side: str) -> Levels:
        return self.bids if side == "B" else self.asks


def messages(file: Path) -> list[Message]:
    """Return the lines of a message file."""
    found = []
    for line in file.read_text("ascii").split():
        ts, kind, order_id, size, price, direction = line.split(",")
        side = "B" if direction == "1" else "A"
        ns = int(Decimal(ts) * 10**9)
        found.append(Message(ns, int(kind), int(order_id), int(size), int(price) * PRICE_INT, side))
    return found


def books(file: Path) -> list[Book]:
    """Return the lines of an order book file; levels that are not there are left out."""
    found = []
    for line in file.read_text("ascii").split():
        numbers = [int(text) for text in line.split(",")]
        sides = []
        for first in (2, 0):
            pairs = zip(numbers[first::4], numbers[first + 1 :: 4], strict=True)
            sides.append({p * PRICE_INT: q for p, q in pairs if abs(p) != ABSENT})
        found.append(Book(*sides))
    return found


class Converter:
    """Turns messages and the books after them into records; `ends` are the messages' last ones."""

    def __init__(self, told: list[Message], shown: list[Book], levels: int) -> None:
        self.told, self.shown, self.levels = told, shown, levels
        self.orders: dict[int, tuple[str, int, int]] = {}  # id: side, price, quantity
        self.fillers = FIRST_FILLER
        self.records: list[Record] = []
        self.ends: list[int] = []
        self.removed: dict[int, int] = defaultdict(int)  # by messages, of orders never submitted
        self.last_named = {m.order_id: i for i, m in enumerate(told)}
        submitted = set()
        for message in told:
            if message.kind == SUBMISSION:
                submitted.add(message.order_id)
            elif message.kind != HIDDEN_EXECUTION and message.order_id not in submitted:
                self.removed[message.order_id] += message.size

    def run(self) -> list[Record]:
        for i, message in enumerate(self.told):
            for side in "BA":
                for price in self.out_of_sight(i, side):
                    self.correct(i, side, price)
            self.apply(message)
            self.ends.append(len(self.records) - 1)
        return self.records

    def out_of_sight(self, i: int, side: str) -> Iterator[int]:
        """Yield the prices that book i shows, or would show, and book i − 1 could not."""
        now = self.shown[i].side(side)
        before = self.shown[i - 1].side(side) if i else {}
        held = {price for where, price, _ in self.orders.values() if where == side}
        for price in sorted(held | now.keys()):
            if (i == 0 or self.is_beyond(price, before, side)) and not self.is_beyond(
                price, now, side
            ):
                yield price

    def is_beyond(self, price: int, levels: Levels, side: str) -> bool:
        """Return whether a book that shows `levels` has no room for a level at `price`."""
        if len(levels) < self.levels:
            return False
        worst = list(levels)[-1]
        return price < worst if side == "B" else price > worst

    def correct(self, i: int, side: str, price: int) -> None:
        """Bring a level that comes into sight to what it must have held before message i."""
        message = self.told[i]
        wanted = self.shown[i].side(side).get(price, 0)
        if (message.side, message.price) == (side, price) and message.kind != HIDDEN_EXECUTION:
            wanted -= message.size if message.kind == SUBMISSION else -message.size
        waiting = {
            m.order_id: self.removed[m.order_id]
            for m in self.told[i:]
            if m.order_id in self.removed
            and m.order_id not in self.orders
            and (m.side, m.price) == (side, price)
        }
        for order_id, size in waiting.items():
            self.put("A", side, price, size, order_id, message.ts)
            self.orders[order_id] = (side, price, size)
        here = {n: q for n, (s, p, q) in self.orders.items() if (s, p) == (side, price)}
        excess = sum(here.values()) - wanted
        for order_id, qty in here.items():
            if excess > 0 and self.last_named.get(order_id, -1) < i:
                self.reduce(order_id, min(qty, excess), message.ts, 0)
                excess -= min(qty, excess)
        if excess < 0:
            self.fillers += 1
            self.put("A", side, price, -excess, self.fillers, message.ts)
            self.orders[self.fillers] = (side, price, -excess)

    def apply(self, m: Message) -> None:
        if m.kind == SUBMISSION:
            self.put("A", m.side, m.price, m.size, m.order_id, m.ts, LAST)
            self.orders[m.order_id] = (m.side, m.price, m.size)
        elif m.kind == HIDDEN_EXECUTION:
            self.put("T", "N", m.price, m.size, 0, m.ts, LAST)
        else:
            if m.kind == EXECUTION:
                self.put("T", OTHER[m.side], m.price, m.size, 0, m.ts, LAST)
                self.put("F", m.side, m.price, m.size, m.order_id, m.ts, LAST)
            self.reduce(m.order_id, m.size, m.ts, LAST)

    def reduce(self, order_id: int, size: int, ts: int, flags: int) -> None:
        side, price, qty = self.orders.pop(order_id)
        self.put("C", side, price, size, order_id, ts, flags)
        if qty > size:
            self.orders[order_id] = (side, price, qty - size)

    def put(
        self, action: str, side: str, price: int, size: int, order_id: int, ts: int, flags: int = 0
    ) -> None:
        sequence = len(self.records)
        record = Record(action, side, price, size, order_id, ts, flags, 2, 1, sequence)
        self.records.append(record)
