"""What silver of all options shares: what it is made of, and the way from blocks to both tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, Protocol, TypeVar

import pyarrow as pa
from numpy.typing import NDArray

from book_engines.quote_windows import LARGEST
from book_engines.strike_output import QuoteBlock
from contracts.registry import dataset
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.gaps import GapMeter, Timed
from spymaster_assets.stages.quote_tables import depth_batch, snapshot_batch
from spymaster_assets.stages.recipe import Recipe
from spymaster_assets.stages.silver_flags import OptionSnapshotFlags, SizeFlags
from spymaster_assets.stages.window_tables import (
    Engine,
    blocks_of,
    counters_of,
    publish_windows,
    window_parameters,
)
from spymaster_resources.lake import InputRef, Manifest
from spymaster_resources.lake.manifest import Scalar

ColumnsT_contra = TypeVar("ColumnsT_contra", contravariant=True)
Columns = TypeVar("Columns", bound=Timed)


class StrikeEngine(Engine[ColumnsT_contra, QuoteBlock], Protocol[ColumnsT_contra]):
    """What turns the records of a chain into blocks."""

    @property
    def instruments(self) -> NDArray[Any]:
        """Return the options that a block's NUMBER counts."""


def strike_recipe(
    ctx: StageContext, dt: date, tables: tuple[str, str], code_version: str, inputs: list[InputRef]
) -> Recipe:
    """Return what silver of options is made of: `tables` are its snapshots and its depth.

    Raises ConfigurationError when `dt` has no such session.
    """
    parameters = {
        "strike_step_int": ctx.instrument.cell_int,
        "rel_tick_int": ctx.instrument.rel_tick_int,
        "grid_half_width": ctx.instrument.grid_half_width,
        **window_parameters(ctx, dt),
    }
    return Recipe(tables, code_version, parameters, inputs)


def publish_strikes(
    ctx: StageContext,
    made_of: Recipe,
    symbol: str,
    dt: date,
    engine: StrikeEngine[Columns],
    records: Iterable[Columns],
    counters: Callable[[], Mapping[str, Scalar]] = dict,
) -> list[Manifest]:
    """Replay `records` and publish the session's snapshots and depth, with their flags.

    counters: what the manifests say besides, asked for after the last block.
    """
    snapshot, depth = made_of.tables
    flags, sizes = OptionSnapshotFlags(ctx, symbol, dt), SizeFlags(ctx, [depth])
    gaps = GapMeter(ctx, dt)

    def batches(block: QuoteBlock) -> Mapping[str, pa.RecordBatch]:
        marks = flags.flag(block, engine.instruments)
        ends, rows = block.windows["end"], block.windows["cells"]
        oversized = sizes.flag(depth, ends, block.sizes, rows, block.cells[LARGEST])
        schema = dataset(snapshot).schema
        return {
            snapshot: snapshot_batch(block, engine.instruments, marks, schema),
            depth: depth_batch(block, ctx.instrument, oversized, dataset(depth).schema),
        }

    def counted() -> Mapping[str, Scalar]:
        return {
            **counters_of(engine),
            **gaps.counters,
            **flags.counters,
            **sizes.counters,
            "instruments": engine.instruments.size,
            **counters(),
        }

    blocks = blocks_of(engine, records, gaps)
    return publish_windows(
        ctx, made_of, symbol, dt, blocks, batches, counted, beside=made_of.tables
    )
