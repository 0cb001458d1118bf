"""Small raw days for the tests of the stages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spymaster_resources.dbn.writer import DbnWriter
from tests.spymaster_resources.dbn.dbn_records import DAY, DAY_NS, DAY_START_NS, FRONT

NEXT_DAY = DAY + timedelta(days=1)
MAPPINGS = {"ESH4": FRONT, "ESM4": 6, "ESH4-ESM4": 90, "UD:1V: VT 2838": 91}


def write_day(
    path: Path,
    records: NDArray[np.void],
    *,
    days: int = 1,
    mappings: Mapping[str, int] = MAPPINGS,
    **options: Any,
) -> Path:
    """Write a raw day of the vendor's form and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    settings: dict[str, Any] = {
        "dataset": "GLBX.MDP3",
        "schema": "mbo",
        "start_ns": DAY_START_NS,
        "end_ns": DAY_START_NS + days * DAY_NS,
        "symbols": ["ES.FUT"],
        "stype_in": "parent",
        "mappings": {
            name: [(DAY, DAY + timedelta(days=days), number)] for name, number in mappings.items()
        },
    }
    with DbnWriter(path, **(settings | options)) as writer:
        writer.write(records)
    return path
