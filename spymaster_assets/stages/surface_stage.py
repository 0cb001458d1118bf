"""What the surfaces of all products share: the recipe, the run from silver to gold, the counts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol

import pyarrow as pa

from book_engines.surface import SurfaceBlock, SurfaceEngine
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.gold_input import SilverBlock
from spymaster_assets.stages.recipe import Recipe
from spymaster_assets.stages.surface_tables import SurfaceTable, surface_tables
from spymaster_resources.lake import Lake, Manifest, PartitionWriter, StagedPartition

STAGE: Final = "gold"


class Day(Protocol):
    """Silver of one day, in blocks for the engine."""

    @property
    def windows(self) -> int:
        """Return the number of windows that the table will have."""

    def blocks(self, windows: int) -> Iterator[SilverBlock]:
        """Yield the day in blocks of at most `windows` windows."""


class Batches(Protocol):
    """Rows of the gold table."""

    def batch(self, block: SurfaceBlock) -> pa.RecordBatch | None:
        """Return the rows of a block, None where its windows have none."""


@dataclass(frozen=True)
class Lattice:
    """How a kind of lattice is read from silver and written to gold."""

    day: Callable[[Lake, SurfaceTable, str, date], Day]
    batches: Callable[[SurfaceTable], Batches]


def surface_recipe(ctx: StageContext, symbol: str, dt: date, code_version: str) -> Recipe:
    """Return what all surfaces of `symbol` and `dt` are made of.

    The session that silver was built for is handed on, so that calibration and forecast know
    which days belong together. Raises PartitionMissingError without silver.
    """
    tables = surface_tables(ctx.instrument)
    silver = [tables[0].snapshot, *(table.depth for table in tables)]
    inputs = [ctx.lake.input(name, symbol, dt) for name in silver]
    snapshot = ctx.lake.manifest(tables[0].snapshot, symbol, dt)
    parameters = {
        "session": snapshot.parameters.get("session") if snapshot else None,
        **{table.gold.rsplit(".", 1)[1]: table.parameters for table in tables},
    }
    return Recipe(tuple(table.gold for table in tables), code_version, parameters, inputs)


def publish_surfaces(
    ctx: StageContext, symbol: str, dt: date, made_of: Recipe, lattice: Lattice
) -> list[Manifest]:
    """Build every surface of one symbol and day, then publish them; return their manifests."""
    with ExitStack() as stack:
        writers: list[PartitionWriter] = []
        staged: list[StagedPartition] = []
        for table in surface_tables(ctx.instrument):
            # Parquet takes most of the time: the next block is made beside it.
            writer = made_of.writer(ctx.lake, table.gold, symbol, dt, threaded=True)
            writers.append(stack.enter_context(writer))
            counters = _write_surface(ctx, symbol, dt, table, lattice, writer)
            staged.append(writer.seal(counters))
        ctx.audit(staged)
        return [writer.publish() for writer in writers]


def _write_surface(
    ctx: StageContext,
    symbol: str,
    dt: date,
    table: SurfaceTable,
    lattice: Lattice,
    writer: PartitionWriter,
) -> dict[str, int | float]:
    """Write one surface block by block; return the counters of its manifest."""
    engine = SurfaceEngine(table.params)
    day = lattice.day(ctx.lake, table, symbol, dt)
    # two of each: one is encoded while the next one is filled
    batches = [lattice.batches(table) for _ in range(2)]
    turn = 0
    windows = without_rows = rows = valid_rows = 0
    abs_u: list[float] = []
    for silver in day.blocks(table.params.block_windows):
        block = engine.advance(*silver, turn)
        batch = batches[turn].batch(block)
        if batch is None:
            without_rows += block.window_end_ts_ns.size
            continue
        writer.write(batch, lent=True)
        turn = 1 - turn
        windows += block.window_end_ts_ns.size
        rows += batch.num_rows
        valid_rows += batch["window_valid"].true_count
        abs_u += block.abs_u.tolist()
        ctx.progress(STAGE, windows, day.windows)
    return {
        "windows": windows,
        "windows_without_rows": without_rows,
        "valid_rows": valid_rows,
        "valid_share": valid_rows / rows if rows else 0.0,
        "abs_u_sum": math.fsum(abs_u),  # does not depend on the blocks
    }
