"""The checks of published partitions, as the terminal runs them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from contracts.errors import ConfigurationError, PartitionMissingError
from contracts.registry import dataset as registered
from contracts.registry import datasets
from spymaster_assets.checks.calibration import label_outcome
from spymaster_assets.checks.check import Outcome, run_checks
from spymaster_assets.checks.subject import Kept, published
from spymaster_assets.checks.tables import checks_of
from spymaster_assets.pipeline import EVALUATION, SELECTION
from spymaster_assets.stages.calibration_record import EVALUATION_DOCUMENT, entry_roots, read_entry
from spymaster_assets.stages.context import StageContext
from spymaster_resources.instruments import FUTURE, parse_contract
from spymaster_resources.lake import Lake, PartitionKey
from spymaster_resources.selection_map import selected_roots
from spymaster_resources.settings import Settings

Validated = Iterator[tuple[PartitionKey, list[Outcome]]]


def validated(root: str, dataset: str, symbol: str | None, dt: date) -> Validated:
    """Yield every published partition of a date with what its checks found.

    dataset: the key of a dataset or of the evaluation of a calibration, or its beginning up to a
    dot. The contract selection is checked root by root where the date has a choice, an evaluation
    whatever the date. Raises ConfigurationError for a name that begins no key,
    PartitionMissingError when nothing is published.
    """
    lake = Lake(root)
    known = (*(key for key in datasets() if key != SELECTION), SELECTION, EVALUATION)
    wanted = [key for key in known if f"{key}.".startswith(f"{dataset}.")]
    if not wanted:
        raise ConfigurationError(f"expected a dataset of {', '.join(known)}; found {dataset!r}")
    found = False
    kept: Kept = {}
    with tempfile.TemporaryDirectory() as folder:
        for key in wanted:
            for each in _of_dataset(lake, key, symbol, dt, Path(folder), kept):
                found = True
                yield each
    if not found:
        name = " ".join(filter(None, (dataset, symbol, dt.isoformat())))
        raise PartitionMissingError(name, f"expected a published partition in {root}, found none")


def _of_dataset(
    lake: Lake, dataset: str, symbol: str | None, dt: date, scratch: Path, kept: Kept
) -> Validated:
    if dataset == EVALUATION:
        for root in entry_roots(lake, EVALUATION_DOCUMENT):
            entry = read_entry(lake, EVALUATION_DOCUMENT, root)
            if entry is not None and symbol in (None, root):
                yield PartitionKey(dataset, root, None), [label_outcome(dataset, entry)]
    elif dataset == SELECTION:
        for root in selected_roots(lake, dt):
            if symbol in (None, root):
                whole = PartitionKey(dataset, None, None)
                outcomes = _outcomes(lake, whole, root, FUTURE, scratch, kept)
                yield PartitionKey(dataset, root, dt), outcomes
    else:
        for key in lake.partitions(dataset):
            if key.dt == dt and symbol in (None, key.symbol):
                product_type = str(registered(dataset).product_type)
                root = _root(key, product_type)
                yield key, _outcomes(lake, key, root, product_type, scratch, kept)


def _outcomes(
    lake: Lake, key: PartitionKey, root: str, product_type: str, scratch: Path, kept: Kept
) -> list[Outcome]:
    manifest = lake.manifest(*key)
    if manifest is None:
        raise PartitionMissingError(str(key), "it was removed while the checks ran")
    partition = published(lake, manifest, scratch)
    ctx = StageContext.from_settings(Settings.from_environment(), root, product_type, lake=lake)
    return run_checks(checks_of(key.dataset), partition, ctx=ctx, kept=kept)


def _root(key: PartitionKey, product_type: str) -> str:
    contract = parse_contract(key.symbol or "") if "future" in product_type else None
    return contract.root if contract else str(key.symbol)
