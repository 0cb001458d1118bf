"""The lake: partitions of tables, written whole, read by their manifests."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import pyarrow as pa

from contracts.errors import ConfigurationError, PartitionMissingError
from contracts.registry import Dataset, datasets
from spymaster_resources.lake import listing, reader
from spymaster_resources.lake.filesystem import (
    FileSystem,
    LocalFolder,
    make_folder,
    open_file_system,
)
from spymaster_resources.lake.layout import (
    MANIFEST_NAME,
    PartitionKey,
    document_path,
    partition_folder,
    partition_key,
    single_file,
)
from spymaster_resources.lake.manifest import InputRef, Manifest, RawInput
from spymaster_resources.lake.publication import FolderPublisher, Publisher, storage_errors
from spymaster_resources.lake.staging import folder_lock
from spymaster_resources.lake.status import PartitionStatus, StatusReport, partition_status
from spymaster_resources.lake.store_publication import StorePublisher
from spymaster_resources.lake.verify import (
    Finding,
    Verdict,
    abandoned_staging,
    missing_inputs,
    verify_partition,
)
from spymaster_resources.lake.writer import PartitionWriter


class Lake:
    """Tables below one root, a local folder or an object-store URL.

    Every method that takes `dataset`, `symbol` and `dt` raises ConfigurationError when they name
    no possible partition; symbol and dt are None for a table that is not partitioned.
    """

    def __init__(self, root: str, tables: Mapping[str, Dataset] | None = None) -> None:
        self.root = root
        self.file_system: FileSystem = open_file_system(root)
        self._tables = datasets() if tables is None else tables

    def writer(
        self,
        dataset: str,
        symbol: str | None,
        dt: datetime.date | None,
        *,
        parameters: Mapping[str, Any],
        inputs: Sequence[InputRef | RawInput],
        code_version: str,
        threaded: bool = False,
    ) -> PartitionWriter:
        """Return a writer of one partition, to be used in a `with` block.

        With `threaded` a row group is encoded while the caller makes the next one: the same
        bytes, less time where the caller leaves the interpreter lock, one row group more memory.
        """
        table, key = self._partition(dataset, symbol, dt)
        folder = partition_folder(table, key)
        files = self.file_system
        kind = FolderPublisher if isinstance(files, LocalFolder) else StorePublisher
        publisher: Publisher = kind(files, key, folder, single_file(table))
        return PartitionWriter(
            table,
            key,
            publisher,
            parameters=parameters,
            inputs=inputs,
            code_version=code_version,
            threaded=threaded,
        )

    def read(
        self,
        dataset: str,
        symbol: str | None,
        dt: datetime.date | None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Return a whole partition; raises as `batches` does."""
        table, _ = self._partition(dataset, symbol, dt)
        schema = table.schema
        if columns is not None:
            schema = pa.schema([f for name in columns for f in schema if f.name == name])
        return pa.Table.from_batches(self.batches(dataset, symbol, dt, columns), schema)

    def batches(
        self,
        dataset: str,
        symbol: str | None,
        dt: datetime.date | None,
        columns: Sequence[str] | None = None,
        *,
        prefetch: bool = False,
    ) -> Iterator[pa.RecordBatch]:
        """Yield one record batch per row group, in order; arrays are read-only.

        Codes of enumerations follow the contract's order of symbols. Raises
        PartitionMissingError, PartitionCorruptError (a page checksum, the footer or the manifest
        differs), ContractError, ContractVersionError, StorageError.
        """
        table, key = self._partition(dataset, symbol, dt)
        return reader.read_batches(self.file_system, table, key, columns, prefetch=prefetch)

    def open(
        self,
        dataset: str,
        symbol: str | None,
        dt: datetime.date | None,
        columns: Sequence[str] | None = None,
    ) -> reader.OpenPartition:
        """Return a partition for reading row groups at random; raises as `batches` does."""
        table, key = self._partition(dataset, symbol, dt)
        return reader.open_partition(self.file_system, table, key, columns)

    def manifest(
        self, dataset: str, symbol: str | None, dt: datetime.date | None
    ) -> Manifest | None:
        """Return the manifest of a published partition, None when there is none.

        Raises PartitionCorruptError when the manifest is damaged.
        """
        table, key = self._partition(dataset, symbol, dt)
        return reader.load_manifest(self.file_system, partition_folder(table, key), key)

    def input(self, dataset: str, symbol: str | None, dt: datetime.date | None) -> InputRef:
        """Return the reference to record for a partition that is read as an input.

        Raises PartitionMissingError when it is not published.
        """
        return self._published(dataset, symbol, dt).reference

    def files(self, dataset: str, symbol: str | None, dt: datetime.date | None) -> list[str]:
        """Return full paths or URLs of the data files, for DuckDB and others.

        Their content never changes; a replacement of the partition removes them.
        Raises PartitionMissingError when it is not published.
        """
        manifest = self._published(dataset, symbol, dt)
        folder = partition_folder(self.table(dataset), manifest.key)
        return [self.file_system.url(f"{folder}/{file.name}") for file in manifest.files]

    def status(
        self,
        dataset: str,
        symbol: str | None,
        dt: datetime.date | None,
        *,
        code_version: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        inputs: Sequence[InputRef | RawInput] | None = None,
    ) -> PartitionStatus:
        """Return whether a partition is current, stale, missing or corrupt: see `explain`."""
        return self.explain(
            dataset, symbol, dt, code_version=code_version, parameters=parameters, inputs=inputs
        ).status

    def explain(
        self,
        dataset: str,
        symbol: str | None,
        dt: datetime.date | None,
        *,
        code_version: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        inputs: Sequence[InputRef | RawInput] | None = None,
    ) -> StatusReport:
        """Return the state of a partition with the reasons.

        It is current when its manifest matches today's contract, its inputs are published in the
        state that was read, and whatever is given here equals what was recorded. Data is not
        read: `verify` does that.
        """
        table, key = self._partition(dataset, symbol, dt)
        return partition_status(
            self.file_system,
            table,
            key,
            self._manifest_of,
            code_version=code_version,
            parameters=parameters,
            inputs=inputs,
        )

    def partitions(self, dataset: str | None = None) -> Iterator[PartitionKey]:
        """Yield (dataset, symbol, dt) of every published partition, in order."""
        for table in self._selected(dataset):
            for key, _ in listing.published(self.file_system, table):
                yield key

    def mark(self, dataset: str, symbol: str | None, dt: datetime.date | None) -> str | None:
        """Return the mark of a published partition, None when there is none: see `marks`."""
        table, key = self._partition(dataset, symbol, dt)
        return self.file_system.version(f"{partition_folder(table, key)}/{MANIFEST_NAME}")

    def marks(self, dataset: str) -> Iterator[tuple[PartitionKey, str]]:
        """Yield every published partition of a dataset, in order, with a mark of what it is.

        The mark changes with each publication and with any change of the manifest. It is read
        without reading the manifest, so that who keeps what it said learns when to read it again.
        """
        yield from listing.published(self.file_system, self.table(dataset))

    def verify(
        self,
        dataset: str | None = None,
        symbol: str | None = None,
        dt: datetime.date | None = None,
    ) -> Iterator[Finding]:
        """Yield findings over every partition (or those selected), hashing every byte."""
        manifests = []
        chosen = 0
        for table in self._selected(dataset):
            for key, _ in listing.partition_folders(self.file_system, table):
                if symbol not in (None, key.symbol) or dt not in (None, key.dt):
                    continue
                chosen += 1
                found = verify_partition(self.file_system, table, key, self._manifest_of)
                yield from found.findings
                if found.manifest is not None:
                    manifests.append(found.manifest)
            yield from abandoned_staging(self.file_system, table)
        if not chosen and (symbol is not None or dt is not None):
            key = PartitionKey(dataset or "any dataset", symbol, dt)
            yield Finding(key, Verdict.MISSING, ("expected a partition, found none",))
        yield from missing_inputs(manifests, self._manifest_of)

    def put_document(self, path: str, content: bytes) -> None:
        """Write a JSON or PNG document such as `calibration/name.json` in one step.

        Raises ConfigurationError for a path outside the lake, StorageError.
        """
        self.update_document(path, lambda _: content)

    def update_document(self, path: str, change: Callable[[bytes | None], bytes]) -> None:
        """Replace a JSON document by what `change` makes of it (None when there is none).

        In a local folder no other writer comes between; in an object store the last one wins.
        Raises ConfigurationError for a path outside the lake, StorageError.
        """
        files = self.file_system
        folder = document_path(path).rpartition("/")[0]
        with storage_errors(PartitionKey(path, None, None)), ExitStack() as stack:
            if isinstance(files, LocalFolder):
                make_folder(files.path(folder))
                stack.enter_context(folder_lock(files.path(folder)))
            files.put(path, change(self.document(path)))

    def document(self, path: str) -> bytes | None:
        """Return the content of a JSON document, None when there is none."""
        try:
            return self.file_system.read_bytes(document_path(path))
        except FileNotFoundError:
            return None

    def table(self, dataset: str) -> Dataset:
        """Return the dataset of a key; raises ConfigurationError when there is none."""
        if dataset not in self._tables:
            known = ", ".join(self._tables)
            raise ConfigurationError(f"expected a dataset of {known}; found {dataset!r}")
        return self._tables[dataset]

    def _selected(self, dataset: str | None) -> list[Dataset]:
        return list(self._tables.values()) if dataset is None else [self.table(dataset)]

    def _partition(
        self, dataset: str, symbol: str | None, dt: datetime.date | None
    ) -> tuple[Dataset, PartitionKey]:
        table = self.table(dataset)
        return table, partition_key(table, symbol, dt)

    def _manifest_of(self, key: PartitionKey) -> Manifest | None:
        return self.manifest(*key)

    def _published(self, dataset: str, symbol: str | None, dt: datetime.date | None) -> Manifest:
        manifest = self.manifest(dataset, symbol, dt)
        if manifest is None:
            _, key = self._partition(dataset, symbol, dt)
            raise PartitionMissingError(str(key), "expected a published partition, found none")
        return manifest
