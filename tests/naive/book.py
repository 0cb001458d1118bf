"""The book's rules once more, with dicts and lists: slow, and meant to be obviously right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

SECOND = 1_000_000_000
REST = SECOND // 2
NULL = 2**63 - 1
LAST, TOB, SNAPSHOT, MAYBE_BAD = 128, 64, 32, 4

Row = dict[str, Any]


class Record(NamedTuple):
    """One market-by-order record."""

    action: str
    side: str = "N"
    price: int = NULL
    size: int = 0
    order_id: int = 0
    ts: int = 0
    flags: int = LAST
    publisher: int = 1
    instrument: int = 1
    sequence: int = 0


@dataclass
class Order:
    """A resting order, or the one level that a TOB record put in place of a side."""

    side: str
    price: int
    qty: int
    entered: int
    pending: tuple[int, int] | None = None  # ts_event, quantity


@dataclass
class Account:
    """What happened at one side and price in the open window."""

    start: int
    add: int = 0
    pull: int = 0
    fill: int = 0
    pull_rest: int = 0
    added_max: int = 0

    def plus(self, other: Account) -> Account:
        """Return the account of both together."""
        return Account(
            self.start + other.start,
            self.add + other.add,
            self.pull + other.pull,
            self.fill + other.fill,
            self.pull_rest + other.pull_rest,
            max(self.added_max, other.added_max),
        )


BookId = tuple[int, int]
Cell = tuple[Any, str, int]  # table, side, price


@dataclass
class Book:
    """One publisher's book of one instrument."""

    orders: dict[int, Order] = field(default_factory=dict)
    tops: dict[str, Order] = field(default_factory=dict)
    in_snapshot: bool = False
    doubtful: bool = False
    opening: set[str] = field(default_factory=set)

    def resting(self) -> Iterator[Order]:
        """Yield everything that rests in the book."""
        yield from self.orders.values()
        yield from self.tops.values()


@dataclass
class Table:
    """Books whose levels are summed."""

    last_trade: int | None = None
    buys: int = 0
    sells: int = 0
    trades: int = 0
    known: set[str] = field(default_factory=set)
    dated: int = 0  # latest ts_event of a snapshot record
    disturbed: bool = False


