"""Where a partition lies in the lake: folder, file names, and strict validation of their parts."""

from __future__ import annotations

import datetime
import re
from functools import cache
from typing import Final, NamedTuple

from contracts.errors import ConfigurationError
from contracts.registry import Dataset

MANIFEST_NAME: Final = "_MANIFEST.json"
SUCCESS_NAME: Final = "_SUCCESS"
STAGING_PREFIX: Final = ".staging-"
# Staged data must not match `**/*.parquet` of a reader that globs.
STAGED_SUFFIX: Final = ".staged"
LOCK_NAME: Final = ".lock"
CLAIM_PREFIX: Final = ".claim-"

# A symbol becomes a folder name: no separator, no leading dot, nothing a shell or a URL rewrites.
_SYMBOL: Final = re.compile(r"[A-Z0-9](?:[A-Z0-9._ -]{0,30}[A-Z0-9])?")
_DOCUMENT: Final = re.compile(r"[a-z][a-z0-9_]*(?:/[A-Za-z0-9][A-Za-z0-9._=-]*)*\.(?:json|png)")
_DIGEST_DIGITS: Final = 16


class PartitionKey(NamedTuple):
    """One partition; symbol and date are None for a table that is not partitioned."""

    dataset: str
    symbol: str | None
    dt: datetime.date | None

    def __str__(self) -> str:
        parts = [self.dataset]
        if self.symbol is not None:
            parts.append(self.symbol)
        if self.dt is not None:
            parts.append(self.dt.isoformat())
        return " ".join(parts)


def partition_key(dataset: Dataset, symbol: str | None, dt: datetime.date | None) -> PartitionKey:
    """Return the validated key of a partition of `dataset`.

    Raises ConfigurationError when the symbol is no upper-case market symbol, the date is no plain
    date, or one is given to (or kept from) a dataset that has none (or needs one).
    """
    for name, value in (("symbol", symbol), ("dt", dt)):
        needed = f"{{{name}}}" in dataset.path_template
        if needed and value is None:
            raise ConfigurationError(f"{dataset.key}: expected a {name}, found none")
        if not needed and value is not None:
            raise ConfigurationError(f"{dataset.key}: has no {name}, found {value!r}")
    if symbol is not None and not (isinstance(symbol, str) and _SYMBOL.fullmatch(symbol)):
        raise ConfigurationError(
            f"{dataset.key}: expected a symbol of 1 to 32 characters A-Z 0-9 . _ - and inner"
            f" spaces, found {symbol!r}"
        )
    if dt is not None and type(dt) is not datetime.date:
        raise ConfigurationError(f"{dataset.key}: expected a datetime.date, found {dt!r}")
    return PartitionKey(dataset.key, symbol, dt)


def partition_folder(dataset: Dataset, key: PartitionKey) -> str:
    """Return the partition's folder relative to the lake root."""
    folder = folder_template(dataset)
    if key.symbol is not None:
        folder = folder.replace("{symbol}", key.symbol)
    if key.dt is not None:
        folder = folder.replace("{dt}", key.dt.isoformat())
    return folder


def folder_template(dataset: Dataset) -> str:
    """Return the template of the dataset's partition folders.

    A table of one single file (`selection/x.parquet`) is kept in `selection/table=x`; the file
    itself is a copy for people, put after each publication.
    """
    if dataset.is_partitioned:
        return dataset.path_template
    parent, _, name = dataset.path_template.rpartition("/")
    return f"{parent}/table={name.removesuffix('.parquet')}"


def single_file(dataset: Dataset) -> str | None:
    """Return the path of the copy of an unpartitioned table, None for partitioned ones."""
    return None if dataset.is_partitioned else dataset.path_template


def parse_folder_name(segment_template: str, name: str) -> dict[str, str] | None:
    """Return the placeholder values that turn `segment_template` into `name`, None if none do."""
    found = _segment_pattern(segment_template).fullmatch(name)
    return None if found is None else found.groupdict()


@cache
def _segment_pattern(segment_template: str) -> re.Pattern[str]:
    pattern = re.escape(segment_template)
    pattern = pattern.replace(r"\{symbol\}", f"(?P<symbol>{_SYMBOL.pattern})")
    return re.compile(pattern.replace(r"\{dt\}", r"(?P<dt>\d{4}-\d\d-\d\d)"))


def parse_date(text: str) -> datetime.date | None:
    """Return the date of `YYYY-MM-DD`, None when there is no such day."""
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def part_name(index: int, sha256: str) -> str:
    """Return the content-derived name of a data file.

    A reader that holds an older manifest then finds the file it names or none, never another one.
    """
    return f"part-{index:05d}-{sha256[:_DIGEST_DIGITS]}.parquet"


def staged_name(part: str) -> str:
    """Return the name that a data file has until its publication."""
    return f"{part}{STAGED_SUFFIX}"


def document_path(path: str) -> str:
    """Return `path` of a JSON or PNG document when it is safe below the lake root.

    Raises ConfigurationError otherwise.
    """
    if not _DOCUMENT.fullmatch(path):
        raise ConfigurationError(
            f"expected a document path such as calibration/name.json, found {path!r}"
        )
    return path
