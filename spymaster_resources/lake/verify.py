"""Reading a whole lake back: what is missing, corrupt, stale or left over."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

import pyarrow as pa

from contracts.errors import PartitionCorruptError
from contracts.registry import Dataset
from spymaster_resources.lake.filesystem import FileSystem, LocalFolder
from spymaster_resources.lake.layout import (
    MANIFEST_NAME,
    SUCCESS_NAME,
    PartitionKey,
    folder_template,
    partition_folder,
    single_file,
)
from spymaster_resources.lake.manifest import DataFile, Manifest
from spymaster_resources.lake.parquet_file import FileMismatchError, open_parquet
from spymaster_resources.lake.reader import load_manifest
from spymaster_resources.lake.staging import leftovers
from spymaster_resources.lake.status import ManifestOf, contract_differences, input_differences

_BLOCK_BYTES: Final = 1 << 20


class Verdict(StrEnum):
    """What `verify` says of a partition."""

    OK = "ok"
    STALE = "stale"
    ORPHANED = "orphaned"
    MISSING = "missing"
    CORRUPT = "corrupt"


@dataclass(frozen=True)
class Finding:
    """One verdict over one partition, with the reasons."""

    key: PartitionKey
    verdict: Verdict
    reasons: tuple[str, ...] = ()


class Verified(NamedTuple):
    """The findings over one partition (OK only alone) and its manifest if it is readable."""

    findings: list[Finding]
    manifest: Manifest | None


def verify_partition(
    files: FileSystem, dataset: Dataset, key: PartitionKey, manifest_of: ManifestOf
) -> Verified:
    """Return the verdicts over one partition after hashing every byte of it."""
    folder = partition_folder(dataset, key)
    names = {entry.name for entry in files.entries(folder)}
    try:
        manifest = load_manifest(files, folder, key)
    except PartitionCorruptError as error:
        return Verified([Finding(key, Verdict.CORRUPT, (str(error),))], None)
    if manifest is None:
        return Verified(_without_manifest(key, folder, names), None)
    damage = [reason for file in manifest.files for reason in _damage(files, folder, file)]
    if sum(file.row_count for file in manifest.files) != manifest.row_count:
        damage.append(f"expected {manifest.row_count} rows, the files have others")
    stale = contract_differences(manifest, dataset) + input_differences(manifest, manifest_of)
    if SUCCESS_NAME not in names:
        stale.append(f"{SUCCESS_NAME}: expected, not found")
    stale += _single_file_difference(files, dataset, manifest)
    known = {MANIFEST_NAME, SUCCESS_NAME, *(file.name for file in manifest.files)}
    orphans = [f"{folder}/{name}" for name in sorted(names - known)]
    findings = [
        Finding(key, verdict, tuple(reasons))
        for verdict, reasons in (
            (Verdict.CORRUPT, damage),
            (Verdict.STALE, stale),
            (Verdict.ORPHANED, orphans),
        )
        if reasons
    ]
    return Verified(findings or [Finding(key, Verdict.OK)], manifest)


def _without_manifest(key: PartitionKey, folder: str, names: set[str]) -> list[Finding]:
    """Return MISSING where a partition was published, ORPHANED for what else lies there."""
    findings = []
    if SUCCESS_NAME in names:
        findings.append(Finding(key, Verdict.MISSING, (f"{MANIFEST_NAME}: expected, not found",)))
    if orphans := sorted(names - {SUCCESS_NAME}):
        reasons = tuple(f"{folder}/{name}" for name in orphans)
        findings.append(Finding(key, Verdict.ORPHANED, reasons))
    return findings


def missing_inputs(manifests: Iterable[Manifest], manifest_of: ManifestOf) -> Iterator[Finding]:
    """Yield a verdict for each partition that others were made of and that is not published."""
    seen = set()
    for manifest in manifests:
        for ref in manifest.inputs:
            if ref.key in seen:
                continue
            seen.add(ref.key)
            try:
                gone = manifest_of(ref.key) is None
            except PartitionCorruptError:
                continue
            if gone:
                yield Finding(ref.key, Verdict.MISSING, (f"{manifest.key} was made of it",))


def abandoned_staging(files: FileSystem, dataset: Dataset) -> Iterator[Finding]:
    """Yield a verdict for each staging folder whose writer is dead; the next write removes it."""
    if not isinstance(files, LocalFolder):
        return
    table_folder = folder_template(dataset).rpartition("/")[0].replace("{symbol}", "*")
    for parent in sorted(files.root.glob(table_folder)):
        for folder in leftovers(parent):
            path = folder.relative_to(files.root).as_posix()
            yield Finding(PartitionKey(dataset.key, None, None), Verdict.ORPHANED, (path,))


def _damage(files: FileSystem, folder: str, file: DataFile) -> list[str]:
    """Return how a data file differs from what the manifest says of it."""
    digest = hashlib.sha256()
    try:
        with files.open(f"{folder}/{file.name}") as source:
            while block := source.read(_BLOCK_BYTES):
                digest.update(block)
            source.seek(0)
            if digest.hexdigest() != file.sha256:
                return [f"{file.name}: expected hash {file.sha256}, found {digest.hexdigest()}"]
            rows = open_parquet(source, file, [], remote=False).metadata.num_rows
    except FileNotFoundError:
        return [f"{file.name}: expected, not found"]
    except (OSError, FileMismatchError, pa.ArrowException) as error:
        return [f"{file.name}: {error}"]
    return [] if rows == file.row_count else [f"{file.name}: expected {file.row_count} rows"]


def _single_file_difference(files: FileSystem, dataset: Dataset, manifest: Manifest) -> list[str]:
    path = single_file(dataset)
    if path is None or not manifest.files:
        return []
    try:
        found = hashlib.sha256(files.read_bytes(path)).hexdigest()
    except FileNotFoundError:
        return [f"{path}: expected, not found"]
    if found == manifest.files[0].sha256:
        return []
    return [f"{path}: expected hash {manifest.files[0].sha256}, found {found}"]
