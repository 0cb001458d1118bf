"""Passes records on with faults in them: what is common to every schema.

Records are inserted only between events and dropped only as whole runs, so nothing goes wrong that
the list does not name; what a reader makes of it (an unknown cancel after a gap) follows from it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from contracts.errors import ConfigurationError

Records = npt.NDArray[np.void]

_F_LAST: Final = 128
_F_SNAPSHOT: Final = 32
LATE_NS: Final = 2_000_000_000


class FaultKind(StrEnum):
    """What can be planted in a stream of records."""

    GAP = "gap"
    """`count` live records are missing."""
    DUPLICATE_ID = "duplicate_id"
    """An add comes twice."""
    UNKNOWN_CANCEL = "unknown_cancel"
    UNKNOWN_MODIFY = "unknown_modify"
    CROSSED = "crossed"
    """A bid far above the market: an order that rests for `count` records, or a quote."""
    LATE = "late"
    """An event's records carry a time two seconds back."""
    NULL_PRICE = "null_price"
    """An add without a price, a bid of some size without one."""
    FAT_FINGER = "fat_finger"
    """An offer far beyond reason: an order that rests for `count` records, or a quote."""
    HALTED = "halted"
    """The instrument is silent for `count` of its records, which are missing."""


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
    """0 where the schema has none."""
    ts_event_ns: int


class Planter(ABC):
    """Passes chunks of records on with the faults in them."""

    KINDS: ClassVar[tuple[FaultKind, ...]] = (FaultKind.GAP, FaultKind.HALTED)
    """What can be planted in the schema."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        unfit = sorted({fault.kind for fault in faults} - set(self.KINDS))
        if unfit:
            known = ", ".join(self.KINDS)
            raise ConfigurationError(f"faults {', '.join(unfit)}: this schema can have {known}")
        self.planted: list[Planted] = []
        self._waiting = sorted(faults, key=lambda fault: fault.at)
        self._live = 0  # live records read
        self._written = 0
        self._dropping = 0  # records of the running gap that still go
        self._halted: list[int] | None = None  # instrument, records that still go

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
        if self._waiting or self._ahead() or self._dropping or self._halted:
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
        wishes = [fault.at for fault in self._waiting[:1]] + self._ahead()
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
        self._remember(part)
        self._written += len(part)
        yield part

    def _act(self, chunk: Records, number: int, stop: int) -> Iterator[Records]:
        before = chunk[stop - 1]
        yield from self._take_back(before, number)
        while self._waiting and self._waiting[0].at <= number:
            fault = self._waiting.pop(0)
            if fault.kind is FaultKind.GAP:
                self._dropping = fault.count
                self._note(fault, before, 0, fault.count)
            elif fault.kind is FaultKind.HALTED:
                self._halted = [int(before["instrument_id"]), fault.count]
                self._note(fault, before, 0, fault.count)
            else:
                yield from self._wrong(fault, before, number)

    def _ahead(self) -> list[int]:
        """Return the live records at which something planted has to be taken back."""
        return []

    def _remember(self, part: Records) -> None:  # noqa: B027, only some schemas look
        """Look at records that are passed on."""

    def _take_back(self, before: Any, number: int) -> Iterator[Records]:  # noqa: ARG002
        """Yield what ends the faults that are over at a live record."""
        yield from ()

    @abstractmethod
    def _wrong(self, fault: Fault, before: Any, number: int) -> Iterator[Records]:
        """Yield the records of a fault, behind the event that `before` ended."""

    def _put(self, record: Any) -> Records:
        """Return a record as what is written next."""
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
