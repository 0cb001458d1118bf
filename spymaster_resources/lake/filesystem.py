"""One interface to the folder or object store that holds a lake."""

from __future__ import annotations

import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import pyarrow as pa

from contracts.errors import ConfigurationError

# Arrow brings its own clients for these: no further package, and ranged reads without Python.
_ARROW_SCHEMES: Final = frozenset({"s3", "gs", "gcs"})


# What a killed `put` leaves is overwritten by the next one.
PUT_PREFIX: Final = ".put-"


class Entry(NamedTuple):
    """One name in a folder."""

    name: str
    is_folder: bool
    size: int
    version: str = ""
    """A mark that changes with each replacement of the file; to compare with other listings."""


class FileSystem(ABC):
    """Files below one root, by relative paths with forward slashes.

    A missing file raises FileNotFoundError, every other refusal another OSError.
    """

    @abstractmethod
    def read_bytes(self, path: str) -> bytes:
        """Return the whole content of a small file."""

    @abstractmethod
    def open(self, path: str) -> pa.NativeFile:
        """Open a file for reading at random positions."""

    @abstractmethod
    def put(self, path: str, content: bytes) -> None:
        """Write a small file in one step: a reader sees the old content or the new one.

        In a local folder the caller holds the folder's lock.
        """

    @abstractmethod
    def upload(self, source: Path, path: str) -> None:
        """Copy a local file to `path`."""

    @abstractmethod
    def entries(self, folder: str) -> list[Entry]:
        """Return what lies directly in a folder, sorted by name; nothing when there is none."""

    @abstractmethod
    def delete(self, path: str) -> None:
        """Remove a file; one that is gone already is no error."""

    @abstractmethod
    def version(self, path: str) -> str | None:
        """Return a mark that changes with each replacement of the file; None when absent."""

    @abstractmethod
    def url(self, path: str) -> str:
        """Return the full path or URL of a file, for other programs."""


