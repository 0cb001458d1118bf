"""Silver of the options on one ticker and day: the consolidated tape in, both tables out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from book_engines.quote_records import QUOTE_DTYPES, QuoteColumns
from book_engines.quotes import QuoteBookEngine
from spymaster_assets.stages import versions
from spymaster_assets.stages.column_buffers import ColumnBuffers
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.quote_bronze import DATASET as BRONZE
from spymaster_assets.stages.quote_tables import DEPTH, SNAPSHOT
from spymaster_assets.stages.recipe import Recipe
from spymaster_assets.stages.strike_silver import publish_strikes, strike_recipe
from spymaster_assets.stages.underlying_spot import spot_input, spot_references
from spymaster_resources.dbn.quote_layouts import QUOTE_FIELD_OF
from spymaster_resources.lake import Manifest

CODE_VERSION: Final = versions.QUOTE_SILVER

_COLUMN_OF: Final = QUOTE_FIELD_OF | {"strike_price_int": "strike"}
BRONZE_COLUMNS: Final = [_COLUMN_OF.get(name, name) for name in QuoteColumns._fields]


def recipe(ctx: StageContext, symbol: str, dt: date) -> Recipe:
    """Return what silver of the options on `symbol` and `dt` is made of.

    Raises PartitionMissingError without bronze or without the ticker's snapshots,
    ConfigurationError when `dt` has no such session.
    """
    inputs = [ctx.lake.input(BRONZE, symbol, dt), spot_input(ctx, symbol, dt)]
    return strike_recipe(ctx, dt, (SNAPSHOT, DEPTH), CODE_VERSION, inputs)


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
    return publish_strikes(ctx, made_of, symbol, dt, engine, _records(ctx, symbol, dt))


def _records(ctx: StageContext, symbol: str, dt: date) -> Iterator[QuoteColumns]:
    buffers = ColumnBuffers(BRONZE_COLUMNS, QUOTE_DTYPES)
    # the next row group is read beside the quotes
    for batch in ctx.lake.batches(BRONZE, symbol, dt, BRONZE_COLUMNS, prefetch=True):
        for pieces in buffers.chunks(batch):
            yield QuoteColumns._make(pieces)
