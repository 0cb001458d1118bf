"""A minute of the day replayed order by order: a second book, slow and obvious.

Every flow of a window comes from some order's life, so the orders that a record of the minute names
are followed from their first record on, each on its own: no levels, no engine. What they add, pull
and fill in the minute must be what the depth table says, exactly, and so must what of a second's
depth has not rested: an order too young for that came in the same second.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from spymaster_assets.checks.executions import Windows
from spymaster_assets.checks.subject import Subject, relation
from spymaster_assets.checks.unavailable import UnavailableError
from spymaster_resources.lake import StagedPartition
from spymaster_resources.trading_calendar import SECOND_NS

MINUTE: Final = 60
_F_SNAPSHOT: Final = 32
_F_TOB: Final = 64
REST_NS: Final = SECOND_NS // 2


class Place(NamedTuple):
    """Where a flow is booked."""

    window: int
    """Number of the window since the epoch."""
    price_int: int
    side: str
    strike: int
    """0 where the instrument is no option, `right` empty."""
    right: str


@dataclass
class Flow:
    """What orders did at a place in one window."""

    add_qty: int = 0
    pull_qty: int = 0
    pull_qty_rest: int = 0
    fill_qty: int = 0
    unrested_qty: int = 0
    """Of the depth at the window's end what came to its price less than half a second before."""


@dataclass
class _Order:
    side: str
    price: int
    qty: int
    entered_ns: int
    pending: int = 0
    pending_ns: int = 0


Flows = Mapping[Place, Flow]


def minute_of(bronze: StagedPartition, windows: Windows) -> Windows:
    """Return the windows of a minute that the name of bronze decides, so that it repeats."""
    name = f"{bronze.dataset}|{bronze.symbol}|{bronze.dt}"
    random = np.random.default_rng(np.frombuffer(name.encode(), np.uint8))
    first = int(random.integers(max(1, windows.count - MINUTE)))
    first_ns = windows.first_ns + first * SECOND_NS
    return Windows(first_ns, min(first_ns + (MINUTE - 1) * SECOND_NS, windows.last_ns))