class NaiveReplay:
    """Books, accounts and counters; `per_book` makes every book a table of its own."""

    def __init__(self, *, per_book: bool) -> None:
        self.per_book = per_book
        self.books: dict[BookId, Book] = {}
        self.tables: dict[Any, Table] = {}
        self.counters: dict[BookId, Counter[str]] = {}
        self.accounts: dict[Cell, Account] = {}
        self.added_sizes: Counter[int] = Counter()  # of the open window, by `size_bin`
        self.clock: int | None = None  # latest live ts_event

    # ---- reading

    def table_of(self, book_id: BookId) -> Any:
        return book_id if self.per_book else book_id[1]

    def resting(self, table: Any) -> Iterator[Order]:
        for book_id, book in self.books.items():
            if self.table_of(book_id) == table:
                yield from book.resting()

    def depth(self, cell: Cell) -> int:
        table, side, price = cell
        return sum(o.qty for o in self.resting(table) if o.side == side and o.price == price)

    def levels(self, table: Any, side: str) -> dict[int, tuple[int, int]]:
        """Return price -> (depth, number of orders) of the live levels, best first."""
        found: dict[int, tuple[int, int]] = {}
        for order in self.resting(table):
            if order.side == side:
                qty, count = found.get(order.price, (0, 0))
                found[order.price] = (qty + order.qty, count + 1)
        prices = sorted(found, reverse=side == "B")
        return {price: found[price] for price in prices if found[price][0] > 0}

    def rested(self, cell: Cell, end: int) -> int:
        """Return the quantity of a cell that has been at its price for 0.5 s at `end`."""
        table, side, price = cell
        return sum(
            o.qty
            for o in self.resting(table)
            if (o.side, o.price) == (side, price) and end - o.entered >= REST
        )

    def seen(self, table: Any) -> set[tuple[int, str]]:
        """Return (price, side) of all that rests in a table or was touched in this window."""
        touched = {(price, side) for t, side, price in self.accounts if t == table}
        return {(o.price, o.side) for o in self.resting(table)} | touched

    def is_whole(self, table: Any, end: int) -> bool:
        """Return whether a table's opening is known, no snapshot in progress, no book doubtful.

        What a snapshot tells with a date after the window's end is not known at that end.
        """
        summary = self.tables.get(table, Table())
        books = [b for book_id, b in self.books.items() if self.table_of(book_id) == table]
        is_known = summary.known == {"A", "B"} and summary.dated <= end
        return is_known and not any(b.in_snapshot or b.doubtful for b in books)

    def best(self, table: Any, side: str) -> int | None:
        return next(iter(self.levels(table, side)), None)

    # ---- accounting

    def account(self, cell: Cell) -> Account:
        if cell not in self.accounts:
            self.accounts[cell] = Account(self.depth(cell))
        return self.accounts[cell]

    def book_flow(self, cell: Cell, old: int, new: int, pending: int, age: int) -> None:
        account = self.account(cell)
        fill = min(pending, old)
        residual = new - old + fill
        account.fill += fill
        if residual > 0:
            account.add += residual
        else:
            account.pull -= residual
            if age >= REST:
                account.pull_rest -= residual

    def restart(self, cell: Cell) -> None:
        """After a change without flow the account begins anew from the depth there is."""
        self.accounts[cell] = Account(self.depth(cell))

    # ---- records

    def apply(self, r: Record) -> None:
        book_id = (r.publisher, r.instrument)
        book = self.books.setdefault(book_id, Book())
        table = self.tables.setdefault(self.table_of(book_id), Table())
        count = self.counters.setdefault(book_id, Counter())
        live = not r.flags & SNAPSHOT
        if live:
            if self.clock is not None and r.ts < self.clock:
                count["late_records"] += 1
            else:
                self.clock = r.ts
        count["records"] += 1
        count["action_" + r.action] += 1
        self.mark(r, book, table, count)
        if r.action in "ACM":
            self.change(r, book_id, book, table, count, live)
        elif r.action == "R":
            for order in list(book.resting()):
                cell = (self.table_of(book_id), order.side, order.price)
                self.account(cell)
                self.remove(book, order, count)
                self.restart(cell)
        elif r.action == "T":
            count["trade_volume"] += r.size
            if r.price != NULL:
                table.last_trade = r.price
            if live:
                table.trades += 1
                table.buys += r.size if r.side == "B" else 0
                table.sells += r.size if r.side == "A" else 0
        elif r.action == "F":
            self.fill(r, book, count, live)
        if r.flags & LAST:
            self.event(r, book_id, count)

    def mark(self, r: Record, book: Book, table: Table, count: Counter[str]) -> None:
        snapshot = bool(r.flags & SNAPSHOT)
        count["snapshot_records"] += snapshot
        if snapshot or r.action == "R":
            if not count["live_changes"]:
                book.opening.add("clear" if r.action == "R" else "snapshot")
            if not book.in_snapshot or r.action == "R":
                book.doubtful = False
            table.known = {"A", "B"}
            table.dated = max(table.dated, r.ts) if snapshot else table.dated
            if self.clock is not None:
                table.disturbed = True
        book.in_snapshot = snapshot and r.action != "R" and not r.flags & LAST
        if r.flags & MAYBE_BAD:
            book.doubtful = True

    def remove(self, book: Book, order: Order, count: Counter[str]) -> None:
        if order.pending is not None:
            count["expired_fills"] += 1
        book.orders = {key: other for key, other in book.orders.items() if other is not order}
        book.tops = {key: other for key, other in book.tops.items() if other is not order}

    def change(
        self,
        r: Record,
        book_id: BookId,
        book: Book,
        table: Table,
        count: Counter[str],
        live: bool,
    ) -> None:
        if r.side not in "AB":
            count["sideless_ignored"] += 1
            return
        count["live_changes"] += live
        count["snapshot_changes"] += not live
        if r.flags & TOB:
            count["tob_records"] += 1
            table.known |= {r.side}
            self.replace_side(r, book_id, book, count, live)
            return
        if r.action != "C" and r.price == NULL:
            count["null_price_ignored"] += 1
            return
        order = book.orders.get(r.order_id)
        if order is None:
            if r.action == "C":
                count["unknown_cancels"] += 1
                return
            if r.action == "M":
                count["unknown_modifies"] += 1
            self.enter(r, book_id, book, live)
            return
        pending = 0
        if order.pending is not None:
            ts, qty = order.pending
            order.pending = None
            if live and r.action != "A" and ts == r.ts:
                pending = qty
            else:
                count["expired_fills"] += 1
        if pending > order.qty:
            count["hidden_fills"] += 1
            count["hidden_fill_qty"] += pending - order.qty
        old, stays, new = order.qty, False, 0
        if r.action == "C":
            count["over_cancels"] += r.size > old
            new = max(0, old - r.size)
            stays = new > 0
        elif r.action == "A":
            count["duplicate_adds"] += 1
        elif r.side != order.side:
            count["side_changes"] += 1
        elif r.price == order.price:
            new, stays = r.size, True
        cell = (self.table_of(book_id), order.side, order.price)
        if live:
            self.book_flow(cell, old, new, pending, r.ts - order.entered)
        order.qty = new
        if not stays:
            self.remove(book, order, count)
        if not live:
            self.restart(cell)
        if not stays and r.action != "C":
            self.enter(r, book_id, book, live)

    def enter(self, r: Record, book_id: BookId, book: Book, live: bool) -> None:
        cell = (self.table_of(book_id), r.side, r.price)
        if live:
            self.book_flow(cell, 0, r.size, 0, 0)
            account = self.account(cell)
            account.added_max = max(account.added_max, r.size)
            self.added_sizes[size_bin(r.size)] += 1
        book.orders[r.order_id] = Order(r.side, r.price, r.size, r.ts)
        if not live:
            self.restart(cell)

    def replace_side(
        self, r: Record, book_id: BookId, book: Book, count: Counter[str], live: bool
    ) -> None:
        """Pull all of the side but what stands at the new price, whose difference is booked."""
        filled = r.price != NULL and r.size > 0
        table = self.table_of(book_id)
        old = [order for order in book.resting() if order.side == r.side]
        same = [order for order in old if filled and order.price == r.price]
        cells = {(table, r.side, order.price) for order in old}
        if filled:
            cells.add((table, r.side, r.price))
        for cell in cells:
            self.account(cell)
        for order in old:
            if order not in same and live:
                cell = (table, r.side, order.price)
                self.book_flow(cell, order.qty, 0, 0, r.ts - order.entered)
        entered = min((order.entered for order in same), default=r.ts)
        held = sum(order.qty for order in same)
        for order in old:
            self.remove(book, order, count)
        if filled:
            if live:
                self.book_flow((table, r.side, r.price), held, r.size, 0, r.ts - entered)
            book.tops[r.side] = Order(r.side, r.price, r.size, entered)
        if not live:
            for cell in cells:
                self.restart(cell)

    def fill(self, r: Record, book: Book, count: Counter[str], live: bool) -> None:
        if r.flags & TOB:
            count["fills_unknown_order"] += 1
            return
        if not live:
            return
        order = book.orders.get(r.order_id)
        if order is None:
            count["fills_unknown_order"] += 1
        elif order.pending is not None and order.pending[0] == r.ts:
            order.pending = (r.ts, order.pending[1] + r.size)
        else:
            count["expired_fills"] += order.pending is not None
            order.pending = (r.ts, r.size)

    def event(self, r: Record, book_id: BookId, count: Counter[str]) -> None:
        table = self.table_of(book_id)
        bid, ask = self.best(table, "B"), self.best(table, "A")
        count["events"] += 1
        kind = None
        if bid is not None and ask is not None:
            if bid > ask:
                kind = "crossed"
            elif bid == ask:
                kind = "locked"
        elif bid is not None or ask is not None:
            kind = "one_sided"
        if kind is not None:
            count[kind + "_events"] += 1
            if kind + "_first_ts" not in count:
                count[kind + "_first_ts"] = r.ts
            count[kind + "_last_ts"] = r.ts

    def total(self) -> Counter[str]:
        """Return all counts that add up, over all books, at the end of the data."""
        names = {n for c in self.counters.values() for n in c if not n.endswith("_ts")}
        out = Counter({n: sum(c[n] for c in self.counters.values()) for n in names})
        for book in self.books.values():
            out["resting_orders"] += len(book.orders)
            out["expired_fills"] += sum(o.pending is not None for o in book.orders.values())
        return out


