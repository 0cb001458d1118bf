"""Rows of a table of windows, handed out in whole windows whatever the row groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from contracts.errors import ContractError

ENUMERATIONS: Final = {"side": "AB", "right": "CP"}
"""Letters of the enumerations in the order of their codes."""


def whole_windows(
    table: str, batches: Iterator[pa.RecordBatch], rows: int
) -> Iterator[pa.RecordBatch]:
    """Yield batches of whole windows of `rows` rows each; row groups need not end with one.

    Raises ContractError when the last window is cut.
    """
    rest: pa.RecordBatch | None = None
    for batch in batches:
        joined = batch
        if rest is not None and rest.num_rows:
            joined = pa.concat_batches([rest, batch])
        whole = joined.num_rows - joined.num_rows % rows
        rest = joined.slice(whole)
        if whole:
            yield joined.slice(0, whole)
    if rest is not None and rest.num_rows:
        message = f"expected {rows} rows a window, found {rest.num_rows} in the last"
        raise ContractError(table, [message])


class WindowRows:
    """The rows of a table in order, taken window by window; `columns` begins with the window end.

    Enumerations become the codes of ENUMERATIONS.
    """

    def __init__(self, batches: Iterator[pa.RecordBatch], columns: Sequence[str]) -> None:
        self._batches = batches
        self._names = columns
        self._columns: list[npt.NDArray[Any]] = []
        self._next = 0

    def take(self, last_end_ns: int) -> list[npt.NDArray[Any]]:
        """Return the columns of all rows left up to a window end, that one included."""
        parts = []
        while self.next_end_ns() is not None:
            stop = int(np.searchsorted(self._columns[0], last_end_ns, side="right"))
            if stop > self._next:
                parts.append([column[self._next : stop] for column in self._columns])
                self._next = stop
            if stop < self._columns[0].size:
                break
        if not parts:
            return [np.empty(0, np.int64) for _ in self._names]
        if len(parts) == 1:
            return parts[0]
        return [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]

    def next_end_ns(self) -> int | None:
        """Return the window end of the next row, None after the last; reads batches as needed."""
        while not self._columns or self._next == self._columns[0].size:
            batch = next(self._batches, None)
            if batch is None:
                return None
            self._columns = [column_of(batch, name) for name in self._names]
            self._next = 0
        return int(self._columns[0][self._next])


def column_of(batch: pa.RecordBatch, name: str) -> npt.NDArray[Any]:
    """Return a column without nulls as an array, read-only where it lies over the batch."""
    column = batch.column(name)
    if pa.types.is_dictionary(column.type):
        letters = [ENUMERATIONS[name].index(letter) for letter in column.dictionary.to_pylist()]
        codes: npt.NDArray[Any] = np.array(letters, np.uint8)[column.indices.to_numpy()]
        return codes
    values: npt.NDArray[Any] = column.to_numpy(zero_copy_only=not pa.types.is_boolean(column.type))
    return values
