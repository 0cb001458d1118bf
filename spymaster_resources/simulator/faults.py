"""Faults on demand: a market-by-order file with things that go wrong in real ones, exactly listed.

Records are inserted only between events and dropped only as whole runs, so nothing goes wrong that
the list does not name; what a reader makes of it (an unknown cancel after a gap) follows from it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contracts.errors import ConfigurationError
from spymaster_resources.dbn.layouts import UNDEFINED_PRICE
from spymaster_resources.dbn.stream import open_dbn
from spymaster_resources.dbn.writer import DbnWriter

Records = npt.NDArray[np.void]

_F_LAST: Final = 128
_F_SNAPSHOT: Final = 32
_CLOSING: Final = 130
_ADD, _CANCEL, _MODIFY, _TRADE = (ord(letter) for letter in "ACMT")
_ASK, _BID = ord("A"), ord("B")
_UNUSED_ID: Final = 9_000_000_000_000_000  # from here on no venue's order ids
_LATE_NS: Final = 2_000_000_000
_FAR_TICKS: Final = 40
_FAT_FINGER: Final = 100  # times the price


class FaultKind(StrEnum):
    """What can be planted in a stream of records."""

    GAP = "gap"
    """`count` live records are missing."""
    DUPLICATE_ID = "duplicate_id"
    """An add comes twice."""
    UNKNOWN_CANCEL = "unknown_cancel"
    UNKNOWN_MODIFY = "unknown_modify"
    CROSSED = "crossed"
    """A bid far above the market rests for `count` records."""
    LATE = "late"
    """An event's records carry a time two seconds back."""
    NULL_PRICE = "null_price"
    """An add without a price."""
    FAT_FINGER = "fat_finger"
    """An offer at a hundred times the price rests for `count` records."""
    HALTED = "halted"
    """The instrument is silent for `count` of its records, which are missing."""


_INSERTED: Final = frozenset(
    {
        FaultKind.UNKNOWN_CANCEL,
        FaultKind.UNKNOWN_MODIFY,
        FaultKind.CROSSED,
        FaultKind.NULL_PRICE,
        FaultKind.FAT_FINGER,
    }
)
_RESTING: Final = frozenset({FaultKind.CROSSED, FaultKind.FAT_FINGER})


@dataclass(frozen=True)
class Fault:
    """A wish: what goes wrong from which live record of the file on."""

    kind: FaultKind
    at: int
    """Number of the live record, 0-based; the fault comes at the first event end from there."""
    count: int = 1


@dataclass(frozen=True)
class Planted:
    """What was done: the places are record numbers of the written file, 0-based."""

    kind: FaultKind
    record: int
    """First record that is wrong; of a gap or halt, the first behind it."""
    records: int
    """Records inserted or changed; of a gap or halt, those that are missing."""
    instrument_id: int
    order_id: int
    ts_event_ns: int


