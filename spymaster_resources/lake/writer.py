"""Writing one partition: contract, row groups, Parquet, hashes, then publication."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.errors import ConfigurationError, LakeError
from contracts.registry import Dataset
from contracts.schema import conform
from spymaster_resources.lake.filesystem import sync_file, sync_folder
from spymaster_resources.lake.hashing_sink import HashingSink
from spymaster_resources.lake.layout import PartitionKey, part_name, staged_name
from spymaster_resources.lake.manifest import (
    ContractRef,
    DataFile,
    InputRef,
    Manifest,
    ManifestError,
    RawInput,
    Scalar,
    plain,
    sorted_inputs,
)
from spymaster_resources.lake.parquet_file import footer_sha256, parquet_writer
from spymaster_resources.lake.publication import Publisher, storage_errors
from spymaster_resources.lake.row_groups import RowGroupAssembler
from spymaster_resources.lake.sort_key import SortKeyGuard


@dataclass(frozen=True)
class StagedPartition:
    """A partition written, durable and verified, but not yet published.

    `files` are local paths in the order of the manifest's files: an audit reads them with
    `read_parquet([...])` before `PartitionWriter.publish`.
    """

    dataset: str
    symbol: str | None
    dt: datetime.date | None
    files: tuple[str, ...]
    manifest: Manifest


class PartitionWriter:
    """Write one partition of a dataset; leaving the block unpublished discards it.

    Memory is bounded by one row group and what Parquet buffers of it; with `threaded`, which
    encodes one row group while the caller makes the next, by two.
    """

    def __init__(
        self,
        dataset: Dataset,
        key: PartitionKey,
        publisher: Publisher,
        *,
        parameters: Mapping[str, Any],
        inputs: Sequence[InputRef | RawInput],
        code_version: str,
        threaded: bool,
    ) -> None:
        self._dataset = dataset
        self._key = key
        self._publisher = publisher
        self._code_version = code_version
        self._inputs = list(inputs)
        try:
            self._parameters = plain(parameters)
        except ManifestError as error:
            raise ConfigurationError(f"{key}: parameters: {error}") from error
        self._groups = RowGroupAssembler(dataset.contract, dataset.parquet.row_group_rows)
        self._order = SortKeyGuard(dataset)
        self._row_count = 0
        self._sealed: StagedPartition | None = None
        self._closed = False
        self._encoding: Future[None] | None = None
        self._is_lent = False
        with storage_errors(key):
            self._staging = publisher.stage()
            self._part = self._staging.partition / staged_name("part")
            try:
                self._sink = HashingSink(self._part, threaded=threaded)
                self._parquet = self._open_parquet()
            except BaseException:
                self._staging.discard()
                raise
        self._thread = ThreadPoolExecutor(1, "lake-write") if threaded else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.discard()

    def write(self, table: pa.Table | pa.RecordBatch, *, lent: bool = False) -> None:
        """Append rows, in the contract's sort order.

        The caller may reuse the memory behind `table` afterwards. With `lent` it leaves that memory
        alone until its next call of `write` or `seal` has returned, which saves a threaded writer
        the copy. Raises ContractError for rows that break the contract or the order, StorageError
        when the disk refuses.
        """
        self._must_be_open()
        if self._sealed is not None:
            raise LakeError(str(self._key), "expected no row after seal, found some")
        conform(table, self._dataset.contract)
        lent_before = self._encoding if self._is_lent else None
        for group in self._groups.add(table, own=self._thread is not None and not lent):
            self._write_group(group)
        if lent_before is not None and lent_before is self._encoding:
            self._finish_encoding()
        self._is_lent = lent

    def seal(
        self,
        counters: Mapping[str, Scalar] | None = None,
        inputs: Sequence[InputRef | RawInput] = (),
    ) -> StagedPartition:
        """Finish the file, make it durable, read it back, and return it with its manifest.

        `counters` are what a person would ask for (rows skipped by reason and the like); `inputs`
        those that were not known when the writer was made. Raises StorageError when the disk
        refuses or gives back other bytes than were written.
        """
        self._must_be_open()
        if self._sealed is not None:
            raise LakeError(str(self._key), "expected one call of seal, found a second")
        for group in self._groups.finish():
            self._write_group(group)
        self._finish_encoding()
        self._inputs += inputs
        with storage_errors(self._key):
            self._parquet.close()
            self._sink.finish()
            file = self._data_file()
            staged = self._staging.partition / staged_name(file.name)
            self._part.rename(staged)
            sync_file(staged)
            sync_folder(self._staging.partition)
            self._publisher.verify_staged(staged, file)
        manifest = self._manifest((file,), counters or {})
        self._sealed = StagedPartition(*self._key, (str(staged),), manifest)
        return self._sealed

    def publish(self) -> Manifest:
        """Publish the partition in one step, sealing it first if that was not done.

        Raises PublicationConflictError when another writer published this partition since this
        one began, StorageError when the disk or store refuses; the lake is then as it was.
        """
        sealed = self._sealed if self._sealed is not None else self.seal()
        self._must_be_open()
        with storage_errors(self._key):
            self._publisher.publish(self._staging.partition, sealed.manifest)
        self.discard()
        return sealed.manifest

    def discard(self) -> None:
        """Remove everything staged; does nothing after publication."""
        if self._closed:
            return
        self._closed = True
        if self._thread is not None:
            self._thread.shutdown()
        self._sink.abandon()
        self._parquet.close()
        self._sink.stream.close()
        self._staging.discard()

    def _open_parquet(self) -> pq.ParquetWriter:
        try:
            return parquet_writer(self._dataset, self._sink.stream)
        except BaseException:
            self._sink.abandon()
            raise

    def _must_be_open(self) -> None:
        if self._closed:
            raise LakeError(str(self._key), "expected an open writer, found a closed one")

    def _write_group(self, group: pa.RecordBatch) -> None:
        self._order.check(group)
        self._row_count += group.num_rows
        if self._thread is None:
            self._encode(group)
        else:
            self._finish_encoding()
            self._encoding = self._thread.submit(self._encode, group)

    def _encode(self, group: pa.RecordBatch) -> None:
        with storage_errors(self._key):
            self._parquet.write_batch(group, row_group_size=group.num_rows)

    def _finish_encoding(self) -> None:
        """Wait for the row group that is being encoded and raise what went wrong with it."""
        if self._encoding is not None:
            encoding, self._encoding = self._encoding, None
            encoding.result()

    def _data_file(self) -> DataFile:
        sha256 = self._sink.sha256
        with pa.OSFile(str(self._part), mode="rb") as written:
            footer = footer_sha256(written)
        return DataFile(
            name=part_name(0, sha256),
            size=self._sink.size,
            sha256=sha256,
            row_count=self._row_count,
            footer_sha256=footer,
        )

    def _manifest(self, files: tuple[DataFile, ...], counters: Mapping[str, Scalar]) -> Manifest:
        contract = self._dataset.contract
        first, last = self._order.bounds
        inputs, raw_inputs = sorted_inputs(self._inputs)
        try:
            return Manifest(
                *self._key,
                row_count=self._row_count,
                sort_key_min=first,
                sort_key_max=last,
                contract=ContractRef(contract.name, contract.version, contract.sha256),
                code_version=self._code_version,
                parameters=self._parameters,
                files=files,
                inputs=inputs,
                raw_inputs=raw_inputs,
                counters=plain(counters),
            )
        except ManifestError as error:
            raise ConfigurationError(f"{self._key}: counters: {error}") from error
