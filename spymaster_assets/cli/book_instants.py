"""Books at given instants, out of the rows after each record.

At an instant a book is as the last record before it left it, in the order of the file: the first
live record with a ts_event of the instant or later is what comes after. That is how the lake's
one-second windows end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from spymaster_assets.cli.book_rows import BookRows

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BATCH_ROWS: Final = 1 << 15
_BEFORE_ALL: Final = -(2**63)

Instants = tuple["NDArray[np.int64]", BookRows]
"""ts_ns: int64 (R,), the instant of each row, and the rows."""


class Grid:
    """Every multiple of a step, from the first after the first live record on."""

    def __init__(self, step_ns: int) -> None:
        self._step_ns = step_ns
        self._next: int | None = None

    def upcoming(self, ts_ns: int) -> int | None:
        """Return the next instant; ts_ns: the time of a live record that is not yet applied."""
        if self._next is None:
            self._next = self._after(ts_ns)
        return self._next

    def passed(self) -> None:
        """Go on to the instant after the next."""
        assert self._next is not None
        self._next += self._step_ns

    def rest(self) -> list[int]:
        """Return the instants behind the file's end: one, with the books as they end."""
        return [] if self._next is None else [self._next]

    def _after(self, ts_ns: int) -> int:
        return (ts_ns // self._step_ns + 1) * self._step_ns


class Listed:
    """Given instants, in their order in time."""

    def __init__(self, instants_ns: Sequence[int]) -> None:
        self._left = sorted(set(instants_ns), reverse=True)

    def upcoming(self, ts_ns: int) -> int | None:  # noqa: ARG002 - given whatever the records are
        """Return the next instant, None behind the last."""
        return self._left[-1] if self._left else None

    def passed(self) -> None:
        """Go on to the instant after the next."""
        self._left.pop()

    def rest(self) -> list[int]:
        """Return the instants behind the file's end."""
        return self._left[::-1]


def at_instants(
    rows: Iterator[BookRows],
    instants: Grid | Listed,
    key: Callable[[BookRows], NDArray[np.uint64]],
) -> Iterator[Instants]:
    """Yield the books at every instant, sorted by what tells them apart.

    rows: after every record; key: what tells the books apart. A book shows from its first record
    on, whether anything happened since the instant before or not.
    """
    books = _Books(key)
    clock = _BEFORE_ALL
    for block in rows:
        moved = np.where(block.live, block.ts_event, _BEFORE_ALL)
        times = np.maximum.accumulate(np.maximum(moved, clock))
        clock = int(times[-1]) if times.size else clock
        start = 0
        while clock > _BEFORE_ALL:
            first_live = int(times[np.searchsorted(times, _BEFORE_ALL, "right")])
            instant = instants.upcoming(first_live)
            if instant is None or instant > clock:
                break
            stop = int(np.searchsorted(times, instant))
            books.take(block.part(slice(start, stop)))
            books.show(instant)
            instants.passed()
            start = stop
            if books.waiting >= _BATCH_ROWS:
                yield books.told()
        books.take(block.part(slice(start, None)))
    for instant in instants.rest():
        books.show(instant)
    if books.waiting:
        yield books.told()


class _Books:
    """The latest row of every book, and what was shown of them so far."""

    def __init__(self, key: Callable[[BookRows], NDArray[np.uint64]]) -> None:
        self.waiting = 0
        self._key = key
        self._keys = np.empty(0, np.uint64)  # ascending
        self._latest: BookRows | None = None
        self._shown: list[BookRows] = []
        self._instants: list[NDArray[np.int64]] = []

    def take(self, rows: BookRows) -> None:
        """Remember the last row of each book."""
        if rows.record_index.size == 0:
            return
        keys = self._key(rows)
        found, from_end = np.unique(keys[::-1], return_index=True)
        last = rows.part(keys.size - 1 - from_end)
        if self._latest is None or np.setdiff1d(found, self._keys).size:
            parts = [last] if self._latest is None else [last, self._latest]
            joined = BookRows.joined(parts)  # of two rows of a book the later one stands first
            self._keys, first = np.unique(self._key(joined), return_index=True)
            self._latest = joined.part(first)
            return
        places = np.searchsorted(self._keys, found)
        for name in BookRows._fields:
            getattr(self._latest, name)[..., places] = getattr(last, name)

    def show(self, instant: int) -> None:
        """Put down the books as they are now."""
        if self._latest is None:
            return
        self._shown.append(BookRows._make(column.copy() for column in self._latest))
        self._instants.append(np.full(self._keys.size, instant, np.int64))
        self.waiting += self._keys.size

    def told(self) -> Instants:
        """Return what was put down since the last call."""
        told = np.concatenate(self._instants), BookRows.joined(self._shown)
        self.waiting = 0
        self._instants, self._shown = [], []
        return told
