"""A minute of consolidated quotes replayed quote by quote: a second account, slow and obvious.

What a quote displays at its bid and at its ask is compared with what it displayed before. A side is
followed from its first change of price on, in the minutes before or within; what was displayed at
a price that stood before that is not known whole (when it came, what of it waits to be filled).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from spymaster_assets.checks.executions import Windows, rows_at
from spymaster_assets.checks.minute import (
    MINUTE,
    REST_NS,
    Flow,
    Place,
    is_young,
    refuse_later_snapshot,
    window_of,
)
from spymaster_assets.checks.subject import Subject, relation
from spymaster_resources.lake import StagedPartition
from spymaster_resources.trading_calendar import SECOND_NS

_BEFORE_WINDOWS: Final = 2 * MINUTE
_F_SNAPSHOT: Final = 32
_AGAINST: Final = {"A": "B", "B": "A", "N": "AB"}
"""The sides that a trade may have met, by its aggressor."""


@dataclass
class QuoteFlow(Flow):
    """What was displayed and went at a place in one window."""

    add_reprice_qty: int = 0
    pull_reprice_qty: int = 0


class QuoteFlows(NamedTuple):
    """The flows of a minute, and the places of which they are not known whole."""

    known: Mapping[Place, QuoteFlow]
    unknown: set[Place]


@dataclass
class _Side:
    price: int | None = None
    qty: int = 0
    since_ns: int = 0
    pending: int = 0
    is_followed: bool = False


class _Record(NamedTuple):
    """Columns of bronze."""

    file_row_number: int
    ts_event: int
    instrument_id: int
    action: str
    side: str
    price: int | None
    size: int
    flags: int
    bid_px_00: int | None
    bid_sz_00: int
    ask_px_00: int | None
    ask_sz_00: int

    def shows(self, side: str) -> tuple[int | None, int]:
        """Return the price and quantity of a side, None and 0 where there is none."""
        price = self.bid_px_00 if side == "B" else self.ask_px_00
        qty = self.bid_sz_00 if side == "B" else self.ask_sz_00
        return (price, qty) if price is not None and qty > 0 else (None, 0)


@dataclass
class _Replay:
    minute: Windows
    bounds: list[int]
    options: Mapping[int, tuple[int, str]]
    quotes: dict[int, dict[str, _Side]] = field(default_factory=dict)
    flows: dict[Place, QuoteFlow] = field(default_factory=lambda: defaultdict(QuoteFlow))
    unknown: set[Place] = field(default_factory=set)

    def apply(self, record: _Record) -> None:
        """Follow one record of a quote."""
        sides = self.quotes.setdefault(record.instrument_id, {"B": _Side(), "A": _Side()})
        if record.action == "R" or record.flags & _F_SNAPSHOT:
            for side in "BA":
                price, qty = (None, 0) if record.action == "R" else record.shows(side)
                sides[side] = _Side(price, qty, record.ts_event)
                self.unknown.add(self._place(record, side))
            return
        is_trade = record.action == "T" and record.price is not None and record.size > 0
        waits = is_trade and _wait(sides, record)
        self._show(sides["B"], sides["A"], record, "B")
        self._show(sides["A"], sides["B"], record, "A")
        if is_trade and not waits:
            _wait(sides, record)

    def _show(self, side: _Side, other: _Side, record: _Record, name: str) -> None:
        price, qty = record.shows(name)
        moved = price != side.price
        left = side.qty if moved else max(side.qty - qty, 0)
        came = qty - (side.qty - left)
        fill = min(side.pending, left)
        if other.price == side.price:  # locked: a trade of side N waits at both
            other.pending -= min(other.pending, fill)
        side.pending -= fill
        if left or came:
            place = self._place(record, name)
            flow = self.flows[place]
            flow.add_qty += came
            flow.fill_qty += fill
            flow.pull_qty += left - fill
            if record.ts_event - side.since_ns >= REST_NS:
                flow.pull_qty_rest += left - fill
            if is_young(record.ts_event if moved else side.since_ns, place.window):
                flow.unrested_qty += came
            if is_young(side.since_ns, place.window):
                flow.unrested_qty -= left
            if moved and side.qty and qty:
                flow.add_reprice_qty += came
                flow.pull_reprice_qty += left - fill
        if not side.is_followed:
            self.unknown.add(self._place(record, name))
        side.qty = qty
        if moved:
            side.price, side.since_ns = price, record.ts_event
            side.pending, side.is_followed = 0, True

    def _place(self, record: _Record, side: str) -> Place:
        first = self.minute.first_ns // SECOND_NS - 1
        window = window_of(record.file_row_number, self.bounds, first)
        strike, right = self.options[record.instrument_id]
        return Place(window, 0, side, strike, right)


def _wait(sides: Mapping[str, _Side], record: _Record) -> bool:
    """Let a trade wait at the sides whose price it has; return whether there was one."""
    met = [sides[s] for s in _AGAINST[record.side] if sides[s].price == record.price]
    for side in met:
        side.pending += record.size
    return bool(met)


def quote_flows_of_minute(
    subject: Subject,
    bronze: StagedPartition,
    minute: Windows,
    options: Mapping[int, tuple[int, str]],
) -> QuoteFlows:
    """Return the flows of a minute's windows; options: strike and right by instrument."""
    start = Windows(minute.first_ns - _BEFORE_WINDOWS * SECOND_NS, minute.last_ns)
    bounds = rows_at(subject, bronze, start.bounds).tolist()
    refuse_later_snapshot(subject, bronze, minute, bounds[-1])
    replay = _Replay(minute, bounds[_BEFORE_WINDOWS:], options)
    if bounds[0] == 0:  # nothing was displayed before the file
        for number in options:
            replay.quotes[number] = {s: _Side(is_followed=True) for s in "BA"}
    columns = ", ".join(_Record._fields)
    records: Any = subject.connection.execute(
        f"SELECT {columns} FROM {relation(bronze.files)} WHERE file_row_number >= {bounds[0]} "
        f"AND file_row_number < {bounds[-1]} AND instrument_id IN "
        f"({', '.join(map(str, options)) or -1}) ORDER BY file_row_number"
    )
    while batch := records.fetchmany(10_000):
        for row in batch:
            record = _Record(*row)
            if record.action in "ACMTR":
                replay.apply(record)
    return QuoteFlows(replay.flows, replay.unknown)
