"""Lake roots, and what a reading process has to import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from contracts.errors import ConfigurationError
from spymaster_resources.lake import Lake
from spymaster_resources.lake.filesystem import LocalFolder, ObjectStore, open_file_system
from tests.spymaster_resources.lake.tables import DAY, QUOTES, TABLES, plain, put, quotes

ROOT = Path(__file__).resolve().parents[3]


def test_roots_name_folders_or_stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for root in ("lake", "./lake", str(tmp_path / "lake"), f"file://{tmp_path}/lake"):
        found = open_file_system(root)
        assert isinstance(found, LocalFolder)
        assert found.root == tmp_path / "lake"
    store = open_file_system("memory://bucket/lake")
    assert isinstance(store, ObjectStore)
    assert store.url("a/b") == "memory://bucket/lake/a/b"


def test_an_unknown_scheme_is_a_named_error() -> None:
    with pytest.raises(ConfigurationError, match="nowhere://bucket"):
        open_file_system("nowhere://bucket")


def test_a_lake_moves_with_its_folder(tmp_path: Path) -> None:
    put(Lake(str(tmp_path / "first"), TABLES), quotes(20))
    (tmp_path / "first").rename(tmp_path / "second")
    moved = Lake(str(tmp_path / "second"), TABLES)
    assert plain(moved.read(QUOTES, "ESH4", DAY)) == plain(quotes(20))


def test_importing_the_lake_brings_no_heavy_library() -> None:
    code = (
        "import sys, spymaster_resources.lake;"
        "print({'numba', 'dagster', 'pandas', 'duckdb', 'fsspec', 'scipy', 'databento'}"
        " & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("kind", ["local", "memory"])
def test_a_listing_tells_the_version_of_every_file(tmp_path: Path, kind: str) -> None:
    """A watcher of many files asks once for all of them."""
    root = str(tmp_path) if kind == "local" else f"memory://{tmp_path.name}"
    store = open_file_system(root)
    source = tmp_path.parent / f"{tmp_path.name}.source"
    marks = set()
    for content in (b"one", b"three"):
        source.write_bytes(content)
        store.upload(source, "raw/file")
        (entry,) = store.entries("raw")
        assert [entry] == store.entries("raw"), "the same file has the same version"
        marks.add(entry.version)
    assert len(marks) == 2
    assert store.entries("")[0].is_folder
