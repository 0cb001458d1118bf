"""Silver of one day of options, aligned into blocks of windows for the surface engine.

A strike whose option carries a flag in a window is not valid then: its flow counts for nothing.

The depth table is dense: every window with a spot reference holds every strike of its grid, call
and put, ask and bid. A window whose underlying has no spot reference has no rows; the time it
takes passes all the same.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from book_engines.lattice import NO_PRICE, Snapshots
from book_engines.surface import SECOND_NS, cell_rows
from book_engines.surface_kernels import CellRows
from contracts.errors import ContractError
from contracts.registry import dataset
from spymaster_assets.stages.gold_input import FLAGS, QUANTITIES, SilverBlock
from spymaster_assets.stages.surface_tables import SurfaceTable
from spymaster_assets.stages.window_rows import column_of, whole_windows
from spymaster_resources.lake import Lake

_COLUMNS: Final = (
    "window_end_ts_ns",
    "spot_ref_price_int",
    "strike_price_int",
    "right",
    "side",
    "window_valid",
    *QUANTITIES,
)
_FLAGS: Final = (*FLAGS, "iv_anomaly_flag", "arbitrage_violation_flag")
_QUOTE_COLUMNS: Final = ("window_end_ts_ns", "strike_price_int", "right", *_FLAGS)
_STRIKE_UNIT_INT: Final = 1_000_000
_STRIKE_BITS: Final = 28  # strikes up to $268,435
_LAST_KEY: Final = 2**63 - 1
_REPRICES: Final = ("add_reprice_qty", "pull_reprice_qty")
"""Columns of consolidated quotes alone."""


class OptionSilverDay:
    """One day of a lattice of strikes."""

    def __init__(self, lake: Lake, table: SurfaceTable, symbol: str, dt: date) -> None:
        self._table = table
        self._rows_a_window = table.params.cells * table.params.lanes
        self._has_reprices = set(_REPRICES) <= set(dataset(table.depth).schema.names)
        columns = [*_COLUMNS, *(_REPRICES if self._has_reprices else ())]
        manifest = lake.manifest(table.depth, symbol, dt)
        self._row_count = manifest.row_count if manifest else 0
        self._batches = lake.batches(table.depth, symbol, dt, columns=columns)
        self._flagged = _flagged(lake, table, symbol, dt)

    @property
    def windows(self) -> int:
        """Return the number of windows that have rows."""
        return self._row_count // self._rows_a_window

    def blocks(self, windows: int) -> Iterator[SilverBlock]:
        """Yield the day in blocks of at most `windows` consecutive windows.

        Those of a block all have rows, or none does: the seconds that have no spot reference.
        Raises ContractError when the rows of a window are not a whole grid.
        """
        rows = self._rows_a_window
        next_end_ns: int | None = None
        for batch in whole_windows(self._table.depth, self._batches, rows):
            ends = column_of(batch, "window_end_ts_ns")
            if (ends.reshape(-1, rows) != ends[::rows, None]).any():
                message = f"expected {rows} rows of every window end, found others"
                raise ContractError(self._table.depth, [message])
            ends = ends[::rows]
            breaks = np.flatnonzero(np.diff(ends) != SECOND_NS) + 1
            for first, stop in zip([0, *breaks], [*breaks, ends.size], strict=True):
                if next_end_ns is not None:
                    yield from _without_spot(next_end_ns, int(ends[first]), windows)
                for begin in range(first, stop, windows):
                    count = min(windows, stop - begin)
                    yield self._block(batch.slice(begin * rows, count * rows))
                next_end_ns = int(ends[stop - 1]) + SECOND_NS

    def _block(self, batch: pa.RecordBatch) -> SilverBlock:
        rows = self._rows_a_window
        ends, spot, strike, right, side, valid, *quantities = (
            column_of(batch, name) for name in _COLUMNS
        )
        keys = _option_key(ends, strike, right)
        place = np.searchsorted(self._flagged, keys)
        valid = valid & (self._flagged[place] != keys)
        reprices = (
            [column_of(batch, name) for name in _REPRICES]
            if self._has_reprices
            else [np.zeros(ends.size, np.int64)] * len(_REPRICES)
        )
        return SilverBlock(
            _snapshots(ends[::rows].copy(), spot[::rows].copy()),
            np.arange(0, ends.size + 1, rows),
            cell_rows([strike, 2 * right + side, valid, *quantities, *reprices]),
        )


def _flagged(lake: Lake, table: SurfaceTable, symbol: str, dt: date) -> NDArray[np.int64]:
    """Return the windows and options that a flag of the snapshots concerns, as `_option_key`.

    Ascending, with one key behind all that there are.
    """
    keys = [np.array([_LAST_KEY])]
    for batch in lake.batches(table.snapshot, symbol, dt, columns=list(_QUOTE_COLUMNS)):
        marks = [pc.fill_null(batch.column(name), False) for name in _FLAGS]
        rows = batch.filter(functools.reduce(pc.or_, marks))
        keys.append(_option_key(*(column_of(rows, name) for name in _QUOTE_COLUMNS[:3])))
    return np.unique(np.concatenate(keys))


def _option_key(
    ends: NDArray[np.int64], strikes: NDArray[np.int64], rights: NDArray[np.uint8]
) -> NDArray[np.int64]:
    """Return one number for each window and option: second, right, strike in tenths of a cent."""
    seconds_and_right = ends // SECOND_NS * 2 + rights
    return (seconds_and_right << _STRIKE_BITS) + strikes // _STRIKE_UNIT_INT


def _without_spot(first_end_ns: int, stop_end_ns: int, windows: int) -> Iterator[SilverBlock]:
    """Yield the seconds from one window end to another as windows without spot and rows."""
    nothing = cell_rows([np.empty(0, np.int64) for _ in CellRows._fields])
    ends = np.arange(first_end_ns, stop_end_ns, SECOND_NS)
    for begin in range(0, ends.size, windows):
        part = ends[begin : begin + windows]
        snapshots = _snapshots(part, np.full(part.size, NO_PRICE))
        yield SilverBlock(snapshots, np.zeros(part.size + 1, np.int64), nothing)


def _snapshots(ends: NDArray[np.int64], spot: NDArray[np.int64]) -> Snapshots:
    """Return windows of strikes, which have no best prices; validity is a matter of each row."""
    no_price = np.full(ends.size, NO_PRICE)
    return Snapshots(ends, spot, no_price, no_price, spot != NO_PRICE)
