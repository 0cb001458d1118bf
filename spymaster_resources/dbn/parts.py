"""A day that was requested in several parts, read as the one file it would have been.

A request takes 2,000 symbols at most, so the parts of a day hold different instruments over the
same hours. They are merged by the time of capture, as the vendor orders the records of one request:
a book of the whole day must not meet the morning again after the evening.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from contracts.errors import WrongDayError, WrongSchemaError
from spymaster_resources.dbn.header import DbnMetadata
from spymaster_resources.dbn.layouts import UNDEFINED_TIMESTAMP
from spymaster_resources.dbn.stream import CHUNK_RECORDS

Records = NDArray[np.void]

_DONE: Final = np.uint64(UNDEFINED_TIMESTAMP)


class RecordPass(Protocol):
    """One pass over the records of a file, and what was counted so far."""

    @property
    def first_record(self) -> int: ...

    @property
    def records_read(self) -> int: ...

    @property
    def gateway_records(self) -> int: ...

    def __iter__(self) -> Iterator[Records]: ...

    def __next__(self) -> Records: ...


class RecordFile(Protocol):
    """A vendor file, or what stands for one: what it says of itself, and its records."""

    @property
    def path(self) -> str: ...

    @property
    def metadata(self) -> DbnMetadata: ...

    def records(
        self, chunk_records: int = ..., *, schema: str = ..., buffers: int = ...
    ) -> RecordPass: ...


class PartedFile:
    """The parts of one day as one file; instruments and symbols are those of all parts."""

    def __init__(self, parts: Sequence[RecordFile]) -> None:
        """Take the parts in order; raises WrongDayError or WrongSchemaError where they differ."""
        first = parts[0]
        for part in parts[1:]:
            found, expected = part.metadata, first.metadata
            if found.start_date != expected.start_date:
                raise WrongDayError(
                    part.path,
                    f"expected a part of {expected.start_date} as {first.path}, "
                    f"found {found.start_date}",
                )
            if _form(found) != _form(expected):
                raise WrongSchemaError(
                    part.path,
                    f"expected a part of {_form(expected)} as {first.path}, found {_form(found)}",
                )
        self.path = " + ".join(part.path for part in parts)
        said = [part.metadata for part in parts]
        self.metadata = replace(
            first.metadata,
            symbols=tuple(name for one in said for name in one.symbols),
            partial=tuple(name for one in said for name in one.partial),
            not_found=tuple(name for one in said for name in one.not_found),
            mappings=tuple(mapping for one in said for mapping in one.mappings),
        )
        self._parts = tuple(parts)

    def records(
        self, chunk_records: int = CHUNK_RECORDS, *, schema: str = "mbo", buffers: int = 1
    ) -> MergedPass:
        """Return a pass over the records of all parts; each chunk has memory of its own."""
        del buffers
        passes = [part.records(chunk_records, schema=schema) for part in self._parts]
        return MergedPass(passes, chunk_records)


class MergedPass:
    """Iterator over the records of several passes in the order of ts_recv, those of one as read.

    Records of one ts_recv come in the order of the parts. A record that is behind its predecessor
    in time, or has none, stays behind it. Memory: two chunks a part, and as many records as share
    one ts_recv.
    """

    def __init__(self, passes: Sequence[RecordPass], chunk_records: int) -> None:
        self.first_record = 0
        self.records_read = 0
        self._passes = tuple(passes)
        self._chunks = self._merged(chunk_records)

    @property
    def gateway_records(self) -> int:
        """Return how many records of the gateway were left out so far."""
        return sum(part.gateway_records for part in self._passes)

    def __iter__(self) -> MergedPass:
        return self

    def __next__(self) -> Records:
        return next(self._chunks)

    def _merged(self, chunk_records: int) -> Generator[Records, None, None]:
        heads = [_Head(part) for part in self._passes]
        while True:
            horizon = min(head.horizon for head in heads)
            due, pieces = zip(*(head.take_before(horizon) for head in heads), strict=True)
            if any(len(piece) for piece in pieces):
                order = np.argsort(np.concatenate(due), kind="stable")
                records = np.concatenate([piece for piece in pieces if len(piece)])[order]
                for start in range(0, len(records), chunk_records):
                    chunk = records[start : start + chunk_records]
                    self.first_record = self.records_read
                    self.records_read += len(chunk)
                    yield chunk
            if horizon == _DONE:
                return
            for head in heads:
                if head.horizon == horizon:
                    head.read_on()


class _Head:
    """The records of one pass that were read and not yet taken, with the time each is due."""

    def __init__(self, part: RecordPass) -> None:
        self.horizon = np.uint64(0)
        """No record that is still to come is due earlier."""
        self._part = iter(part)
        self._records: Records = np.empty(0, [])
        self._due = np.empty(0, np.uint64)
        self.read_on()

    def take_before(self, horizon: np.uint64) -> tuple[NDArray[np.uint64], Records]:
        """Take the records that are due before `horizon`."""
        count = int(np.searchsorted(self._due, horizon))
        taken = self._due[:count], self._records[:count]
        self._due, self._records = self._due[count:], self._records[count:]
        return taken

    def read_on(self) -> None:
        """Read the next chunk behind what was not yet taken."""
        chunk = next(self._part, None)
        if chunk is None:
            self.horizon = _DONE
            return
        times: NDArray[Any] = chunk["ts_recv"].astype(np.uint64)
        times[times == UNDEFINED_TIMESTAMP] = 0
        times[0] = max(times[0], self.horizon)
        due = np.maximum.accumulate(times)
        self.horizon = due[-1]
        self._due = np.concatenate([self._due, due])
        left = [self._records] if len(self._records) else []
        self._records = np.concatenate([*left, chunk])


def _form(metadata: DbnMetadata) -> str:
    return f"{metadata.dataset} {metadata.schema} in DBN {metadata.version}"
