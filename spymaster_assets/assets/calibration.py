"""The calibration asset of one root: Stage F over the last sessions of gold, unpartitioned."""

from typing import Any

import dagster as dg

from spymaster_assets.assets.keys import Keys
from spymaster_assets.assets.publishing import failure
from spymaster_assets.errors import ACTIONABLE
from spymaster_assets.resources import Surroundings
from spymaster_assets.stages import versions
from spymaster_resources.instruments import Instrument


def calibration_asset(row: Instrument) -> dg.AssetsDefinition:
    """Return the asset that fits and evaluates the forecast of `row`."""
    keys = Keys(row.root)

    @dg.asset(
        key=keys.calibration,
        deps=[dg.AssetDep(keys.surface, partition_mapping=dg.AllPartitionMapping())],
        group_name="calibration",
        kinds={"json", "scipy"},
        code_version=versions.CALIBRATION,
        description="Fitted forces of the forecast and their evaluation on held-out sessions.",
    )
    def physics_beta_gamma(
        context: dg.AssetExecutionContext, surroundings: Surroundings
    ) -> dg.MaterializeResult[Any]:
        from spymaster_assets.stages.calibration import calibrate

        try:
            summary = calibrate(surroundings.stage(row))
        except ACTIONABLE as error:
            raise failure(error) from error
        context.log.info(summary.text)
        return dg.MaterializeResult(metadata={"summary": summary.text, **summary.metadata})

    return physics_beta_gamma
