"""Landing of a finished job: its files in the raw folder, whole or not at all.

A data file has a dot-name until it is whole, checked and durable. What the vendor says of the job
(manifest, metadata, condition, symbology) is kept beside under the data file's name, without
account fields and URLs, and lies there before the data file does.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from contracts.errors import RawFileError, StorageError, VendorFileError
from spymaster_resources.lake.filesystem import (
    Entry,
    FileSystem,
    LocalFolder,
    make_folder,
    sync_folder,
)
from spymaster_resources.vendor.client import VendorFile
from spymaster_resources.vendor.products import DEFINITION, raw_folder
from spymaster_resources.vendor.redaction import Secret, without_account
from spymaster_resources.vendor.requests import digest_of
from spymaster_resources.vendor.tracker import JobRecord
from spymaster_resources.vendor.transfer import Transfer, sha256_of

if TYPE_CHECKING:
    from spymaster_resources.dbn.header import DbnMetadata
    from spymaster_resources.dbn.stream import DbnFile

DATA_SUFFIXES: Final = (".dbn", ".dbn.zst")
MANIFEST: Final = "manifest.json"
_PARTIAL: Final = ".partial"
_PART: Final = re.compile(r".*-part(\d+)-\d{8}\..*")

BytesProgress = Callable[[str, int, int], None]
"""Told file name, bytes here, bytes in all."""


@dataclass(frozen=True)
class Landed:
    """One data file of a request in the raw folder."""

    name: str
    size: int
    sha256: str | None
    """None for a file that was there before and was never announced by the vendor."""

    def to_json(self) -> dict[str, Any]:
        """Return the file as the tracker keeps it."""
        return {"name": self.name, "size": self.size, "sha256": self.sha256}


class RawStore:
    """The raw folders of a lake, as far as downloads go.

    `working_folder` takes what cannot grow in place: partial files of a lake in an object store.
    """

    def __init__(
        self, store: FileSystem, transfer: Transfer, secret: Secret, working_folder: Path
    ) -> None:
        self._store = store
        self._transfer = transfer
        self._secret = secret
        self._working_folder = working_folder

    def folder_of(self, record: JobRecord) -> str:
        """Return the folder of a record's files, relative to the lake root."""
        return raw_folder(record.product, root_of(record), record.schema)

    def land(
        self, record: JobRecord, files: list[VendorFile], progress: BytesProgress
    ) -> list[Landed]:
        """Fetch a job's files; return its data files, none where the vendor has no record.

        A file that lies there already with the announced content is not fetched. Raises what
        `Transfer.fetch` raises, VendorFileError for a file of something else than was asked for,
        and for another file of that name in the raw folder, which is never replaced.
        """
        data = [file for file in files if file.name.endswith(DATA_SUFFIXES)]
        beside = [file for file in files if file not in data]
        folder = self.folder_of(record)
        names = {file.name: _landing_name(file.name, record) for file in data}
        stem = _stem(next(iter(names.values()), _bare_name(record)))
        for file in beside:
            self._keep_beside(f"{folder}/{stem}.{file.name}", file)
        if MANIFEST not in (file.name for file in beside):
            self._put_json(f"{folder}/{stem}.{MANIFEST}", _manifest(record, files))
        return [self._land(record, file, f"{folder}/{names[file.name]}", progress) for file in data]

    def present(self, record: JobRecord, symbols: tuple[str, ...]) -> list[Landed]:
        """Return what lies in the raw folder for a request, so that it need not be bought.

        Parquet of the vendor's client counts as it is: it does not say what was asked for; but
        definitions are read as the vendor sends them. Raises VendorFileError where the day's file
        is there and does not hold `symbols`.
        """
        folder = self.folder_of(record)
        found = []
        for entry in self._store.entries(folder):
            if record.schema != DEFINITION and _is_day_parquet(entry, record):
                found.append(Landed(entry.name, entry.size, None))
            elif _is_day_file(entry, record):
                self._require_request(record, f"{folder}/{entry.name}", symbols)
                found.append(Landed(entry.name, entry.size, None))
        return found

    def data_files(self, record: JobRecord) -> Iterator[DbnFile]:
        """Yield a downloaded record's data files, opened; raises RawFileError for a bad one."""
        folder = self.folder_of(record)
        for file in record.files:
            yield self._open(f"{folder}/{file['name']}")

    def missing(self, record: JobRecord) -> list[str]:
        """Return the names of a downloaded record's files that are gone or not whole."""
        sizes = {entry.name: entry.size for entry in self._store.entries(self.folder_of(record))}
        return [file["name"] for file in record.files if sizes.get(file["name"]) != file["size"]]

    def _land(
        self, record: JobRecord, file: VendorFile, target: str, progress: BytesProgress
    ) -> Landed:
        name = target.rpartition("/")[2]
        partial = self._partial(target, file)
        landed = Landed(name, file.size, file.sha256)
        if self._store.version(target) is not None:
            if self._sha256(target) != file.sha256:
                raise VendorFileError(
                    f"{target}: the raw folder holds another file of this name; raw files are "
                    "never replaced, move the old one away first"
                )
            partial.unlink(missing_ok=True)
            return landed
        self._transfer.fetch(file, partial, lambda done: progress(name, done, file.size))
        _check_header(record, partial, name)
        try:
            if isinstance(self._store, LocalFolder):
                partial.rename(self._store.path(target))
                sync_folder(partial.parent)
            else:
                self._store.upload(partial, target)
                partial.unlink()
        except OSError as error:
            raise StorageError(target, f"cannot be written: {error.strerror or error}") from error
        return landed

    def _partial(self, target: str, file: VendorFile) -> Path:
        """Return where the file grows; another content of the same name is begun anew."""
        folder = self._working_folder
        if isinstance(self._store, LocalFolder):
            folder = self._store.path(target).parent
        try:
            make_folder(folder)
            partial = folder / f".{target.rpartition('/')[2]}.{file.sha256[:16]}{_PARTIAL}"
            for other in folder.glob(f".{target.rpartition('/')[2]}.*{_PARTIAL}"):
                if other != partial:
                    other.unlink()
        except OSError as error:
            raise StorageError(str(folder), f"cannot be written: {error.strerror}") from error
        return partial

    def _keep_beside(self, target: str, file: VendorFile) -> None:
        partial = self._partial(target, file)
        self._transfer.fetch(file, partial)
        content = partial.read_bytes()
        if file.name.endswith(".json"):
            try:
                self._put_json(target, json.loads(content))
            except ValueError as error:
                raise VendorFileError(f"{file.name}: expected JSON: {error}") from None
        else:
            text = without_account(content.decode("utf-8", "replace"))
            self._put(target, text.encode())
        partial.unlink()

    def _put_json(self, target: str, document: Any) -> None:
        self._put(target, (json.dumps(without_account(document), indent=1) + "\n").encode())

    def _put(self, target: str, content: bytes) -> None:
        text = self._secret.redact(content.decode())
        try:
            self._store.put(target, text.encode())
        except OSError as error:
            raise StorageError(target, f"cannot be written: {error.strerror or error}") from error

    def _sha256(self, target: str) -> str:
        if isinstance(self._store, LocalFolder):
            return sha256_of(self._store.path(target))
        digest = hashlib.sha256()
        with self._store.open(target) as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()

    def _open(self, path: str) -> DbnFile:
        from spymaster_resources.dbn.stream import open_dbn

        return open_dbn(path, opener=lambda name: cast("BinaryIO", self._store.open(name)))

    def _require_request(self, record: JobRecord, path: str, symbols: tuple[str, ...]) -> None:
        try:
            dbn = self._open(path)
        except RawFileError as error:
            raise VendorFileError(f"a file of that day is there, and: {error}") from error
        _require_terms(record, dbn.metadata, path)
        held = set(dbn.metadata.symbols)
        absent = [name for name in symbols if name not in held]
        if absent:
            raise VendorFileError(
                f"{path}: the day's file is there and was asked for {', '.join(sorted(held)[:5])}"
                f", not for {', '.join(absent[:5])}; move it away to buy the day anew"
            )


