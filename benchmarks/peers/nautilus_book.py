"""Feed a stream to nautilus_trader's L3 books in bulk; print events, seconds and the last touch.

    python nautilus_book.py STREAM.npz

Runs in an environment of its own (`benchmarks/run.sh` makes it) and imports nothing of Spymaster.
A book keeps queue order and emits nothing; its deltas are made and sorted by instrument before the
clock starts. The touch is that of the first instrument.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.data import BookOrder, OrderBookDelta, OrderBookDeltas
from nautilus_trader.model.enums import BookAction, BookType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price, Quantity

ADD, CANCEL, MODIFY = ord("A"), ord("C"), ord("M")
PRICE_DECIMALS = 2
INSTRUMENT = InstrumentId.from_str("ES.GLBX")
BATCH = 500_000


def deltas_of(
    stream: dict[str, Any], left: dict[tuple[int, int], int]
) -> dict[int, list[OrderBookDelta]]:
    """Return the book changes of a part of the stream by instrument; `left` is of each order.

    A partial cancel is an update to what is left.
    """
    deltas: dict[int, list[OrderBookDelta]] = {}
    columns = (
        "instrument_id",
        "action",
        "side",
        "price_int",
        "size",
        "order_id",
        "ts_event_ns",
        "sequence",
    )
    for number, action, side, price, size, order_id, ts, sequence in zip(
        *(stream[name].tolist() for name in columns), strict=True
    ):
        if action not in (ADD, CANCEL, MODIFY):
            continue
        if action == CANCEL:
            remaining = left[number, order_id] - size
            kind = BookAction.UPDATE if remaining > 0 else BookAction.DELETE
            quantity = remaining if remaining > 0 else size
        else:
            remaining = quantity = size
            kind = BookAction.ADD if action == ADD else BookAction.UPDATE
        if remaining > 0:
            left[number, order_id] = remaining
        else:
            del left[number, order_id]
        order = BookOrder(
            OrderSide.BUY if side == ord("B") else OrderSide.SELL,
            Price(price / 1e9, PRICE_DECIMALS),
            Quantity(quantity, 0),
            order_id,
        )
        change = OrderBookDelta(INSTRUMENT, kind, order, 0, sequence, ts, ts)
        deltas.setdefault(number, []).append(change)
    return deltas


def main(path: str) -> None:
    """Time the bulk application of the stream's deltas to empty books."""
    with np.load(path) as file:
        stream = {name: file[name] for name in file.files}
    events = len(stream["action"])
    numbers = np.unique(stream["instrument_id"]).tolist()
    books = {number: OrderBook(INSTRUMENT, BookType.L3_MBO) for number in numbers}
    left: dict[tuple[int, int], int] = {}
    seconds = 0.0
    for start in range(0, events, BATCH):
        part = {name: column[start : start + BATCH] for name, column in stream.items()}
        changes = deltas_of(part, left)
        batches = [(books[k], OrderBookDeltas(INSTRUMENT, d)) for k, d in changes.items()]
        started = time.process_time()
        for book, deltas in batches:
            book.apply_deltas(deltas)
        seconds += time.process_time() - started
    book = books[numbers[0]]
    result = {
        "events": events,
        "seconds": seconds,
        "best_bid": str(book.best_bid_price()),
        "best_ask": str(book.best_ask_price()),
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
