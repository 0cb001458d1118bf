"""Arrow batches of surface blocks, made without copying the physics.

A batch lies over the block's memory and over key buffers that the next call overwrites.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from book_engines.lattice import NO_PRICE
from book_engines.surface import SurfaceBlock
from book_engines.surface_params import PHYSICS_COLUMNS
from contracts.registry import dataset
from spymaster_assets.stages.surface_tables import SurfaceTable
from spymaster_assets.stages.window_rows import ENUMERATIONS
from spymaster_resources.instruments import PRICE_SCALE

_SYMBOL: Final = re.compile(r"(?:d2?)?u|Omega")
_PER_WINDOW: Final = (slice(None), None, None)


def option_column(name: str) -> str:
    """Return a physics column's name in an option surface: u_p becomes u_opt_p, rho rho_opt."""
    head, *rest = name.split("_", 1)
    return "_".join([head, "opt", *rest]) if _SYMBOL.fullmatch(head) else f"{name}_opt"


_OPTION_COLUMNS: Final = tuple(option_column(name) for name in PHYSICS_COLUMNS)


class GoldBatches:
    """Makes the rows of a lattice of prices: window × price × side."""

    def __init__(self, table: SurfaceTable) -> None:
        shape = (table.params.block_windows, table.params.cells, table.params.lanes)
        self._schema = dataset(table.gold).schema
        self._window_end = np.empty(shape, np.int64)
        self._spot = np.empty(shape, np.int64)
        self._rel_ticks = np.empty(shape, np.int32)
        self._side = np.empty(shape, np.int32)
        self._side[:] = np.arange(shape[2])

    def batch(self, block: SurfaceBlock) -> pa.RecordBatch:
        """Return the block as rows of the contract, in its order of columns and rows."""
        windows = block.window_end_ts_ns.size
        shape = (windows, *self._side.shape[1:])
        self._window_end[:windows] = block.window_end_ts_ns[_PER_WINDOW]
        self._spot[:windows] = block.spot_ref_price_int[_PER_WINDOW]
        self._rel_ticks[:windows] = block.rel_ticks[:, :, None]
        has_spot = (block.spot_ref_price_int != NO_PRICE)[_PER_WINDOW]
        has_side = block.has_rel_ticks_side[:, None, :]
        window_end = _array(pa.int64(), self._window_end[:windows])
        keys = {
            "window_end_ts_ns": window_end,
            "event_ts_ns": window_end,
            "spot_ref_price_int": _array(
                pa.int64(), self._spot[:windows], _bits_unless_all(has_spot, shape)
            ),
            "rel_ticks": _array(pa.int32(), self._rel_ticks[:windows]),
            "rel_ticks_side": _array(
                pa.int32(), block.rel_ticks_side, _bits_unless_all(has_side, shape)
            ),
            "side": _letters("side", self._side[:windows]),
            "window_valid": _flags(block.window_valid[_PER_WINDOW], shape),
        }
        return _batch(self._schema, keys, PHYSICS_COLUMNS, block)


class OptionGoldBatches:
    """Makes the rows of a lattice of strikes: window × strike × right × side."""

    def __init__(self, table: SurfaceTable) -> None:
        params = table.params
        self._schema = dataset(table.gold).schema
        self._rel_tick_int = params.rel_tick_int
        shape = (params.block_windows, params.cells, params.lanes)
        self._window_end = np.empty(shape, np.int64)
        self._spot = np.empty(shape, np.int64)
        self._strike = np.empty(shape, np.int64)
        self._points = np.empty(shape, np.float64)
        self._rel_ticks = np.empty(shape, np.int32)
        self._right = np.empty(shape, np.int32)
        self._right[:] = np.arange(params.lanes) // 2
        self._side = np.empty(shape, np.int32)
        self._side[:] = np.arange(params.lanes) % 2

    def batch(self, block: SurfaceBlock) -> pa.RecordBatch | None:
        """Return the block, made of dense silver rows, as rows of the contract.

        Windows without spot lie in a block of their own, which has no rows: None.
        """
        if not block.row_valid.size:
            return None
        windows = block.window_end_ts_ns.size
        shape = (windows, *self._side.shape[1:])
        self._window_end[:windows] = block.window_end_ts_ns[_PER_WINDOW]
        self._spot[:windows] = block.spot_ref_price_int[_PER_WINDOW]
        self._rel_ticks[:windows] = block.rel_ticks[:, :, None]
        strike = self._strike[:windows]
        strike[:] = self._rel_ticks[:windows]
        strike *= self._rel_tick_int
        strike += self._spot[:windows]
        np.divide(strike, PRICE_SCALE, out=self._points[:windows])
        window_end = _array(pa.int64(), self._window_end[:windows])
        keys = {
            "window_end_ts_ns": window_end,
            "event_ts_ns": window_end,
            "spot_ref_price_int": _array(pa.int64(), self._spot[:windows]),
            "strike_price_int": _array(pa.int64(), strike),
            "strike_points": _array(pa.float64(), self._points[:windows]),
            "right": _letters("right", self._right[:windows]),
            "side": _letters("side", self._side[:windows]),
            "rel_ticks": _array(pa.int32(), self._rel_ticks[:windows]),
            "rel_ticks_side": pa.nulls(self._side[:windows].size, pa.int32()),
            "window_valid": _flags(block.row_valid.reshape(shape), shape),
        }
        return _batch(self._schema, keys, _OPTION_COLUMNS, block)


def _batch(
    schema: pa.Schema, keys: Mapping[str, pa.Array], names: tuple[str, ...], block: SurfaceBlock
) -> pa.RecordBatch:
    columns = dict(keys)
    for name, values in zip(names, block.physics, strict=True):
        columns[name] = _array(pa.float32(), values)
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def _array(kind: pa.DataType, values: NDArray[Any], valid: pa.Buffer | None = None) -> pa.Array:
    """Return an Arrow array over the memory of `values`, which must be contiguous."""
    return pa.Array.from_buffers(kind, values.size, [valid, pa.py_buffer(values)])


def _letters(name: str, codes: NDArray[np.int32]) -> pa.DictionaryArray:
    letters = pa.array(list(ENUMERATIONS[name]), pa.utf8())
    return pa.DictionaryArray.from_arrays(_array(pa.int32(), codes), letters)


def _flags(flags: NDArray[np.bool_], shape: tuple[int, ...]) -> pa.Array:
    return pa.Array.from_buffers(pa.bool_(), int(np.prod(shape)), [None, _bits(flags, shape)])


def _bits(flags: NDArray[np.bool_], shape: tuple[int, ...]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(np.broadcast_to(flags, shape), bitorder="little"))


def _bits_unless_all(flags: NDArray[np.bool_], shape: tuple[int, ...]) -> pa.Buffer | None:
    return None if flags.all() else _bits(flags, shape)
