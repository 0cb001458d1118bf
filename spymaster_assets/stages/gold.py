"""Gold of one day: silver in, the dense liquidity surface out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from book_engines.lattice import NO_PRICE
from book_engines.surface import SurfaceBlock, SurfaceEngine
from book_engines.surface_params import PHYSICS_COLUMNS, SurfaceParams
from contracts.registry import dataset
from spymaster_assets.stages import versions
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.gold_input import DEPTH, SNAPSHOT, SilverDay
from spymaster_assets.stages.recipe import Recipe
from spymaster_resources.instruments import Instrument
from spymaster_resources.lake import Manifest

CODE_VERSION: Final = versions.GOLD
SURFACE: Final = "gold.future_mbo.physics_surface_1s"

_SIDES: Final = ("A", "B")


def surface_params(instrument: Instrument) -> SurfaceParams:
    """Return the surface's parameters for an instrument; a block is one row group of the table."""
    cells = len(_SIDES) * (2 * instrument.grid_half_width + 1)
    return SurfaceParams(
        half=instrument.grid_half_width,
        cell_int=instrument.tick_int,
        rel_tick_int=instrument.tick_int,
        tick_int=instrument.tick_int,
        block_windows=max(1, dataset(SURFACE).parquet.row_group_rows // cells),
    )


def recipe(ctx: StageContext, symbol: str, dt: date) -> Recipe:
    """Return what gold of `symbol` and `dt` is made of.

    The session that silver was built for is handed on, so that calibration and forecast know
    which days belong together. Raises PartitionMissingError without silver.
    """
    inputs = [ctx.lake.input(table, symbol, dt) for table in (SNAPSHOT, DEPTH)]
    snapshot = ctx.lake.manifest(SNAPSHOT, symbol, dt)
    session = snapshot.parameters.get("session") if snapshot else None
    parameters = {**asdict(surface_params(ctx.instrument)), "session": session}
    del parameters["block_windows"]  # no byte depends on it
    return Recipe((SURFACE,), CODE_VERSION, parameters, inputs)


def build_gold(ctx: StageContext, symbol: str, dt: date) -> Manifest:
    """Build and publish the liquidity surface of one symbol and day; return its manifest.

    Raises SurfaceInputError when a window is missing from silver or a row is out of place.
    """
    made_of = recipe(ctx, symbol, dt)
    silver = SilverDay(ctx.lake, symbol, dt)
    tally = _Tally()
    params = surface_params(ctx.instrument)
    batches = GoldBatches(params)
    with made_of.writer(
        ctx.lake,
        SURFACE,
        symbol,
        dt,
        threaded=True,  # Parquet takes most of the time: the next block is made beside it
    ) as writer:
        for block in surface_blocks(silver, params):
            writer.write(batches.batch(block))
            tally.add(block)
            ctx.progress("gold", tally.windows, silver.windows)
        staged = writer.seal(tally.counters())
        ctx.audit([staged])
        return writer.publish()


class _Tally:
    """Counts over the day's windows."""

    def __init__(self) -> None:
        self.windows = 0
        self.valid_windows = 0
        self.abs_u: list[float] = []

    def add(self, block: SurfaceBlock) -> None:
        self.windows += block.window_valid.size
        self.valid_windows += int(np.count_nonzero(block.window_valid))
        self.abs_u += block.abs_u.tolist()

    def counters(self) -> dict[str, int | float]:
        """Return the counters of the manifest; the sum does not depend on the blocks."""
        return {
            "windows": self.windows,
            "valid_windows": self.valid_windows,
            "valid_share": self.valid_windows / self.windows if self.windows else 0.0,
            "abs_u_sum": math.fsum(self.abs_u),
        }


def surface_blocks(silver: SilverDay, params: SurfaceParams) -> Iterator[SurfaceBlock]:
    """Yield the day's surface; each block is overwritten by the next."""
    engine = SurfaceEngine(params)
    for silver_block in silver.blocks(params.block_windows):
        yield engine.advance(*silver_block)


class GoldBatches:
    """Makes Arrow batches of surface blocks without copying the physics.

    A batch lies over the block's memory and over key buffers that the next call overwrites.
    """

    def __init__(self, params: SurfaceParams) -> None:
        shape = (params.block_windows, params.cells, len(_SIDES))
        self._schema = dataset(SURFACE).schema
        self._window_end = np.empty(shape, np.int64)
        self._spot = np.empty(shape, np.int64)
        self._rel_ticks = np.empty(shape, np.int32)
        self._side = np.empty(shape, np.int32)
        self._side[:] = np.arange(len(_SIDES))
        self._side_names = pa.array(_SIDES, pa.utf8())

    def batch(self, block: SurfaceBlock) -> pa.RecordBatch:
        """Return the block as rows of the contract, in its order of columns and rows."""
        windows = block.window_end_ts_ns.size
        shape = (windows, *self._side.shape[1:])
        per_window = (slice(None), None, None)
        self._window_end[:windows] = block.window_end_ts_ns[per_window]
        self._spot[:windows] = block.spot_ref_price_int[per_window]
        self._rel_ticks[:windows] = block.rel_ticks[:, :, None]
        has_spot = (block.spot_ref_price_int != NO_PRICE)[per_window]
        has_side = block.has_rel_ticks_side[:, None, :]
        window_end = _array(pa.int64(), self._window_end[:windows])
        side = _array(pa.int32(), self._side[:windows])
        columns = {
            "window_end_ts_ns": window_end,
            "event_ts_ns": window_end,
            "spot_ref_price_int": _array(
                pa.int64(), self._spot[:windows], _bits_unless_all(has_spot, shape)
            ),
            "rel_ticks": _array(pa.int32(), self._rel_ticks[:windows]),
            "rel_ticks_side": _array(
                pa.int32(), block.rel_ticks_side, _bits_unless_all(has_side, shape)
            ),
            "side": pa.DictionaryArray.from_arrays(side, self._side_names),
            "window_valid": pa.Array.from_buffers(
                pa.bool_(), len(side), [None, _bits(block.window_valid[per_window], shape)]
            ),
        }
        for name, values in zip(PHYSICS_COLUMNS, block.physics, strict=True):
            columns[name] = _array(pa.float32(), values)
        return pa.RecordBatch.from_arrays(
            [columns[name] for name in self._schema.names], schema=self._schema
        )


def _array(kind: pa.DataType, values: NDArray[Any], valid: pa.Buffer | None = None) -> pa.Array:
    """Return an Arrow array over the memory of `values`, which must be contiguous."""
    return pa.Array.from_buffers(kind, values.size, [valid, pa.py_buffer(values)])


def _bits(flags: NDArray[np.bool_], shape: tuple[int, ...]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(np.broadcast_to(flags, shape), bitorder="little"))


def _bits_unless_all(flags: NDArray[np.bool_], shape: tuple[int, ...]) -> pa.Buffer | None:
    return None if flags.all() else _bits(flags, shape)