# ---------------------------------------------------------------- windows


def size_bin(size: int) -> int:
    """Return the bin of a size: itself below 64, then eight bins from each power of two on."""
    if size < 64:
        return size
    octave = size.bit_length() - 7  # how many times 64 doubles to reach the size's power of two
    eighths = 8 * size // (64 << octave)
    return 64 + 8 * octave + eighths - 8


def naive_windows(
    records: Iterable[Record], grids: Sequence[tuple[int, int]], first_end: int, last_end: int
) -> tuple[list[Row], list[list[Row]], NaiveReplay]:
    """Return the snapshot rows, the depth and flow rows of each grid, and the replay at its end.

    A grid is the width of its cells and their number on either side of spot.
    """
    replay = NaiveReplay(per_book=False)
    snapshots: list[Row] = []
    tables: list[list[Row]] = [[] for _ in grids]
    for window in naive_closes(replay, records, first_end, last_end):
        row = snapshot_row(replay, window)
        spot = row["spot_ref_price_int"]
        window_valid = row.pop("window_valid")
        if spot is not None:
            for (width, half_width), table in zip(grids, tables, strict=True):
                table += cell_rows(replay, window, width, half_width, spot, window_valid)
            row["spot_ref_price_int"] = nearest(spot, grids[0][0])
        snapshots.append(row)
    return snapshots, tables, replay