def flows_of_minute(
    subject: Subject,
    bronze: StagedPartition,
    minute: Windows,
    bounds: Sequence[int],
    instruments: Collection[int] | None = None,
) -> Flows:
    """Return the flows of a minute's windows, of some instruments or of all.

    bounds: the first row of every window, and the row behind the last.

    Raises UnavailableError where TOB records or a clear make other accounts than those of single
    orders, or a snapshot's orders are dated later than the minute begins.
    """
    start_row, stop_row = bounds[0], bounds[-1]
    refuse_later_snapshot(subject, bronze, minute, stop_row)
    if stop_row == start_row:
        return {}
    rows = relation(bronze.files)
    before = f"file_row_number < {stop_row}"
    inside = f"file_row_number >= {start_row} AND {before}"
    if instruments is not None:
        inside += f" AND instrument_id IN ({', '.join(map(str, instruments)) or -1})"
    unusual = subject.one(
        f"SELECT count(*) FILTER (action = 'R') AS clear, "
        f"count(*) FILTER (flags & {_F_SNAPSHOT} <> 0) AS snapshot, (SELECT count(*) FILTER "
        f"(flags & {_F_TOB} <> 0) FROM {rows} WHERE {before}) AS tob FROM {rows} WHERE {inside}"
    )
    for what, count in unusual.items():
        if count:
            raise UnavailableError(f"{count} {what} records change the book in the minute")
    option = 'strike, "right"' if "option" in bronze.dataset else "0 AS strike, '' AS \"right\""
    columns = (
        "file_row_number, coalesce(ts_event, -1) AS ts_event, publisher_id, instrument_id, "
        f"order_id, action, side, coalesce(price, -1) AS price, size, flags, {option}"
    )
    # What else is left out of these below: a filter more makes DuckDB ten times slower here.
    records = subject.connection.execute(
        f"SELECT {columns} FROM {rows} WHERE {before} AND order_id IN (SELECT order_id "
        f"FROM {rows} WHERE {inside} AND action IN ('A', 'C', 'M', 'F')) UNION ALL "
        f"SELECT {columns} FROM {rows} WHERE {before} AND action = 'R' ORDER BY file_row_number"
    )
    return _replay(records, bounds, minute.first_ns // SECOND_NS - 1, instruments)


def refuse_later_snapshot(
    subject: Subject, bronze: StagedPartition, minute: Windows, stop_row: int
) -> None:
    """Raise UnavailableError where a snapshot put into the book what is dated within the minute.

    It is too young to have rested until its time comes, whatever records the minute has.
    """
    found = subject.one(
        f"SELECT count(*) AS later FROM {relation(bronze.files)} WHERE file_row_number < {stop_row}"
        f" AND ts_event >= {minute.bounds[0]} AND flags & {_F_SNAPSHOT} <> 0"
    )
    if found["later"]:
        raise UnavailableError(f"{found['later']} snapshot records are dated after it began")


def window_of(row: int, bounds: Sequence[int], first_window: int) -> int:
    """Return the number since the epoch of the window of a row, −1 before the minute.

    bounds: the first row of every window of the minute, the first of which has number first_window.
    """
    place = bisect_right(bounds, row) - 1
    return first_window + place if place >= 0 else -1


def is_young(since_ns: int, window: int) -> bool:
    """Return whether what came at a time has not rested when a window ends, its number given."""
    return (window + 1) * SECOND_NS - since_ns < REST_NS


def _replay(
    records: Any, bounds: Sequence[int], first_window: int, instruments: Collection[int] | None
) -> Flows:
    flows: dict[Place, Flow] = defaultdict(Flow)
    orders: dict[tuple[int, int, int], _Order] = {}
    while batch := records.fetchmany(10_000):
        for row in batch:
            number, ts, publisher, instrument, order_id, action, side, price, size, flags = row[:10]
            if instruments is not None and instrument not in instruments:
                continue
            if action == "R":
                for key in [k for k in orders if k[:2] == (publisher, instrument)]:
                    del orders[key]
                continue
            window = window_of(number, bounds, first_window)
            book = _Booking(flows, window, ts, *row[10:])
            key = (publisher, instrument, order_id)
            if action == "F":
                _remember_fill(orders.get(key), size, ts)
            elif action in "ACM" and side in "AB":
                _change(orders, key, book, action, side, price, size, bool(flags & _F_SNAPSHOT))
    return flows


def _remember_fill(order: _Order | None, size: int, ts: int) -> None:
    if order is not None:
        order.pending = size + (order.pending if order.pending_ns == ts else 0)
        order.pending_ns = ts


class _Booking(NamedTuple):
    """Where the changes that one record makes are booked."""

    flows: dict[Place, Flow]
    window: int
    """−1 before the minute: nothing is booked."""
    ts: int
    strike: int
    right: str

    def change(self, order: _Order, new: int, pending: int) -> None:
        """Book the change of an order's quantity at its price to `new`."""
        if self.window < 0:
            return
        flow = self.flows[Place(self.window, order.price, order.side, self.strike, self.right)]
        fill = min(pending, order.qty)
        residual = new - order.qty + fill
        flow.fill_qty += fill
        flow.add_qty += max(residual, 0)
        pull = max(-residual, 0)
        flow.pull_qty += pull
        if self.ts - order.entered_ns >= REST_NS:
            flow.pull_qty_rest += pull
        if is_young(order.entered_ns, self.window):
            flow.unrested_qty += new - order.qty


def _change(
    orders: dict[tuple[int, int, int], _Order],
    key: tuple[int, int, int],
    book: _Booking,
    action: str,
    side: str,
    price: int,
    size: int,
    snapshot: bool,
) -> None:
    if action != "C" and price < 0:
        return
    old = orders.get(key)
    if old is None and action == "C":
        return
    if old is not None:
        settles = action != "A" and not snapshot and old.pending_ns == book.ts
        pending, old.pending = (old.pending if settles else 0), 0
        stays = action == "C" or (action == "M" and (old.side, old.price) == (side, price))
        new = max(old.qty - size, 0) if action == "C" else size if stays else 0
        book.change(old, new, pending)
        old.qty = new
        if stays and (action == "M" or new > 0):
            return
        del orders[key]
        if action == "C":
            return
    order = _Order(side, price, 0, book.ts)
    book.change(order, size, 0)
    order.qty = size
    orders[key] = order
