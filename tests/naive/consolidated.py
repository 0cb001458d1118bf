"""Consolidated quotes once more, with dicts and lists: slow, and meant to be obviously right.

It shares nothing with the simulated exchange nor with the book engines.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

SECOND = 1_000_000_000
REST = SECOND // 2
NULL = 2**63 - 1
LAST, SNAPSHOT, MAYBE_BAD = 128, 32, 4

Row = dict[str, Any]


class Quote(NamedTuple):
    """One record of the consolidated tape."""

    action: str = "A"
    side: str = "N"
    price: int = NULL
    size: int = 0
    bid: int = NULL
    bid_qty: int = 0
    ask: int = NULL
    ask_qty: int = 0
    ts: int = 0
    flags: int = LAST
    publisher: int = 30
    instrument: int = 1
    strike: int = 0
    right: str = "C"


class Flow(NamedTuple):
    """Quantities of one window and side of an option."""

    start: int
    end: int
    add: int
    pull: int
    fill: int
    rest: int
    pull_rest: int
    add_reprice: int
    pull_reprice: int


Book = tuple[int, int]  # publisher, instrument


class Tally:
    """Counts over all records, and over those of each publisher and instrument."""

    def __init__(self) -> None:
        self.total: Counter[str] = Counter()
        self.books: dict[Book, Counter[str]] = {}
        self.book: Book = (0, 0)

    def add(self, name: str, n: int = 1) -> None:
        self.total[name] += n
        self.books.setdefault(self.book, Counter())[name] += n

    def note(self, name: str, ts: int) -> None:
        """Count an event of some kind and remember the first and the last."""
        for count in (self.total, self.books.setdefault(self.book, Counter())):
            count[name + "_events"] += 1
            if name + "_first_ts" not in count:
                count[name + "_first_ts"] = ts
            count[name + "_last_ts"] = ts


class Side:
    """One side of an option's best bid and offer."""

    def __init__(self, tally: Tally, additions: list[int]) -> None:
        self.tally = tally
        self.additions = additions
        self.price: int | None = None
        self.size = 0
        self.since = 0
        self.pending = 0
        self.other: Side | None = None
        self.clear()

    def clear(self) -> None:
        """Begin the account anew from what is displayed."""
        self.start = self.size
        self.add = self.pull = self.fill = 0
        self.pull_rest = self.add_reprice = self.pull_reprice = 0

    def show(self, price: int | None, size: int, ts: int) -> None:
        if price == self.price:
            if size > self.size:
                self._come(size - self.size)
            elif size < self.size:
                self._leave(self.size - size, ts)
        else:
            pulled = self._leave(self.size, ts) if self.price is not None else 0
            if self.pending:
                self.tally.add("hidden_fills")
                self.tally.add("hidden_fill_qty", self.pending)
            if price is not None:
                self._come(size)
                if self.price is not None:
                    self.add_reprice += size
                    self.pull_reprice += pulled
            self.since = ts
            self.pending = 0
        self.price, self.size = price, size

    def place(self, price: int | None, size: int, ts: int) -> None:
        """Change without flow."""
        self.tally.add("expired_fills", self.pending > 0)
        self.pending = 0
        if price != self.price:
            self.since = ts
        self.price, self.size = price, size
        self.clear()

    def _come(self, qty: int) -> None:
        self.add += qty
        self.additions.append(qty)

    def _leave(self, qty: int, ts: int) -> int:
        fill = min(qty, self.pending)
        self.pending -= fill
        if self.other is not None and self.other.price == self.price:
            self.other.pending = max(0, self.other.pending - fill)
        self.fill += fill
        pulled = qty - fill
        self.pull += pulled
        if ts - self.since >= REST:
            self.pull_rest += pulled
        return pulled

    def flow(self, end: int) -> Flow:
        rest = self.size if end - self.since >= REST else 0
        return Flow(
            self.start, self.size, self.add, self.pull, self.fill, rest, self.pull_rest,
            self.add_reprice, self.pull_reprice,
        )  # fmt: skip


class Option:
    """One instrument: its quote and what is known of its state."""

    def __init__(self, first: Quote, tally: Tally, additions: list[int]) -> None:
        self.strike, self.right = first.strike, first.right
        self.sides = {name: Side(tally, additions) for name in "BA"}
        self.sides["A"].other, self.sides["B"].other = self.sides["B"], self.sides["A"]
        self.in_snapshot = self.doubtful = self.disturbed = self.changed = False
        self.opening: set[str] = set()

    @property
    def doubted(self) -> bool:
        return self.in_snapshot or self.doubtful


