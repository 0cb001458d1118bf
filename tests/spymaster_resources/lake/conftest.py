"""Lakes for the tests: in a local folder and in an object store."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from spymaster_resources.lake import Lake
from tests.spymaster_resources.lake.tables import TABLES


@pytest.fixture
def folder_lake(tmp_path: Path) -> Lake:
    """A lake in a local folder."""
    return Lake(str(tmp_path / "lake"), TABLES)


@pytest.fixture
def store_lake() -> Iterator[Lake]:
    """A lake in an object store that lives in memory."""
    name = f"bucket-{secrets.token_hex(4)}"
    yield Lake(f"memory://{name}/lake", TABLES)
    store = fsspec.filesystem("memory")
    if store.exists(f"/{name}"):
        store.rm(f"/{name}", recursive=True)


@pytest.fixture(params=["folder", "store"])
def lake(request: pytest.FixtureRequest) -> Lake:
    """A lake in each kind of file system."""
    made: Lake = request.getfixturevalue(f"{request.param}_lake")
    return made
