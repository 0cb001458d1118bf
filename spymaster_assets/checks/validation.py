"""The checks of published partitions, as the terminal runs them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from contracts.errors import ConfigurationError, PartitionMissingError
from contracts.registry import Dataset, datasets
from spymaster_assets.checks.check import Outcome, run_checks
from spymaster_assets.checks.subject import published
from spymaster_assets.checks.tables import checks_of
from spymaster_assets.stages.context import StageContext
from spymaster_resources.instruments import parse_contract
from spymaster_resources.lake import Lake, PartitionKey
from spymaster_resources.settings import Settings


def validated(
    root: str, dataset: str, symbol: str | None, dt: date
) -> Iterator[tuple[PartitionKey, list[Outcome]]]:
    """Yield every published partition of a date with what its checks found.

    dataset: a dataset's key or its beginning up to a dot. Raises ConfigurationError for a name that
    begins no key, PartitionMissingError when nothing is published.
    """
    lake = Lake(root)
    tables = [
        entry
        for entry in datasets().values()
        if entry.is_partitioned and f"{entry.key}.".startswith(f"{dataset}.")
    ]
    if not tables:
        known = ", ".join(key for key, entry in datasets().items() if entry.is_partitioned)
        raise ConfigurationError(f"expected a dataset of {known}; found {dataset!r}")
    found = False
    with tempfile.TemporaryDirectory() as folder:
        for entry in tables:
            for key in lake.partitions(entry.key):
                if key.dt == dt and symbol in (None, key.symbol):
                    found = True
                    yield key, _outcomes(lake, entry, key, Path(folder))
    if not found:
        name = " ".join(filter(None, (dataset, symbol, dt.isoformat())))
        raise PartitionMissingError(name, "expected a published partition, found none")


def _outcomes(lake: Lake, entry: Dataset, key: PartitionKey, scratch: Path) -> list[Outcome]:
    manifest = lake.manifest(*key)
    if manifest is None:
        raise PartitionMissingError(str(key), "it was removed while the checks ran")
    partition = published(lake, manifest, scratch)
    return run_checks(checks_of(key.dataset), partition, ctx=_context(lake, entry, key))


def _context(lake: Lake, entry: Dataset, key: PartitionKey) -> StageContext:
    settings = Settings.from_environment()
    contract = parse_contract(key.symbol or "") if "future" in (entry.product_type or "") else None
    root = contract.root if contract else str(key.symbol)
    return StageContext.from_settings(settings, root, str(entry.product_type), lake=lake)
