"""Silver tables as the book alone decides them: without the flags, which have other tests."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.registry import dataset


def book_schema(key: str) -> pa.Schema:
    """Return the schema of a silver table without its flags."""
    return pa.schema([f for f in dataset(key).schema if not f.name.endswith("_flag")])


def no_flags(cells: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return a flag that no row of `cells` carries."""
    return np.zeros(cells.shape[1], np.bool_)
