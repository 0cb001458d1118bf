"""A gateway over the test archive, its clock, and the vendor's own client in front of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import databento

from spymaster_resources.gateway.archive import FolderArchive
from spymaster_resources.gateway.jobs import JobTimes
from spymaster_resources.gateway.server import Gateway
from spymaster_resources.trading_calendar import SECOND_NS, midnight_ns
from tests.spymaster_resources.gateway.market import THURSDAY

KEY: Final = "db-abcdefghijklmnopqrstuvwxyz01234"
STEP_NS: Final = 10 * SECOND_NS
KEPT_NS: Final = 1_000 * SECOND_NS


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now_ns = midnight_ns(THURSDAY)

    def __call__(self) -> int:
        """Return the present instant, ns."""
        return self.now_ns

    def advance(self, duration_ns: int) -> None:
        """Let time pass."""
        self.now_ns += duration_ns


def gateway_over(archive: Path, clock: Clock, **options: Any) -> Gateway:
    """Return a gateway that serves a folder, jobs staying STEP_NS in each state."""
    times = JobTimes(queued_ns=STEP_NS, processing_ns=STEP_NS, kept_ns=KEPT_NS)
    return Gateway(FolderArchive(archive), key=KEY, times=times, now_ns=clock, **options)


def client_of(gateway: Gateway, key: str = KEY) -> databento.Historical:
    """Return the vendor's client, unchanged, in front of a gateway."""
    return databento.Historical(key, gateway=gateway.url)


def until(condition: Callable[[], object], timeout_s: float = 20.0) -> None:
    """Wait until `condition` holds."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "the condition did not come true"
        time.sleep(0.002)


def finish(gateway: Gateway, clock: Clock, job_id: str) -> None:
    """Let a job get done."""
    until(lambda: gateway.jobs.get(job_id).ready_ns is not None)
    # Jobs of one instant are received one ns after the other.
    clock.advance(2 * STEP_NS + SECOND_NS)
    assert gateway.jobs.state(job_id) == "done"