def spread(
    kinds: Iterable[FaultKind], live_records: int, *, seed: int, count: int = 50
) -> list[Fault]:
    """Return one fault of each kind at seeded places, each in its own stretch of the file."""
    wanted = list(kinds)
    random = np.random.default_rng([seed, 7])
    step = live_records // (len(wanted) + 1)
    if step < 4 * count:
        raise ConfigurationError(
            f"{live_records} live records are too few for {len(wanted)} faults of {count} records"
        )
    return [
        Fault(kind, (n + 1) * step - int(random.integers(step // 4)), count)
        for n, kind in enumerate(wanted)
    ]


def plant_faults(
    source: Path, target: Path, faults: Sequence[Fault], *, tick_int: int
) -> list[Planted]:
    """Write `source` to `target` with faults, list them beside it, and return the list.

    tick_int: price step, 1e-9 dollars. The list is `<target>.faults.json`. Raises
    ConfigurationError for a fault that no event of the file was there for.
    """
    dbn = open_dbn(source)
    metadata = dbn.metadata
    planter = _Planter(faults, tick_int)
    with DbnWriter(
        target,
        version=metadata.version,
        dataset=metadata.dataset,
        schema=metadata.schema,
        start_ns=metadata.start_ns,
        end_ns=metadata.end_ns,
        symbols=metadata.symbols,
        stype_in=metadata.stype_in,
        mappings={
            mapping.raw_symbol: [(s, e, symbol) for s, e, symbol in mapping.intervals]
            for mapping in metadata.mappings
        },
    ) as writer:
        for chunk in dbn.records():
            for part in planter.through(chunk):
                writer.write(part)
        planter.finish()
    beside = target.with_name(f"{target.name}.faults.json")
    beside.write_text(json.dumps([asdict(row) for row in planter.planted], indent=2), "utf-8")
    return planter.planted


def truncate(source: Path, target: Path, size: int) -> None:
    """Write the first `size` bytes of a file."""
    with source.open("rb") as reader, target.open("wb") as writer:
        writer.write(reader.read(size))


def flip_bits(source: Path, target: Path, places: Sequence[int]) -> None:
    """Write a file with the lowest bit of some bytes flipped."""
    shutil.copyfile(source, target)
    with target.open("r+b") as file:
        for place in places:
            file.seek(place)
            byte = file.read(1)
            if not byte:
                raise ConfigurationError(f"byte {place} lies behind the end of {source}")
            file.seek(place)
            file.write(bytes([byte[0] ^ 1]))


class _Planter:
    """Passes chunks of records on with the faults in them."""

    def __init__(self, faults: Sequence[Fault], tick_int: int) -> None:
        self.planted: list[Planted] = []
        self._waiting = sorted(faults, key=lambda fault: fault.at)
        self._tick_int = tick_int
        self._live = 0  # live records read
        self._written = 0
        self._dropping = 0  # records of the running gap that still go
        self._halted: list[int] | None = None  # instrument, records that still go
        self._resting: list[tuple[int, Any]] = []  # when which order is taken back
        self._last_add: Any = None
        self._last_trade: dict[int, int] = {}

    def through(self, chunk: Records) -> Iterator[Records]:
        """Yield what is written for a chunk."""
        live = (chunk["flags"] & _F_SNAPSHOT) == 0
        numbers = self._live + np.cumsum(live) - 1
        start = 0
        while start < len(chunk):
            stop = self._next_stop(chunk, live, numbers, start)
            if stop > start:
                yield from self._pass(chunk[start:stop])
            if stop == len(chunk):
                break
            yield from self._act(chunk, int(numbers[stop - 1]) + 1 if stop else 0, stop)
            start = stop
        self._live += int(live.sum())

    def finish(self) -> None:
        """Raise ConfigurationError unless all faults were planted and over."""
        if self._waiting or self._resting or self._dropping or self._halted:
            raise ConfigurationError(
                "the file ended before all faults were planted; wish for them at earlier records"
            )

    def _next_stop(
        self,
        chunk: Records,
        live: npt.NDArray[np.bool_],
        numbers: npt.NDArray[np.int64],
        start: int,
    ) -> int:
        """Return where something has to be done next: behind the end of an event."""
        wishes = [fault.at for fault in self._waiting[:1]] + [at for at, _ in self._resting]
        if not wishes:
            return len(chunk)
        ready = live & (numbers >= min(wishes)) & ((chunk["flags"] & _F_LAST) != 0)
        found = np.flatnonzero(ready[start:])
        return len(chunk) if len(found) == 0 else start + int(found[0]) + 1

    def _pass(self, part: Records) -> Iterator[Records]:
        kept = np.ones(len(part), bool)
        if self._dropping:
            kept[: self._dropping] = False
            self._dropping -= int(len(part) - kept.sum())
        if self._halted is not None:
            number, left = self._halted
            silent = np.flatnonzero(part["instrument_id"] == number)[:left]
            kept[silent] = False
            self._halted[1] -= len(silent)
            if self._halted[1] == 0:
                self._halted = None
        part = part[kept]
        self._remember_add(part)
        for trade in part[part["action"] == _TRADE]:
            self._last_trade[int(trade["instrument_id"])] = int(trade["price"])
        self._written += len(part)
        yield part

    def _remember_add(self, part: Records) -> None:
        """Keep the latest add whose order is still as it was."""
        touched = part["order_id"][part["action"] != _ADD]
        if self._last_add is not None and self._last_add["order_id"] in touched:
            self._last_add = None
        adds = part[(part["action"] == _ADD) & ~np.isin(part["order_id"], touched)]
        if len(adds):
            self._last_add = adds[-1].copy()

    def _act(self, chunk: Records, number: int, stop: int) -> Iterator[Records]:
        before = chunk[stop - 1]
        for at, order in [row for row in self._resting if row[0] <= number]:
            self._resting.remove((at, order))
            yield self._insert(before, _CANCEL, order["order_id"], order["price"], order["side"], 1)
        while self._waiting and self._waiting[0].at <= number:
            yield from self._plant(self._waiting.pop(0), before, number)

    def _plant(self, fault: Fault, before: Any, number: int) -> Iterator[Records]:
        order_id = _UNUSED_ID + len(self.planted)
        price = self._last_trade.get(int(before["instrument_id"]), int(before["price"]))
        if fault.kind is FaultKind.GAP:
            self._dropping = fault.count
            self._note(fault, before, 0, fault.count)
        elif fault.kind is FaultKind.HALTED:
            self._halted = [int(before["instrument_id"]), fault.count]
            self._note(fault, before, 0, fault.count)
        elif fault.kind is FaultKind.DUPLICATE_ID:
            if self._last_add is None:
                raise ConfigurationError(f"no order to add twice before live record {number}")
            again = self._last_add.copy()
            for field in ("ts_event", "ts_recv", "sequence", "ts_in_delta"):
                again[field] = before[field]
            again["flags"] = _CLOSING
            self._note(fault, again, int(again["order_id"]), 1)
            self._written += 1
            yield again.reshape(1)
        elif fault.kind is FaultKind.LATE:
            late = before.copy()
            late["ts_event"] = before["ts_event"] - np.uint64(_LATE_NS)
            self._note(fault, late, order_id, 1)
            yield self._insert(late, _ADD, order_id, price - self._far, _BID, 1)
            self._resting.append((number + fault.count, self._order(order_id, price - self._far)))
        elif fault.kind in _INSERTED:
            yield self._inserted(fault, before, order_id, price, number)

    @property
    def _far(self) -> int:
        return _FAR_TICKS * self._tick_int

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
            self._resting.append((number + fault.count, self._order(order_id, price, side)))
        return self._insert(before, action, order_id, price, side, 1)

    @staticmethod
    def _order(order_id: int, price: int, side: int = _BID) -> dict[str, int]:
        return {"order_id": order_id, "price": price, "side": side}

    def _insert(
        self, like: Any, action: int, order_id: int, price: int, side: int, size: int
    ) -> Records:
        record = like.copy()
        record["action"], record["side"], record["flags"] = action, side, _CLOSING
        record["order_id"], record["price"], record["size"] = order_id, price, size
        self._written += 1
        inserted: Records = record.reshape(1)
        return inserted

    def _note(self, fault: Fault, like: Any, order_id: int, records: int) -> None:
        self.planted.append(
            Planted(
                fault.kind,
                self._written,
                records,
                int(like["instrument_id"]),
                order_id,
                int(like["ts_event"]),
            )
        )
