"""The format `frames`: each surface of each window as one small Arrow IPC stream.

Frames are made 16 windows at a time: a viewer holds the frames of its present windows and of those
that follow, outside of the shared cache, and one window of a future weighs 65 kB.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from web.service.surfaces import OPTION_LAYERS, VELOCITY_LAYERS, Surface

FRAME_WINDOWS: Final = 16

_I64: Final = pa.int64()
_F64: Final = pa.float64()

_CELLS: Final = pa.schema(
    [
        ("window_end_ts_ns", _I64),
        ("spot_ref_price_int", _I64),
        ("rel_ticks", pa.int32()),
        ("side", pa.utf8()),
        *((layer, _F64) for layer in VELOCITY_LAYERS),
    ]
)

FRAME_SCHEMAS: Final[dict[Surface, pa.Schema]] = {
    Surface.SNAP: pa.schema(
        [
            ("window_end_ts_ns", _I64),
            ("mid_price", _F64),
            ("spot_ref_price_int", _I64),
            ("book_valid", pa.bool_()),
            ("best_bid_price_int", _I64),
            ("best_ask_price_int", _I64),
            ("trade_qty_buy", _I64),
            ("trade_qty_sell", _I64),
        ]
    ),
    Surface.VELOCITY: _CELLS,
    Surface.WIDE: _CELLS,
    Surface.OPTIONS: pa.schema(
        [
            ("window_end_ts_ns", _I64),
            ("spot_ref_price_int", _I64),
            ("rel_ticks", pa.int32()),
            *((layer, _F64) for layer in OPTION_LAYERS),
        ]
    ),
    Surface.FORECAST: pa.schema(
        [
            ("window_end_ts_ns", _I64),
            ("horizon_s", pa.int32()),
            ("predicted_spot_tick", _I64),
            ("predicted_tick_delta", _I64),
            ("confidence", _F64),
            ("RunScore_up", _F64),
            ("RunScore_down", _F64),
            ("D_up", pa.int32()),
            ("D_down", pa.int32()),
            ("predicted_delta", _F64),
            ("band_lo_50", _F64),
            ("band_hi_50", _F64),
            ("band_lo_90", _F64),
            ("band_hi_90", _F64),
        ]
    ),
}


def encode_frames(surface: Surface, table: pa.Table, rows_per_window: int) -> tuple[bytes, ...]:
    """Return one Arrow IPC stream per window of `table`, whose rows are whole windows in order.

    float32 columns are widened; dictionary columns become plain strings; nulls stay nulls.
    """
    schema = FRAME_SCHEMAS[surface]
    rows = table.select(schema.names).cast(schema).combine_chunks()
    (batch,) = rows.to_batches() or [pa.RecordBatch.from_pylist([], schema)]
    return tuple(
        encode_stream(schema, batch.slice(first, rows_per_window))
        for first in range(0, batch.num_rows, rows_per_window)
    )


def encode_stream(schema: pa.Schema, batch: pa.RecordBatch | None = None) -> bytes:
    """Return an Arrow IPC stream of one batch, or of the schema alone."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        if batch is not None:
            writer.write_batch(batch)
    encoded: bytes = sink.getvalue().to_pybytes()
    return encoded


EMPTY_FRAMES: Final[dict[Surface, bytes]] = {
    surface: encode_stream(schema) for surface, schema in FRAME_SCHEMAS.items()
}
"""What stands for a surface that the session does not have."""
