"""Faults in market-by-order records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final

import numpy as np

from contracts.errors import ConfigurationError
from spymaster_resources.dbn.layouts import UNDEFINED_PRICE
from spymaster_resources.simulator.planter import LATE_NS, Fault, FaultKind, Planter, Records

_CLOSING: Final = 130
_ADD, _CANCEL, _MODIFY, _TRADE = (ord(letter) for letter in "ACMT")
_ASK, _BID = ord("A"), ord("B")
_UNUSED_ID: Final = 9_000_000_000_000_000  # from here on no venue's order ids
_FAR_TICKS: Final = 40
_FAT_FINGER: Final = 100  # times the price
_RESTING: Final = frozenset({FaultKind.CROSSED, FaultKind.FAT_FINGER})


class OrderPlanter(Planter):
    """Plants faults in market-by-order records; `tick_int`: price step, 1e-9 dollars."""

    KINDS: ClassVar[tuple[FaultKind, ...]] = tuple(FaultKind)

    def __init__(self, faults: Sequence[Fault], tick_int: int) -> None:
        super().__init__(faults)
        self._far = _FAR_TICKS * tick_int
        self._resting: list[tuple[int, Any]] = []  # when which order is taken back
        self._last_add: Any = None
        self._last_trade: dict[int, int] = {}

    def _ahead(self) -> list[int]:
        return [at for at, _ in self._resting]

    def _remember(self, part: Records) -> None:
        """Keep trade prices, and the latest add whose order is still as it was."""
        touched = part["order_id"][part["action"] != _ADD]
        if self._last_add is not None and self._last_add["order_id"] in touched:
            self._last_add = None
        adds = part[(part["action"] == _ADD) & ~np.isin(part["order_id"], touched)]
        if len(adds):
            self._last_add = adds[-1].copy()
        for trade in part[part["action"] == _TRADE]:
            self._last_trade[int(trade["instrument_id"])] = int(trade["price"])

    def _take_back(self, before: Any, number: int) -> Iterator[Records]:
        for at, order in [row for row in self._resting if row[0] <= number]:
            self._resting.remove((at, order))
            like = before.copy()
            for field in ("instrument_id", "publisher_id"):
                like[field] = order[field]
            yield self._insert(like, _CANCEL, order["order_id"], order["price"], order["side"])

    def _wrong(self, fault: Fault, before: Any, number: int) -> Iterator[Records]:
        order_id = _UNUSED_ID + len(self.planted)
        price = self._last_trade.get(int(before["instrument_id"]), int(before["price"]))
        if fault.kind is FaultKind.DUPLICATE_ID:
            if self._last_add is None:
                raise ConfigurationError(f"no order to add twice before live record {number}")
            again = self._last_add.copy()
            for field in ("ts_event", "ts_recv", "sequence", "ts_in_delta"):
                again[field] = before[field]
            again["flags"] = _CLOSING
            self._note(fault, again, int(again["order_id"]), 1)
            yield self._put(again)
        elif fault.kind is FaultKind.LATE:
            late = before.copy()
            late["ts_event"] = before["ts_event"] - np.uint64(LATE_NS)
            self._note(fault, late, order_id, 1)
            yield self._insert(late, _ADD, order_id, price - self._far, _BID)
            order = self._order(before, order_id, price - self._far)
            self._resting.append((number + fault.count, order))
        else:
            yield self._inserted(fault, before, order_id, price, number)

    def _inserted(
        self, fault: Fault, before: Any, order_id: int, price: int, number: int
    ) -> Records:
        action, side = _ADD, _BID
        if fault.kind is FaultKind.UNKNOWN_CANCEL:
            action = _CANCEL
        elif fault.kind is FaultKind.UNKNOWN_MODIFY:
            action, price = _MODIFY, price - self._far
        elif fault.kind is FaultKind.CROSSED:
            price += self._far
        elif fault.kind is FaultKind.FAT_FINGER:
            side, price = _ASK, price * _FAT_FINGER
        else:
            price = UNDEFINED_PRICE
        self._note(fault, before, order_id, 2 if fault.kind in _RESTING else 1)
        if fault.kind in _RESTING or fault.kind is FaultKind.UNKNOWN_MODIFY:
            order = self._order(before, order_id, price, side)
            self._resting.append((number + fault.count, order))
        return self._insert(before, action, order_id, price, side)

    @staticmethod
    def _order(like: Any, order_id: int, price: int, side: int = _BID) -> dict[str, int]:
        return {
            "instrument_id": int(like["instrument_id"]),
            "publisher_id": int(like["publisher_id"]),
            "order_id": order_id,
            "price": price,
            "side": side,
        }

    def _insert(self, like: Any, action: int, order_id: int, price: int, side: int) -> Records:
        record = like.copy()
        record["action"], record["side"], record["flags"] = action, side, _CLOSING
        record["order_id"], record["price"], record["size"] = order_id, price, 1
        return self._put(record)