def naive_closes(
    replay: NaiveReplay, records: Iterable[Record], first_end: int, last_end: int
) -> Iterator[int]:
    """Apply all records and stop at the close of each session window, yielding it."""
    window: int | None = None
    first, last = first_end // SECOND - 1, last_end // SECOND - 1

    def closed(target: int) -> Iterator[int]:
        """Yield the session's windows that close before `target` opens."""
        nonlocal window
        start = first if window is None else window
        for w in range(max(start, first), min(target, last + 1)):
            if w != window:
                fresh(replay)
            yield w
        fresh(replay)
        window = target

    for record in records:
        if not record.flags & SNAPSHOT:
            target = record.ts // SECOND
            if window is None or target > window:
                yield from closed(target)
        replay.apply(record)
    target = last_end // SECOND
    if window is None or target > window:
        yield from closed(target)


def fresh(replay: NaiveReplay) -> None:
    """Open a new window: no flow yet, every account starts from the depth there is."""
    replay.accounts = {}
    replay.added_sizes = Counter()
    for table in replay.tables.values():
        table.buys = table.sells = table.trades = 0
        table.disturbed = False


def spot_reference(
    last: int | None, bids: Mapping[int, object], asks: Mapping[int, object]
) -> int | None:
    """Return the spot reference from the last trade and the live levels, best first."""
    if last is not None and (last in bids or last in asks):
        return last
    bid, ask = next(iter(bids), None), next(iter(asks), None)
    if bid is None or ask is None:
        return bid if ask is None else ask
    if last is None or abs(bid - last) <= abs(ask - last):
        return bid
    return ask


def nearest(price: int, width: int) -> int:
    """Return the multiple of `width` nearest to `price`, of two as near the upper."""
    return (2 * price + width) // (2 * width) * width


