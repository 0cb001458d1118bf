"""Truth files of options: best prices of each, and flows of each strike, in the silver columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from spymaster_resources.instruments import PRICE_SCALE
from spymaster_resources.simulator.chains import Option
from spymaster_resources.simulator.exchange import I64, NONE
from spymaster_resources.simulator.option_ledger import (
    BBO_ASK,
    BBO_ASK_QTY,
    BBO_BID,
    BBO_BID_QTY,
    FLOW_ADD,
    FLOW_ADD_REPRICE,
    FLOW_END,
    FLOW_FILL,
    FLOW_PULL,
    FLOW_PULL_REPRICE,
    FLOW_PULL_REST,
    FLOW_REST,
    FLOW_START,
)
from spymaster_resources.simulator.truth import truth_file

_WINDOW_NS: Final = 1_000_000_000
_LETTERS: Final = pa.dictionary(pa.int8(), pa.string())
_RIGHTS: Final = pa.array(["C", "P"])
_SIDES: Final = pa.array(["A", "B"])

OPTION_SNAPSHOT_SCHEMA: Final = pa.schema(
    [
        ("window_start_ts_ns", pa.int64()),
        ("window_end_ts_ns", pa.int64()),
        ("instrument_id", pa.uint32()),
        ("right", _LETTERS),
        ("strike_price_int", pa.int64()),
        ("bid_price_int", pa.int64()),
        ("bid_qty", pa.int64()),
        ("ask_price_int", pa.int64()),
        ("ask_qty", pa.int64()),
        ("mid_price_int", pa.int64()),
        ("mid_price", pa.float64()),
        ("spot_ref_price_int", pa.int64()),
        ("book_valid", pa.bool_()),
    ]
)
_DEPTH_FIELDS: Final = [
    ("window_start_ts_ns", pa.int64()),
    ("window_end_ts_ns", pa.int64()),
    ("strike_price_int", pa.int64()),
    ("strike_points", pa.float64()),
    ("right", _LETTERS),
    ("side", _LETTERS),
    ("spot_ref_price_int", pa.int64()),
    ("rel_ticks", pa.int32()),
    ("depth_qty_start", pa.int64()),
    ("depth_qty_end", pa.int64()),
    ("add_qty", pa.int64()),
    ("pull_qty", pa.int64()),
    ("pull_qty_rest", pa.int64()),
    ("fill_qty", pa.int64()),
    ("depth_qty_rest", pa.int64()),
]
_REPRICE_FIELDS: Final = [("add_reprice_qty", pa.int64()), ("pull_reprice_qty", pa.int64())]
_VALID_FIELD: Final = [("window_valid", pa.bool_())]
_FLOWS: Final = (
    FLOW_START, FLOW_END, FLOW_ADD, FLOW_PULL, FLOW_PULL_REST, FLOW_FILL, FLOW_REST,
)  # fmt: skip
_REPRICE_FLOWS: Final = (FLOW_ADD_REPRICE, FLOW_PULL_REPRICE)


def option_depth_schema(*, reprice: bool) -> pa.Schema:
    """Return the columns of the depth table, those of consolidated quotes with reprice flows."""
    return pa.schema(_DEPTH_FIELDS + (_REPRICE_FIELDS if reprice else []) + _VALID_FIELD)


class OptionTruthWriter:
    """Writes the snapshot and depth truth of a chain, block by block; a context manager."""

    def __init__(
        self,
        dbn_path: Path,
        underlying: str,
        options: Sequence[Option],
        *,
        base_ticks: I64,
        tick_int: int,
        strike_step: int,
        spot_tick_int: int,
        reprice: bool = False,
    ) -> None:
        """Open the files beside `dbn_path`.

        base_ticks: where each option's ladder starts. strike_step: dollars. spot_tick_int: what
        `rel_ticks` counts in. reprice: whether the reprice columns are written.
        """
        self._ids = np.array([option.instrument_id for option in options], np.uint32)
        self._rights = np.array([0 if option.is_call else 1 for option in options], np.int8)
        self._strikes = np.array([option.strike_int for option in options], np.int64)
        self._base_ticks = base_ticks
        self._tick_int = tick_int
        self._step_int = strike_step * PRICE_SCALE
        self._spot_tick_int = spot_tick_int
        self._flows = _FLOWS + (_REPRICE_FLOWS if reprice else ())
        self._schema = option_depth_schema(reprice=reprice)
        self._snapshot = pq.ParquetWriter(
            truth_file(dbn_path, underlying, "snapshot"),
            OPTION_SNAPSHOT_SCHEMA,
            compression="zstd",
            compression_level=1,
        )
        self._depth = pq.ParquetWriter(
            truth_file(dbn_path, underlying, "depth"),
            self._schema,
            compression="zstd",
            compression_level=1,
        )

    def write(self, ends: I64, spots: I64, bbo: I64, flows: I64) -> None:
        """Append some windows: their ends and spots (n,), bbo (options, BBO_FIELDS, n), flows
        (n, strikes, 2, 2, FLOW_FIELDS).
        """
        if len(ends):
            self._snapshot.write_table(self._snapshot_table(ends, spots, bbo))
            self._depth.write_table(self._depth_table(ends, spots, flows))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._snapshot.close()
        self._depth.close()

    def _snapshot_table(self, ends: I64, spots: I64, bbo: I64) -> pa.Table:
        quoted = (bbo[:, BBO_BID] != NONE) | (bbo[:, BBO_ASK] != NONE)
        window, option = np.nonzero(quoted.T)
        bid, bid_qty, ask, ask_qty = (
            bbo[option, field, window] for field in (BBO_BID, BBO_BID_QTY, BBO_ASK, BBO_ASK_QTY)
        )
        base = self._base_ticks[option]
        bid_price, ask_price = (bid + base) * self._tick_int, (ask + base) * self._tick_int
        doubled = bid_price + ask_price
        valid = (bid != NONE) & (ask != NONE)
        return _table(
            OPTION_SNAPSHOT_SCHEMA,
            ends[window] - _WINDOW_NS,
            ends[window],
            self._ids[option],
            pa.DictionaryArray.from_arrays(self._rights[option], _RIGHTS),
            self._strikes[option],
            pa.array(bid_price, mask=bid == NONE),
            pa.array(bid_qty, mask=bid == NONE),
            pa.array(ask_price, mask=ask == NONE),
            pa.array(ask_qty, mask=ask == NONE),
            pa.array((doubled + 1) // 2, mask=~valid),
            pa.array(doubled / (2 * PRICE_SCALE), mask=~valid),
            spots[window],
            valid,
        )

    def _depth_table(self, ends: I64, spots: I64, flows: I64) -> pa.Table:
        windows, strikes = flows.shape[:2]
        step = self._step_int
        centres = (2 * spots + step) // (2 * step) * step
        grid = (np.arange(strikes) - strikes // 2) * step
        rows = strikes * 4
        strike = np.repeat((centres[:, np.newaxis] + grid).ravel(), 4)
        end, spot = np.repeat(ends, rows), np.repeat(spots, rows)
        right = np.tile(np.repeat(np.arange(2, dtype=np.int8), 2), windows * strikes)
        side = np.tile(np.arange(2, dtype=np.int8), windows * strikes * 2)
        return _table(
            self._schema,
            end - _WINDOW_NS,
            end,
            strike,
            strike / PRICE_SCALE,
            pa.DictionaryArray.from_arrays(right, _RIGHTS),
            pa.DictionaryArray.from_arrays(side, _SIDES),
            spot,
            ((strike - spot) // self._spot_tick_int).astype(np.int32),
            *(flows[..., field].ravel() for field in self._flows),
            spot > 0,
        )


def _table(schema: pa.Schema, *columns: npt.NDArray[Any] | pa.Array) -> pa.Table:
    return pa.Table.from_arrays([pa.array(column) for column in columns], schema=schema)
