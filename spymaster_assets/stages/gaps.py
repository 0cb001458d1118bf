"""The silences of a stream within its session, met while it is replayed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from book_engines.gaps import GapCounter
from book_engines.records import SECOND_NS
from spymaster_assets.stages.context import StageContext
from spymaster_resources.quality import BUSY_RECORDS, GAP_S


class Timed(Protocol):
    """Records in feed order."""

    @property
    def ts_event_ns(self) -> NDArray[np.int64]:
        """Return the times of the events."""

    @property
    def flags(self) -> NDArray[np.uint8]:
        """Return the vendor's flags."""


Records = TypeVar("Records", bound=Timed)


class GapMeter:
    """Counts the gaps between the live records of a session, the chain of a product as one."""

    def __init__(self, ctx: StageContext, dt: date) -> None:
        ends = ctx.window_ends(dt)
        self._hours = (ends.last_ns - ends.first_ns) / (3600 * SECOND_NS)
        self._counter = GapCounter(ends.first_ns, ends.last_ns, GAP_S * SECOND_NS)

    def watch(self, records: Iterable[Records]) -> Iterator[Records]:
        """Yield the records as they come."""
        for piece in records:
            self._counter.see(piece.ts_event_ns, piece.flags)
            yield piece

    @property
    def counters(self) -> dict[str, int]:
        """Return how many gaps a busy stream had, and the longest in seconds."""
        if self._counter.records < BUSY_RECORDS * self._hours:
            return {}
        longest = self._counter.longest_ns // SECOND_NS
        return {"gaps": self._counter.gaps, "longest_gap_s": longest}
