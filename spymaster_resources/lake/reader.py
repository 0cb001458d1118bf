"""Reading a published partition: by its manifest, under its contract, every page verified."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import NamedTuple, Self

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.errors import (
    ConfigurationError,
    ContractError,
    ContractVersionError,
    PartitionCorruptError,
    PartitionMissingError,
    StorageError,
)
from contracts.registry import Dataset
from contracts.schema import Contract, conform
from spymaster_resources.lake.filesystem import FileSystem, LocalFolder
from spymaster_resources.lake.layout import MANIFEST_NAME, PartitionKey, partition_folder
from spymaster_resources.lake.manifest import Manifest, ManifestError
from spymaster_resources.lake.parquet_file import FileMismatchError, open_parquet


class RowGroup(NamedTuple):
    """One row group of an open partition."""

    file_name: str
    parquet: pq.ParquetFile
    number: int


class OpenPartition:
    """The row groups of one partition, read at random through files that stay open.

    They are those of the partition that was published when it was opened, also after another has
    taken its place. Not to be read by two threads at once.
    """

    def __init__(
        self,
        manifest: Manifest,
        contract: Contract,
        groups: Sequence[RowGroup],
        files: ExitStack,
    ) -> None:
        self.manifest = manifest
        self.schema: pa.Schema = contract.schema
        self.row_counts = tuple(
            group.parquet.metadata.row_group(group.number).num_rows for group in groups
        )
        self._contract = contract
        self._groups = groups
        self._files = files

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, row_group: int, columns: Sequence[str] | None = None) -> pa.RecordBatch:
        """Return one row group, all opened columns or those of them that are named.

        Raises ConfigurationError for a column that was not opened, PartitionCorruptError,
        ContractError, StorageError.
        """
        contract = self._contract if columns is None else _projected(self._contract, columns)
        return _read_group(self._groups[row_group], self.manifest.key, contract)

    def close(self) -> None:
        """Close the files."""
        self._files.close()


def open_partition(
    files: FileSystem, dataset: Dataset, key: PartitionKey, columns: Sequence[str] | None
) -> OpenPartition:
    """Return the published partition with its files open, the columns in the order asked for.

    A replacement between reading the manifest and opening a file removes that file: then the
    newer manifest is read. The same manifest twice means that the file is really gone or damaged.
    """
    contract = dataset.contract if columns is None else _projected(dataset.contract, columns)
    folder = partition_folder(dataset, key)
    manifest = _existing_manifest(files, folder, key)
    while True:
        with ExitStack() as stack:
            try:
                groups = _open_files(files, folder, manifest, contract, stack)
            except (FileMismatchError, OSError, pa.ArrowException) as error:
                newer = _existing_manifest(files, folder, key)
                if newer.sha256 == manifest.sha256:
                    raise _read_error(key, error) from error
                manifest = newer
                continue
            _check_contract(dataset, manifest, contract, groups)
            return OpenPartition(manifest, contract, groups, stack.pop_all())


def load_manifest(files: FileSystem, folder: str, key: PartitionKey) -> Manifest | None:
    """Return the manifest of a partition, None when it is not published.

    Raises PartitionCorruptError when its bytes are no longer what was written.
    """
    try:
        manifest = Manifest.from_bytes(files.read_bytes(f"{folder}/{MANIFEST_NAME}"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ManifestError as error:
        raise PartitionCorruptError(str(key), f"{MANIFEST_NAME}: {error}") from error
    except OSError as error:
        raise StorageError(str(key), f"{MANIFEST_NAME}: {error}") from error
    if manifest.key != key:
        message = f"{MANIFEST_NAME}: expected the manifest of {key}, found that of {manifest.key}"
        raise PartitionCorruptError(str(key), message)
    return manifest


def read_batches(
    files: FileSystem,
    dataset: Dataset,
    key: PartitionKey,
    columns: Sequence[str] | None,
    *,
    prefetch: bool,
) -> Iterator[pa.RecordBatch]:
    """Yield one record batch per row group, in order, with the columns in the order asked for.

    The files are opened when iteration begins and belong to one state of the partition, whatever
    is published meanwhile. With `prefetch` the next row group is read by a thread while the
    caller works: at most two row groups in memory.
    """
    with open_partition(files, dataset, key, columns) as partition:
        numbers = range(len(partition.row_counts))
        if prefetch:
            yield from _read_ahead(partition, numbers)
        else:
            yield from map(partition.read, numbers)


def _projected(contract: Contract, columns: Sequence[str]) -> Contract:
    """Return the contract of the columns asked for."""
    fields = {field.name: field for field in contract.fields}
    if unknown := [name for name in columns if name not in fields]:
        known = ", ".join(fields)
        raise ConfigurationError(f"{contract.name}: expected columns of {known}; found {unknown}")
    return replace(contract, fields=tuple(fields[name] for name in columns))


def _existing_manifest(files: FileSystem, folder: str, key: PartitionKey) -> Manifest:
    manifest = load_manifest(files, folder, key)
    if manifest is None:
        message = f"expected a published partition at {files.url(folder)}, found none"
        raise PartitionMissingError(str(key), f"{message}: run its asset or `spymaster run`")
    return manifest


def _open_files(
    files: FileSystem, folder: str, manifest: Manifest, contract: Contract, stack: ExitStack
) -> list[RowGroup]:
    dictionaries = [f.name for f in contract.fields if pa.types.is_dictionary(f.type)]
    groups = []
    for file in manifest.files:
        source = stack.enter_context(files.open(f"{folder}/{file.name}"))
        parquet = open_parquet(
            source, file, dictionaries, remote=not isinstance(files, LocalFolder)
        )
        stack.enter_context(parquet)
        groups += [RowGroup(file.name, parquet, n) for n in range(parquet.num_row_groups)]
    return groups


def _check_contract(
    dataset: Dataset, manifest: Manifest, contract: Contract, groups: Sequence[RowGroup]
) -> None:
    """Hold the written columns to the contract before any row is read.

    A partition of an older contract version is read as long as the columns asked for are what
    they are today; nothing is filled in for a column that it lacks.
    """
    current = dataset.contract
    written = manifest.contract
    problems = []
    for parquet in {id(group.parquet): group.parquet for group in groups}.values():
        problems += _schema_problems(parquet.schema_arrow, current, contract, written.version)
    if written.name != current.name:
        problems.append(f"expected contract {current.name}, found {written.name}")
    if not problems and written.version <= current.version:
        return
    if written.version == current.version:
        raise ContractError(current.name, problems)
    raise ContractVersionError(
        current.name,
        [
            f"{manifest.key}: expected version {current.version}, found {written.version}",
            *problems,
            "rebuild the partition (`spymaster run --overwrite`) or use the code it was made with",
        ],
    )


def _schema_problems(
    found: pa.Schema, current: Contract, wanted: Contract, written_version: int
) -> list[str]:
    if written_version == current.version and found.names != list(current.column_names):
        return [f"expected columns {list(current.column_names)}, found {found.names}"]
    problems = []
    for field in wanted.fields:
        expected = pa.field(field.name, field.type, nullable=field.nullable)
        index = found.get_field_index(field.name)
        if index < 0:
            problems.append(f"column {field.name}: expected, not found")
        elif not found.field(index).equals(expected):
            problems.append(f"column {field.name}: expected {expected}, found {found.field(index)}")
    return problems


def _read_group(group: RowGroup, key: PartitionKey, contract: Contract) -> pa.RecordBatch:
    names = list(contract.column_names)
    try:
        table = group.parquet.read_row_group(group.number, columns=names).select(names)
    except FileNotFoundError as error:
        message = f"{group.file_name} was removed by a later publication; read again"
        raise PartitionMissingError(str(key), message) from error
    except (OSError, pa.ArrowException) as error:
        where = f"{group.file_name}, row group {group.number}"
        raise _read_error(key, error, where) from error
    columns = [column.combine_chunks() for column in table.columns]
    batch = pa.RecordBatch.from_arrays(columns, schema=contract.schema)
    conform(batch, contract)
    return batch


def _read_ahead(partition: OpenPartition, numbers: Sequence[int]) -> Iterator[pa.RecordBatch]:
    with ThreadPoolExecutor(1, thread_name_prefix="lake-read") as executor:
        ahead = [executor.submit(partition.read, number) for number in numbers[:1]]
        for number in numbers[1:]:
            batch = ahead.pop().result()
            ahead.append(executor.submit(partition.read, number))
            yield batch
        for last in ahead:
            yield last.result()


def _read_error(
    key: PartitionKey, error: Exception, where: str = ""
) -> PartitionCorruptError | StorageError:
    """Return damage as corruption, a refusal of the system (it has an errno) as storage."""
    prefix = f"{where}: " if where else ""
    if isinstance(error, OSError) and error.errno and not isinstance(error, FileNotFoundError):
        return StorageError(str(key), f"{prefix}{error}")
    message = f"{prefix}{error}; run `spymaster lake verify`, then build the partition again"
    return PartitionCorruptError(str(key), message)