def snapshot_row(replay: NaiveReplay, window: int) -> Row:
    """Return the row of the window that ends now, with the raw spot reference."""
    end = (window + 1) * SECOND
    table_id = next(iter(replay.tables), None)
    table = replay.tables.get(table_id, Table())
    bids, asks = replay.levels(table_id, "B"), replay.levels(table_id, "A")
    bid, ask = next(iter(bids), None), next(iter(asks), None)
    spot = spot_reference(table.last_trade, bids, asks)
    book_valid = replay.is_whole(table_id, end) and bid is not None and ask is not None
    return {
        "window_start_ts_ns": end - SECOND,
        "window_end_ts_ns": end,
        "best_bid_price_int": bid,
        "best_bid_qty": None if bid is None else bids[bid][0],
        "best_ask_price_int": ask,
        "best_ask_qty": None if ask is None else asks[ask][0],
        "mid_price": (bid + ask) / 2e9 if bid is not None and ask is not None else None,
        "mid_price_int": (bid + ask + 1) // 2 if bid is not None and ask is not None else None,
        "last_trade_price_int": table.last_trade,
        "spot_ref_price_int": spot,
        "book_valid": book_valid,
        "trade_qty_buy": table.buys,
        "trade_qty_sell": table.sells,
        "trade_count": table.trades,
        "added_sizes": dict(replay.added_sizes),
        "window_valid": book_valid and not table.disturbed and spot is not None and spot > 0,
    }


def cell_rows(
    replay: NaiveReplay, window: int, width: int, half_width: int, spot: int, window_valid: bool
) -> Iterator[Row]:
    """Yield the rows of a grid at the close of a window."""
    end = (window + 1) * SECOND
    table_id = next(iter(replay.tables))
    centre = nearest(spot, width)
    bests = {side: replay.best(table_id, side) for side in "AB"}
    cells: dict[tuple[int, str], list[int]] = {}
    for price, side in replay.seen(table_id):
        cells.setdefault((nearest(price, width), side), []).append(price)
    for (cell, side), prices in sorted(cells.items()):
        if abs(cell - centre) > half_width * width:
            continue
        a, depth, rest = Account(0), 0, 0
        for price in prices:
            here = replay.depth((table_id, side, price))
            a = a.plus(replay.accounts.get((table_id, side, price), Account(here)))
            depth += here
            rest += replay.rested((table_id, side, price), end)
        if not (a.start or depth or a.add or a.pull or a.fill):
            continue
        best = bests[side]
        yield {
            "window_start_ts_ns": end - SECOND,
            "window_end_ts_ns": end,
            "price_int": cell,
            "side": side,
            "spot_ref_price_int": centre,
            "rel_ticks": (cell - centre) // width,
            "rel_ticks_side": None if best is None else (cell - nearest(best, width)) // width,
            "depth_qty_start": a.start,
            "depth_qty_end": depth,
            "add_qty": a.add,
            "pull_qty": a.pull,
            "depth_qty_rest": rest,
            "pull_qty_rest": a.pull_rest,
            "fill_qty": a.fill,
            "window_valid": window_valid,
            "added_max": a.added_max,
        }


# ---------------------------------------------------------------- events


def naive_tops(
    records: Iterable[Record], levels: int, *, every_record: bool = False, per_book: bool = True
) -> tuple[list[tuple[int, list[tuple[int, int, int] | None]]], NaiveReplay]:
    """Return, for each record with F_LAST, its index and (price, size, count) of bid 0, ask 0, …"""
    replay = NaiveReplay(per_book=per_book)
    rows = []
    for index, record in enumerate(records):
        replay.apply(record)
        if record.flags & LAST or every_record:
            table = replay.table_of((record.publisher, record.instrument))
            rows.append((index, naive_levels(replay, table, levels)))
    return rows, replay


def naive_levels(replay: NaiveReplay, table: Any, levels: int) -> list[tuple[int, int, int] | None]:
    """Return (price, size, count) of a table's bid 0, ask 0, bid 1, …, None where there is none."""
    bids = [(p, *v) for p, v in replay.levels(table, "B").items()]
    asks = [(p, *v) for p, v in replay.levels(table, "A").items()]
    row: list[tuple[int, int, int] | None] = []
    for level in range(levels):
        row += [side[level] if level < len(side) else None for side in (bids, asks)]
    return row
