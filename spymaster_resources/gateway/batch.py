"""`batch.*`: jobs submitted and listed, their files listed and served."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from spymaster_resources.gateway.account import Account, Purchase, cost_usd
from spymaster_resources.gateway.body import BodyAnswer
from spymaster_resources.gateway.faults import BODY_FAULTS, DOWNLOAD, JOB_FAULTS, FaultKind
from spymaster_resources.gateway.instants import parse_instant
from spymaster_resources.gateway.jobs import USER_ID, JobState
from spymaster_resources.gateway.query import parse_query, required
from spymaster_resources.gateway.refusal import RefusalError, unprocessable

_PIECE_BYTES: Final = 1 << 20
_RANGE: Final = re.compile(r"bytes=(\d+)-(\d*)")
_CUSTOMIZATIONS: Final = {"pretty_px": False, "pretty_ts": False, "map_symbols": False,
                          "split_symbols": False, "split_duration": "day", "split_size": None,
                          "packaging": None, "delivery": "download"}  # fmt: skip
_SHORT: Final = ("id", "state", "ts_received")


def submit_job(account: Account, fields: Mapping[str, str]) -> dict[str, Any]:
    """Buy a job and return it."""
    query = parse_query(fields)
    cost = cost_usd(query.schema, account.answer(query).size()[1])
    fault = account.faults.take("batch.submit_job", JOB_FAULTS)
    job = account.jobs.submit(
        query,
        _CUSTOMIZATIONS | {name: fields.get(name) == "True" for name in ("pretty_px", "pretty_ts")},
        cost,
        is_stuck=fault is not None and fault.kind is FaultKind.STUCK,
        expires_at_once=fault is not None and fault.kind is FaultKind.EXPIRE,
    )
    account.buy(Purchase(query, job.id, cost))
    return job.describe(job.received_ns)


def list_jobs(account: Account, fields: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the jobs in some states, received at or after `since`, oldest first."""
    states = {state for state in fields.get("states", "queued,processing,done").split(",") if state}
    if unknown := states - set(JobState):
        raise unprocessable("validation_failed", f"`states` has unknown {', '.join(unknown)}.")
    since = fields.get("since")
    since_ns = parse_instant(since, "since").ns if since else 0
    now_ns = account.jobs.now_ns()
    found = [
        job.describe(now_ns)
        for job in account.jobs.all()
        if job.received_ns >= since_ns and job.state(now_ns) in states
    ][: account.limits.job_list]
    if fields.get("short") == "True":
        return [{name: row[name] for name in _SHORT} for row in found]
    return found


def get_job_details(account: Account, fields: Mapping[str, str]) -> dict[str, Any]:
    """Return one job."""
    return account.jobs.get(required(fields, "job_id")).describe(account.jobs.now_ns())


def list_files(account: Account, fields: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the files of a job: none before it is done, and none once it has expired."""
    job_id = required(fields, "job_id")
    package = account.finished(job_id)
    return [account.file_row(job_id, file) for file in package.files] if package else []


def download(
    account: Account, user_id: str, job_id: str, name: str, wanted: str | None
) -> BodyAnswer:
    """Return a file of a job, or the range of it that the header `wanted` asks for."""
    package = account.finished(job_id)
    files = {file.name: file for file in package.files} if package else {}
    if user_id != USER_ID or name not in files:
        raise RefusalError(
            404, "batch_file_not_found", f"File {name} of job {job_id} was not found."
        )
    file = files[name]
    fault = account.faults.take(DOWNLOAD, BODY_FAULTS)
    headers = {"accept-ranges": "bytes", "etag": f'"{file.sha256}"'}
    if wanted and not account.faults.take(DOWNLOAD, (FaultKind.IGNORE_RANGE,)):
        first, last = _range(wanted, file.size)
        headers["content-range"] = f"bytes {first}-{last}/{file.size}"
        pieces = _pieces(file.path, first, last + 1)
        length = last + 1 - first
        return BodyAnswer(pieces, length=length, status=206, headers=headers, fault=fault)
    pieces = _pieces(file.path, 0, file.size)
    return BodyAnswer(pieces, length=file.size, headers=headers, fault=fault)


def _range(wanted: str, size: int) -> tuple[int, int]:
    match = _RANGE.fullmatch(wanted)
    first = int(match[1]) if match else size
    last = min(int(match[2]), size - 1) if match and match[2] else size - 1
    if first > last:
        raise RefusalError(
            416,
            "range_not_satisfiable",
            f"The range {wanted!r} is none of a file of {size} bytes.",
            headers={"content-range": f"bytes */{size}"},
        )
    return first, last


def _pieces(path: Path, start: int, stop: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while start < stop and (piece := file.read(min(_PIECE_BYTES, stop - start))):
            start += len(piece)
            yield piece
