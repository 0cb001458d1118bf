"""A full or forbidden disk: a named error, and a lake as it was."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import StorageError
from spymaster_resources.lake import (
    Lake,
    PartitionStatus,
    filesystem,
    hashing_sink,
    publication,
)
from spymaster_resources.lake.hashing_sink import HashingSink
from tests.spymaster_resources.lake.tables import DAY, QUOTES, TABLES, put, quotes

ROOT = Path(__file__).resolve().parents[3]

LIMITED_WRITER = """
import resource, signal, sys
from contracts.errors import StorageError
from spymaster_resources.lake import Lake
from tests.spymaster_resources.lake.tables import DAY, QUOTES, TABLES, quotes
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
how = {"parameters": {}, "inputs": [], "code_version": "1", "threaded": sys.argv[2] == "True"}
try:
    with Lake(sys.argv[1], TABLES).writer(QUOTES, "ESH4", DAY, **how) as writer:
        writer.write(quotes(2_000, seed=1))
        writer.publish()
except StorageError as error:
    sys.stdout.write(str(error))
"""


def _assert_as_before(lake: Lake, before: bytes) -> None:
    manifest = lake.manifest(QUOTES, "ESH4", DAY)
    assert manifest is not None
    assert manifest.to_bytes() == before
    assert lake.status(QUOTES, "ESH4", DAY) is PartitionStatus.CURRENT
    names = {entry.name for entry in lake.file_system.entries("silver/symbol=ESH4/table=quotes")}
    assert not [name for name in names if name.startswith(".staging-")]


def _put(lake: Lake, threaded: bool) -> None:
    with lake.writer(
        QUOTES, "ESH4", DAY, parameters={}, inputs=[], code_version="1", threaded=threaded
    ) as writer:
        writer.write(quotes(40, seed=1))
        writer.publish()


@pytest.mark.parametrize("threaded", [False, True])
def test_a_disk_that_takes_no_more_is_a_named_error(folder_lake: Lake, threaded: bool) -> None:
    before = put(folder_lake, quotes(40)).to_bytes()
    done = subprocess.run(
        [sys.executable, "-c", LIMITED_WRITER, folder_lake.root, str(threaded)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "silver.test.quotes ESH4 2024-01-02: the storage refused" in done.stdout
    assert os.strerror(errno.EFBIG) in done.stdout
    assert done.stderr == ""
    _assert_as_before(folder_lake, before)


@pytest.mark.parametrize("threaded", [False, True])
@pytest.mark.parametrize("written", [0, 1, 5, 30])
def test_a_disk_that_fills_up_between_two_writes(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, written: int, threaded: bool
) -> None:
    before = put(lake, quotes(40)).to_bytes()
    left = [written]
    write = HashingSink.write

    def full(sink: HashingSink, data: bytes) -> int:
        if left[0] == 0 and not sink.closed:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left[0] -= 1
        return write(sink, data)

    with monkeypatch.context() as patch:
        patch.setattr(hashing_sink, "CHUNK_BYTES", 1)
        patch.setattr(HashingSink, "write", full)
        with pytest.raises(StorageError, match="No space left"):
            _put(lake, threaded)
    _assert_as_before(lake, before)


@pytest.mark.parametrize("refused", ["sync_file", "sync_folder"])
def test_a_disk_that_refuses_to_sync(
    folder_lake: Lake, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    before = put(folder_lake, quotes(40)).to_bytes()

    def refuse(path: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    with monkeypatch.context() as patch:
        for module in ("writer", "publication"):
            patch.setattr(f"spymaster_resources.lake.{module}.{refused}", refuse)
        with pytest.raises(StorageError, match="Input/output error"):
            put(folder_lake, quotes(40, seed=1))
    _assert_as_before(folder_lake, before)


def test_a_disk_that_gives_back_other_bytes(
    folder_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = put(folder_lake, quotes(40)).to_bytes()

    def damage(path: Path) -> None:
        with path.open("r+b") as file:
            file.seek(100)
            file.write(b"\0\1\2")

    with monkeypatch.context() as patch:
        patch.setattr("spymaster_resources.lake.writer.sync_file", damage)
        with pytest.raises(StorageError, match="the disk gave back"):
            put(folder_lake, quotes(40, seed=1))
    _assert_as_before(folder_lake, before)


def test_a_lake_that_cannot_be_created(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="the storage refused"):
        put(Lake(str(tmp_path / "file" / "lake"), TABLES), quotes(3))


def test_a_store_that_loses_an_upload(store_lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    before = put(store_lake, quotes(40)).to_bytes()

    def lose(*_: Any) -> None:
        return None

    with monkeypatch.context() as patch:
        patch.setattr(filesystem.ObjectStore, "upload", lose)
        with pytest.raises(StorageError, match="in the store, found None"):
            put(store_lake, quotes(40, seed=1))
    _assert_as_before(store_lake, before)


def test_a_failed_rename_leaves_the_old_partition(
    folder_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = put(folder_lake, quotes(40)).to_bytes()

    def refuse(*_: Any) -> bool:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    with monkeypatch.context() as patch:
        patch.setattr(publication, "exchange", refuse)
        with pytest.raises(StorageError, match="Permission denied"):
            put(folder_lake, quotes(40, seed=1))
    _assert_as_before(folder_lake, before)
