"""The vendor as the rest of this package sees it: a thin adapter of the official client."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple, TypeVar

import requests
from requests.auth import HTTPBasicAuth

from contracts.errors import (
    ConfigurationError,
    VendorBusyError,
    VendorError,
    VendorFileError,
    VendorRefusedError,
    VendorUnclearError,
)
from spymaster_resources.vendor.patience import Patience
from spymaster_resources.vendor.redaction import Secret
from spymaster_resources.vendor.requests import Request, digest_of

KEY_VARIABLE: Final = "DATABENTO_API_KEY"
GATEWAY_VARIABLE: Final = "SPYMASTER_VENDOR_GATEWAY"
ALL_STATES: Final = ("queued", "processing", "done", "expired")
_EXPECTED: Final = {"encoding": "dbn", "compression": "zstd", "split_duration": "day"}
_log: Final = logging.getLogger(__name__)
T = TypeVar("T")


class JobTerms(NamedTuple):
    """What a job was asked for; two jobs of equal terms deliver the same data."""

    dataset: str
    schema: str
    stype_in: str
    start: str
    end: str
    symbols_sha256: str

    @classmethod
    def of(cls, request: Request) -> JobTerms:
        """Return the terms of a request."""
        return cls(
            request.dataset,
            request.schema,
            request.stype_in,
            request.dt.isoformat(),
            request.end.isoformat(),
            request.symbols_sha256,
        )


@dataclass(frozen=True)
class VendorJob:
    """One job of the vendor's list."""

    job_id: str
    state: str
    received: str
    """When the vendor took it, ISO 8601."""
    terms: JobTerms | None
    """None for a job that is unlike any of ours."""


@dataclass(frozen=True)
class VendorFile:
    """One file of a finished job."""

    name: str
    size: int
    sha256: str
    url: str


class Vendor:
    """The vendor's historical interface. Nothing of it shows the key.

    Failures are the VendorError tree: refused, busy, unclear. Whatever may be asked twice is asked
    again with `patience`; a submission is not, unless the vendor said that it took nothing.
    """

    def __init__(
        self, key: Secret, gateway: str | None = None, patience: Patience | None = None
    ) -> None:
        import databento

        self._key = key
        self.patience: Final = patience or Patience()
        try:
            options = {"gateway": gateway} if gateway else {}
            self._client = databento.Historical(key.reveal(), **options)
        except ValueError as error:
            raise ConfigurationError(key.redact(f"vendor client: {error}")) from None
        self.gateway: Final[str] = self._client.gateway

    @classmethod
    def from_environment(
        cls, gateway: str | None = None, environment: Mapping[str, str] | None = None
    ) -> Vendor:
        """Return the vendor with the key of DATABENTO_API_KEY; ConfigurationError without one."""
        env = os.environ if environment is None else environment
        key = env.get(KEY_VARIABLE, "").strip()
        if not key:
            raise ConfigurationError(
                f"{KEY_VARIABLE} is not set; export the key of your Databento account in it"
            )
        return cls(Secret(key), gateway or env.get(GATEWAY_VARIABLE) or None)

    def __repr__(self) -> str:
        return f"Vendor(gateway={self.gateway!r})"

    @property
    def secret(self) -> Secret:
        """Return the key, which shows itself only on demand."""
        return self._key

    def authorization(self, url: str) -> HTTPBasicAuth:
        """Return what proves the account at a file's URL.

        Raises VendorFileError where the key would leave for another host, or unencrypted.
        """
        own = requests.utils.urlparse(self.gateway)  # type: ignore[attr-defined]
        other = requests.utils.urlparse(url)  # type: ignore[attr-defined]
        local = own.hostname in ("127.0.0.1", "localhost", "::1") and own.hostname == other.hostname
        trusted = other.hostname == own.hostname or str(other.hostname).endswith(".databento.com")
        if not local and not (other.scheme == "https" and trusted):
            raise VendorFileError(
                f"the vendor names a file at {other.scheme}://{other.hostname}; "
                f"the key is sent to {own.hostname} alone, over https"
            )
        return HTTPBasicAuth(self._key.reveal(), "")

    def submit(self, request: Request) -> VendorJob:
        """Buy: submit one batch job and return it. A VendorUnclearError leaves open if it was."""
        answer = self.patience.repeat(
            lambda: self._call(
                self._client.batch.submit_job,
                dataset=request.dataset,
                symbols=list(request.symbols),
                schema=request.schema,
                start=request.dt,
                end=request.end,
                encoding="dbn",
                compression="zstd",
                split_duration="day",
                delivery="download",
                stype_in=request.stype_in,
            ),
            on=(VendorBusyError,),
        )
        return _job(answer)

    def jobs(self, since: str | None = None) -> dict[str, VendorJob]:
        """Return every job by id, expired ones too, of all pages of the vendor's list."""
        found: dict[str, VendorJob] = {}
        while True:
            listed = self._ask(self._client.batch.list_jobs, states=ALL_STATES, since=since)
            page = {job.job_id: job for job in map(_job, listed)}
            new = page.keys() - found.keys()
            found |= page
            since = max((job.received for job in page.values()), default=None)
            if not new or since is None:
                return found

    def job(self, job_id: str) -> VendorJob:
        """Return one job."""
        return _job(self._ask(self._client.batch.get_job_details, job_id=job_id))

    def files(self, job_id: str) -> list[VendorFile]:
        """Return the files of a finished job."""
        listed = self._ask(self._client.batch.list_files, job_id=job_id)
        try:
            return [_file(entry) for entry in listed]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise VendorFileError(f"job {job_id}: its list of files lacks {error}") from None

    def cost_usd(self, request: Request) -> float:
        """Return the price of a request, US dollars."""
        return float(self._ask(self._client.metadata.get_cost, **_selection(request)))

    def billable_bytes(self, request: Request) -> int:
        """Return the uncompressed size of a request's answer, bytes."""
        return int(self._ask(self._client.metadata.get_billable_size, **_selection(request)))

    def schemas(self, dataset: str) -> list[str]:
        """Return the schemas that a dataset is sold in."""
        return [
            str(name) for name in self._ask(self._client.metadata.list_schemas, dataset=dataset)
        ]

    def available(self, dataset: str) -> tuple[str, str]:
        """Return the first instant and the end of a dataset's history, ISO 8601."""
        answer = self._ask(self._client.metadata.get_dataset_range, dataset=dataset)
        return str(answer["start"]), str(answer["end"])

    def unknown_symbols(self, request: Request) -> tuple[str, ...]:
        """Return those symbols of a request that name nothing on its day."""
        answer = self._ask(
            self._client.symbology.resolve,
            dataset=request.dataset,
            symbols=list(request.symbols),
            stype_in=request.stype_in,
            stype_out="instrument_id",
            start_date=request.dt,
            end_date=request.end,
        )
        return tuple(str(name) for name in answer.get("not_found", ()))

    def _ask(self, method: Callable[..., T], **arguments: Any) -> T:
        return self.patience.repeat(lambda: self._call(method, **arguments))

    def _call(self, method: Callable[..., T], **arguments: Any) -> T:
        """Return the client's answer; its errors come as ours, without the key and the cause."""
        from databento.common.error import BentoError, BentoHttpError

        what = method.__name__
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                answer = method(**arguments)
            except BentoHttpError as error:
                raise self.failure(what, error.http_status, str(error), error.headers) from None
            except (BentoError, requests.RequestException) as error:
                raise VendorUnclearError(
                    self._key.redact(f"{what}: no answer of {self.gateway}: {_reason(error)}")
                ) from None
            except (ValueError, TypeError) as error:
                raise VendorError(self._key.redact(f"{what}: {error}")) from None
        for warning in said:
            _log.warning("%s: %s", what, self._key.redact(str(warning.message)))
        return answer

    def failure(self, what: str, status: int, text: str, headers: Mapping[str, str]) -> VendorError:
        """Return the error that an HTTP status of 400 or more stands for."""
        message = self._key.redact(f"{what}: {text}")
        if status == 429:
            return VendorBusyError(message, retry_after_s=_seconds(headers.get("Retry-After")))
        if status in (401, 403):
            message += f"; check the key in {KEY_VARIABLE}"
        if status < 500 and status != 408:
            return VendorRefusedError(message, status=status)
        return VendorUnclearError(message)


