"""A minute of the day replayed order by order: a second book, slow and obvious.

Every flow of a window comes from some order's life, so the orders that a record of the minute names
are followed from their first record on, each on its own: no levels, no engine. What they add, pull
and fill in the minute must be what the depth table says, exactly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from spymaster_assets.checks.executions import Executions
from spymaster_assets.checks.subject import Subject, UnavailableError, relation
from spymaster_resources.lake import StagedPartition
from spymaster_resources.trading_calendar import SECOND_NS

MINUTE: Final = 60
_F_SNAPSHOT: Final = 32
_F_TOB: Final = 64
_REST_NS: Final = SECOND_NS // 2


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


@dataclass
class _Order:
    side: str
    price: int
    qty: int
    entered_ns: int
    pending: int = 0
    pending_ns: int = 0


Flows = Mapping[Place, Flow]


def random_minute(subject: Subject, windows: int) -> int:
    """Return the first window of a minute that the partition's name decides, so that it repeats."""
    name = f"{subject.partition.dataset}|{subject.partition.symbol}|{subject.partition.dt}"
    seed = np.frombuffer(name.encode(), np.uint8)
    return int(np.random.default_rng(seed).integers(max(1, windows - MINUTE)))


def flows_of_minute(
    subject: Subject, bronze: StagedPartition, done: Executions, first: int, first_window: int
) -> Flows:
    """Return the flows of windows `first` to `first + 60` of the session.

    first_window: number since the epoch of the session's window 0. Raises UnavailableError where
    TOB records or a clear make other accounts than those of single orders.
    """
    stop = min(first + MINUTE, done.first_row.size - 1)
    rows = relation(bronze.files)
    start_row, stop_row = int(done.first_row[first]), int(done.first_row[stop])
    if stop_row == start_row:
        return {}
    option = 'strike, "right"' if "option" in bronze.dataset else "0 AS strike, '' AS \"right\""
    inside = f"file_row_number >= {start_row} AND file_row_number < {stop_row}"
    unusual = subject.one(
        f"SELECT count(*) FILTER (flags & {_F_TOB} <> 0) AS tob, "
        f"count(*) FILTER (action = 'R' AND {inside}) AS clear, "
        f"count(*) FILTER (flags & {_F_SNAPSHOT} <> 0 AND {inside}) AS snapshot "
        f"FROM {rows} WHERE file_row_number < {stop_row}"
    )
    for what, count in unusual.items():
        if count:
            raise UnavailableError(f"{count} {what} records change the book in the minute")
    records = subject.connection.execute(
        "SELECT file_row_number, coalesce(ts_event, -1), publisher_id, instrument_id, order_id, "
        f"action, side, coalesce(price, -1), size, flags, {option} FROM {rows} "
        f"WHERE file_row_number < {stop_row} AND (action = 'R' OR ((publisher_id, instrument_id, "
        f"order_id) IN (SELECT (publisher_id, instrument_id, order_id) FROM {rows} WHERE {inside} "
        "AND action IN ('A', 'C', 'M', 'F')) AND action IN ('A', 'C', 'M', 'F'))) "
        "ORDER BY file_row_number"
    )
    window_of = _windows(done, first, stop, first_window)
    return _replay(records, window_of)


def _windows(done: Executions, first: int, stop: int, first_window: int) -> Callable[[int], int]:
    """Return a function that gives the window of a row, −1 before the minute."""
    bounds = done.first_row[first : stop + 1]

    def window_of(row: int) -> int:
        place = int(np.searchsorted(bounds, row, side="right")) - 1
        return first_window + first + place if place >= 0 else -1

    return window_of


def _replay(records: Any, window_of: Callable[[int], int]) -> Flows:
    flows: dict[Place, Flow] = defaultdict(Flow)
    orders: dict[tuple[int, int, int], _Order] = {}
    while batch := records.fetchmany(10_000):
        for row in batch:
            number, ts, publisher, instrument, order_id, action, side, price, size, flags = row[:10]
            if action == "R":
                for key in [k for k in orders if k[:2] == (publisher, instrument)]:
                    del orders[key]
                continue
            window = window_of(number)
            book = _Booking(flows, window, ts, *row[10:])
            key = (publisher, instrument, order_id)
            if action == "F":
                _remember_fill(orders.get(key), size, ts)
            elif side in "AB":
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
        if self.ts - order.entered_ns >= _REST_NS:
            flow.pull_qty_rest += pull


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