class LocalFolder(FileSystem):
    """A lake in a local folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, path: str) -> Path:
        """Return the local path of a lake path."""
        return self.root / path

    def read_bytes(self, path: str) -> bytes:
        return self.path(path).read_bytes()

    def open(self, path: str) -> pa.NativeFile:
        return pa.OSFile(str(self.path(path)), mode="rb")

    def put(self, path: str, content: bytes) -> None:
        target = self.path(path)
        make_folder(target.parent)
        beside = target.with_name(f"{PUT_PREFIX}{target.name}")
        try:
            with beside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(target)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        sync_folder(target.parent)

    def upload(self, source: Path, path: str) -> None:
        self.put(path, source.read_bytes())

    def entries(self, folder: str) -> list[Entry]:
        found = []
        try:
            with os.scandir(self.path(folder)) as scan:
                for entry in scan:
                    if entry.is_dir():
                        found.append(Entry(entry.name, is_folder=True, size=0))
                        continue
                    try:
                        stat = entry.stat()
                    except FileNotFoundError:
                        continue
                    found.append(Entry(entry.name, False, stat.st_size, _stat_version(stat)))
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(found)

    def delete(self, path: str) -> None:
        self.path(path).unlink(missing_ok=True)

    def version(self, path: str) -> str | None:
        try:
            found = self.path(path).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return _stat_version(found)

    def url(self, path: str) -> str:
        return str(self.path(path))


class ObjectStore(FileSystem):
    """A lake in an object store; `store` is an fsspec file system whose puts are atomic.

    `arrow` is the Arrow file system behind it where there is one: it reads without Python.
    """

    def __init__(self, store: Any, prefix: str, url: str, arrow: Any = None) -> None:
        self._store = store
        self._arrow = arrow
        self._prefix = prefix.rstrip("/")
        self._url = url.rstrip("/")

    def _key(self, path: str) -> str:
        return f"{self._prefix}/{path}"

    def read_bytes(self, path: str) -> bytes:
        content = self._store.cat_file(self._key(path))
        return bytes(content)

    def open(self, path: str) -> pa.NativeFile:
        if self._arrow is not None:
            return self._arrow.open_input_file(self._key(path))
        self._store.invalidate_cache()
        size = int(self._store.info(self._key(path))["size"])
        return pa.PythonFile(_RangedFile(self._store, self._key(path), size), mode="r")

    def put(self, path: str, content: bytes) -> None:
        self._store.pipe_file(self._key(path), content)

    def upload(self, source: Path, path: str) -> None:
        self._store.put_file(str(source), self._key(path))

    def entries(self, folder: str) -> list[Entry]:
        self._store.invalidate_cache()
        try:
            listing = self._store.ls(self._key(folder), detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return []
        found = []
        for item in listing:
            name = item["name"].rstrip("/").rpartition("/")[2]
            is_folder = item["type"] == "directory"
            if name and item["name"].rstrip("/") != self._key(folder).rstrip("/"):
                size = 0 if is_folder else int(item["size"])
                found.append(Entry(name, is_folder, size, _object_version(item)))
        return sorted(found)

    def delete(self, path: str) -> None:
        try:
            self._store.rm_file(self._key(path))
        except FileNotFoundError:
            return

    def version(self, path: str) -> str | None:
        self._store.invalidate_cache()
        try:
            info = self._store.info(self._key(path))
        except FileNotFoundError:
            return None
        return _object_version(info)

    def url(self, path: str) -> str:
        return f"{self._url}/{path}"


def _stat_version(found: os.stat_result) -> str:
    return f"{found.st_ino}:{found.st_mtime_ns}:{found.st_ctime_ns}:{found.st_size}"


def _object_version(info: Mapping[str, Any]) -> str:
    marks = (info.get(name) for name in ("ETag", "etag", "generation", "created", "mtime"))
    return f"{info.get('size')}:" + ":".join(str(mark) for mark in marks)


class _RangedFile:
    """An object read by ranges: nothing cached, no position shared with another reader."""

    def __init__(self, store: Any, key: str, size: int) -> None:
        self._store = store
        self._key = key
        self._size = size
        self._position = 0
        self.closed = False

    def read(self, count: int | None = None) -> bytes:
        end = self._size if count is None or count < 0 else self._position + count
        end = min(end, self._size)
        if end <= self._position:
            return b""
        content = bytes(self._store.cat_file(self._key, start=self._position, end=end))
        self._position = end
        return content

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        self.closed = True


def open_file_system(root: str) -> FileSystem:
    """Return the file system of a lake root: a local path, `file://` or an object-store URL.

    `s3://` and `gs://` use Arrow's own clients (credentials and endpoint from their usual
    environment variables or the URL's query); every other scheme is resolved by fsspec.
    Raises ConfigurationError when no client knows the URL.
    """
    if "://" not in root:
        return LocalFolder(Path(root).expanduser().resolve())
    parts = urlsplit(root)
    if parts.scheme == "file":
        return LocalFolder(Path(parts.path).resolve())
    try:
        if parts.scheme in _ARROW_SCHEMES:
            from fsspec.implementations.arrow import ArrowFSWrapper
            from pyarrow import fs

            arrow, prefix = fs.FileSystem.from_uri(root)
            return ObjectStore(ArrowFSWrapper(arrow), prefix, root.partition("?")[0], arrow)
        from fsspec.core import url_to_fs

        store, prefix = url_to_fs(root, use_listings_cache=False)
    except (ImportError, ValueError, OSError) as error:
        message = f"lake root {root!r}: expected a local path or object-store URL: {error}"
        raise ConfigurationError(message) from error
    return ObjectStore(store, prefix, root)


def make_folder(folder: Path) -> None:
    """Create `folder` and its parents, each made durable in its own parent."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for created in reversed(missing):
        created.mkdir(exist_ok=True)
        sync_folder(created.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make the content of `path` durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_tree(folder: Path) -> None:
    """Remove a folder with everything in it; one that is gone already is no error."""
    shutil.rmtree(folder, ignore_errors=True)
