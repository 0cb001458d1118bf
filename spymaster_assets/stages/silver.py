"""Silver of one future and day: bronze records in, both one-second tables out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from typing import Final

import numpy as np

from book_engines.cell_engine import CellBookEngine, WindowBlock
from book_engines.cells import Grid
from contracts.registry import dataset
from spymaster_assets.stages import versions
from spymaster_assets.stages.book_input import BRONZE, BRONZE_COLUMNS, RecordBuffers
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.recipe import Recipe
from spymaster_assets.stages.silver_tables import DEPTH, SNAPSHOT, depth_batch, snapshot_batch
from spymaster_assets.stages.snapshot_flags import snapshot_flagger
from spymaster_resources.lake import Manifest
from spymaster_resources.lake.manifest import Scalar
from spymaster_resources.quality import quality_rules

CODE_VERSION: Final = versions.SILVER
STAGE: Final = "silver"


def recipe(ctx: StageContext, symbol: str, dt: date) -> Recipe:
    """Return what silver of `symbol` and `dt` is made of.

    The configured session is recorded beside the window ends, which an early close cuts: it says
    which days belong together. Raises PartitionMissingError without bronze, ConfigurationError
    when `dt` has no such session.
    """
    ends = ctx.window_ends(dt)
    parameters = {
        "tick_int": ctx.instrument.tick_int,
        "grid_half_width": ctx.instrument.grid_half_width,
        "session": str(ctx.session),
        "first_window_end_ts_ns": ends.first_ns,
        "last_window_end_ts_ns": ends.last_ns,
        "quality": quality_rules(ctx.instrument).parameters(),
    }
    inputs = [ctx.lake.input(BRONZE, symbol, dt)]
    return Recipe((SNAPSHOT, DEPTH), CODE_VERSION, parameters, inputs)


def build_silver(ctx: StageContext, symbol: str, dt: date) -> list[Manifest]:
    """Replay the whole day of `symbol` and publish the session's snapshot and depth tables.

    Raises PartitionMissingError without bronze, BookIntegrityError on an account that does not
    add up, OffGridPriceError on a price in the grid that is no whole number of ticks from spot.
    """
    made_of = recipe(ctx, symbol, dt)
    ends = ctx.window_ends(dt)
    engine = CellBookEngine(
        ctx.instrument.tick_int,
        [Grid(ctx.instrument.tick_int, ctx.instrument.grid_half_width)],
        ends.first_ns,
        ends.last_ns,
        reuse_blocks=True,  # the writers keep nothing of a block
    )
    flagger = snapshot_flagger(ctx, dt)
    with ExitStack() as stack:
        writers = {
            table: stack.enter_context(
                made_of.writer(
                    ctx.lake,
                    table,
                    symbol,
                    dt,
                    threaded=table == DEPTH,  # its Parquet takes longer than the book
                )
            )
            for table in made_of.tables
        }
        windows = 0
        for block in _window_blocks(ctx, engine, symbol, dt):
            flags = flagger.flag(
                np.zeros(block.windows.size, np.int32),
                block.windows["end"],
                block.windows["best_bid"],
                block.windows["best_ask"],
            )
            writers[SNAPSHOT].write(snapshot_batch(block, flags, dataset(SNAPSHOT).schema))
            writers[DEPTH].write(depth_batch(block.windows, block.tables[0], dataset(DEPTH).schema))
            windows += block.windows.size
            ctx.progress(STAGE, windows, ends.n_windows)
        counted = {**_counters(engine), **flagger.counters}
        staged = [writer.seal(counted) for writer in writers.values()]
        ctx.audit(staged)
        return [writer.publish() for writer in writers.values()]


def _window_blocks(
    ctx: StageContext, engine: CellBookEngine, symbol: str, dt: date
) -> Iterator[WindowBlock]:
    buffers = RecordBuffers()
    # Reading the next row group beside the book saves no time: the writer's thread has that core.
    for batch in ctx.lake.batches(BRONZE, symbol, dt, BRONZE_COLUMNS):
        for records in buffers.chunks(batch):
            yield from engine.feed(records)
    yield from engine.finish()


def _counters(engine: CellBookEngine) -> dict[str, Scalar]:
    """Return everything the replay counted; times that were never met are left out."""
    counted = {k: v for k, v in engine.counters.as_dict().items() if v is not None}
    return {**engine.window_counters, **counted}