def _selection(request: Request) -> dict[str, Any]:
    return {
        "dataset": request.dataset,
        "symbols": list(request.symbols),
        "schema": request.schema,
        "stype_in": request.stype_in,
        "start": request.dt,
        "end": request.end,
    }


def _job(entry: Mapping[str, Any]) -> VendorJob:
    try:
        return VendorJob(
            str(entry["id"]), str(entry["state"]), str(entry["ts_received"]), _terms(entry)
        )
    except (KeyError, TypeError) as error:
        raise VendorUnclearError(f"the vendor's job lacks {error}") from None


def _terms(entry: Mapping[str, Any]) -> JobTerms | None:
    plain = all(str(entry.get(name)) == value for name, value in _EXPECTED.items())
    limit, split = entry.get("limit"), entry.get("split_symbols")
    start, end = _midnight(entry.get("start")), _midnight(entry.get("end"))
    symbols = entry.get("symbols")
    if not plain or limit or split not in (None, False) or not start or not end or not symbols:
        return None
    names = symbols.split(",") if isinstance(symbols, str) else [str(name) for name in symbols]
    digest = digest_of(name.strip() for name in names)
    dataset, schema, stype_in = (str(entry.get(n)) for n in ("dataset", "schema", "stype_in"))
    return JobTerms(dataset, schema, stype_in, start, end, digest)


def _midnight(instant: object) -> str | None:
    """Return the date of an ISO 8601 instant at midnight UTC, None for any other."""
    day, _, clock = str(instant).replace(" ", "T").partition("T")
    try:
        date.fromisoformat(day)
    except ValueError:
        return None
    return day if not clock.removesuffix("Z").removesuffix("+00:00").strip("0:.") else None


def _file(entry: Mapping[str, Any]) -> VendorFile:
    name, (kind, _, digest) = str(entry["filename"]), str(entry["hash"]).partition(":")
    if not name or name.startswith(".") or "/" in name or "\\" in name or "\0" in name:
        raise ValueError(f"a usable file name, it has {name!r}")
    if kind != "sha256" or len(digest) != 64:
        raise ValueError(f"a SHA-256 of {name}")
    return VendorFile(name, int(entry["size"]), digest.lower(), str(entry["urls"]["https"]))


def _reason(error: BaseException) -> str:
    """Return what failed without the request that failed, which may hold credentials."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror
        inner = inner.__cause__ or inner.__context__
    return type(error).__name__


def _seconds(text: str | None) -> float | None:
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:
        return None
