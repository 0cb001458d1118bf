"""Market-by-order feeds for the tests: written by hand, or drawn by hypothesis."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from book_engines.cell_engine import CellBookEngine, WindowBlock
from book_engines.cells import ADDED_MAX, Grid
from book_engines.flags import SnapshotFlags
from book_engines.records import DTYPES, MboColumns, mbo_columns
from spymaster_assets.stages.silver_tables import depth_batch, snapshot_batch
from tests.book_engines.unflagged import book_schema, no_flags
from tests.naive import book as naive
from tests.naive.book import LAST, NULL, SECOND, Record

SNAPSHOT = "silver.future_mbo.book_snapshot_1s"
DEPTH = "silver.future_mbo.depth_and_flow_1s"
TICK = 25
SPOT = 1_000
START = 1_000 * SECOND  # open of the first window that the tests emit


def columns(records: Sequence[Record]) -> MboColumns:
    """Return `records` as the engine's columns."""
    fields: dict[str, list[Any]] = {
        "ts_event_ns": [r.ts for r in records],
        "order_id": [r.order_id for r in records],
        "price_int": [r.price for r in records],
        "size": [r.size for r in records],
        "action": [ord(r.action) for r in records],
        "side": [ord(r.side) for r in records],
        "flags": [r.flags for r in records],
        "publisher_id": [r.publisher for r in records],
        "instrument_id": [r.instrument for r in records],
        "sequence": [r.sequence for r in records],
    }
    return mbo_columns(
        **{n: np.array(fields[n], d) for n, d in zip(MboColumns._fields, DTYPES, strict=True)}
    )


def part(records: MboColumns, start: int, stop: int) -> MboColumns:
    """Return copies of the rows [start, stop)."""
    return MboColumns._make(column[start:stop].copy() for column in records)


class Session:
    """A replay of the tests' session, its blocks gathered as rows of the two tables.

    Rows of further grids are in `tables`. The snapshot rows hold the sizes of added orders too, the
    depth rows the largest added order: what the tables leave out.
    """

    def __init__(self, n_windows: int = 6, half_width: int = 6, grids: Sequence[Grid] = ()) -> None:
        first = START + SECOND
        last = START + n_windows * SECOND
        grids = tuple(grids) or (Grid(TICK, half_width),)
        self.engine = CellBookEngine(TICK, grids, first, last)
        self.bounds = (grids, first, last)
        self.snapshots: list[dict[str, Any]] = []
        self.tables: list[list[dict[str, Any]]] = [[] for _ in grids]

    @property
    def cells(self) -> list[dict[str, Any]]:
        """Return the depth rows of the first grid."""
        return self.tables[0]

    def take(self, blocks: Iterable[WindowBlock]) -> None:
        for block in blocks:
            unflagged = SnapshotFlags(*np.zeros((3, block.windows.size), np.bool_))
            batch = snapshot_batch(block, unflagged, book_schema(SNAPSHOT))
            found = rows(batch)
            for row, sizes in zip(found, block.added_sizes, strict=True):
                row["added_sizes"] = {n: int(sizes[n]) for n in np.flatnonzero(sizes).tolist()}
            self.snapshots += found
            for gathered, table in zip(self.tables, block.tables, strict=True):
                found = rows(
                    depth_batch(block.windows, table, no_flags(table.cells), book_schema(DEPTH))
                )
                for row, largest in zip(found, table.cells[ADDED_MAX].tolist(), strict=True):
                    row["added_max"] = largest
                gathered += found

    def feed(self, records: Sequence[Record]) -> Session:
        self.take(self.engine.feed(columns(records)))
        return self

    def finish(self) -> Session:
        self.take(self.engine.finish())
        return self

    def cell(self, window: int, side: str, price: int) -> dict[str, Any]:
        """Return the quantities of one cell in the n-th window of the session."""
        end = START + (window + 1) * SECOND
        found = [
            r
            for r in self.cells
            if (r["window_end_ts_ns"], r["side"], r["price_int"]) == (end, side, price)
        ]
        assert len(found) == 1, f"{len(found)} rows at {side} {price} in window {window}"
        names = ("start", "add", "pull", "fill", "end", "pull_rest", "rest")
        columns = (
            "depth_qty_start",
            "add_qty",
            "pull_qty",
            "fill_qty",
            "depth_qty_end",
            "pull_qty_rest",
            "depth_qty_rest",
        )
        return {n: found[0][c] for n, c in zip(names, columns, strict=True)}


def rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Return the rows of a batch that keeps its contract."""
    batch.validate(full=True)
    listed: list[dict[str, Any]] = batch.to_pylist()
    return listed


def replayed(records: Sequence[Record], **session: Any) -> Session:
    """Return the whole session after `records`."""
    return Session(**session).feed(records).finish()


def opening(*orders: tuple[str, int, int, int]) -> Iterator[Record]:
    """Yield a snapshot of (side, price, size, order id), long rested, complete."""
    for i, (side, price, size, order_id) in enumerate(orders):
        last = LAST if i == len(orders) - 1 else 0
        yield Record("A", side, price, size, order_id, START - 60 * SECOND, naive.SNAPSHOT | last)


# ---------------------------------------------------------------- drawn feeds

_STEPS = st.sampled_from(
    [
        *(0, 0, 0, 1, 1_000, SECOND // 5, SECOND // 2 - 1, SECOND // 2, SECOND),
        *(37 * SECOND // 10, -SECOND // 3, -2 * SECOND),
    ]
)
_PRICES = st.integers(-9, 9).map(lambda k: SPOT + k * TICK)
_SIZES = st.integers(0, 9)
_IDS = st.integers(1, 7)
_SIDES = st.sampled_from("ABABABN")
_FLAGS = st.sampled_from([LAST, LAST, LAST, 0, 0, LAST | naive.MAYBE_BAD])

_KINDS = st.sampled_from(
    ["add"] * 8
    + ["cancel"] * 4
    + ["modify"] * 5
    + ["fill"] * 4
    + ["lone_fill", "trade", "trade", "closer", "tob", "null_tob", "null_add"]
    + ["clear", "snapshot", "snapshot", "far_fill"]
)


@st.composite
def feeds(
    draw: st.DrawFn, *, publishers: int = 2, instruments: int = 1, max_size: int = 40
) -> list[Record]:
    """Draw a feed in which every rule of the book may come up, in any order."""
    out: list[Record] = []
    ts = START - draw(st.sampled_from([0, SECOND, 5 * SECOND // 2]))
    shown: dict[tuple[int, int, int], tuple[str, int]] = {}
    for kind in draw(st.lists(_KINDS, min_size=1, max_size=max_size)):
        ts += draw(_STEPS)
        publisher = draw(st.integers(1, publishers))
        instrument = draw(st.integers(1, instruments))
        where = {"publisher": publisher, "instrument": instrument}
        side, price, size, order_id = draw(_SIDES), draw(_PRICES), draw(_SIZES), draw(_IDS)
        flags = draw(_FLAGS)
        key = (publisher, instrument, order_id)
        if kind in ("modify", "fill") and key in shown and draw(st.booleans()):
            # most modifies of a real feed stay on their side, many at their price
            side = shown[key][0]
            price = draw(st.sampled_from([shown[key][1], price]))

        def put(action: str, *, n: int = size, f: int = flags, at: int = ts, **more: Any) -> None:
            fields = {"price": price, "side": side, "order_id": order_id, **where, **more}  # noqa: B023
            out.append(Record(action=action, size=n, flags=f, ts=at, sequence=len(out), **fields))

        if kind == "add":
            put("A")
            shown[key] = (side, price)
        elif kind == "cancel":
            put("C")
        elif kind == "modify":
            put("M")
            shown[key] = (side, price)
        elif kind in ("fill", "far_fill"):
            put("T", f=0, side=draw(_SIDES))
            for _ in range(draw(st.integers(1, 3))):
                put("F", n=draw(_SIZES), f=0)
            action = draw(st.sampled_from("CM"))
            put(action, n=draw(_SIZES), at=ts + (1 if kind == "far_fill" else 0))
        elif kind == "lone_fill":
            put("F")
        elif kind == "trade":
            put("T", price=draw(st.sampled_from([price, NULL])))
        elif kind == "closer":
            put("N", side="N", price=NULL, n=0, f=LAST)
        elif kind == "tob":
            put("A", f=flags | naive.TOB)
        elif kind == "null_tob":
            put("A", f=flags | naive.TOB, price=NULL)
        elif kind == "null_add":
            put(draw(st.sampled_from("AM")), price=NULL)
        elif kind == "clear":
            put("R", side="N", price=NULL, f=draw(st.sampled_from([LAST, naive.SNAPSHOT | 8])))
        elif kind == "snapshot":
            count = draw(st.integers(1, 4))
            for i in range(count):
                last = LAST if i == count - 1 and draw(st.booleans()) else 0
                put(
                    draw(st.sampled_from("AAAAM")),
                    f=naive.SNAPSHOT
                    | last
                    | draw(st.sampled_from([0, naive.MAYBE_BAD, naive.TOB])),
                    at=ts + draw(st.sampled_from([-SECOND, 0, SECOND, 4 * SECOND])),
                    order_id=draw(_IDS),
                    price=draw(_PRICES),
                    side=draw(st.sampled_from("AB")),
                    n=draw(_SIZES),
                )
    return out


def busy_feed(seed: int, n: int, publishers: int, instruments: int) -> list[Record]:
    """Return about n records that mostly make sense: fills of resting orders, settled at once."""
    rng = random.Random(seed)
    out: list[Record] = []
    shown: dict[tuple[int, int], dict[int, tuple[str, int, int]]] = {}
    ts = START - SECOND

    def put(action: str, where: tuple[int, int], order_id: int, **fields: Any) -> None:
        fields = {"ts": ts, "flags": rng.choice([LAST, LAST, 0]), **fields}
        out.append(
            Record(
                action,
                order_id=order_id,
                publisher=where[0],
                instrument=where[1],
                sequence=len(out),
                **fields,
            )
        )

    def price_of(side: str) -> int:
        away = min(int(rng.expovariate(0.4)), 12)
        return SPOT + TICK * (1 + away if side == "A" else -away)

    def enter(where: tuple[int, int], action: str = "A", **fields: Any) -> None:
        side, size = rng.choice("AB"), rng.randint(1, 9)
        order_id = rng.randint(1, 60)
        price = price_of(side)
        put(action, where, order_id, side=side, price=price, size=size, **fields)
        shown.setdefault(where, {})[order_id] = (side, price, size)

    for publisher in range(1, publishers + 1):
        for instrument in range(1, instruments + 1):
            if rng.random() < 0.8:
                for k in range(12):
                    last = LAST if k == 11 else 0
                    old = START - rng.choice([60, 5, 1, -2]) * SECOND
                    enter((publisher, instrument), ts=old, flags=naive.SNAPSHOT | last)
    while len(out) < n:
        ts += rng.choice([0, 1, 1_000, SECOND // 50, SECOND // 50, SECOND // 7, SECOND // 2])
        if rng.random() < 0.03:
            ts += rng.choice([-SECOND, 2 * SECOND, -SECOND // 4])
        where = (rng.randint(1, publishers), rng.randint(1, instruments))
        book = shown.setdefault(where, {})
        kind = rng.random()
        if kind < 0.30 or not book:
            enter(where)
            continue
        order_id = rng.choice(list(book)) if rng.random() < 0.95 else rng.randint(61, 70)
        side, price, qty = book.get(order_id, ("B", SPOT, 3))
        here = {"side": side, "price": price}
        if kind < 0.50:
            size = rng.choice([qty, qty, max(1, qty // 2), qty + 1])
            put("C", where, order_id, size=size, **here)
            if size >= qty:
                book.pop(order_id, None)
        elif kind < 0.68:
            moved = rng.choice([price, price, price_of(side)])
            size = max(0, qty + rng.randint(-3, 3))
            if rng.random() < 0.04:
                side = "A" if side == "B" else "B"
            put("M", where, order_id, side=side, price=moved, size=size)
            book[order_id] = (side, moved, size)
        elif kind < 0.90:
            filled = rng.randint(1, qty + 2)
            put("T", where, 0, side="A" if side == "B" else "B", price=price, size=filled, flags=0)
            for part_size in (filled - filled // 2, filled // 2):
                put("F", where, order_id, size=part_size, flags=0, **here)
            if rng.random() < 0.1:
                ts += 1  # the settling record comes too late
            left = qty - filled
            if left <= 0 and rng.random() < 0.5:
                put("C", where, order_id, size=qty, **here)
                book.pop(order_id, None)
            elif left > 0 and rng.random() < 0.6:
                put("C", where, order_id, size=filled, **here)
                book[order_id] = (side, price, left)
            else:
                moved = rng.choice([price, price, price_of(side)])
                size = rng.randint(1, 9)
                put("M", where, order_id, side=side, price=moved, size=size)
                book[order_id] = (side, moved, size)
        elif kind < 0.95:
            tob = rng.choice([NULL, price_of("B"), price_of("B")])
            put(
                "A",
                where,
                0,
                side=rng.choice("AB"),
                price=tob,
                size=rng.randint(0, 9),
                flags=LAST | naive.TOB,
            )
        elif kind < 0.97:
            put("N", where, 0, flags=LAST | rng.choice([0, 0, 0, naive.MAYBE_BAD]))
        elif kind < 0.98:
            put("F", where, order_id, size=1, **here)
        elif kind < 0.985:
            put("R", where, 0)
            book.clear()
        elif kind < 0.99:
            for _ in range(4):
                ahead = ts + rng.choice([-SECOND, 0, SECOND])
                enter(where, ts=ahead, flags=naive.SNAPSHOT | rng.choice([0, LAST]))
        else:
            put(rng.choice("ACM"), where, order_id, side="N", price=price, size=1)
    return out


def any_feed(publishers: int = 2, instruments: int = 1) -> SearchStrategy[list[Record]]:
    """Return a strategy of small strange feeds and of longer ones that mostly make sense."""
    busy = st.builds(
        busy_feed,
        st.integers(0, 2**32),
        st.sampled_from([30, 120, 300]),
        st.integers(1, publishers),
        st.integers(1, instruments),
    )
    return st.one_of(feeds(publishers=publishers, instruments=instruments), busy)
