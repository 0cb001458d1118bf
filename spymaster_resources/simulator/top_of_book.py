"""A market-by-order file as a publisher would send it that shows the best prices alone.

Each change of a side's best is a record with F_TOB: action A, no order id, the whole side in one
level, without a price where the side is empty. Vendors mix such publishers into consolidated
equity files, beside those that show every order.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from book_engines.records import MboColumns, mbo_columns
from book_engines.tops import TopLevels, TopsEngine
from contracts.errors import ConfigurationError
from spymaster_resources.dbn.layouts import UNDEFINED_PRICE
from spymaster_resources.dbn.stream import open_dbn
from spymaster_resources.simulator.rewriting import writer_like

Records = npt.NDArray[np.void]

TOB_PUBLISHER_ID: Final = 900
"""No venue's number."""
_F_LAST, _F_TOB = 128, 64
_ADD: Final = ord("A")
_SIDES: Final = np.frombuffer(b"BA", np.uint8)  # as the engine's rows: bid, ask
_NOTHING: Final = (UNDEFINED_PRICE, 0)


def write_top_of_book(source: Path, target: Path, *, beside: bool = False) -> int:
    """Write the best prices of every instrument of `source`; return the records written.

    beside: keep the records of `source` too, each change behind the event that made it. Raises
    ConfigurationError where an instrument has several publishers already.
    """
    dbn = open_dbn(source)
    engine, tops = TopsEngine(1), _Tops()
    with writer_like(dbn, target) as writer:
        for chunk in dbn.records():
            for levels in engine.feed(_columns(chunk)):
                tops.add(chunk, levels)
            changes, places = tops.take(chunk)
            if beside:
                writer.write(np.insert(chunk, places + 1, changes))
            else:
                writer.write(changes)
        engine.finish()
    return writer.records_written


class _Tops:
    """The best prices of every instrument as last told, and what has changed since."""

    def __init__(self) -> None:
        self._told: dict[int, list[tuple[int, int]]] = {}
        self._publisher: dict[int, int] = {}
        self._parts: list[tuple[Records, npt.NDArray[np.int64]]] = []

    def add(self, chunk: Records, levels: TopLevels) -> None:
        """Note every change of a best price or quantity at the events of `levels`."""
        numbers = chunk["instrument_id"][levels.record]
        for number in np.unique(numbers).tolist():
            mine = np.flatnonzero(numbers == number)
            self._require_one(number, chunk["publisher_id"][levels.record[mine]])
            told = self._told.setdefault(number, [_NOTHING, _NOTHING])
            for side in range(2):
                price, qty = levels.price[side, mine], levels.qty[side, mine]
                before = np.concatenate([[told[side][0]], price[:-1]])
                before_qty = np.concatenate([[told[side][1]], qty[:-1]])
                changed = (price != before) | (qty != before_qty)
                told[side] = (int(price[-1]), int(qty[-1]))
                places = levels.record[mine[changed]]
                self._parts.append(
                    (_records(chunk[places], side, price[changed], qty[changed]), places)
                )

    def take(self, chunk: Records) -> tuple[Records, npt.NDArray[np.int64]]:
        """Return the changes noted since, in order, and the records of `chunk` behind which."""
        records = np.concatenate([chunk[:0], *(part for part, _ in self._parts)])
        places = np.concatenate([np.empty(0, np.int64), *(at for _, at in self._parts)])
        self._parts.clear()
        order = np.argsort(places, kind="stable")
        records, places = records[order], places[order]
        last = np.append(places[1:] != places[:-1], True)[: len(places)]
        records["flags"] = np.where(last, _F_TOB | _F_LAST, _F_TOB)
        return records, places

    def _require_one(self, number: int, publishers: npt.NDArray[np.uint16]) -> None:
        first = self._publisher.setdefault(number, int(publishers[0]))
        if (publishers != first).any():
            raise ConfigurationError(
                f"instrument {number}: expected one publisher, found {np.unique(publishers)}"
            )


def _records(like: Records, side: int, price: Any, qty: Any) -> Records:
    records = like.copy()
    records["publisher_id"] = TOB_PUBLISHER_ID
    records["order_id"] = 0
    records["action"] = _ADD
    records["side"] = _SIDES[side]
    records["price"] = price
    records["size"] = qty
    return records


def _columns(chunk: Records) -> MboColumns:
    names = {"ts_event_ns": "ts_event", "price_int": "price"}
    return mbo_columns(**{n: chunk[names.get(n, n)].copy() for n in MboColumns._fields})
