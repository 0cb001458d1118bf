"""Silver of the options on one future and day: the books of a chain in, both tables out."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from book_engines.option_engine import OptionBookEngine, option_chain
from spymaster_assets.stages import versions
from spymaster_assets.stages.book_input import bronze_records, mbo_of
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.expiring import DEFINITION, expiring_options
from spymaster_assets.stages.recipe import Recipe
from spymaster_assets.stages.strike_silver import publish_strikes, strike_recipe
from spymaster_assets.stages.underlying_spot import spot_input, spot_references
from spymaster_resources.lake import Manifest

CODE_VERSION: Final = versions.OPTION_SILVER
SNAPSHOT: Final = "silver.future_option_mbo.book_snapshot_1s"
DEPTH: Final = "silver.future_option_mbo.depth_and_flow_1s"


def recipe(ctx: StageContext, symbol: str, dt: date) -> Recipe:
    """Return what silver of the options on `symbol` and `dt` is made of.

    Raises PartitionMissingError without bronze, without definitions or without the future's
    snapshots, ConfigurationError when `dt` has no such session.
    """
    inputs = [
        ctx.lake.input(mbo_of(ctx.instrument), symbol, dt),
        ctx.lake.input(DEFINITION, symbol, dt),
        spot_input(ctx, symbol, dt),
    ]
    return strike_recipe(ctx, dt, (SNAPSHOT, DEPTH), CODE_VERSION, inputs)


def build_silver(ctx: StageContext, symbol: str, dt: date) -> list[Manifest]:
    """Replay the whole day of the options on `symbol` and publish the session's two tables.

    Raises PartitionMissingError without bronze, definitions or the future's snapshots,
    ContractError for a window that those lack, BookIntegrityError on an account that does not add
    up.
    """
    made_of = recipe(ctx, symbol, dt)
    row = ctx.instrument
    engine = OptionBookEngine(
        chain_of(ctx, symbol, dt),
        spot_references(ctx, symbol, dt),
        ctx.window_ends(dt).first_ns,
        strike_step_int=row.cell_int,
        rel_tick_int=row.rel_tick_int,
        half_width=row.grid_half_width,
        reuse_blocks=True,  # the writers keep nothing of a block
    )
    return publish_strikes(
        ctx,
        made_of,
        symbol,
        dt,
        engine,
        bronze_records(ctx, symbol, dt),
        lambda: {"instruments_seen": engine.instruments_seen},
    )


def chain_of(ctx: StageContext, symbol: str, dt: date) -> NDArray[Any]:
    """Return OPTION (N,): the options on `symbol` that expire on `dt`, by the definitions."""
    listed = {
        number: row.option
        for number, row in expiring_options(ctx, dt).items()
        if row.partition == symbol and row.option is not None
    }
    return option_chain(
        np.array(list(listed), np.int64),
        np.array([terms.strike_int for terms in listed.values()], np.int64),
        np.array([ord(terms.right) for terms in listed.values()], np.int64),
    )
