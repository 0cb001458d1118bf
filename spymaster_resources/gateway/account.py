"""The state behind the interface: archive, jobs, purchases, prices and faults."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

from spymaster_resources.gateway.archive import Archive, DaySpan
from spymaster_resources.gateway.extract import Extract, extract
from spymaster_resources.gateway.faults import Faults
from spymaster_resources.gateway.instants import day_span_ns, iso_ns
from spymaster_resources.gateway.jobs import USER_ID, Job, Jobs, JobTimes
from spymaster_resources.gateway.package import (
    Package,
    PackagedFile,
    build_package,
    write_document,
)
from spymaster_resources.gateway.query import DataQuery
from spymaster_resources.gateway.refusal import RefusalError, unprocessable

UNIT_PRICES: Final = {
    "mbo": 2.0, "mbp-1": 4.0, "mbp-10": 1.0, "trades": 28.0, "tbbo": 21.0, "definition": 5.0,
    "statistics": 11.0, "status": 5.0, "cmbp-1": 0.5, "ohlcv-1s": 100.0, "ohlcv-1m": 280.0,
    "ohlcv-1h": 600.0, "ohlcv-1d": 600.0, "bbo-1s": 50.0, "bbo-1m": 70.0, "cbbo-1s": 2.0,
    "cbbo-1m": 4.0, "tcbbo": 10.0, "imbalance": 11.0, "ohlcv-eod": 600.0,
}  # fmt: skip
"""Dollars a gigabyte of uncompressed records: of the vendor's order, but of this gateway only."""
_GIGABYTE: Final = 1 << 30


class Purchase(NamedTuple):
    """One thing that would have cost money: a job, or a stream of records (`job_id` None)."""

    query: DataQuery
    job_id: str | None
    cost_usd: float


@dataclass
class Limits:
    """What the gateway allows; None is no limit."""

    job_list: int | None = None
    """Jobs in one answer of `batch.list_jobs`, oldest first; a later `since` gets the rest."""


class Account:
    """Everything that the handlers of requests share; thread-safe."""

    def __init__(
        self,
        archive: Archive,
        folder: Path,
        *,
        url: str,
        faults: Faults,
        times: JobTimes,
        limits: Limits,
        now_ns: Callable[[], int],
    ) -> None:
        self.archive = archive
        self.faults = faults
        self.limits = limits
        self.jobs = Jobs(self._package, times, now_ns)
        self._files_url = url
        self._folder = folder
        self._purchases: list[Purchase] = []
        self._lock = threading.Lock()

    @property
    def purchases(self) -> tuple[Purchase, ...]:
        """Return everything bought so far, in order."""
        with self._lock:
            return tuple(self._purchases)

    @property
    def bought_twice(self) -> tuple[DataQuery, ...]:
        """Return the requests of which more than one job was bought."""
        jobs = Counter(row.query for row in self.purchases if row.job_id is not None)
        return tuple(query for query, count in jobs.items() if count > 1)

    def buy(self, purchase: Purchase) -> None:
        """Record a purchase."""
        with self._lock:
            self._purchases.append(purchase)

    def require_dataset(self, dataset: str) -> DaySpan:
        """Return the available dates of a dataset; refused where it is not served."""
        span = self.archive.span(dataset) if dataset in self.archive.datasets() else None
        if span is None:
            raise unprocessable("data_dataset_not_found", f"The dataset {dataset} is not served.")
        return span

    def answer(self, query: DataQuery) -> Extract:
        """Return the answer to a request; refused where it can have none.

        A day without any file, as a holiday, is an empty answer and no refusal.
        """
        span = self.require_dataset(query.dataset)
        if query.schema not in self.archive.schemas(query.dataset):
            raise unprocessable(
                "data_schema_not_supported",
                f"The dataset {query.dataset} has no schema {query.schema} here; it has "
                f"{', '.join(self.archive.schemas(query.dataset))}.",
            )
        first_ns, end_ns = day_span_ns(span.first)[0], day_span_ns(span.last)[1]
        if query.end_ns > end_ns:
            raise unprocessable(
                "data_end_after_available_end",
                f"The dataset {query.dataset} has data available up to '{iso_ns(end_ns)}'. The "
                f"`end` in the query ('{iso_ns(query.end_ns)}') is after the available range. Try "
                "requesting with an earlier `end`.",
            )
        if query.start_ns < first_ns:
            raise unprocessable(
                "data_start_before_available_start",
                f"The dataset {query.dataset} has data available from '{iso_ns(first_ns)}'. The "
                f"`start` in the query ('{iso_ns(query.start_ns)}') is before the available "
                "range. Try requesting with a later `start`.",
            )
        found = extract(self.archive, query)
        if found.finds_nothing:
            raise unprocessable(
                "symbology_invalid_request", "None of the symbols could be resolved"
            )
        return found

    def conditions(self, dataset: str, first: date, last: date) -> list[tuple[date, str]]:
        """Return the dates that have data, both ends included, with their condition."""
        days = range(first.toordinal(), last.toordinal() + 1)
        dates = map(date.fromordinal, days)
        return [(day, "available") for day in dates if self.archive.has_data(dataset, day)]

    def finished(self, job_id: str) -> Package | None:
        """Return the package of a job while its files are kept, else None."""
        job = self.jobs.get(job_id)
        return job.package if self.jobs.state(job_id) == "done" else None

    def file_row(self, job_id: str, file: PackagedFile) -> dict[str, Any]:
        """Return a file as the vendor lists it; its addresses bear the account, as the vendor's."""
        place = f"{USER_ID}/{job_id}/{file.name}"
        return {
            "filename": file.name,
            "size": file.size,
            "hash": f"sha256:{file.sha256}",
            "urls": {
                "https": f"{self._files_url}/v0/batch/download/{place}",
                "ftp": f"ftp://ftp.invalid/{place}",
            },
        }

    def _package(self, job: Job) -> Package:
        query = job.query
        conditions = self.conditions(query.dataset, query.first_day, query.last_day)
        folder = self._folder / job.id
        package = build_package(
            job.id, extract(self.archive, query), job.customizations, conditions, folder
        )
        rows = [self.file_row(job.id, file) for file in package.files]
        manifest = write_document(folder / "manifest.json", {"job_id": job.id, "files": rows})
        return package._replace(files=(*package.files, manifest))


def cost_usd(schema: str, size: int) -> float:
    """Return the price of `size` bytes of uncompressed records."""
    price = UNIT_PRICES.get(schema)
    if price is None:
        raise RefusalError(422, "data_schema_not_supported", f"The schema {schema} has no price.")
    return price * size / _GIGABYTE
