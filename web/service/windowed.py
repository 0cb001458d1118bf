"""A published table by windows of its session: which rows belong to which second."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from contracts.errors import PartitionCorruptError
from web.service.tables import PinnedTable

Longs = npt.NDArray[np.int64]

_END = "window_end_ts_ns"


class WindowedTable:
    """The rows of a table that has the same number of rows, `rows_per_window`, in every window.

    With `may_lack_windows` some windows may have no rows at all. Safe to use from several threads.
    Raises PartitionCorruptError when the table is not so.
    """

    def __init__(self, table: PinnedTable, ends_ns: Longs, *, may_lack_windows: bool) -> None:
        self.table = table
        self._ends_ns = ends_ns
        rows, windows = table.num_rows, len(ends_ns)
        self.rows_per_window = (
            _first_run(table) if may_lack_windows and rows else max(1, rows // windows)
        )
        filled, rest = divmod(rows, self.rows_per_window)
        self._first_rows: Longs | None = None
        if filled != windows and may_lack_windows:
            self._first_rows = self._index()
        else:
            self._require(rest == 0 and filled == windows, f"{rows} rows do not fit")

    def rows(self, first: int, count: int) -> pa.Table:
        """Return the rows of windows `first` … `first + count - 1`."""
        per_window = self.rows_per_window
        ends = self._ends_ns[first : first + count]
        if self._first_rows is None:
            start, stop = first * per_window, (first + len(ends)) * per_window
        else:
            start, stop = (int(self._first_rows[w]) for w in (first, first + len(ends)))
            ends = ends[np.diff(self._first_rows[first : first + len(ends) + 1]) > 0]
        table = self.table.rows(start, stop - start)
        found = table.column(_END).to_numpy()
        self._require(
            np.array_equal(found, np.repeat(ends, per_window)),
            f"rows {start} and on are not the session's windows in order",
        )
        return table

    def _index(self) -> Longs:
        """Return the first row of every window, and the number of rows at the end: (W + 1,)."""
        counts = np.zeros(len(self._ends_ns), np.int64)
        for group in self.table.groups([_END]):
            found, rows = np.unique(group.column(_END).to_numpy(), return_counts=True)
            at = np.searchsorted(self._ends_ns, found)
            known = at < len(self._ends_ns)
            self._require(
                bool(np.all(known)) and np.array_equal(self._ends_ns[at], found),
                "it has windows that the session lacks",
            )
            counts[at] += rows
        self._require(
            bool(np.all((counts == 0) | (counts == self.rows_per_window))),
            f"not every window has {self.rows_per_window} rows or none",
        )
        return np.concatenate(([0], np.cumsum(counts)))

    def _require(self, holds: bool, problem: str) -> None:
        if not holds:
            manifest = self.table.manifest
            windows = f"a session of {len(self._ends_ns)} windows"
            raise PartitionCorruptError(str(manifest.key), f"{problem}: expected {windows}")


def _first_run(table: PinnedTable) -> int:
    """Return how many rows the first window has."""
    first = next(table.groups([_END])).column(_END).to_numpy()
    return int(np.searchsorted(first, first[0], side="right"))
