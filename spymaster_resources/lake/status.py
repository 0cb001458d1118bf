"""Whether a published partition is what code, contract and inputs of today would make."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from contracts.errors import PartitionCorruptError
from contracts.registry import Dataset
from spymaster_resources.lake.filesystem import FileSystem
from spymaster_resources.lake.layout import SUCCESS_NAME, PartitionKey, partition_folder
from spymaster_resources.lake.manifest import InputRef, Manifest, RawInput, plain, sorted_inputs
from spymaster_resources.lake.reader import load_manifest


class PartitionStatus(StrEnum):
    """The state of a partition."""

    CURRENT = "current"
    STALE = "stale"
    MISSING = "missing"
    CORRUPT = "corrupt"


@dataclass(frozen=True)
class StatusReport:
    """The state of a partition, with each reason why it is not current."""

    status: PartitionStatus
    reasons: tuple[str, ...]
    manifest: Manifest | None


ManifestOf: TypeAlias = Callable[[PartitionKey], Manifest | None]


def partition_status(
    files: FileSystem,
    dataset: Dataset,
    key: PartitionKey,
    manifest_of: ManifestOf,
    *,
    code_version: str | None,
    parameters: Mapping[str, Any] | None,
    inputs: Sequence[InputRef | RawInput] | None,
) -> StatusReport:
    """Return the state of a partition without reading its data.

    What is None is not compared. Inputs are followed one level: each must be published in the
    state that the manifest records.
    """
    folder = partition_folder(dataset, key)
    try:
        manifest = load_manifest(files, folder, key)
    except PartitionCorruptError as error:
        return StatusReport(PartitionStatus.CORRUPT, (str(error),), None)
    if manifest is None:
        return StatusReport(PartitionStatus.MISSING, ("it is not published",), None)
    sizes = {entry.name: entry.size for entry in files.entries(folder)}
    if damage := size_problems(manifest, sizes):
        return StatusReport(PartitionStatus.CORRUPT, tuple(damage), manifest)
    reasons = contract_differences(manifest, dataset)
    if SUCCESS_NAME not in sizes:
        reasons.append(f"{SUCCESS_NAME}: expected, not found")
    if code_version is not None and manifest.code_version != code_version:
        reasons.append(f"code version: expected {code_version}, found {manifest.code_version}")
    if parameters is not None and manifest.parameters != plain(parameters):
        reasons.append(f"parameters: expected {plain(parameters)}, found {manifest.parameters}")
    if inputs is not None and (manifest.inputs, manifest.raw_inputs) != sorted_inputs(inputs):
        reasons.append("inputs: expected others than those recorded")
    reasons += input_differences(manifest, manifest_of)
    status = PartitionStatus.STALE if reasons else PartitionStatus.CURRENT
    return StatusReport(status, tuple(reasons), manifest)


def size_problems(manifest: Manifest, sizes: Mapping[str, int]) -> list[str]:
    """Return which data files of `manifest` are absent or of another size."""
    return [
        f"{file.name}: expected {file.size} bytes, found {sizes.get(file.name, 'no file')}"
        for file in manifest.files
        if sizes.get(file.name) != file.size
    ]


def contract_differences(manifest: Manifest, dataset: Dataset) -> list[str]:
    """Return in what the contract of today differs from the one the partition was written under."""
    return [
        f"contract {name}: expected {expected}, found {found}"
        for name, expected, found in (
            ("name", dataset.contract.name, manifest.contract.name),
            ("version", dataset.contract.version, manifest.contract.version),
            ("sha256", dataset.contract.sha256, manifest.contract.sha256),
        )
        if expected != found
    ]


def input_differences(manifest: Manifest, manifest_of: ManifestOf) -> list[str]:
    """Return which inputs are no longer published in the state that was read."""
    reasons = []
    for ref in manifest.inputs:
        try:
            current = manifest_of(ref.key)
        except PartitionCorruptError as error:
            reasons.append(f"input {error}")
            continue
        found = "none" if current is None else current.sha256
        if found != ref.manifest_sha256:
            reasons.append(f"input {ref.key}: expected {ref.manifest_sha256}, found {found}")
    return reasons
