"""The datasets of the lake: path, contract, key, sort order and Parquet layout of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import pyarrow as pa
import yaml

from contracts.errors import ConfigurationError
from contracts.schema import CONTRACTS_DIR, Contract, load_contract

REGISTRY_FILE: Final = CONTRACTS_DIR / "datasets.yaml"


@dataclass(frozen=True)
class ParquetLayout:
    """How a dataset's Parquet files are laid out."""

    row_group_rows: int
    compression_level: int
    dictionary: tuple[str, ...]
    encoding: Mapping[str, str]
    statistics: tuple[str, ...]


@dataclass(frozen=True)
class Dataset:
    """One table of the lake."""

    key: str
    path_template: str
    contract: Contract
    catalogue_file: str
    key_columns: tuple[str, ...]
    sort_columns: tuple[str, ...]
    parquet: ParquetLayout

    @property
    def schema(self) -> pa.Schema:
        """Return the Arrow schema of the contract."""
        return self.contract.schema

    @property
    def layer(self) -> str:
        """Return bronze, silver, gold or selection."""
        return self.key.split(".", 1)[0]

    @property
    def table(self) -> str:
        """Return the table's name, the last part of the key."""
        return self.key.rsplit(".", 1)[1]

    @property
    def product_type(self) -> str | None:
        """Return the product type, None for tables that serve all products."""
        parts = self.key.split(".")
        return parts[1] if len(parts) == 3 else None

    @property
    def is_partitioned(self) -> bool:
        """Return whether the dataset has one folder per symbol and date."""
        return "{dt}" in self.path_template


@cache
def datasets() -> Mapping[str, Dataset]:
    """Return every dataset of `datasets.yaml` by its key."""
    entries: dict[str, dict[str, Any]] = yaml.safe_load(REGISTRY_FILE.read_text("utf-8"))
    return {key: _dataset(key, entry) for key, entry in entries.items()}


def dataset(key: str) -> Dataset:
    """Return the dataset `key`; raises ConfigurationError when there is none."""
    try:
        return datasets()[key]
    except KeyError:
        known = ", ".join(datasets())
        message = f"dataset {key!r} is not in {REGISTRY_FILE.name}; known: {known}"
        raise ConfigurationError(message) from None


def _dataset(key: str, entry: dict[str, Any]) -> Dataset:
    layout = entry["parquet"]
    return Dataset(
        key=key,
        path_template=entry["path"],
        contract=load_contract(entry["contract"]),
        catalogue_file=entry["catalogue"],
        key_columns=tuple(entry["key"]),
        sort_columns=tuple(entry["sort"]),
        parquet=ParquetLayout(
            row_group_rows=layout["row_group_rows"],
            compression_level=layout["compression_level"],
            dictionary=tuple(layout["dictionary"]),
            encoding=dict(layout["encoding"]),
            statistics=tuple(layout["statistics"]),
        ),
    )
