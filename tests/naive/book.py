"""The book's rules once more, with dicts and lists: slow, and meant to be obviously right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
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
    disturbed: bool = False


class NaiveReplay:
    """Books, accounts and counters; `per_book` makes every book a table of its own."""

    def __init__(self, *, per_book: bool) -> None:
        self.per_book = per_book
        self.books: dict[BookId, Book] = {}
        self.tables: dict[Any, Table] = {}
        self.counters: dict[BookId, Counter[str]] = {}
        self.accounts: dict[Cell, Account] = {}
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
            if self.clock is not None:
                table.disturbed = True
        book.in_snapshot = snapshot and not r.flags & LAST
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


def naive_windows(
    records: Iterable[Record], tick: int, half_width: int, first_end: int, last_end: int
) -> tuple[list[Row], list[Row], NaiveReplay]:
    """Return the snapshot rows, the depth and flow rows, and the replay at its end."""
    replay = NaiveReplay(per_book=False)
    snapshots: list[Row] = []
    cells: list[Row] = []
    window: int | None = None

    def close_through(target: int) -> None:
        """Close windows up to (not with) `target`, emitting those of the session."""
        nonlocal window
        first, last = first_end // SECOND - 1, last_end // SECOND - 1
        start = first if window is None else window
        for w in range(max(start, first), min(target, last + 1)):
            if w != window:
                fresh(replay)
            emit(replay, w, tick, half_width, snapshots, cells)
        fresh(replay)
        window = target

    for record in records:
        if not record.flags & SNAPSHOT:
            target = record.ts // SECOND
            if window is None or target > window:
                close_through(target)
        replay.apply(record)
    target = last_end // SECOND
    if window is None or target > window:
        close_through(target)
    return snapshots, cells, replay


def fresh(replay: NaiveReplay) -> None:
    """Open a new window: no flow yet, every account starts from the depth there is."""
    replay.accounts = {}
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


def emit(
    replay: NaiveReplay,
    window: int,
    tick: int,
    half_width: int,
    snapshots: list[Row],
    cells: list[Row],
) -> None:
    """Append the rows of the window that ends now."""
    end = (window + 1) * SECOND
    table_id = next(iter(replay.tables), None)
    table = replay.tables.get(table_id, Table())
    bids, asks = replay.levels(table_id, "B"), replay.levels(table_id, "A")
    bid, ask = next(iter(bids), None), next(iter(asks), None)
    spot = spot_reference(table.last_trade, bids, asks)
    two_sided = bid is not None and ask is not None
    book_valid = (
        table.known == {"A", "B"}
        and two_sided
        and not any(book.in_snapshot or book.doubtful for book in replay.books.values())
    )
    window_valid = book_valid and not table.disturbed and spot is not None and spot > 0
    snapshots.append(
        {
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
        }
    )
    if spot is None:
        return
    prices = {(o.price, o.side) for o in replay.resting(table_id)}
    prices |= {(price, side) for _, side, price in replay.accounts}
    for price, side in sorted(prices):
        if abs(price - spot) > half_width * tick:
            continue
        depth = replay.depth((table_id, side, price))
        a = replay.accounts.get((table_id, side, price), Account(depth))
        if not (a.start or depth or a.add or a.pull or a.fill):
            continue
        best = bid if side == "B" else ask
        rest = sum(
            o.qty
            for o in replay.resting(table_id)
            if (o.price, o.side) == (price, side) and end - o.entered >= REST
        )
        cells.append(
            {
                "window_start_ts_ns": end - SECOND,
                "window_end_ts_ns": end,
                "price_int": price,
                "side": side,
                "spot_ref_price_int": spot,
                "rel_ticks": exact(price - spot, tick),
                "rel_ticks_side": None if best is None else exact(price - best, tick),
                "depth_qty_start": a.start,
                "depth_qty_end": depth,
                "add_qty": a.add,
                "pull_qty": a.pull,
                "depth_qty_rest": rest,
                "pull_qty_rest": a.pull_rest,
                "fill_qty": a.fill,
                "window_valid": window_valid,
            }
        )


def exact(distance: int, tick: int) -> int:
    """Return distance / tick, which must be a whole number."""
    assert distance % tick == 0
    return distance // tick


# ---------------------------------------------------------------- events


def naive_tops(
    records: Iterable[Record], levels: int
) -> tuple[list[tuple[int, list[tuple[int, int, int] | None]]], NaiveReplay]:
    """Return, for each record with F_LAST, its index and (price, size, count) of bid 0, ask 0, …"""
    replay = NaiveReplay(per_book=True)
    rows = []
    for index, record in enumerate(records):
        replay.apply(record)
        if record.flags & LAST:
            book_id = (record.publisher, record.instrument)
            row: list[tuple[int, int, int] | None] = []
            bids = [(p, *v) for p, v in replay.levels(book_id, "B").items()]
            asks = [(p, *v) for p, v in replay.levels(book_id, "A").items()]
            for level in range(levels):
                row += [side[level] if level < len(side) else None for side in (bids, asks)]
            rows.append((index, row))
    return rows, replay
