"""Books at every event or record: what `inspect` and `book` show.

Every (publisher, instrument) is a table of its own, or every instrument is one, as in the silver
tables, whose rules these are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.counters import BookCounters, each_counters
from book_engines.cursor import (
    DONE,
    FLUSH,
    GROW,
    book_of,
    fetch_ahead,
    fetch_first,
    note_time,
)
from book_engines.kernel import Int, helper, kernel
from book_engines.levels import price_key
from book_engines.order_chains import Chains, chained, clear_orders, has_links, note_order
from book_engines.records import CLEAR, F_LAST, F_SNAPSHOT, SECOND_NS, UNDEF_PRICE, MboColumns
from book_engines.replay import Replay
from book_engines.semantics import apply_record, count_event, has_room, open_window
from book_engines.state import BLOCK, State

BLOCK_EVENTS = 1 << 15


class TopLevels(NamedTuple):
    """The best N levels after each of R events or records.

    record: int64 (R,), index of the event's record with F_LAST among the records of one feed.
    price, qty, orders: int64 (2·N, R), row 2·level + side, side 0 bid and 1 ask; price is
    UNDEF_PRICE where there is no such level, quantity and number of orders are 0 there.
    """

    record: NDArray[np.int64]
    price: NDArray[np.int64]
    qty: NDArray[np.int64]
    orders: NDArray[np.int64]


class BookSummary(NamedTuple):
    """One book as it stands. Price and quantity are None where the side is empty."""

    publisher_id: int
    instrument_id: int
    best_bid_price_int: int | None
    best_bid_qty: int | None
    best_ask_price_int: int | None
    best_ask_qty: int | None
    counters: BookCounters


@helper
def write_tops(state: State, book: Int, out: TopLevels, n: Int) -> None:
    """Write the best levels of a book's table into column n of `out`."""
    depth = out.price.shape[0] // 2
    for side in range(2):
        lane = np.int64(state.books[book]["table"]) * 2 + 1 - side
        ladder = state.lanes[lane]
        live = min(depth, np.int64(ladder["length"]))
        top = ladder["offset"] + ladder["length"] - 1
        for i in range(live):
            rung = state.rungs[top - i]
            out.price[2 * i + side, n] = price_key(lane, rung["key"])
            out.qty[2 * i + side, n] = state.levels[rung["level"]]["depth"]
            out.orders[2 * i + side, n] = state.levels[rung["level"]]["orders"]
        for i in range(live, depth):
            out.price[2 * i + side, n] = UNDEF_PRICE
            out.qty[2 * i + side, n] = 0
            out.orders[2 * i + side, n] = 0


@kernel
def replay_tops(
    state: State,
    chains: Chains,
    records: MboColumns,
    out: TopLevels,
    per_book: Int,
    every_record: Int,
    start: Int,
) -> tuple[Int, Int, Int]:
    """Replay records from `start` on; return (next record, rows in `out`, why it stopped).

    per_book: whether every publisher's book is a table of its own. Without levels in `out` no rows
    are written.
    """
    used = 0
    clock = state.clock[0]
    n = records.ts_event_ns.size
    i = start
    fetch_first(state, records, start)
    while i < n:
        if not has_room(state) or not has_links(state, chains):
            return i, used, GROW
        stop = min(n, i + BLOCK)
        while i < stop:
            at = np.uint64(i)
            ts = records.ts_event_ns[at]
            flags = np.int64(records.flags[at])
            action = np.int64(records.action[at])
            side = np.int64(records.side[at])
            last = (flags & F_LAST) != 0
            told = out.price.size > 0 and (last or every_record)
            if told and used == out.record.size:
                return i, used, FLUSH
            book = book_of(state, records, at, per_book)
            fetch_ahead(state, records, i)
            if (flags & F_SNAPSHOT) == 0:
                if ts >= clock["end"]:
                    open_window(state, ts // SECOND_NS)
                note_time(state, book, ts)
            before = state.books[book]["orders"]
            if action == CLEAR and before > 0:
                clear_orders(state, chains, book, ts)
            apply_record(
                state,
                book,
                records.order_id[at],
                records.price_int[at],
                np.int64(records.size[at]),
                action,
                side,
                flags,
                ts,
            )
            if state.books[book]["orders"] > before:
                note_order(chains, book, records.order_id[at] + state.books[book]["mix"])
            if last:
                count_event(state, book, ts)
            if told:
                out.record[used] = i
                write_tops(state, book, out, used)
                used += 1
            i += 1
            if clock["starved"] != 0:
                return i, used, GROW
    return n, used, DONE


class TopsEngine:
    """Replays any market-by-order records and yields the best `levels` levels at every event.

    With 0 levels nothing is yielded, and only the counters and the final books are of use. With
    `every_record` a row follows each record, whether it closes an event or not. With
    `sum_publishers` the book of an instrument is the sum over its publishers.
    """

    def __init__(
        self, levels: int = 0, *, every_record: bool = False, sum_publishers: bool = False
    ) -> None:
        if levels < 0:
            raise ValueError(f"expected 0 or more levels, found {levels}")
        self._replay = Replay()
        self._chains = chained(self._replay.state)
        self._every_record = every_record
        self._per_book = not sum_publishers
        self._out = TopLevels(
            np.zeros(BLOCK_EVENTS, np.int64),
            *(np.zeros((2 * levels, BLOCK_EVENTS if levels else 0), np.int64) for _ in range(3)),
        )

    def feed(self, records: MboColumns) -> Iterator[TopLevels]:
        """Apply `records` and yield the rows of their events; must be run to its end.

        Indices in `record` count from the first record of this call.
        """
        start, status = 0, GROW
        while status != DONE:
            with np.errstate(over="ignore"):  # hashes wrap; numba does so without a word
                start, used, status = replay_tops(
                    self._replay.state,
                    self._chains,
                    records,
                    self._out,
                    self._per_book,
                    self._every_record,
                    start,
                )
            self._replay.note_last(records, start)
            if status == GROW:
                self._replay.grow()
                self._chains = chained(self._replay.state)
            if used:
                yield TopLevels(
                    self._out.record[:used].copy(),
                    *(table[:, :used].copy() for table in self._out[1:]),
                )

    def finish(self) -> None:
        """Count the fills that nothing settled and audit the books (BookIntegrityError)."""
        self._replay.expire_fills()
        self._replay.audit()

    @property
    def state(self) -> State:
        """Return the arrays of the replay."""
        return self._replay.state

    @property
    def counters(self) -> BookCounters:
        """Return what was counted so far over all books; complete after `finish`."""
        return self._replay.counters()

    def books(self) -> list[BookSummary]:
        """Return every book met so far, sorted by publisher and instrument."""
        state = self._replay.state
        n = int(state.clock[0]["books"])
        books = state.books[:n]
        counters = each_counters(state.counters[:n], books["opening"], books["orders"])
        summaries = []
        for book in range(n):
            bests: list[tuple[int | None, int | None]] = []
            for side in (1, 0):
                ladder = state.lanes[2 * int(state.books[book]["table"]) + side]
                if ladder["length"] == 0:
                    bests.append((None, None))
                    continue
                rung = state.rungs[ladder["offset"] + ladder["length"] - 1]
                level = state.levels[rung["level"]]
                bests.append((int(level["price"]), int(level["depth"])))
            summaries.append(
                BookSummary(
                    int(state.books[book]["publisher_id"]),
                    int(state.books[book]["instrument_id"]),
                    *bests[0],
                    *bests[1],
                    counters[book],
                )
            )
        return sorted(summaries, key=lambda s: (s.publisher_id, s.instrument_id))
