"""Random access by row to one published table, through files that stay open."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

import pyarrow as pa

from spymaster_resources.lake import Manifest
from spymaster_resources.lake.reader import OpenPartition
from web.service.cache import BoundedCache


class PinnedTable:
    """The rows of one partition as they were when it was opened.

    It keeps reading that partition also after another has taken its place. Row groups are kept in
    the shared `cache` under the hash of the manifest. Safe to use from several threads.
    """

    def __init__(self, partition: OpenPartition, cache: BoundedCache) -> None:
        self._partition = partition
        self._cache = cache
        self._lock = threading.Lock()
        self._starts: list[int] = list(accumulate(self._partition.row_counts, initial=0))

    @property
    def manifest(self) -> Manifest:
        """The manifest of the partition that is read."""
        return self._partition.manifest

    @property
    def num_rows(self) -> int:
        """How many rows the table has."""
        return self._starts[-1]

    def rows(self, first: int, count: int) -> pa.Table:
        """Return rows `first` … `first + count - 1`; raises LakeError when they are damaged."""
        stop = first + count
        if not 0 <= first <= stop <= self.num_rows:
            raise IndexError(f"rows {first} … {stop} of a table of {self.num_rows}")
        parts = []
        group = bisect_right(self._starts, first) - 1
        while first < stop:
            start, end = self._starts[group], min(self._starts[group + 1], stop)
            parts.append(self._kept_group(group).slice(first - start, end - first))
            first = end
            group += 1
        return pa.Table.from_batches(parts, self._partition.schema)

    def groups(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield those columns of every row group in order; they are not kept."""
        for number in range(len(self._partition.row_counts)):
            yield self._read(number, columns)

    def _kept_group(self, number: int) -> pa.RecordBatch:
        return self._cache.get(
            ("row group", self.manifest.sha256, number),
            lambda: self._read(number),
            lambda batch: int(batch.nbytes),
        )

    def _read(self, number: int, columns: Sequence[str] | None = None) -> pa.RecordBatch:
        with self._lock:
            return self._partition.read(number, columns)
