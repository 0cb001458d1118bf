"""What every engine of one-second windows does: feed, flush, grow, finish, refuse."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from book_engines.counters import BookCounters
from book_engines.cursor import BREACH, DONE, FLUSH, GROW
from book_engines.errors import BookIntegrityError
from book_engines.records import DTYPES, SECOND_NS, MboColumns
from book_engines.replay import Replay, Saved
from book_engines.state import UNSET
from book_engines.windows import Session

Block = TypeVar("Block")


class WindowEngine(ABC, Generic[Block]):
    """Replays records and yields blocks of the session's windows.

    Any split of the input gives the same output. Records before the first window build the book,
    records after the last are counted and emit nothing. The first and last window end lie on whole
    epoch seconds.
    """

    def __init__(self, first_window_end_ns: int, last_window_end_ns: int) -> None:
        if first_window_end_ns % SECOND_NS or last_window_end_ns % SECOND_NS:
            raise ValueError(
                f"expected window ends on whole seconds, "
                f"found {first_window_end_ns} and {last_window_end_ns}"
            )
        self._session = Session(
            first_window_end_ns // SECOND_NS - 1, last_window_end_ns // SECOND_NS - 1
        )
        self._replay = Replay()

    def feed(self, records: MboColumns) -> Iterator[Block]:
        """Apply `records` and yield the windows they close; must be run to its end.

        Raises BookIntegrityError on an account that does not add up, ValueError on records that do
        not belong to the engine's table.
        """
        yield from self._run(records, UNSET)

    def finish(self) -> Iterator[Block]:
        """Close every remaining window of the session, audit the book, yield what is left."""
        no_records = MboColumns._make(np.empty(0, dtype) for dtype in DTYPES)
        yield from self._run(no_records, self._session.last_window + 1)
        if self._has_output():
            yield self._take()
        self._replay.expire_fills()
        self._audit()

    @property
    def counters(self) -> BookCounters:
        """Return what was counted so far; complete after `finish`."""
        return self._replay.counters()

    @property
    @abstractmethod
    def window_counters(self) -> dict[str, int]:
        """Return counts over the windows yielded so far."""

    @abstractmethod
    def save(self) -> dict[str, NDArray[Any]]:
        """Return the state between two feeds; a new engine that loads it goes on from here."""

    @abstractmethod
    def load(self, saved: Saved) -> None:
        """Take up the state of an engine of the same grid and session; ValueError otherwise."""

    @abstractmethod
    def _step(self, records: MboColumns, start: int, until: int) -> tuple[int, int]:
        """Run the kernel from record `start` on; return (next record, why it stopped)."""

    @abstractmethod
    def _has_output(self) -> bool:
        """Return whether closed windows wait to be yielded."""

    @abstractmethod
    def _take(self) -> Block:
        """Return the closed windows that wait, and empty their buffers."""

    @abstractmethod
    def _admit(self) -> None:
        """Take up instruments that were met for the first time; ValueError refuses one."""

    def _audit(self) -> None:
        self._replay.audit()

    def _grow(self) -> None:
        self._replay.grow()

    def _breach(self) -> BookIntegrityError:
        return self._replay.error(
            BookIntegrityError, "depth_start + add − pull − fill does not give depth_end"
        )

    def _run(self, records: MboColumns, until: int) -> Iterator[Block]:
        start, status = 0, GROW
        while status != DONE:
            with np.errstate(over="ignore"):  # hashes wrap; numba does so without a word
                start, status = self._step(records, start, until)
            self._replay.note_last(records, start)
            self._admit()
            if status == GROW:
                self._grow()
            elif status == BREACH:
                raise self._breach()
            elif status == FLUSH:
                yield self._take()
