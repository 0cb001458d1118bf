"""The format `tiles`: one to 64 windows a message, each window one row, each layer one list.

    offset  type  field
    0       u32   magic 0x54595053 ("SPYT")
    4       u16   version
    6       u16   surface: 0 snap, 1 velocity, 2 options, 3 forecast, 4 wide
    8       u32   epoch
    12      u32   seq of the first window
    16      i64   window end of the first window, ns UTC
    24      u32   count of windows
    28      u32   reserved, 0

little-endian, then one Arrow IPC stream. Over HTTP a tile is the Arrow stream alone.
"""

from __future__ import annotations

import struct
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from contracts.errors import PartitionCorruptError
from web.service.frames import FRAME_SCHEMAS, encode_stream
from web.service.options import option_tile_schema
from web.service.surfaces import HORIZONS, SIDES, VELOCITY_LAYERS, Surface

TILE_WINDOWS: Final = 64
MAGIC: Final = 0x54595053
VERSION: Final = 1
HEADER: Final = struct.Struct("<IHHIIqII")

_DIAGNOSTICS: Final = ("RunScore_up", "RunScore_down", "D_up", "D_down")
_PREDICTIONS: Final = (
    "predicted_delta",
    "predicted_tick_delta",
    "confidence",
    "band_lo_50",
    "band_hi_50",
    "band_lo_90",
    "band_hi_90",
)


def tile_schema(surface: Surface, cells: int) -> pa.Schema:
    """Return the columns of a tile; `cells` is the width of the surface's grid, its strikes.

    Lists run over rel_ticks ascending, of a velocity `<layer>_a` the asks and `<layer>_b` the
    bids. Forecast lists are indexed by horizon_s. NaN stands for null.
    """
    match surface:
        case Surface.SNAP:
            return FRAME_SCHEMAS[Surface.SNAP]
        case Surface.VELOCITY | Surface.WIDE:
            row = pa.list_(pa.field("item", pa.float32(), nullable=False), cells)
            return pa.schema(
                [
                    ("window_end_ts_ns", pa.int64()),
                    ("spot_ref_price_int", pa.int64()),
                    ("window_valid", pa.bool_()),
                    *(
                        (f"{layer}_{side.lower()}", row)
                        for layer in VELOCITY_LAYERS
                        for side in SIDES
                    ),
                ]
            )
        case Surface.FORECAST:
            row = pa.list_(pa.field("item", pa.float32(), nullable=False), HORIZONS)
            frame = FRAME_SCHEMAS[Surface.FORECAST]
            return pa.schema(
                [
                    ("window_end_ts_ns", pa.int64()),
                    *(frame.field(name) for name in _DIAGNOSTICS),
                    *((name, row) for name in _PREDICTIONS),
                ]
            )
        case Surface.OPTIONS:
            return option_tile_schema(cells)


def tile_rows(surface: Surface, table: pa.Table, cells: int) -> pa.RecordBatch:
    """Return `table`, whole windows in sort order, with one row per window; not of options.

    Raises PartitionCorruptError when a window's rows are not the dense grid in sort order.
    """
    schema = tile_schema(surface, cells)
    table = table.combine_chunks()
    match surface:
        case Surface.VELOCITY | Surface.WIDE:
            columns = _velocity(table, schema, cells)
        case Surface.FORECAST:
            columns = _forecast(table, schema)
        case _:
            rows = table.select(schema.names).cast(schema)
            columns = [rows.column(name).combine_chunks() for name in schema.names]
    arrays = [c.chunk(0) if isinstance(c, pa.ChunkedArray) else c for c in columns]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def tile_message(
    surface: Surface, rows: pa.RecordBatch, *, epoch: int, seq: int, first_window_end_ts_ns: int
) -> bytes:
    """Return the binary message of `rows`."""
    header = HEADER.pack(
        MAGIC,
        VERSION,
        surface.number,
        epoch,
        seq & 0xFFFF_FFFF,
        first_window_end_ts_ns,
        rows.num_rows,
        0,
    )
    return header + encode_stream(rows.schema, rows)


def _velocity(table: pa.Table, schema: pa.Schema, cells: int) -> list[Any]:
    rows_per_window = 2 * cells
    windows = table.num_rows // rows_per_window
    half = (cells - 1) // 2
    rel_ticks = _numpy(table, "rel_ticks").reshape(windows, cells, 2)
    is_bid = _numpy_of(pa.compute.equal(table.column("side"), "B")).reshape(windows, cells, 2)
    _require(
        bool(np.all(rel_ticks == np.arange(-half, cells - half, dtype=np.int32)[None, :, None])),
        "rel_ticks of a window are not the dense grid in order",
    )
    _require(
        bool(np.all(is_bid == np.array([False, True]))), "sides of a cell are not A, B in order"
    )
    first = pa.array(np.arange(windows, dtype=np.int64) * rows_per_window)
    columns = [table.column(name).take(first) for name in schema.names[:3]]
    for layer in VELOCITY_LAYERS:
        values = _numpy(table, layer).reshape(windows, cells, 2)
        for side in range(2):
            flat = np.ascontiguousarray(values[:, :, side]).reshape(-1)
            columns.append(_lists(flat, schema.field(len(columns)).type))
    return columns


def _forecast(table: pa.Table, schema: pa.Schema) -> list[Any]:
    windows = table.num_rows // HORIZONS
    horizons = _numpy(table, "horizon_s").reshape(windows, HORIZONS)
    _require(
        bool(np.all(horizons == np.arange(HORIZONS, dtype=np.int32))),
        "horizons of a window are not 0 … 30 in order",
    )
    first = pa.array(np.arange(windows, dtype=np.int64) * HORIZONS)
    columns = [table.column(n).take(first) for n in ("window_end_ts_ns", *_DIAGNOSTICS)]
    for name in _PREDICTIONS:
        values = table.column(name).cast(pa.float64()).to_numpy().astype(np.float32)
        columns.append(_lists(values, schema.field(len(columns)).type))
    return columns


def _lists(flat: npt.NDArray[np.float32], row: pa.DataType) -> Any:
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), type=row)


def _numpy(table: pa.Table, name: str) -> npt.NDArray[Any]:
    return _numpy_of(table.column(name))


def _numpy_of(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = column.to_numpy()
    return values


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise PartitionCorruptError("streamed table", problem)
