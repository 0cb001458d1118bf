"""`batch.download`: all files of a job as one zip, streamed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from spymaster_resources.gateway.account import Account
from spymaster_resources.gateway.body import BodyAnswer
from spymaster_resources.gateway.faults import BODY_FAULTS
from spymaster_resources.gateway.package import PackagedFile
from spymaster_resources.gateway.query import required
from spymaster_resources.gateway.refusal import RefusalError

_PIECE_BYTES: Final = 1 << 20


def download(account: Account, fields: Mapping[str, str]) -> BodyAnswer:
    """Return the files of a finished job as a zip of unknown length."""
    job_id = required(fields, "job_id")
    package = account.finished(job_id)
    if package is None:
        raise RefusalError(404, "batch_file_not_found", f"Job {job_id} has no files.")
    fault = account.faults.take("batch.download", BODY_FAULTS)
    headers = {"content-type": "application/zip"}
    return BodyAnswer(_zipped(package.files), length=None, headers=headers, fault=fault)


class _Pipe(io.RawIOBase):
    """Keeps what is written until it is taken; it cannot seek, so the zip needs no way back."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._held += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self._held)
        self._held.clear()
        return taken


def _zipped(files: Iterable[PackagedFile]) -> Iterator[bytes]:
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as bundle:
        for file in files:
            with (
                file.path.open("rb") as source,
                bundle.open(zipfile.ZipInfo(file.name), "w", force_zip64=True) as target,
            ):
                while piece := source.read(_PIECE_BYTES):
                    target.write(piece)
                    yield pipe.take()
    yield pipe.take()
