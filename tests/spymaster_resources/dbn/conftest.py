"""Small DBN files for the tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from spymaster_resources.dbn.writer import DbnWriter
from tests.spymaster_resources.dbn.dbn_records import DAY, DAY_NS, DAY_START_NS, FRONT

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes records as a DBN file and returns its path."""

    def write_file(
        records: NDArray[np.void], name: str = "day-20240312.mbo.dbn.zst", **options: Any
    ) -> Path:
        path = tmp_path / name
        settings: dict[str, Any] = {
            "dataset": "GLBX.MDP3",
            "schema": "mbo",
            "start_ns": DAY_START_NS,
            "end_ns": DAY_START_NS + DAY_NS,
            "symbols": ["ESH4"],
            "mappings": {"ESH4": [(DAY, DAY + timedelta(days=1), FRONT)]},
        }
        with DbnWriter(path, **(settings | options)) as writer:
            writer.write(records)
        return path

    return write_file
