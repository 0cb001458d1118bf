"""Job trackers: what was asked of the vendor and what came of it, in one small JSON file.

`{"jobs": {key: record}}`. Every change is written beside the file, made durable and renamed over
it, so a reader finds the old content or the new one, and a kill at any moment loses at most the
last change. One process at a time works with a tracker.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from filelock import FileLock, Timeout

from contracts.errors import ConfigurationError, StorageError
from spymaster_resources.lake.filesystem import make_folder, sync_folder
from spymaster_resources.vendor.requests import Request

LISTED_SYMBOLS: Final = 16
"""Longer lists of symbols are told by their number and digest alone."""


class State(StrEnum):
    """How far a request has come."""

    SUBMITTED = "submitted"
    """Intended, or accepted; without a job id nobody knows which until the vendor is asked."""
    QUEUED = "queued"
    PROCESSING = "processing"
    DONE = "done"
    """Ready at the vendor."""
    DOWNLOADED = "downloaded"
    EXPIRED = "expired"
    """The vendor dropped the job before it was downloaded; it must be bought again."""
    SUBMIT_ERROR = "submit_error"
    """Refused; nothing was bought."""
    DOWNLOAD_ERROR = "download_error"
    """Bought, and not downloaded yet; only the download is tried again."""


OPEN_AT_VENDOR: Final = frozenset({State.SUBMITTED, State.QUEUED, State.PROCESSING})


@dataclass(frozen=True)
class JobRecord:
    """What the tracker knows of one request; times are seconds since the epoch, UTC."""

    dataset: str
    schema: str
    symbol: str
    date: str
    product: str
    stype_in: str
    n_symbols: int
    symbols_sha256: str
    symbols: list[str] = field(default_factory=list)
    state: State = State.SUBMITTED
    job_id: str | None = None
    intended_at: float | None = None
    """When the submission was begun whose answer is not known; None otherwise."""
    submitted_at: float | None = None
    received: str | None = None
    """When the vendor took the job by its own clock, ISO 8601."""
    submissions: int = 0
    estimated_usd: float | None = None
    files: list[dict[str, Any]] = field(default_factory=list)
    """Name, size and SHA-256 of each downloaded data file."""
    note: str = ""

    @classmethod
    def of(cls, request: Request) -> JobRecord:
        """Return the record of a request that was not submitted yet."""
        listed = len(request.symbols) <= LISTED_SYMBOLS
        return cls(
            dataset=request.dataset,
            schema=request.schema,
            symbol=request.key.split("|")[2],
            date=request.dt.isoformat(),
            product=request.product_type,
            stype_in=request.stype_in,
            n_symbols=len(request.symbols),
            symbols_sha256=request.symbols_sha256,
            symbols=list(request.symbols) if listed else [],
        )

    def to(self, state: State, **changes: Any) -> JobRecord:
        """Return the record in another state."""
        return replace(self, state=state, **changes)


class Tracker:
    """The records of one tracker file; a context manager that holds its lock.

    A `dry` tracker neither locks nor writes: it keeps changes to itself. Raises ConfigurationError
    where another process holds the lock or the file is no tracker.
    """

    def __init__(self, path: Path, *, dry: bool = False) -> None:
        self.path: Final = path
        self._dry = dry
        self._lock = FileLock(path.with_name(f".{path.name}.lock"))
        self._records: dict[str, JobRecord] = {}

    def __enter__(self) -> Self:
        if self._dry:
            self._records = read_tracker(self.path)
            return self
        make_folder(self.path.parent)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise ConfigurationError(
                f"{self.path}: another download works with this tracker; wait for it or stop it"
            ) from None
        try:
            self._records = read_tracker(self.path)
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.release()

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._records))

    def get(self, key: str) -> JobRecord | None:
        """Return the record of a key, None where there is none."""
        return self._records.get(key)

    def items(self) -> list[tuple[str, JobRecord]]:
        """Return all records by key."""
        return list(self._records.items())

    def save(self, key: str, record: JobRecord) -> JobRecord:
        """Keep a record; it is on the disk when this returns."""
        self.save_all({key: record})
        return record

    def save_all(self, records: Mapping[str, JobRecord]) -> None:
        """Keep several records in one write; an unchanged tracker is not written again."""
        changed = {k: r for k, r in records.items() if self._records.get(k) != r}
        if not changed:
            return
        merged = self._records | changed
        if not self._dry:
            _write(self.path, merged)
        self._records = merged


def read_tracker(path: Path) -> dict[str, JobRecord]:
    """Return the records of a tracker file by key, none where there is no file.

    Raises ConfigurationError where the file is no tracker; it is then left as it is.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        return {
            key: JobRecord(**(fields | {"state": State(fields["state"])}))
            for key, fields in content["jobs"].items()
        }
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigurationError(
            f"{path} is no job tracker ({error}); put its backup back, or move it away: the "
            "vendor's list of jobs then tells what was bought"
        ) from error


def _write(path: Path, records: Mapping[str, JobRecord]) -> None:
    text = json.dumps({"jobs": {k: asdict(r) for k, r in records.items()}}, indent=1)
    beside = path.with_name(f".{path.name}.new")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise StorageError(str(path), f"cannot be written: {error.strerror}") from error
