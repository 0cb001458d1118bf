"""Finding the partitions of a lake."""

from __future__ import annotations

from collections.abc import Iterator

from contracts.registry import Dataset
from spymaster_resources.lake.filesystem import FileSystem
from spymaster_resources.lake.layout import (
    MANIFEST_NAME,
    PartitionKey,
    folder_template,
    parse_date,
    parse_folder_name,
)


def partition_folders(files: FileSystem, dataset: Dataset) -> Iterator[tuple[PartitionKey, str]]:
    """Yield key and folder of each partition folder of `dataset`, by symbol and date.

    The folder may lack a manifest: see `published`.
    """
    segments = folder_template(dataset).split("/")
    for values, folder in _walk(files, "", segments, {}):
        dt = parse_date(values["dt"]) if "dt" in values else None
        if dt is not None or "dt" not in values:
            yield PartitionKey(dataset.key, values.get("symbol"), dt), folder


def published(files: FileSystem, dataset: Dataset) -> Iterator[tuple[PartitionKey, str]]:
    """Yield each published partition of `dataset` with the version of its manifest file.

    By symbol and date. The version changes with each publication: see `FileSystem.version`.
    """
    for key, folder in partition_folders(files, dataset):
        version = files.version(f"{folder}/{MANIFEST_NAME}")
        if version is not None:
            yield key, version


def _walk(
    files: FileSystem, base: str, segments: list[str], values: dict[str, str]
) -> Iterator[tuple[dict[str, str], str]]:
    if not segments:
        yield values, base
        return
    segment, rest = segments[0], segments[1:]
    for entry in files.entries(base):
        found = parse_folder_name(segment, entry.name) if entry.is_folder else None
        if found is not None:
            folder = f"{base}/{entry.name}" if base else entry.name
            yield from _walk(files, folder, rest, {**values, **found})
