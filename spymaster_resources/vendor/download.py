"""A download run put together: tracker, raw folders, transfer and vendor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from spymaster_resources.lake.filesystem import open_file_system
from spymaster_resources.trading_calendar import parse_date
from spymaster_resources.vendor.client import Vendor
from spymaster_resources.vendor.estimate import Budget
from spymaster_resources.vendor.jobs import AT_VENDOR, SETTLE_S, Desk, Hooks
from spymaster_resources.vendor.landing import RawStore, root_of
from spymaster_resources.vendor.run import DownloadRun, Outcome, Pace
from spymaster_resources.vendor.tracker import State, Tracker
from spymaster_resources.vendor.transfer import FreeBytes, Transfer, free_bytes
from spymaster_resources.vendor.wishes import Wishes

LOGS: Final = Path("logs")


@dataclass(frozen=True)
class Place:
    """Where a download keeps what it gets and what it knows."""

    lake: str
    logs: Path = LOGS
    free: FreeBytes = free_bytes

    @contextmanager
    def desk(
        self, vendor: Vendor, tracker: Tracker, parts: Parts
    ) -> Iterator[tuple[RawStore, Desk]]:
        """Yield the raw folders and the desk that work with `tracker`."""
        store = open_file_system(self.lake)
        with Transfer(vendor, self.free) as transfer:
            raw = RawStore(store, transfer, vendor.secret, self.logs / "transfers")
            yield raw, Desk(vendor, tracker, raw, parts.budget, parts.hooks, parts.settle_s)


@dataclass(frozen=True)
class Parts:
    """How a run works: its budget, pauses and listeners."""

    budget: Budget = field(default_factory=lambda: Budget(None))
    pace: Pace = field(default_factory=Pace)
    hooks: Hooks = field(default_factory=Hooks)
    settle_s: float = SETTLE_S
    told: Callable[[int, int], None] = lambda _done, _all: None


@contextmanager
def opened_run(
    wishes: Wishes, vendor: Vendor, place: Place, parts: Parts, *, dry: bool = False
) -> Iterator[DownloadRun]:
    """Yield the run, its tracker locked; raises ConfigurationError where another one works."""
    with (
        Tracker(place.logs / wishes.market.tracker, dry=dry) as tracker,
        place.desk(vendor, tracker, parts) as (raw, desk),
    ):
        yield DownloadRun(
            wishes,
            vendor,
            tracker,
            raw,
            desk,
            parts.budget,
            pace=parts.pace,
            hooks=parts.hooks,
            told=parts.told,
        )


def polled(wishes: Wishes, vendor: Vendor, place: Place, parts: Parts) -> Outcome:
    """Fetch what is ready of the wished range, buy nothing; return what came of its requests.

    What was not submitted yet is not known here and counts for nothing.
    """
    roots = {underlying.root for underlying in wishes.underlyings}
    outcome = Outcome()
    with (
        Tracker(place.logs / wishes.market.tracker) as tracker,
        place.desk(vendor, tracker, parts) as (_, desk),
    ):
        desk.heal()
        keys = [
            key
            for key, record in tracker.items()
            if wishes.start <= parse_date(record.date) <= wishes.end and root_of(record) in roots
        ]
        desk.poll(keys)
        for place_in_queue, key in enumerate(ready := desk.ready(keys)):
            parts.told(place_in_queue, len(ready))
            desk.download(key)
        for key in keys:
            record = tracker.get(key)
            if record is None or record.state is State.DOWNLOADED:
                outcome.arrived.append(key)
            elif record.state in AT_VENDOR and key not in desk.failed:
                outcome.waiting.append(key)
            else:
                outcome.failed[key] = desk.failed.get(key) or record.note or str(record.state)
    return outcome
