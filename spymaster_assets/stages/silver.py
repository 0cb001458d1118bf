"""Silver of one future or ticker and day: bronze records in, the one-second tables out.

A ticker has two depth tables out of one pass: wide buckets, and fine cells around the touch.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa

from book_engines.cell_engine import CellBookEngine, WindowBlock
from book_engines.cells import ADDED_MAX, Grid
from contracts.registry import dataset
from spymaster_assets.stages import versions
from spymaster_assets.stages.book_input import bronze_records, mbo_of
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.gaps import GapMeter
from spymaster_assets.stages.recipe import Recipe
from spymaster_assets.stages.silver_flags import SizeFlags, snapshot_flagger
from spymaster_assets.stages.silver_tables import (
    depth_batch,
    depth_tables,
    snapshot_batch,
    snapshot_table,
)
from spymaster_assets.stages.window_tables import (
    blocks_of,
    counters_of,
    publish_windows,
    window_parameters,
)
from spymaster_resources.instruments import Instrument
from spymaster_resources.lake import Manifest
from spymaster_resources.lake.manifest import Scalar

CODE_VERSION: Final = versions.SILVER


def recipe(ctx: StageContext, symbol: str, dt: date) -> Recipe:
    """Return what silver of `symbol` and `dt` is made of.

    Raises PartitionMissingError without bronze, ConfigurationError when `dt` has no such session.
    """
    row = ctx.instrument
    parameters = {
        "tick_int": row.tick_int,
        "grid_half_width": row.grid_half_width,
        **window_parameters(ctx, dt),
    }
    if row.fine_cell_int is not None:
        parameters |= {
            "cell_int": row.cell_int,
            "fine_cell_int": row.fine_cell_int,
            "fine_half_width": row.fine_half_width,
        }
    tables = (snapshot_table(row), *depth_tables(row))
    return Recipe(tables, CODE_VERSION, parameters, [ctx.lake.input(mbo_of(row), symbol, dt)])


def build_silver(ctx: StageContext, symbol: str, dt: date) -> list[Manifest]:
    """Replay the whole day of `symbol` and publish the session's snapshot and depth tables.

    Raises PartitionMissingError without bronze, BookIntegrityError on an account that does not
    add up, OffGridPriceError on a price in a future's grid that is no whole number of ticks from
    spot.
    """
    made_of = recipe(ctx, symbol, dt)
    row = ctx.instrument
    ends = ctx.window_ends(dt)
    engine = CellBookEngine(
        row.tick_int,
        grids_of(row),
        ends.first_ns,
        ends.last_ns,
        reuse_blocks=True,  # the writers keep nothing of a block
    )
    flagger = snapshot_flagger(ctx, dt)
    snapshot, depths = snapshot_table(row), depth_tables(row)
    sizes, gaps = SizeFlags(ctx, depths), GapMeter(ctx, dt)

    def batches(block: WindowBlock) -> Mapping[str, pa.RecordBatch]:
        windows = block.windows
        series = np.zeros(windows.size, np.int32)
        flags = flagger.flag(series, windows["end"], windows["best_bid"], windows["best_ask"])
        made = {snapshot: snapshot_batch(block, flags, dataset(snapshot).schema)}
        for name, table in zip(depths, block.tables, strict=True):
            rows, largest = table.spans["cells"], table.cells[ADDED_MAX]
            oversized = sizes.flag(name, windows["end"], block.added_sizes, rows, largest)
            made[name] = depth_batch(windows, table, oversized, dataset(name).schema)
        return made

    def counters() -> Mapping[str, Scalar]:
        return {
            **counters_of(engine),
            **gaps.counters,
            **flagger.counters,
            **sizes.counters,
        }

    blocks = blocks_of(engine, bronze_records(ctx, symbol, dt), gaps)
    return publish_windows(ctx, made_of, symbol, dt, blocks, batches, counters, beside=depths)


def grids_of(row: Instrument) -> list[Grid]:
    """Return the grids of a product's depth tables, in the order of `depth_tables`."""
    grids = [Grid(row.cell_int, row.grid_half_width)]
    if row.fine_cell_int is not None and row.fine_half_width is not None:
        grids.append(Grid(row.fine_cell_int, row.fine_half_width))
    return grids
