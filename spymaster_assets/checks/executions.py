"""What bronze says was traded and filled in every window: a second account beside the book's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from spymaster_assets.checks.subject import Subject
from spymaster_assets.checks.unavailable import UnavailableError
from spymaster_resources.lake import StagedPartition
from spymaster_resources.trading_calendar import SECOND_NS

BEFORE: Final = np.int64(-(2**62))
"""Earlier than any record."""
_COLUMNS: Final = ("ts_event", "flags", "action", "side", "size")
_CLOCK: Final = ("ts_event", "flags")
_F_SNAPSHOT: Final = 32


@dataclass(frozen=True)
class Executions:
    """Sums over W windows, int64 (W,), and where each window's records are in the file."""

    bought: NDArray[np.int64]
    sold: NDArray[np.int64]
    trades: NDArray[np.int64]
    filled: NDArray[np.int64]
    """Size of `F` records."""
    first_row: NDArray[np.int64]
    """(W + 1,): window k's records are rows first_row[k] to first_row[k + 1] of the partition."""

    def rows_of(self, windows: Windows, some: Windows) -> list[int]:
        """Return the first row of each of some of the windows, and the row behind them."""
        first = (some.first_ns - windows.first_ns) // SECOND_NS
        rows: list[int] = self.first_row[first : first + some.count + 1].tolist()
        return rows


@dataclass(frozen=True)
class Windows:
    """The window ends of a table, ns."""

    first_ns: int
    last_ns: int

    @property
    def count(self) -> int:
        """Return how many windows there are."""
        return (self.last_ns - self.first_ns) // SECOND_NS + 1

    @property
    def bounds(self) -> NDArray[np.int64]:
        """Return the start of every window and the end of the last, ns."""
        return self.first_ns + SECOND_NS * np.arange(-1, self.count)


def windows_of(subject: Subject) -> Windows:
    """Return the windows that a silver partition was built for."""
    try:
        return Windows(
            int(subject.parameters["first_window_end_ts_ns"]),
            int(subject.parameters["last_window_end_ts_ns"]),
        )
    except KeyError as error:
        raise UnavailableError(f"the manifest does not tell {error}") from None


def executions(subject: Subject, bronze: StagedPartition, windows: Windows) -> Executions:
    """Return the executions of each window, one pass over bronze.

    A record belongs to the window of the latest `ts_event` up to it: the clock of the book, which a
    snapshot does not move.
    """
    bounds = windows.bounds
    sums = np.zeros((4, windows.count), np.int64)
    first_row = np.zeros(bounds.size, np.int64)
    clock = BEFORE
    for batch in subject.batches(bronze, _COLUMNS):
        live, moved = book_clock(batch, clock)
        clock = moved[-1]
        first_row += np.searchsorted(moved, bounds)
        inside = live & (moved >= bounds[0]) & (moved < bounds[-1])
        traded = np.flatnonzero(inside & _is(batch["action"], "T"))
        filled = np.flatnonzero(inside & _is(batch["action"], "F"))
        buys, sells = (traded[_is(batch["side"], side)[traded]] for side in "BA")
        for total, rows in zip(sums, (buys, sells, traded, filled), strict=True):
            size = np.ones(rows.size) if rows is traded else batch["size"].to_numpy()[rows]
            window = (moved[rows] - bounds[0]) // SECOND_NS
            total += np.bincount(window, size, windows.count).astype(np.int64)
    bought, sold, trades, filled = sums
    return Executions(bought, sold, trades, filled, first_row)


def rows_at(
    subject: Subject, bronze: StagedPartition, bounds: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the number of the first row at which the clock has reached each of `bounds`, ns."""
    rows = np.zeros(bounds.size, np.int64)
    clock = BEFORE
    for batch in subject.batches(bronze, _CLOCK):
        _, moved = book_clock(batch, clock)
        clock = moved[-1]
        rows += np.searchsorted(moved, bounds)
        if clock >= bounds[-1]:
            break
    return rows


def book_clock(
    batch: pa.RecordBatch, clock: np.int64
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return which records move the book's clock, and where it stands at each of them.

    clock: where it stood before, BEFORE at the start of the file. batch: with ts_event and flags.
    """
    live = (batch["flags"].to_numpy() & _F_SNAPSHOT) == 0
    column = batch["ts_event"]
    times = (column.fill_null(-1) if column.null_count else column).to_numpy()
    moved = np.where(live, times, BEFORE)
    moved[0] = max(moved[0], clock)
    return live, np.maximum.accumulate(moved, out=moved)


def _is(column: pa.DictionaryArray, letter: str) -> NDArray[np.bool_]:
    """Return where an enumeration holds `letter`."""
    code = column.dictionary.index(letter).as_py()
    found: NDArray[np.bool_] = column.indices.to_numpy() == code
    return found
