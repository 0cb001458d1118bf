"""Silver of the options on one ticker and day: the consolidated tape in, both tables out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

import pyarrow as pa

from book_engines.quote_records import QUOTE_DTYPES, QuoteColumns
from book_engines.quote_windows import LARGEST
from book_engines.quotes import QuoteBookEngine
from book_engines.strike_output import QuoteBlock
from contracts.registry import dataset
from spymaster_assets.stages import versions
from spymaster_assets.stages.column_buffers import ColumnBuffers
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.quote_bronze import DATASET as BRONZE
from spymaster_assets.stages.quote_tables import DEPTH, SNAPSHOT, depth_batch, snapshot_batch
from spymaster_assets.stages.recipe import Recipe
from spymaster_assets.stages.silver_flags import OptionSnapshotFlags, SizeFlags
from spymaster_assets.stages.underlying_spot import spot_input, spot_references
from spymaster_assets.stages.window_tables import blocks_of, counters_of, publish_windows
from spymaster_resources.dbn.quote_layouts import QUOTE_FIELD_OF
from spymaster_resources.lake import Manifest
from spymaster_resources.lake.manifest import Scalar
from spymaster_resources.quality import quality_rules

CODE_VERSION: Final = versions.QUOTE_SILVER

_COLUMN_OF: Final = QUOTE_FIELD_OF | {"strike_price_int": "strike"}
BRONZE_COLUMNS: Final = [_COLUMN_OF.get(name, name) for name in QuoteColumns._fields]


def recipe(ctx: StageContext, symbol: str, dt: date) -> Recipe:
    """Return what silver of the options on `symbol` and `dt` is made of.

    Raises PartitionMissingError without bronze or without the ticker's snapshots,
    ConfigurationError when `dt` has no such session.
    """
    ends = ctx.window_ends(dt)
    parameters = {
        "strike_step_int": ctx.instrument.cell_int,
        "rel_tick_int": ctx.instrument.rel_tick_int,
        "grid_half_width": ctx.instrument.grid_half_width,
        "session": str(ctx.session),
        "first_window_end_ts_ns": ends.first_ns,
        "last_window_end_ts_ns": ends.last_ns,
        "quality": quality_rules(ctx.instrument).parameters(),
    }
    inputs = [ctx.lake.input(BRONZE, symbol, dt), spot_input(ctx, symbol, dt)]
    return Recipe((SNAPSHOT, DEPTH), CODE_VERSION, parameters, inputs)


def build_silver(ctx: StageContext, symbol: str, dt: date) -> list[Manifest]:
    """Replay the whole day of the options on `symbol` and publish the session's two tables.

    Raises PartitionMissingError without bronze or without the ticker's snapshots, ContractError
    for a window that those lack, QuoteIntegrityError on an account that does not add up.
    """
    made_of = recipe(ctx, symbol, dt)
    row = ctx.instrument
    ends = ctx.window_ends(dt)
    engine = QuoteBookEngine(
        spot_references(ctx, symbol, dt),
        ends.first_ns,
        strike_step_int=row.cell_int,
        rel_tick_int=row.rel_tick_int,
        half_width=row.grid_half_width,
        reuse_blocks=True,  # the writers keep nothing of a block
    )

    flags, sizes = OptionSnapshotFlags(ctx, symbol, dt), SizeFlags(ctx, [DEPTH])

    def batches(block: QuoteBlock) -> Mapping[str, pa.RecordBatch]:
        marks = flags.flag(block, engine.instruments)
        ends, rows = block.windows["end"], block.windows["cells"]
        oversized = sizes.flag(DEPTH, ends, block.sizes, rows, block.cells[LARGEST])
        return {
            SNAPSHOT: snapshot_batch(block, engine.instruments, marks, dataset(SNAPSHOT).schema),
            DEPTH: depth_batch(block, row, oversized, dataset(DEPTH).schema),
        }

    def counters() -> Mapping[str, Scalar]:
        return {
            **counters_of(engine),
            **flags.counters,
            **sizes.counters,
            "instruments": engine.instruments.size,
        }

    blocks = blocks_of(engine, _records(ctx, symbol, dt))
    return publish_windows(
        ctx, made_of, symbol, dt, blocks, batches, counters, beside=made_of.tables
    )


def _records(ctx: StageContext, symbol: str, dt: date) -> Iterator[QuoteColumns]:
    buffers = ColumnBuffers(BRONZE_COLUMNS, QUOTE_DTYPES)
    for batch in ctx.lake.batches(BRONZE, symbol, dt, BRONZE_COLUMNS):
        for pieces in buffers.chunks(batch):
            yield QuoteColumns._make(pieces)
