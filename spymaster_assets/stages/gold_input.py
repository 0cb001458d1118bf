"""Silver of one day, aligned into blocks of windows for the surface engine, clean windows valid.

The two silver tables have row groups of their own: blocks are cut by window end.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from book_engines.errors import SurfaceInputError
from book_engines.lattice import NO_PRICE, Snapshots
from book_engines.surface import cell_rows
from book_engines.surface_kernels import CellRows
from spymaster_resources.lake import Lake

SNAPSHOT: Final = "silver.future_mbo.book_snapshot_1s"
DEPTH: Final = "silver.future_mbo.depth_and_flow_1s"

_FLAGS: Final = ("price_outlier_flag", "crossed_market_flag", "spread_anomaly_flag")
_PRICES: Final = ("spot_ref_price_int", "best_bid_price_int", "best_ask_price_int")
_QUANTITIES: Final = (
    "depth_qty_start",
    "depth_qty_end",
    "add_qty",
    "pull_qty",
    "fill_qty",
    "depth_qty_rest",
)
_DEPTH_COLUMNS: Final = ("window_end_ts_ns", "price_int", "side", "window_valid", *_QUANTITIES)


class SilverBlock(NamedTuple):
    """Consecutive windows of silver as `SurfaceEngine.advance` takes them."""

    snapshots: Snapshots
    first_row: NDArray[np.int64]
    cells: CellRows


class SilverDay:
    """One day of both silver tables."""

    def __init__(self, lake: Lake, symbol: str, dt: date) -> None:
        columns = ["window_end_ts_ns", *_PRICES, *_FLAGS]
        self._snapshots = lake.read(SNAPSHOT, symbol, dt, columns=columns)
        self._depth = lake.batches(DEPTH, symbol, dt, columns=list(_DEPTH_COLUMNS))

    @property
    def windows(self) -> int:
        """Return the number of windows of the day."""
        return int(self._snapshots.num_rows)

    def blocks(self, windows: int) -> Iterator[SilverBlock]:
        """Yield the day in blocks of `windows` windows, the last one shorter.

        A window whose snapshot carries a flag is not valid: the engine takes its flow for zero.
        Raises SurfaceInputError when a row of depth belongs to no window.
        """
        ends = self._snapshots["window_end_ts_ns"].to_numpy()
        prices = np.stack(
            [pc.fill_null(self._snapshots[name], NO_PRICE).to_numpy() for name in _PRICES]
        )
        flagged = np.logical_or.reduce([self._snapshots[name].to_numpy() for name in _FLAGS])
        rows = _DepthRows(self._depth)
        for begin in range(0, ends.size, windows):
            block = slice(begin, begin + windows)
            yield _block(ends[block], prices[:, block], flagged[block], rows)
        rows.must_be_exhausted()


class _DepthRows:
    """The rows of the depth table in order, taken window by window."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self._columns: list[NDArray[Any]] = []
        self._next = 0

    def take(self, last_end_ns: int) -> list[NDArray[Any]]:
        """Return the columns of all rows left up to a window end, that one included."""
        parts = []
        while self._load():
            stop = int(np.searchsorted(self._columns[0], last_end_ns, side="right"))
            if stop > self._next:
                parts.append([column[self._next : stop] for column in self._columns])
                self._next = stop
            if stop < self._columns[0].size:
                break
        if not parts:
            return [np.empty(0, np.int64) for _ in _DEPTH_COLUMNS]
        if len(parts) == 1:
            return parts[0]
        return [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]

    def must_be_exhausted(self) -> None:
        """Raise SurfaceInputError if a row is left."""
        if self._load():
            end = int(self._columns[0][self._next])
            raise SurfaceInputError(
                f"{DEPTH} goes on after the last snapshot", window_end_ts_ns=end
            )

    def _load(self) -> bool:
        """Return whether there is a row to take, reading the next batches where needed."""
        while not self._columns or self._next == self._columns[0].size:
            batch = next(self._batches, None)
            if batch is None:
                return False
            self._columns = [_numpy(batch.column(name)) for name in _DEPTH_COLUMNS]
            self._next = 0
        return True


def _block(
    ends: NDArray[np.int64],
    prices: NDArray[np.int64],
    flagged: NDArray[np.bool_],
    rows: _DepthRows,
) -> SilverBlock:
    row_end, price, side, row_valid, *quantities = rows.take(int(ends[-1]))
    no_reprice = np.zeros(row_end.size, np.int64)
    cells = cell_rows([price, side, row_valid, *quantities, no_reprice, no_reprice])
    first_row = np.searchsorted(row_end, np.append(ends, ends[-1] + 1)).astype(np.int64)
    counts = np.diff(first_row)
    if first_row[0] != 0 or not np.array_equal(np.repeat(ends, counts), row_end):
        stray = row_end[~np.isin(row_end, ends)]
        raise SurfaceInputError(
            f"{DEPTH} has rows of a window without snapshot", window_end_ts_ns=int(stray[0])
        )
    # A valid window has a spot, which is a live level, hence a row, and every row has the flag.
    valid = np.zeros(ends.size, bool)
    valid[counts > 0] = row_valid[first_row[:-1][counts > 0]]
    valid &= ~flagged
    spot, best_bid, best_ask = prices
    return SilverBlock(Snapshots(ends, spot, best_bid, best_ask, valid), first_row, cells)


def _numpy(column: pa.Array) -> NDArray[Any]:
    if pa.types.is_dictionary(column.type):
        side_of = np.array(["AB".index(side) for side in column.dictionary.to_pylist()], np.uint8)
        codes: NDArray[Any] = side_of[column.indices.to_numpy()]
        return codes
    values: NDArray[Any] = column.to_numpy(zero_copy_only=not pa.types.is_boolean(column.type))
    return values
