"""What bronze says was traded and filled in every window: a second account beside the book's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from spymaster_assets.checks.subject import Subject, UnavailableError
from spymaster_resources.lake import StagedPartition
from spymaster_resources.trading_calendar import SECOND_NS

_COLUMNS: Final = ("ts_event", "flags", "action", "side", "size")
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


@dataclass(frozen=True)
class Windows:
    """The window ends of a table, ns."""

    first_ns: int
    last_ns: int

    @property
    def count(self) -> int:
        """Return how many windows there are."""
        return (self.last_ns - self.first_ns) // SECOND_NS + 1


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
    sums = np.zeros((4, windows.count), np.int64)
    first_row = np.zeros(windows.count + 1, np.int64)
    first_window = windows.first_ns // SECOND_NS - 1
    clock = np.int64(-(2**62))
    for batch in subject.batches(bronze, _COLUMNS):
        times = _filled(batch["ts_event"], -1)
        live = (batch["flags"].to_numpy() & _F_SNAPSHOT) == 0
        moved = np.maximum.accumulate(np.where(live, times, clock))
        moved = np.maximum(moved, clock)
        clock = moved[-1]
        window = moved // SECOND_NS - first_window
        inside = (window >= 0) & (window < windows.count)
        first_row += np.searchsorted(window, np.arange(windows.count + 1))
        action, side = _letters(batch["action"]), _letters(batch["side"])
        size = batch["size"].to_numpy().astype(np.int64)
        traded = inside & live & (action == ord("T"))
        for n, (chosen, weight) in enumerate(
            (
                (traded & (side == ord("B")), size),
                (traded & (side == ord("A")), size),
                (traded, np.ones_like(size)),
                (inside & live & (action == ord("F")), size),
            )
        ):
            rows = np.flatnonzero(chosen)
            np.add.at(sums[n], window[rows], weight[rows])
    bought, sold, trades, filled = sums
    return Executions(bought, sold, trades, filled, first_row)


def _filled(column: pa.Array, value: int) -> NDArray[np.int64]:
    filled: NDArray[np.int64] = column.fill_null(value).to_numpy(zero_copy_only=False)
    return filled


def _letters(column: pa.Array) -> NDArray[np.uint8]:
    """Return the ASCII code of each value of an enumeration."""
    if not isinstance(column, pa.DictionaryArray):
        column = column.dictionary_encode()
    letters = np.frombuffer("".join(column.dictionary.to_pylist()).encode("ascii"), np.uint8)
    codes: NDArray[np.uint8] = letters[column.indices.to_numpy()]
    return codes
