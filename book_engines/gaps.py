"""The silences between the live records of a stream, within a span of time."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from book_engines.kernel import Int, kernel
from book_engines.records import F_SNAPSHOT

_BEFORE: Final = 0
_RECORDS: Final = 1
_GAPS: Final = 2
_LONGEST: Final = 3


@kernel
def _meet(
    state: NDArray[np.int64],
    first_ns: Int,
    last_ns: Int,
    limit_ns: Int,
    ts_event_ns: NDArray[np.int64],
    flags: NDArray[np.uint8],
) -> None:
    """Add the gaps between records; state: time before, records, gaps, longest gap."""
    before, records = state[_BEFORE], state[_RECORDS]
    gaps, longest = state[_GAPS], state[_LONGEST]
    for at in range(ts_event_ns.size):
        ts = ts_event_ns[at]
        if ts < first_ns or ts > last_ns or (flags[at] & F_SNAPSHOT) != 0:
            continue
        if records > 0:
            gap = ts - before
            longest = max(longest, gap)
            gaps += np.int64(gap > limit_ns)
        before = ts
        records += 1
    state[_BEFORE], state[_RECORDS] = before, records
    state[_GAPS], state[_LONGEST] = gaps, longest


class GapCounter:
    """Counts gaps longer than a limit between the records from `first_ns` to `last_ns`."""

    def __init__(self, first_ns: int, last_ns: int, limit_ns: int) -> None:
        self._span = np.int64(first_ns), np.int64(last_ns), np.int64(limit_ns)
        self._state = np.zeros(4, np.int64)

    def see(self, ts_event_ns: NDArray[np.int64], flags: NDArray[np.uint8]) -> None:
        """Add the next records of the stream."""
        _meet(self._state, *self._span, ts_event_ns, flags)

    @property
    def records(self) -> int:
        """Return how many live records of the span there were."""
        return int(self._state[_RECORDS])

    @property
    def gaps(self) -> int:
        """Return how many gaps were longer than the limit."""
        return int(self._state[_GAPS])

    @property
    def longest_ns(self) -> int:
        """Return the longest gap, 0 of fewer than two records."""
        return int(self._state[_LONGEST])
