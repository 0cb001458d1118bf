"""The life of a request: bought once, followed at the vendor, landed once.

Before a submission its intent is saved, after the vendor's answer the job's id. A record with an
intent and no id is one whose answer was lost; the vendor's own list of jobs tells what became of
it. A request that the list holds already is taken over and not bought again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from contracts.errors import (
    StorageError,
    VendorError,
    VendorFileError,
    VendorRefusedError,
    VendorUnclearError,
)
from spymaster_resources.vendor.client import JobTerms, Vendor, VendorJob
from spymaster_resources.vendor.estimate import Budget
from spymaster_resources.vendor.landing import BytesProgress, RawStore
from spymaster_resources.vendor.products import DEFINITION
from spymaster_resources.vendor.requests import Request
from spymaster_resources.vendor.tracker import OPEN_AT_VENDOR, JobRecord, State, Tracker

SETTLE_S: Final = 30.0
"""So long after a submission without an answer its job may still appear in the vendor's list."""
MAX_SUBMISSIONS: Final = 3
MAX_DOWNLOADS: Final = 3
AT_VENDOR: Final = OPEN_AT_VENDOR | {State.DONE, State.DOWNLOAD_ERROR}
_STATES: Final = {state.value: state for state in (State.QUEUED, State.PROCESSING, State.DONE)}

Say = Callable[[str], None]


