"""One small lake and one real server for all tests that only read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from spymaster_resources.lake import Lake
from tests.web.service.sample_lake import write_lake
from tests.web.service.serving import Served, serving


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Return a lake with two sessions; not to be changed."""
    return write_lake(str(tmp_path_factory.mktemp("lake")))


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of built pages."""
    folder = tmp_path_factory.mktemp("dist")
    (folder / "index.html").write_text("<!doctype html><title>player</title>")
    (folder / "particle-wave.html").write_text("<!doctype html><title>wave</title>")
    (folder / "assets").mkdir()
    (folder / "assets" / "main-4f2a.js").write_text("export {};")
    return folder


@pytest.fixture(scope="session")
def served(lake: Lake, pages: Path) -> Iterator[Served]:
    """Return the running service over `lake`."""
    with serving(lake.root, pages) as running:
        yield running


@pytest.fixture
def http(served: Served) -> Iterator[httpx.Client]:
    """Return an HTTP client of the service."""
    with httpx.Client(base_url=served.url, timeout=20) as client:
        yield client
