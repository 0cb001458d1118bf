"""Fixtures shared by all tests: the place of the real market files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real market files, or skip the test with the reason."""
    folder = Path(os.environ.get("SPYMASTER_REAL_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "README.md").is_file():
        pytest.skip(f"real market files are not at {folder} (set SPYMASTER_REAL_DATA)")
    return folder