def root_of(record: JobRecord) -> str:
    """Return the root of a record's symbol field."""
    return record.symbol.partition("#")[0]


def part_of(record: JobRecord) -> int:
    """Return the place among the requests that one day was split into, from 1."""
    return int(record.symbol.partition("#")[2] or 1)


def _landing_name(name: str, record: JobRecord) -> str:
    """Return the vendor's file name; a later part of a split day says which one it is."""
    day = record.date.replace("-", "")
    if f"-{day}." not in name:
        raise VendorFileError(f"{name}: expected a file of {record.date}")
    part = part_of(record)
    return name if part == 1 else name.replace(f"-{day}.", f"-part{part}-{day}.")


def _bare_name(record: JobRecord) -> str:
    dataset = record.dataset.lower().replace(".", "-")
    name = f"{dataset}-{record.date.replace('-', '')}.{record.schema}.dbn.zst"
    return _landing_name(name, record)


def _stem(name: str) -> str:
    return name.removesuffix(".zst").removesuffix(".dbn")


def _is_day_file(entry: Entry, record: JobRecord) -> bool:
    day = record.date.replace("-", "")
    if entry.is_folder or entry.name.startswith("."):
        return False
    if not re.search(rf"(^|[-_.]){day}\.{re.escape(record.schema)}\.dbn(\.zst)?$", entry.name):
        return False
    part = _PART.fullmatch(entry.name)
    return int(part[1] if part else 1) == part_of(record)


def _is_day_parquet(entry: Entry, record: JobRecord) -> bool:
    day, schema = record.date.replace("-", ""), re.escape(record.schema)
    name = rf"(^|[-_.]){day}(\.{schema})?(\.dbn(\.zst)?)?\.parquet$"
    return not entry.is_folder and re.search(name, entry.name) is not None


def _manifest(record: JobRecord, files: list[VendorFile]) -> dict[str, Any]:
    listed = [{"filename": f.name, "size": f.size, "hash": f"sha256:{f.sha256}"} for f in files]
    return {"job_id": record.job_id, "files": listed}


def _check_header(record: JobRecord, partial: Path, name: str) -> None:
    """Raise VendorFileError unless the file's header says what the record asked for."""
    from spymaster_resources.dbn.stream import open_dbn

    try:
        metadata = open_dbn(partial).metadata
    except RawFileError as error:
        raise VendorFileError(
            f"{name}: arrived as announced, and is no DBN file: {error}"
        ) from error
    _require_terms(record, metadata, name)
    if record.symbols and digest_of(metadata.symbols) != record.symbols_sha256:
        raise VendorFileError(
            f"{name}: expected the answer for {', '.join(record.symbols)}, "
            f"found {', '.join(metadata.symbols[:5])}"
        )


def _require_terms(record: JobRecord, metadata: DbnMetadata, name: str) -> None:
    found = (metadata.dataset, metadata.schema, metadata.start_date.isoformat())
    expected = (record.dataset, record.schema, record.date)
    if found != expected:
        raise VendorFileError(
            f"{name}: expected {' '.join(expected)}, found {' '.join(map(str, found))}"
        )
