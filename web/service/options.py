"""The options of a session: the lattice of strikes, rights and sides summed to one row a strike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from contracts.errors import PartitionCorruptError
from web.service.frames import FRAME_SCHEMAS
from web.service.surfaces import OPTION_LAYERS, Surface

ROWS_PER_STRIKE: Final = 4
"""Right C then P, of each side A then B: the sort order of the table."""
_IS_PUT: Final = np.array([False, False, True, True])
_IS_BID: Final = np.array([False, True, False, True])

Longs = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class OptionWindows:
    """Windows of summed options; a window without a spot reference has none.

    `ends_ns` int64 (W,) all windows; `present` bool (W,) those with options, P in number;
    `spot` int64 (P,) and `strikes` int64 (P, S) at 1e-9 dollars, ascending; `rel_ticks` int32
    (P, S); `layers` float64 (P, S) by the name of the layer.
    """

    ends_ns: Longs
    present: npt.NDArray[np.bool_]
    spot: Longs
    strikes: Longs
    rel_ticks: npt.NDArray[np.int32]
    layers: dict[str, npt.NDArray[np.float64]]


def option_windows(table: pa.Table, ends_ns: Longs, strikes: int) -> OptionWindows:
    """Return the rows of `table`, which belong to the windows `ends_ns`, summed by strike.

    Raises PartitionCorruptError when a window's rows are not the dense lattice in sort order.
    """
    shape = (table.num_rows // (strikes * ROWS_PER_STRIKE), strikes, ROWS_PER_STRIKE)
    _require(shape[0] * shape[1] * shape[2] == table.num_rows, "rows do not fill the windows")
    ends, strike, spot, rel_ticks = (
        table.column(name).to_numpy().reshape(shape)
        for name in ("window_end_ts_ns", "strike_price_int", "spot_ref_price_int", "rel_ticks")
    )
    right, side = (
        pa.compute.equal(table.column(name), code).to_numpy().reshape(shape)
        for name, code in (("right", "P"), ("side", "B"))
    )
    for values, what in ((ends, "window ends"), (spot, "spot references")):
        _require(bool(np.all(values == values[:, :1, :1])), f"{what} differ within a window")
    for values, what in ((strike, "strikes"), (rel_ticks, "rel_ticks")):
        _require(bool(np.all(values == values[:, :, :1])), f"{what} differ within a strike")
    _require(bool(np.all(right == _IS_PUT)), "rights of a strike are not C, C, P, P in order")
    _require(bool(np.all(side == _IS_BID)), "sides of a strike are not A, B, A, B in order")
    _require(bool(np.all(np.diff(strike[:, :, 0]) > 0)), "strikes do not ascend")
    present = np.isin(ends_ns, ends[:, 0, 0])
    _require(np.array_equal(ends_ns[present], ends[:, 0, 0]), "windows are not in order")
    return OptionWindows(
        ends_ns=ends_ns,
        present=present,
        spot=spot[:, 0, 0],
        strikes=strike[:, :, 0],
        rel_ticks=rel_ticks[:, :, 0],
        layers={
            layer: table.column(column).to_numpy().reshape(shape).sum(axis=2, dtype=np.float64)
            for layer, column in OPTION_LAYERS.items()
        },
    )


def option_table(windows: OptionWindows) -> pa.Table:
    """Return the rows of the format `frames`: one a strike, only of windows that have options."""
    strikes = windows.strikes.shape[1]
    columns = [
        np.repeat(windows.ends_ns[windows.present], strikes),
        np.repeat(windows.spot, strikes),
        windows.rel_ticks.reshape(-1),
        *(windows.layers[layer].reshape(-1) for layer in OPTION_LAYERS),
    ]
    return pa.table(columns, schema=FRAME_SCHEMAS[Surface.OPTIONS])


def option_tile_schema(strikes: int) -> pa.Schema:
    """Return the columns of a tile: lists over the strikes, ascending."""
    row = pa.list_(pa.field("item", pa.float32(), nullable=False), strikes)
    return pa.schema(
        [
            ("window_end_ts_ns", pa.int64()),
            ("spot_ref_price_int", pa.int64()),
            ("first_strike_price_int", pa.int64()),
            *((layer, row) for layer in OPTION_LAYERS),
        ]
    )


def option_tile(windows: OptionWindows, strikes: int) -> pa.RecordBatch:
    """Return one row a window, of every window: null prices and NaN where it has no options."""
    schema = option_tile_schema(strikes)
    columns: list[Any] = [
        pa.array(windows.ends_ns),
        _spread(windows.spot, windows.present),
        _spread(windows.strikes[:, 0], windows.present),
    ]
    for layer in OPTION_LAYERS:
        values = np.full((len(windows.ends_ns), strikes), np.nan, np.float32)
        values[windows.present] = windows.layers[layer]
        flat = pa.array(values.reshape(-1))
        columns.append(pa.FixedSizeListArray.from_arrays(flat, type=schema.field(layer).type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _spread(values: Longs, present: npt.NDArray[np.bool_]) -> pa.Array:
    out = np.zeros(len(present), np.int64)
    out[present] = values
    return pa.array(out, mask=~present)


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise PartitionCorruptError("options surface", problem)
