"""Transfer of one file: resumed by Range, checked by SHA-256, patient with the network.

The vendor's client keeps a file whose checksum is wrong, appends a whole file to a part of it when
a Range is answered with 200, gives up on 5xx, and waits for ever on a silent connection; so this
part is ours.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Self

import requests
import urllib3

from contracts.errors import (
    StorageError,
    VendorBusyError,
    VendorFileError,
    VendorUnclearError,
)
from spymaster_resources.vendor.client import Vendor, VendorFile

BLOCK_BYTES: Final = 1 << 17
"""A piece is hashed and written while a core still has it in its cache."""
TIMEOUT_S: Final = (20.0, 60.0)
"""To connect, and between two pieces."""
RESERVE_BYTES: Final = 256 << 20
"""Left free on the disk, for the tracker, logs and the lake's small files."""
MAX_BAD_COPIES: Final = 3

Progress = Callable[[int], None]
"""Told how many bytes of the file are here."""
FreeBytes = Callable[[Path], int]


def free_bytes(folder: Path) -> int:
    """Return the free space of the disk under `folder`."""
    return shutil.disk_usage(folder).free


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Transfer:
    """Fetches files of the vendor into partial files; a context manager of its connections.

    `fetch` raises VendorFileError for a file that arrives wrong three times, StorageError where
    the disk refuses or is too full, VendorRefusedError for a definite no, VendorUnclearError when
    patience ends; what has arrived by then is kept for the next attempt.
    """

    def __init__(self, vendor: Vendor, free: FreeBytes = free_bytes) -> None:
        self._vendor = vendor
        self._free = free
        self._session = requests.Session()
        # The bytes on the wire are the file: nothing may be decoded on the way.
        self._session.headers["Accept-Encoding"] = "identity"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def fetch(self, file: VendorFile, partial: Path, progress: Progress = lambda _: None) -> None:
        """Make `partial` the whole, checked file, durable on the disk."""
        bad_copies = 0
        with _Partial(partial) as part:
            while True:
                if part.size > file.size:
                    part.restart()
                self._require_space(file.size - part.size, partial.parent)
                if part.size < file.size or file.size == 0:
                    self._receive_patiently(file, part, progress)
                if part.size == file.size and part.digest.hexdigest() == file.sha256:
                    part.sync()
                    return
                bad_copies += 1
                found = f"{part.size} bytes, SHA-256 {part.digest.hexdigest()[:16]}"
                part.restart()
                if bad_copies >= MAX_BAD_COPIES:
                    raise VendorFileError(
                        f"{file.name}: expected {file.size} bytes, SHA-256 {file.sha256[:16]}, "
                        f"found {found}, {bad_copies} times; the vendor's copy is damaged"
                    )

    def _require_space(self, needed: int, folder: Path) -> None:
        free = self._free(folder)
        if free < needed + RESERVE_BYTES:
            raise StorageError(
                str(folder),
                f"{needed:,} bytes are to come and {RESERVE_BYTES:,} stay free, the disk has "
                f"{free:,}; make room and start again, what is here is kept",
            )

    def _receive_patiently(self, file: VendorFile, part: _Partial, progress: Progress) -> None:
        attempt = 0
        while True:
            before = part.size
            try:
                self._receive(file, part, progress)
                return
            except (VendorBusyError, VendorUnclearError) as error:
                # A connection that brings something is worth going on with.
                attempt = 1 if part.size > before else attempt + 1
                if attempt >= self._vendor.patience.attempts:
                    raise
                self._vendor.patience.pause(attempt, error)

    def _receive(self, file: VendorFile, part: _Partial, progress: Progress) -> None:
        headers = {"Range": f"bytes={part.size}-"} if part.size else {}
        try:
            response = self._session.get(
                file.url,
                headers=headers,
                auth=self._vendor.authorization(file.url),
                stream=True,
                timeout=TIMEOUT_S,
            )
        except requests.RequestException as error:
            raise VendorUnclearError(f"{file.name}: {type(error).__name__}") from None
        with response:
            if response.status_code == 416:
                part.restart()
                raise VendorUnclearError(f"{file.name}: the range to resume from was refused")
            if response.status_code >= 400:
                raise self._vendor.failure(
                    file.name, response.status_code, _detail(response), response.headers
                )
            if response.status_code == 206 and not _continues(response, part.size):
                part.restart()
                raise VendorUnclearError(f"{file.name}: another range came than was asked for")
            if response.status_code == 200:
                part.restart()
            self._copy(response, file, part, progress)

    def _copy(
        self, response: requests.Response, file: VendorFile, part: _Partial, progress: Progress
    ) -> None:
        while part.size <= file.size:
            try:
                piece = response.raw.read(BLOCK_BYTES, decode_content=False)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise VendorUnclearError(
                    f"{file.name}: cut at byte {part.size:,} ({type(error).__name__})"
                ) from None
            if not piece:
                break
            part.append(piece)
            progress(min(part.size, file.size))
        if part.size < file.size:
            raise VendorUnclearError(f"{file.name}: ended at byte {part.size:,} of {file.size:,}")


class _Partial:
    """A file that grows, with the digest of what it holds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.digest: Any = hashlib.sha256()

    def __enter__(self) -> _Partial:
        try:
            self._file = self.path.open("a+b", buffering=0)
            self._file.seek(0)
            while block := self._file.read(BLOCK_BYTES):
                self.digest.update(block)
                self.size += len(block)
        except OSError as error:
            raise self._refused(error) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, piece: bytes) -> None:
        """Write the next bytes."""
        left = memoryview(piece)
        try:
            while left:
                written = self._file.write(left) or 0
                self.digest.update(left[:written])
                self.size += written
                left = left[written:]
        except OSError as error:
            raise self._refused(error) from error

    def restart(self) -> None:
        """Forget everything."""
        try:
            self._file.truncate(0)
        except OSError as error:
            raise self._refused(error) from error
        self.size = 0
        self.digest = hashlib.sha256()

    def sync(self) -> None:
        """Make the content durable."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> StorageError:
        return StorageError(str(self.path), f"cannot be written: {error.strerror or error}")


def _continues(response: requests.Response, size: int) -> bool:
    """Return whether the body starts at byte `size` of the file."""
    return response.headers.get("Content-Range", "").startswith(f"bytes {size}-")


def _detail(response: requests.Response) -> str:
    text = response.raw.read(2000, decode_content=False).decode("utf-8", "replace")
    return f"{response.status_code} {' '.join(text.split())}"