class NaiveQuotes:
    """Quotes, accounts and counters, record by record."""

    def __init__(self) -> None:
        self.options: dict[int, Option] = {}
        self.tally = Tally()
        self.additions: list[int] = []
        """Of the open window, over all options."""
        self.clock: int | None = None  # latest live ts_event

    def apply(self, r: Quote) -> None:
        tally = self.tally
        tally.book = (r.publisher, r.instrument)
        new = Option(r, tally, self.additions)
        option = self.options.setdefault(r.instrument, new)
        live = not r.flags & SNAPSHOT
        if live:
            if self.clock is not None and r.ts < self.clock:
                tally.add("late_records")
            else:
                self.clock = r.ts
        tally.add("records")
        tally.add("action_" + r.action)
        tally.add("snapshot_records", not live)
        self.mark(r, option)
        if r.action == "R":
            for side in option.sides.values():
                side.place(None, 0, r.ts)
        elif r.action in "ACMT":
            tally.add("snapshot_changes", not live)
            option.changed |= live
            self.change(r, option, live=live)
        if r.flags & LAST:
            self.event(r, option)

    def change(self, r: Quote, option: Option, *, live: bool) -> None:
        traded = r.action == "T" and live and r.price != NULL and r.size > 0
        if r.action == "T":
            self.tally.add("trade_volume", r.size)
        waits = traded and self.wait(r, option)
        for name, price, size in (("B", r.bid, r.bid_qty), ("A", r.ask, r.ask_qty)):
            there = price != NULL and size > 0
            side = option.sides[name]
            change = side.show if live else side.place
            change(price if there else None, size if there else 0, r.ts)
        if traded and not waits:
            self.tally.add("fills_unknown_order", not self.wait(r, option))

    def wait(self, r: Quote, option: Option) -> bool:
        """Let the traded quantity wait where it may have met someone."""
        met = [
            side for name, side in option.sides.items() if name != r.side and side.price == r.price
        ]
        for side in met:
            side.pending += r.size
        return bool(met)

    def mark(self, r: Quote, option: Option) -> None:
        snapshot = bool(r.flags & SNAPSHOT)
        if (snapshot or r.action == "R") and not option.changed:
            option.opening.add("clear" if r.action == "R" else "snapshot")
        if self.clock is not None and (snapshot or r.action == "R" or r.flags & MAYBE_BAD):
            option.disturbed = True
        option.in_snapshot = snapshot and not r.flags & LAST
        if r.action in "ACMTR":  # a whole quote
            option.doubtful = False
        if r.flags & MAYBE_BAD:
            option.doubtful = True

    def event(self, r: Quote, option: Option) -> None:
        bid, ask = option.sides["B"].price, option.sides["A"].price
        self.tally.add("events")
        if bid is not None and ask is not None:
            if bid > ask:
                self.tally.note("crossed", r.ts)
            elif bid == ask:
                self.tally.add("locked_events")
        elif bid is not None or ask is not None:
            self.tally.note("one_sided", r.ts)

    def total(self) -> Counter[str]:
        """Return all counts at the end of the data."""
        waiting = sum(s.pending > 0 for o in self.options.values() for s in o.sides.values())
        return self.tally.total + Counter({"expired_fills": waiting})


class Windows(NamedTuple):
    """Rows of the two tables, and the additions of each window, sorted."""

    quotes: list[Row]
    cells: list[Row]
    additions: list[list[int]]


def quote_windows(
    records: Iterable[Quote],
    spots: Mapping[int, int | None],
    *,
    step: int,
    rel_tick: int,
    half_width: int,
) -> tuple[Windows, NaiveQuotes]:
    """Return the rows of the session whose window ends are the keys of `spots`."""
    replay = NaiveQuotes()
    out = Windows([], [], [])
    ends = sorted(spots)
    window: int | None = None

    def close_through(target: int) -> None:
        """Close windows up to (not with) `target`, emitting those of the session."""
        nonlocal window
        for end in ends:
            this = end // SECOND - 1
            if this >= target or (window is not None and this < window):
                continue
            if this != window:
                fresh(replay)
            _emit(replay, end, spots[end], (step, rel_tick, half_width), out)
        fresh(replay)
        window = target

    for record in records:
        if not record.flags & SNAPSHOT:
            target = record.ts // SECOND
            if window is None or target > window:
                close_through(target)
        replay.apply(record)
    target = ends[-1] // SECOND
    if window is None or target > window:
        close_through(target)
    return out, replay


