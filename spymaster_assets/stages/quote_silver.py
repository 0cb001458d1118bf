"""Silver of the options on one ticker and day: the consolidated tape in, both tables out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from typing import Final

from book_engines.quote_records import QUOTE_DTYPES, QuoteColumns
from book_engines.quotes import QuoteBlock, QuoteBookEngine
from contracts.registry import dataset
from spymaster_assets.stages import versions
from spymaster_assets.stages.column_buffers import ColumnBuffers
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.quote_bronze import DATASET as BRONZE
from spymaster_assets.stages.quote_tables import DEPTH, SNAPSHOT, depth_batch, snapshot_batch
from spymaster_assets.stages.recipe import Recipe
from spymaster_assets.stages.underlying_spot import spot_input, spot_references
from spymaster_resources.lake import Manifest
from spymaster_resources.lake.manifest import Scalar

CODE_VERSION: Final = versions.QUOTE_SILVER
STAGE: Final = "silver"

_SOURCES: Final = {
    "ts_event_ns": "ts_event",
    "bid_price_int": "bid_px_00",
    "ask_price_int": "ask_px_00",
    "bid_qty": "bid_sz_00",
    "ask_qty": "ask_sz_00",
    "price_int": "price",
    "strike_price_int": "strike",
}
BRONZE_COLUMNS: Final = [_SOURCES.get(name, name) for name in QuoteColumns._fields]


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
    with ExitStack() as stack:
        writers = {
            table: stack.enter_context(
                made_of.writer(
                    ctx.lake,
                    table,
                    symbol,
                    dt,
                    threaded=True,  # their Parquet takes longer than the quotes
                )
            )
            for table in made_of.tables
        }
        windows = 0
        for block in _blocks(ctx, engine, symbol, dt):
            quotes = snapshot_batch(block, engine.instruments, dataset(SNAPSHOT).schema)
            writers[SNAPSHOT].write(quotes)
            writers[DEPTH].write(depth_batch(block, row, dataset(DEPTH).schema))
            windows += block.windows.size
            ctx.progress(STAGE, windows, ends.n_windows)
        counted = _counters(engine)
        staged = [writer.seal(counted) for writer in writers.values()]
        ctx.audit(staged)
        return [writer.publish() for writer in writers.values()]


def _blocks(
    ctx: StageContext, engine: QuoteBookEngine, symbol: str, dt: date
) -> Iterator[QuoteBlock]:
    buffers = ColumnBuffers(BRONZE_COLUMNS, QUOTE_DTYPES)
    for batch in ctx.lake.batches(BRONZE, symbol, dt, BRONZE_COLUMNS):
        for pieces in buffers.chunks(batch):
            yield from engine.feed(QuoteColumns._make(pieces))
    yield from engine.finish()


def _counters(engine: QuoteBookEngine) -> dict[str, Scalar]:
    """Return everything the replay counted; times that were never met are left out."""
    counted = {k: v for k, v in engine.counters.as_dict().items() if v is not None}
    return {**engine.window_counters, "instruments": engine.instruments.size, **counted}
