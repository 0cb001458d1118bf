"""Windows of consolidated quotes by the rules of the silver table: dictionaries, one record a time.

It shares nothing with the simulated exchange nor with the book engines.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

SECOND = 1_000_000_000
REST = SECOND // 2
UNDEFINED = 2**63 - 1


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


class Side:
    """One side of an option's best bid and offer."""

    def __init__(self) -> None:
        self.price: int | None = None
        self.size = 0
        self.since = 0
        self.pending = 0
        self.start = 0
        self.clear()

    def clear(self) -> None:
        self.start = self.size
        self.add = self.pull = self.fill = 0
        self.pull_rest = self.add_reprice = self.pull_reprice = 0

    def show(self, price: int | None, size: int, ts: int) -> None:
        if price == self.price:
            if size > self.size:
                self.add += size - self.size
            elif size < self.size:
                self._leave(self.size - size, ts)
        else:
            pulled = self._leave(self.size, ts) if self.price is not None else 0
            if price is not None:
                self.add += size
                if self.price is not None:
                    self.add_reprice += size
                    self.pull_reprice += pulled
            self.since = ts
            self.pending = 0
        self.price, self.size = price, size

    def _leave(self, qty: int, ts: int) -> int:
        fill = min(qty, self.pending)
        self.pending -= fill
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


def windows(
    records: npt.NDArray[np.void], ends: list[int]
) -> dict[int, dict[str, list[tuple[Flow, int | None, int]]]]:
    """Return (flow, price, size) of each side and window of one option, by window end."""
    sides = {"A": Side(), "B": Side()}
    found = {}
    waiting = list(ends)

    def close_until(ts: int) -> None:
        while waiting and waiting[0] <= ts:
            end = waiting.pop(0)
            found[end] = {
                name: [(side.flow(end), side.price, side.size)] for name, side in sides.items()
            }
            for side in sides.values():
                side.clear()

    for record in records:
        ts = int(record["ts_event"])
        close_until(ts)
        if record["action"] == b"T":
            for side in sides.values():
                if side.price == int(record["price"]):
                    side.pending += int(record["size"])
        for name, field in (("B", "bid"), ("A", "ask")):
            price = int(record[f"{field}_px_00"])
            sides[name].show(
                None if price == UNDEFINED else price, int(record[f"{field}_sz_00"]), ts
            )
    close_until(2**62)
    return found
