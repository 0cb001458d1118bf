"""The feature catalogues: for every column of every table where it comes from and what holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from contracts.schema import CONTRACTS_DIR


@dataclass(frozen=True)
class Feature:
    """One column in a catalogue: inputs, steps, formula, unit and invariants in words."""

    name: str
    inputs: tuple[str, ...]
    steps: tuple[str, ...]
    formula: str
    unit: str
    nullable: bool
    invariants: tuple[str, ...]


@cache
def features(catalogue_file: str) -> Mapping[str, tuple[Feature, ...]]:
    """Return the features of each dataset key in `catalogue_file`, in column order."""
    content = json.loads((CONTRACTS_DIR / catalogue_file).read_text("utf-8"))
    return {
        key: tuple(
            Feature(
                name=column["name"],
                inputs=tuple(column["inputs"]),
                steps=tuple(column["steps"]),
                formula=column["formula"],
                unit=column["unit"],
                nullable=column["nullable"],
                invariants=tuple(column["invariants"]),
            )
            for column in table["columns"]
        )
        for key, table in content["tables"].items()
    }
