"""An independent replay of a file's records into windows: dictionaries, by the rules of the spec.

It shares nothing with the simulated exchange nor with the book engines, and knows only what a
market-by-order record means.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

SECOND = 1_000_000_000
REST = SECOND // 2


class Cell(NamedTuple):
    """Quantities of one window, price and side."""

    start: int
    end: int
    add: int
    pull: int
    fill: int
    rest: int
    pull_rest: int


class Top(NamedTuple):
    """One window's best prices, spot and trades; None where there is none."""

    bid: int | None
    bid_qty: int | None
    ask: int | None
    ask_qty: int | None
    last: int | None
    spot: int | None
    buy: int
    sell: int
    trades: int


Key = tuple[str, int]


class Replay:
    """Windows of one instrument: `tops[end]` and `cells[end][price, side]` within the grid."""

    def __init__(self, first_end: int, last_end: int, grid_int: int) -> None:
        self.orders: dict[int, tuple[Key, int, int]] = {}  # id: (cell, quantity, entry time)
        self.flows: dict[Key, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        self.start: dict[Key, int] = {}
        self.pending: dict[int, int] = defaultdict(int)
        self.last: int | None = None
        self.traded = [0, 0, 0]
        self.end = first_end - SECOND  # the window before the session is closed and forgotten
        self.first_end, self.last_end, self.grid_int = first_end, last_end, grid_int
        self.tops: dict[int, Top] = {}
        self.cells: dict[int, dict[tuple[int, str], Cell]] = {}

    def run(self, records: npt.NDArray[np.void]) -> None:
        for record in records:
            self._apply(record)
        while self.end <= self.last_end:
            self._close()

    def depth(self) -> dict[Key, int]:
        depth: dict[Key, int] = defaultdict(int)
        for cell, qty, _ in self.orders.values():
            depth[cell] += qty
        return depth

    def _apply(self, record: np.void) -> None:
        snapshot = bool(record["flags"] & 32)
        ts = int(record["ts_event"])
        while not snapshot and self.end <= min(ts, self.last_end):
            self._close()
        action, side = record["action"].decode(), record["side"].decode()
        order_id, price, size = (int(record[name]) for name in ("order_id", "price", "size"))
        if action == "T":
            self.last = price
            if side != "N":
                self.traded[{"B": 0, "A": 1}[side]] += size
            self.traded[2] += 1
        elif action == "F":
            self.pending[order_id] += size
        elif action == "A":
            assert order_id not in self.orders
            self.orders[order_id] = ((side, price), size, ts)
            self.flows[side, price][0] += 0 if snapshot else size
        elif action in "CM":
            self._change(order_id, price, size if action == "M" else -size, ts)
        else:
            assert action in "RN"

    def _change(self, order_id: int, price: int, size: int, ts: int) -> None:
        """Modify to `size`, or cancel −`size`."""
        cell, old, entry = self.orders.pop(order_id)
        fill = min(self.pending.pop(order_id, 0), old)
        if size < 0:
            new, new_cell = old + size, cell
            assert new >= 0
        else:
            new, new_cell = size, (cell[0], price)
        self.flows[cell][2] += fill
        stays = new if new_cell == cell else 0
        residual = stays - old + fill
        if residual > 0:
            self.flows[cell][0] += residual
        else:
            self.flows[cell][1] -= residual
            if ts - entry >= REST:
                self.flows[cell][3] -= residual
        if new_cell != cell:
            self.flows[new_cell][0] += new
            entry = ts
        if new > 0:
            self.orders[order_id] = (new_cell, new, entry)

    def _close(self) -> None:
        depth = self.depth()
        if self.end >= self.first_end:
            self._emit(depth)
        self.start = depth
        self.flows.clear()
        self.traded = [0, 0, 0]
        self.end += SECOND

    def _emit(self, depth: dict[Key, int]) -> None:
        bid = max((price for (side, price), _ in depth.items() if side == "B"), default=None)
        ask = min((price for (side, price), _ in depth.items() if side == "A"), default=None)
        assert bid is not None
        assert ask is not None
        spot = bid
        if self.last is not None:
            if any((side, self.last) in depth for side in "AB"):
                spot = self.last
            elif abs(self.last - bid) > abs(ask - self.last):
                spot = ask
        self.tops[self.end] = Top(
            bid, depth["B", bid], ask, depth["A", ask], self.last, spot, *self.traded
        )
        rested: dict[Key, int] = defaultdict(int)
        for cell, qty, entry in self.orders.values():
            rested[cell] += qty if self.end - entry >= REST else 0
        self.cells[self.end] = {
            (cell[1], cell[0]): Cell(
                self.start.get(cell, 0),
                depth.get(cell, 0),
                add,
                pull,
                fill,
                rested[cell],
                pull_rest,
            )
            for cell in {*depth, *self.start, *self.flows}
            for add, pull, fill, pull_rest in [self.flows[cell]]
            if abs(cell[1] - spot) <= self.grid_int
            and (depth.get(cell) or self.start.get(cell) or add or pull or fill)
        }