def no_bytes(_name: str, _done: int, _size: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Hooks:
    """Whom the work tells of itself, and what it takes for a clock."""

    say: Say = lambda _: None
    bytes: BytesProgress = no_bytes
    now_s: Callable[[], float] = time.time


class Desk:
    """Buys, follows and lands the requests of one tracker.

    `failed` holds what has definitely failed in this run, with its reason, by key.
    """

    def __init__(
        self,
        vendor: Vendor,
        tracker: Tracker,
        raw: RawStore,
        budget: Budget,
        hooks: Hooks,
        settle_s: float = SETTLE_S,
    ) -> None:
        self.failed: dict[str, str] = {}
        self._vendor = vendor
        self._tracker = tracker
        self._raw = raw
        self._budget = budget
        self._hooks = hooks
        self._settle_s = settle_s
        self._listing: dict[str, VendorJob] | None = None
        self._tried_downloads: dict[str, int] = {}
        self._tried_submissions: dict[str, int] = {}

    def heal(self) -> None:
        """Find out what became of submissions whose answer was lost."""
        unclear = {
            key: record
            for key, record in self._tracker.items()
            if record.state is State.SUBMITTED and record.job_id is None
        }
        if not unclear:
            return
        latest = max(record.intended_at or 0.0 for record in unclear.values())
        self._settle(latest)
        for key, record in unclear.items():
            job = self._match(_terms(record))
            if job is not None:
                self._take(key, record, job)
                self._hooks.say(f"{key}: bought before as job {job.job_id}; found again")
            else:
                note = "the submission never reached the vendor"
                self._tracker.save(key, record.to(State.SUBMIT_ERROR, intended_at=None, note=note))

    def is_bought(self, key: str) -> bool:
        """Return whether nothing has to be bought for a key, as far as is known."""
        record = self._tracker.get(key)
        return record is not None and (
            record.state is State.DOWNLOADED
            or (record.job_id is not None and record.state is not State.EXPIRED)
        )

    def find(self, request: Request) -> bool:
        """Return whether a request is here or bought already; what is found is tracked.

        Looks at the tracker, the raw folder and the vendor's list. Raises VendorFileError where
        the raw folder holds the day with other symbols.
        """
        key, fresh = request.key, JobRecord.of(request)
        record = self._tracker.get(key)
        if record is not None and self.is_bought(key):
            # Which families are listed for a day may change; the file of the day is the same.
            same = record.symbols_sha256 == fresh.symbols_sha256 or request.schema == DEFINITION
            if not same:
                raise VendorFileError(
                    f"{key}: bought before for {record.n_symbols} other symbols "
                    f"({', '.join(record.symbols[:3]) or record.symbols_sha256[:12]}); one file a "
                    "day fits into the raw folder. Move it away and drop the tracker's record to "
                    "buy it anew"
                )
            if record.state is not State.DOWNLOADED:
                return True
            missing = self._raw.missing(record)
            if missing:
                self._fetch_again(key, record, ", ".join(missing))
            return True
        present = self._raw.present(fresh, request.symbols)
        if present:
            files = [file.to_json() for file in present]
            note = "was in the raw folder before"
            self._tracker.save(key, fresh.to(State.DOWNLOADED, files=files, note=note))
            return True
        job = self._match(JobTerms.of(request))
        if job is None:
            return False
        self._take(key, replace(fresh, submissions=record.submissions if record else 0), job)
        self._hooks.say(f"{key}: bought before as job {job.job_id}; taken over")
        return True

    def submit(self, request: Request, usd: float) -> None:
        """Buy a request; a refusal is saved and counts as failed.

        Raises VendorRefusedError where the key itself is refused, and VendorUnclearError where
        the vendor cannot be asked what became of a submission; the next run then heals it.
        """
        key = request.key
        record = self._tracker.get(key)
        submissions = record.submissions if record else 0
        if self._tried_submissions.get(key, 0) >= MAX_SUBMISSIONS:
            self.give_up(key, f"submitted {MAX_SUBMISSIONS} times in this run without success")
            return
        if not self._budget.allows(usd):
            self.refuse(request, f"${usd:.4f} more is above --max-cost")
            return
        self._tried_submissions[key] = self._tried_submissions.get(key, 0) + 1
        intent = replace(
            JobRecord.of(request),
            intended_at=self._hooks.now_s(),
            submissions=submissions + 1,
            estimated_usd=usd,
        )
        self._tracker.save(key, intent)
        try:
            job = self._vendor.submit(request)
        except VendorUnclearError as error:
            self._hooks.say(f"{key}: {error}; asking what became of it")
            self._settle(self._hooks.now_s())
            found = self._match(JobTerms.of(request))
            if found is None:
                note = f"no clear answer: {error}"
                self._tracker.save(key, intent.to(State.SUBMIT_ERROR, intended_at=None, note=note))
                return
            job = found
        except VendorRefusedError as error:
            self.refuse(request, str(error))
            if error.is_key_refused:
                raise
            return
        except VendorError as error:
            self.refuse(request, str(error))
            return
        self._budget.spend(usd)
        self._take(key, intent, job)
        self._hooks.say(f"{key}: job {job.job_id}, ${usd:.4f}")

    def poll(self, keys: Iterable[str]) -> bool:
        """Bring the states of open jobs up to date; return whether any changed."""
        followed = {
            key: record
            for key in keys
            if (record := self._tracker.get(key)) is not None
            and record.state in AT_VENDOR
            and record.job_id is not None
        }
        if not followed:
            return False
        times = [record.received for record in followed.values()]
        since = min(filter(None, times)) if all(times) else None
        listed = self._vendor.jobs(since)
        changed = {}
        for key, record in followed.items():
            job = listed.get(record.job_id or "") or self._job_of(record)
            state = State.EXPIRED if job is None else _STATES.get(job.state, State.EXPIRED)
            if state is State.DONE and record.state is State.DOWNLOAD_ERROR:
                state = State.DOWNLOAD_ERROR
            if state is not record.state:
                changed[key] = record.to(state)
                if state is State.EXPIRED:
                    self._hooks.say(f"{key}: job {record.job_id} expired before it was downloaded")
        self._tracker.save_all(changed)
        return bool(changed)

    def ready(self, keys: Iterable[str]) -> list[str]:
        """Return what can be downloaded now, small schemas first."""
        found = [
            (key.split("|")[1] != "definition", key)
            for key in keys
            if (record := self._tracker.get(key)) is not None
            and record.state in (State.DONE, State.DOWNLOAD_ERROR)
            and record.job_id is not None
            and key not in self.failed
        ]
        return [key for _, key in sorted(found)]

    def download(self, key: str) -> None:
        """Land a finished job; a failure is saved, and tried again later in this run or the next.

        Raises VendorRefusedError where the key itself is refused.
        """
        record = self._tracker.get(key)
        if record is None or record.job_id is None:
            raise ValueError(f"{key} has no job")
        try:
            files = self._vendor.files(record.job_id)
            if not files:
                raise VendorUnclearError(f"job {record.job_id} lists no file (yet, or no longer)")
            landed = self._raw.land(record, files, self._hooks.bytes)
        except VendorRefusedError as error:
            if error.is_key_refused:
                raise
            self._download_failed(key, record, error)
        except StorageError as error:
            self._download_failed(key, record, error)
            self.give_up(key, str(error))
        except VendorError as error:
            self._download_failed(key, record, error)
        else:
            note = "" if landed else "the vendor has no record of that day"
            rows = [file.to_json() for file in landed]
            self._tracker.save(key, record.to(State.DOWNLOADED, files=rows, note=note))
            names = ", ".join(f"{file.name} ({file.size:,} bytes)" for file in landed)
            self._hooks.say(f"{key}: {names or note}")

    def give_up(self, key: str, reason: str) -> None:
        """Count a key as failed in this run; its record stays as it is."""
        self.failed[key] = reason
        self._hooks.say(f"{key}: {reason}")

    def refuse(self, request: Request, reason: str) -> None:
        """Save that a request was not bought, and why; it counts as failed in this run."""
        record = replace(JobRecord.of(request), note=reason)
        self._tracker.save(request.key, record.to(State.SUBMIT_ERROR))
        self.give_up(request.key, reason)

    def _fetch_again(self, key: str, record: JobRecord, missing: str) -> None:
        job = self._job_of(record) if record.job_id else None
        if job is None or job.state not in _STATES:
            raise VendorFileError(
                f"{key}: was downloaded before, {missing} is gone from the raw folder and the "
                "vendor keeps it no longer; put it back, or drop the tracker's record to buy it "
                "anew"
            )
        self._tracker.save(key, record.to(State.DONE, files=[]))
        self._hooks.say(f"{key}: {missing} is gone from the raw folder and is fetched again")

    def _download_failed(self, key: str, record: JobRecord, error: Exception) -> None:
        self._tracker.save(key, record.to(State.DOWNLOAD_ERROR, note=str(error)))
        tried = self._tried_downloads[key] = self._tried_downloads.get(key, 0) + 1
        self._hooks.say(f"{key}: download failed ({tried} of {MAX_DOWNLOADS}): {error}")
        if tried >= MAX_DOWNLOADS:
            self.give_up(key, str(error))

    def _take(self, key: str, record: JobRecord, job: VendorJob) -> None:
        self._tracker.save(
            key,
            record.to(
                _STATES.get(job.state, State.SUBMITTED),
                job_id=job.job_id,
                intended_at=None,
                submitted_at=record.intended_at or self._hooks.now_s(),
                received=job.received,
                files=[],
                note="",
            ),
        )

    def _settle(self, since_s: float) -> None:
        """Wait until a submission begun at `since_s` must be in the vendor's list; read it anew."""
        left = min(since_s + self._settle_s - self._hooks.now_s(), self._settle_s)
        if left > 0:
            self._vendor.patience.wait(left)
        self._listing = self._vendor.jobs()

    def _match(self, terms: JobTerms) -> VendorJob | None:
        """Return the newest usable job of these terms that no record has."""
        if self._listing is None:
            self._listing = self._vendor.jobs()
        claimed = {record.job_id for _, record in self._tracker.items()}
        usable = [
            job
            for job in self._listing.values()
            if job.terms == terms and job.state in _STATES and job.job_id not in claimed
        ]
        return max(usable, key=lambda job: job.received, default=None)

    def _job_of(self, record: JobRecord) -> VendorJob | None:
        """Return a job that the list does not show, None where the vendor knows it no more."""
        try:
            return self._vendor.job(record.job_id or "")
        except VendorRefusedError as error:
            if error.is_key_refused:
                raise
            return None


def _terms(record: JobRecord) -> JobTerms:
    end = date.fromisoformat(record.date) + timedelta(days=1)
    return JobTerms(
        record.dataset,
        record.schema,
        record.stype_in,
        record.date,
        end.isoformat(),
        record.symbols_sha256,
    )