def fresh(replay: NaiveQuotes) -> None:
    """Open a new window."""
    replay.additions.clear()
    for option in replay.options.values():
        option.disturbed = False
        for side in option.sides.values():
            side.clear()


def _emit(
    replay: NaiveQuotes, end: int, spot: int | None, grid: tuple[int, int, int], out: Windows
) -> None:
    step, rel_tick, half_width = grid
    times = {"window_start_ts_ns": end - SECOND, "window_end_ts_ns": end}
    for number, option in sorted(replay.options.items()):
        bid, ask = option.sides["B"], option.sides["A"]
        if bid.price is None and ask.price is None:
            continue
        total = None if bid.price is None or ask.price is None else bid.price + ask.price
        out.quotes.append(
            {
                **times,
                "instrument_id": number,
                "right": option.right,
                "strike_price_int": option.strike,
                "bid_price_int": bid.price,
                "bid_qty": bid.size or None,
                "ask_price_int": ask.price,
                "ask_qty": ask.size or None,
                "mid_price_int": None if total is None else (total + 1) // 2,
                "mid_price": None if total is None else total / 2e9,
                "spot_ref_price_int": spot,
                "book_valid": total is not None and not option.doubted,
            }
        )
    out.additions.append(sorted(replay.additions))
    if spot is None:
        return
    centre = (2 * spot + step) // (2 * step) * step
    for strike in range(centre - half_width * step, centre + half_width * step + 1, step):
        for right in "CP":
            listed = [o for o in replay.options.values() if (o.strike, o.right) == (strike, right)]
            for name in "AB":
                flows = [option.sides[name].flow(end) for option in listed]
                flow = Flow(*map(sum, zip(*flows, strict=True))) if flows else Flow(*[0] * 9)
                assert (strike - spot) % rel_tick == 0
                out.cells.append(
                    {
                        **times,
                        "strike_price_int": strike,
                        "strike_points": strike / 1e9,
                        "right": right,
                        "side": name,
                        "spot_ref_price_int": spot,
                        "rel_ticks": (strike - spot) // rel_tick,
                        "depth_qty_start": flow.start,
                        "depth_qty_end": flow.end,
                        "add_qty": flow.add,
                        "pull_qty": flow.pull,
                        "pull_qty_rest": flow.pull_rest,
                        "fill_qty": flow.fill,
                        "depth_qty_rest": flow.rest,
                        "add_reprice_qty": flow.add_reprice,
                        "pull_reprice_qty": flow.pull_reprice,
                        "window_valid": spot > 0
                        and not any(option.doubted or option.disturbed for option in listed),
                    }
                )


def windows(
    records: npt.NDArray[np.void], ends: list[int]
) -> dict[int, dict[str, list[tuple[Flow, int | None, int]]]]:
    """Return (flow, price, size) of each side and window of one option, by window end."""
    replay = NaiveQuotes()
    found: dict[int, dict[str, list[tuple[Flow, int | None, int]]]] = defaultdict(dict)
    waiting = list(ends)

    def close_until(ts: int) -> None:
        while waiting and waiting[0] <= ts:
            end = waiting.pop(0)
            sides = {name: Side(Tally(), []) for name in "AB"}
            for option in replay.options.values():
                sides = option.sides
            found[end] = {
                name: [(side.flow(end), side.price, side.size)] for name, side in sides.items()
            }
            fresh(replay)

    for quote in tape(records):
        close_until(quote.ts)
        replay.apply(quote)
    close_until(2**62)
    return found


def tape(records: npt.NDArray[np.void]) -> Iterable[Quote]:
    """Yield vendor records as quotes of one unnamed option."""
    for r in records:
        yield Quote(
            action=r["action"].decode(),
            side=r["side"].decode(),
            price=int(r["price"]),
            size=int(r["size"]),
            bid=int(r["bid_px_00"]),
            bid_qty=int(r["bid_sz_00"]),
            ask=int(r["ask_px_00"]),
            ask_qty=int(r["ask_sz_00"]),
            ts=int(r["ts_event"]),
            flags=int(r["flags"]),
        )
