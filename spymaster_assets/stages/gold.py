"""Gold of one day of a future or an equity: silver in, the dense liquidity surfaces out."""

from __future__ import annotations

from datetime import date
from typing import Final

from spymaster_assets.stages import versions
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.gold_batches import GoldBatches
from spymaster_assets.stages.gold_input import SilverDay
from spymaster_assets.stages.recipe import Recipe
from spymaster_assets.stages.surface_stage import Lattice, publish_surfaces, surface_recipe
from spymaster_resources.lake import Manifest

CODE_VERSION: Final = versions.GOLD

_PRICES: Final = Lattice(SilverDay, GoldBatches)


def recipe(ctx: StageContext, symbol: str, dt: date) -> Recipe:
    """Return what gold of `symbol` and `dt` is made of; an equity's has two surfaces.

    Raises PartitionMissingError without silver.
    """
    return surface_recipe(ctx, symbol, dt, CODE_VERSION)


def build_gold(ctx: StageContext, symbol: str, dt: date) -> list[Manifest]:
    """Build and publish the liquidity surfaces of one symbol and day; return their manifests.

    Raises SurfaceInputError when a window is missing from silver or a row is out of place.
    """
    return publish_surfaces(ctx, symbol, dt, recipe(ctx, symbol, dt), _PRICES)
