"""Making a staged partition the published one, in one step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import Timeout

from contracts.errors import PublicationConflictError, StorageError
from spymaster_resources.lake.exchange import exchange
from spymaster_resources.lake.filesystem import (
    FileSystem,
    LocalFolder,
    make_folder,
    remove_tree,
    sync_file,
    sync_folder,
)
from spymaster_resources.lake.layout import MANIFEST_NAME, SUCCESS_NAME, PartitionKey, staged_name
from spymaster_resources.lake.manifest import DataFile, Manifest, hash_file
from spymaster_resources.lake.staging import LOCK_TIMEOUT_S, Staging, folder_lock


class Publisher(ABC):
    """Publishes one partition; remembers what was published when it was made."""

    def __init__(
        self, files: FileSystem, key: PartitionKey, folder: str, single_file: str | None
    ) -> None:
        self._files = files
        self._key = key
        self._folder = folder
        self._single_file = single_file
        with storage_errors(key):
            self._seen = self._version()

    @abstractmethod
    def stage(self) -> Staging:
        """Return a new staging folder, after cleaning up what dead writers left."""

    @abstractmethod
    def publish(self, partition: Path, manifest: Manifest) -> None:
        """Publish the staged files in `partition` with their manifest.

        Raises PublicationConflictError when someone else published since this was made.
        """

    def verify_staged(self, path: Path, file: DataFile) -> None:
        """Read `path` back; raises StorageError when it is not what was written."""
        size, sha256 = hash_file(path)
        if (size, sha256) != (file.size, file.sha256):
            expected = f"expected {file.size} bytes with hash {file.sha256}"
            message = f"{expected}, the disk gave back {size} with {sha256}"
            raise StorageError(str(self._key), message)

    def _version(self) -> str | None:
        return self._files.version(f"{self._folder}/{MANIFEST_NAME}")

    def _must_be_as_seen(self) -> None:
        if self._version() != self._seen:
            raise PublicationConflictError(
                str(self._key),
                "another writer published this partition since this one began; nothing of this"
                " one was published: read the partition's status and run again if it is stale",
            )


class FolderPublisher(Publisher):
    """Publishes in a local folder: one rename, or one exchange with the folder that is there."""

    _files: LocalFolder

    def stage(self) -> Staging:
        target = self._files.path(self._folder)
        return Staging.create(target.parent, target.name)

    def publish(self, partition: Path, manifest: Manifest) -> None:
        target = self._files.path(self._folder)
        try:
            with folder_lock(target.parent):
                self._must_be_as_seen()
                _complete(partition, manifest)
                if not target.exists():
                    partition.rename(target)
                elif not exchange(partition, target):
                    _replace_in_place(partition, target, manifest)
                sync_folder(target.parent)
                if self._single_file is not None:
                    self._files.upload(target / manifest.files[0].name, self._single_file)
        except Timeout as error:
            message = f"another writer holds {target.parent} for {LOCK_TIMEOUT_S:g} s; try again"
            raise PublicationConflictError(str(self._key), message) from error


def _complete(partition: Path, manifest: Manifest) -> None:
    """Give the staged files their names and put manifest and `_SUCCESS` beside them."""
    for file in manifest.files:
        (partition / staged_name(file.name)).rename(partition / file.name)
    for name, content in ((MANIFEST_NAME, manifest.to_bytes()), (SUCCESS_NAME, b"")):
        (partition / name).write_bytes(content)
        sync_file(partition / name)
    sync_folder(partition)


def _replace_in_place(partition: Path, target: Path, manifest: Manifest) -> None:
    """Replace `target` where folders cannot be exchanged: the manifest's rename is the one step.

    Names derived from the content keep old and new data files apart until then.
    """
    make_folder(target)
    for file in manifest.files:
        (partition / file.name).replace(target / file.name)
    sync_folder(target)
    (partition / MANIFEST_NAME).replace(target / MANIFEST_NAME)
    (partition / SUCCESS_NAME).replace(target / SUCCESS_NAME)
    sync_folder(target)
    kept = {MANIFEST_NAME, SUCCESS_NAME, *(file.name for file in manifest.files)}
    for path in target.iterdir():
        if path.name not in kept:
            remove_tree(path) if path.is_dir() else path.unlink()
    sync_folder(target)


@contextmanager
def storage_errors(key: PartitionKey) -> Iterator[None]:
    """Turn a refusal of the disk or store into StorageError."""
    try:
        yield
    except OSError as error:
        message = f"the storage refused: {error}; the lake is as it was, free space or rights"
        raise StorageError(str(key), f"{message} and run again") from error
