"""Gold of one day of options: silver in, the dense liquidity surface of the strikes out."""

from __future__ import annotations

from datetime import date
from typing import Final

from spymaster_assets.stages import versions
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.gold_batches import OptionGoldBatches
from spymaster_assets.stages.option_gold_input import OptionSilverDay
from spymaster_assets.stages.recipe import Recipe
from spymaster_assets.stages.surface_stage import Lattice, publish_surfaces, surface_recipe
from spymaster_resources.lake import Manifest

CODE_VERSION: Final = versions.OPTION_GOLD

_STRIKES: Final = Lattice(OptionSilverDay, OptionGoldBatches)


def recipe(ctx: StageContext, symbol: str, dt: date) -> Recipe:
    """Return what option gold of `symbol` and `dt` is made of.

    Raises PartitionMissingError without silver.
    """
    return surface_recipe(ctx, symbol, dt, CODE_VERSION)


def build_gold(ctx: StageContext, symbol: str, dt: date) -> list[Manifest]:
    """Build and publish the surface of one symbol's options and day; return its manifest.

    Raises SurfaceInputError when a row is out of place, ContractError when a window's grid is not
    whole.
    """
    return publish_surfaces(ctx, symbol, dt, recipe(ctx, symbol, dt), _STRIKES)
