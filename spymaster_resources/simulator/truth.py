"""Truth files: the ledger's closed windows as Parquet, in the columns of the silver tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from spymaster_resources.instruments import PRICE_SCALE
from spymaster_resources.simulator.exchange import ASK, I64, NONE
from spymaster_resources.simulator.ledger import (
    ROW_ADD,
    ROW_END,
    ROW_END_NS,
    ROW_FILL,
    ROW_PULL,
    ROW_PULL_REST,
    ROW_REST,
    ROW_SIDE,
    ROW_SPOT,
    ROW_START,
    ROW_TICK,
    TOP_ASK,
    TOP_ASK_QTY,
    TOP_BID,
    TOP_BID_QTY,
    TOP_BOUGHT,
    TOP_END_NS,
    TOP_LAST_TRADE,
    TOP_SOLD,
    TOP_SPOT,
    TOP_TRADES,
)

_WINDOW_NS: Final = 1_000_000_000
_ROW_GROUP: Final = 1 << 18
_SIDE_LETTERS: Final = pa.array(["A", "B"])  # by side: ASK 0, BID 1

SNAPSHOT_SCHEMA: Final = pa.schema(
    [
        ("window_start_ts_ns", pa.int64()),
        ("window_end_ts_ns", pa.int64()),
        ("best_bid_price_int", pa.int64()),
        ("best_bid_qty", pa.int64()),
        ("best_ask_price_int", pa.int64()),
        ("best_ask_qty", pa.int64()),
        ("mid_price", pa.float64()),
        ("mid_price_int", pa.int64()),
        ("last_trade_price_int", pa.int64()),
        ("spot_ref_price_int", pa.int64()),
        ("book_valid", pa.bool_()),
        ("trade_qty_buy", pa.int64()),
        ("trade_qty_sell", pa.int64()),
        ("trade_count", pa.int64()),
    ]
)
DEPTH_SCHEMA: Final = pa.schema(
    [
        ("window_start_ts_ns", pa.int64()),
        ("window_end_ts_ns", pa.int64()),
        ("price_int", pa.int64()),
        ("side", pa.dictionary(pa.int8(), pa.string())),
        ("spot_ref_price_int", pa.int64()),
        ("rel_ticks", pa.int32()),
        ("rel_ticks_side", pa.int32()),
        ("depth_qty_start", pa.int64()),
        ("depth_qty_end", pa.int64()),
        ("add_qty", pa.int64()),
        ("pull_qty", pa.int64()),
        ("depth_qty_rest", pa.int64()),
        ("pull_qty_rest", pa.int64()),
        ("fill_qty", pa.int64()),
        ("window_valid", pa.bool_()),
    ]
)


def truth_files(dbn_path: Path, symbol: str) -> tuple[Path, Path]:
    """Return the paths of the snapshot and depth truth of `symbol` beside a DBN file."""
    return truth_file(dbn_path, symbol, "snapshot"), truth_file(dbn_path, symbol, "depth")


def truth_file(dbn_path: Path, symbol: str, table: str) -> Path:
    """Return the path of one truth table of `symbol` beside a DBN file."""
    stem = dbn_path.name.removesuffix(".zst").removesuffix(".dbn")
    return dbn_path.with_name(f"{stem}.truth.{symbol}.{table}.parquet")


@dataclass(frozen=True)
class Cells:
    """The cells of one depth table: buckets of `width` ticks, counted from `base` below the ladder.

    The spot reference of the table, and of the snapshot beside the first one, is a cell's price.
    """

    table: str
    width: int = 1
    base: int = 0
    half: int = 200

    @property
    def grid(self) -> tuple[int, int, int]:
        """Return the cells as the market counts them."""
        return self.width, self.base, self.half

    def bucket(self, ticks: I64) -> I64:
        """Return the cells of ladder ticks: the nearest, ties upward."""
        found: I64 = (2 * (ticks + self.base) + self.width) // (2 * self.width)
        return found


RAW_CELLS: Final = (Cells("depth"),)


class TruthWriter:
    """Writes the truth files of one symbol, block by block; a context manager.

    Blocks are gathered to row groups of a useful size. The simulated market has a whole opening
    state before its first window, so a window is valid when both sides exist at its end.
    """

    def __init__(
        self,
        dbn_path: Path,
        symbol: str,
        *,
        base_tick: int,
        tick_int: int,
        cells: Sequence[Cells] = RAW_CELLS,
    ) -> None:
        self._base_tick = base_tick
        self._tick_int = tick_int
        self._cells = tuple(cells)
        self._blocks: list[tuple[I64, ...]] = []
        self._gathered = 0
        self._snapshot = pq.ParquetWriter(
            truth_file(dbn_path, symbol, "snapshot"), SNAPSHOT_SCHEMA, compression="zstd"
        )
        self._depths = [
            pq.ParquetWriter(
                truth_file(dbn_path, symbol, cell.table),
                DEPTH_SCHEMA,
                compression="zstd",
                compression_level=1,
                write_statistics=False,
            )
            for cell in self._cells
        ]

    def write(self, tops: I64, rows: Sequence[I64]) -> None:
        """Append some windows: tops int64 (TOP_FIELDS, n), rows int64 (ROW_FIELDS, m) a table."""
        self._blocks.append((tops.copy(), *(part.copy() for part in rows)))
        self._gathered += sum(part.shape[1] for part in rows)
        if self._gathered >= _ROW_GROUP:
            self._flush()

    def close(self) -> None:
        """Finish the files."""
        self._flush()
        self._snapshot.close()
        for depth in self._depths:
            depth.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _flush(self) -> None:
        if self._blocks:
            tops, *tables = (
                np.concatenate(parts, axis=1) for parts in zip(*self._blocks, strict=True)
            )
            self._blocks.clear()
            self._gathered = 0
            self._snapshot.write_table(self._snapshot_table(tops))
            for cells, depth, rows in zip(self._cells, self._depths, tables, strict=True):
                depth.write_table(self._depth_table(cells, tops, rows))

    def _snapshot_table(self, tops: I64) -> pa.Table:
        bid, ask, end = tops[TOP_BID], tops[TOP_ASK], tops[TOP_END_NS]
        valid = (bid != NONE) & (ask != NONE)
        doubled = self._price(bid) + self._price(ask)
        return _table(
            SNAPSHOT_SCHEMA,
            end - _WINDOW_NS,
            end,
            self._nullable_price(bid),
            pa.array(tops[TOP_BID_QTY], mask=bid == NONE),
            self._nullable_price(ask),
            pa.array(tops[TOP_ASK_QTY], mask=ask == NONE),
            pa.array(doubled / (2 * PRICE_SCALE), mask=~valid),
            pa.array((doubled + 1) // 2, mask=~valid),  # rounded half up
            self._nullable_price(tops[TOP_LAST_TRADE]),
            pa.array(
                self._cell_price(self._cells[0], self._cells[0].bucket(tops[TOP_SPOT])),
                mask=tops[TOP_SPOT] == NONE,
            ),
            valid,
            tops[TOP_BOUGHT],
            tops[TOP_SOLD],
            tops[TOP_TRADES],
        )

    def _depth_table(self, cells: Cells, tops: I64, rows: I64) -> pa.Table:
        bid, ask = tops[TOP_BID], tops[TOP_ASK]
        window = np.searchsorted(tops[TOP_END_NS], rows[ROW_END_NS])
        side, cell = rows[ROW_SIDE], rows[ROW_TICK]
        own_best = np.where(side == ASK, ask[window], bid[window])
        return _table(
            DEPTH_SCHEMA,
            rows[ROW_END_NS] - _WINDOW_NS,
            rows[ROW_END_NS],
            self._cell_price(cells, cell),
            pa.DictionaryArray.from_arrays(side.astype(np.int8), _SIDE_LETTERS),
            self._cell_price(cells, rows[ROW_SPOT]),
            (cell - rows[ROW_SPOT]).astype(np.int32),
            pa.array((cell - cells.bucket(own_best)).astype(np.int32), mask=own_best == NONE),
            rows[ROW_START],
            rows[ROW_END],
            rows[ROW_ADD],
            rows[ROW_PULL],
            rows[ROW_REST],
            rows[ROW_PULL_REST],
            rows[ROW_FILL],
            ((bid != NONE) & (ask != NONE))[window],
        )

    def _price(self, ticks: I64) -> I64:
        return (ticks + self._base_tick) * self._tick_int

    def _cell_price(self, cells: Cells, buckets: I64) -> I64:
        return (buckets * cells.width + self._base_tick - cells.base) * self._tick_int

    def _nullable_price(self, ticks: I64) -> pa.Array:
        return pa.array(self._price(ticks), mask=ticks == NONE)


def _table(schema: pa.Schema, *columns: npt.NDArray[Any] | pa.Array) -> pa.Table:
    return pa.Table.from_arrays([pa.array(column) for column in columns], schema=schema)
