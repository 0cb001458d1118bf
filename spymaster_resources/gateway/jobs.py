"""Batch jobs: bought, queued, processed, done, expired."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from spymaster_resources.gateway.instants import iso_ns
from spymaster_resources.gateway.package import Package
from spymaster_resources.gateway.query import DataQuery
from spymaster_resources.gateway.refusal import RefusalError
from spymaster_resources.trading_calendar import DAY_NS, SECOND_NS

_LOG: Final = logging.getLogger(__name__)
_ID_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ23456789"
USER_ID: Final = "SIMULATED"
"""Account name in file URLs, where the vendor has the account's own."""


class JobState(StrEnum):
    """States of a job, as the vendor names them."""

    QUEUED = "queued"
    PROCESSING = "processing"
    DONE = "done"
    EXPIRED = "expired"


@dataclass(frozen=True)
class JobTimes:
    """How long a job stays in each state, ns at least: its files must be ready for `done`."""

    queued_ns: int = 1 * SECOND_NS
    processing_ns: int = 2 * SECOND_NS
    kept_ns: int = 30 * DAY_NS


@dataclass
class Job:
    """One bought job; `package` comes when its files are ready."""

    id: str
    query: DataQuery
    customizations: Mapping[str, object]
    cost_usd: float
    received_ns: int
    times: JobTimes
    is_stuck: bool = False
    expires_at_once: bool = False
    ready_ns: int | None = None
    package: Package | None = None

    @property
    def process_start_ns(self) -> int:
        """Return when processing starts."""
        return self.received_ns + self.times.queued_ns

    @property
    def done_ns(self) -> int | None:
        """Return when the job is done, None while its files are being made."""
        if self.ready_ns is None:
            return None
        return max(self.ready_ns, self.process_start_ns + self.times.processing_ns)

    @property
    def expiration_ns(self) -> int | None:
        """Return when the files go, None while the job is not done."""
        if self.done_ns is None:
            return None
        return self.done_ns + (0 if self.expires_at_once else self.times.kept_ns)

    def state(self, now_ns: int) -> JobState:
        """Return the state at an instant."""
        if self.is_stuck or now_ns < self.process_start_ns:
            return JobState.QUEUED
        done, expiration = self.done_ns, self.expiration_ns
        if done is None or expiration is None or now_ns < done:
            return JobState.PROCESSING
        return JobState.EXPIRED if now_ns >= expiration else JobState.DONE

    def describe(self, now_ns: int) -> dict[str, Any]:
        """Return the job as the vendor lists it."""
        state = self.state(now_ns)
        is_made = state in (JobState.DONE, JobState.EXPIRED) and self.package is not None
        package = self.package if is_made else None

        def told(moment_ns: int | None) -> str | None:
            return None if moment_ns is None else iso_ns(moment_ns)

        return {
            "id": self.id,
            "user_id": USER_ID,
            "cost_usd": self.cost_usd if package else None,
            **self.query.fields(),
            **self.customizations,
            "record_count": package.record_count if package else None,
            "billed_size": package.billed_size if package else None,
            "actual_size": package.size if package else None,
            "package_size": package.size if package else None,
            "state": state.value,
            "progress": {"queued": 0, "processing": 50}.get(state, 100),
            "ts_received": iso_ns(self.received_ns),
            "ts_queued": iso_ns(self.received_ns),
            "ts_process_start": told(None if state == "queued" else self.process_start_ns),
            "ts_process_done": told(self.done_ns if is_made else None),
            "ts_expiration": told(self.expiration_ns if is_made else None),
        }


class Jobs:
    """All jobs of the account, in the order in which they were received; thread-safe.

    `make` writes the files of a job; it runs in a thread of its own.
    """

    def __init__(
        self, make: Callable[[Job], Package], times: JobTimes, now_ns: Callable[[], int]
    ) -> None:
        self.times = times
        self.now_ns = now_ns
        self._make = make
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="gateway-jobs")

    def submit(
        self,
        query: DataQuery,
        customizations: Mapping[str, object],
        cost_usd: float,
        *,
        is_stuck: bool = False,
        expires_at_once: bool = False,
    ) -> Job:
        """Buy a job and start to make its files."""
        with self._lock:
            latest = max((job.received_ns for job in self._jobs.values()), default=0)
            received = max(self.now_ns(), latest + 1)  # so that the order of times is the order
            job = Job(
                _job_id(query.dataset, received),
                query,
                customizations,
                cost_usd,
                received,
                self.times,
                is_stuck,
                expires_at_once,
            )
            self._jobs[job.id] = job
        self._worker.submit(self._prepare, job).add_done_callback(_log_failure)
        return job

    def all(self) -> tuple[Job, ...]:
        """Return every job, oldest first."""
        with self._lock:
            return tuple(self._jobs.values())

    def get(self, job_id: str) -> Job:
        """Return a job; refused where the account has none of this id."""
        with self._lock:
            job = self._jobs.get(job_id)
        if job is None:
            raise RefusalError(404, "batch_job_not_found", f"Batch job {job_id} was not found.")
        return job

    def state(self, job_id: str) -> JobState:
        """Return the present state of a job."""
        return self.get(job_id).state(self.now_ns())

    def release(self, job_id: str) -> None:
        """Let a job that is stuck in the queue go on."""
        self.get(job_id).is_stuck = False

    def expire(self, job_id: str) -> None:
        """Let a job expire now, or as soon as it is done."""
        self.get(job_id).expires_at_once = True

    def close(self) -> None:
        """Finish the files that are being made and drop the rest."""
        self._worker.shutdown(cancel_futures=True)

    def _prepare(self, job: Job) -> None:
        job.package = self._make(job)
        job.ready_ns = self.now_ns()


def _job_id(dataset: str, received_ns: int) -> str:
    day = datetime.fromtimestamp(received_ns / SECOND_NS, tz=UTC)
    letters = "".join(secrets.choice(_ID_LETTERS) for _ in range(10))
    return f"{dataset.partition('.')[0]}-{day:%Y%m%d}-{letters}"


def _log_failure(future: Future[None]) -> None:
    if not future.cancelled() and (error := future.exception()) is not None:
        _LOG.error("a batch job stays unfinished: %s", error, exc_info=error)
