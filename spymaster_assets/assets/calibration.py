"""The calibration asset of one root: Stage F over the last sessions of gold, unpartitioned."""

from typing import Any

import dagster as dg

from contracts.errors import SpymasterError
from spymaster_assets.assets.future_mbo import Keys
from spymaster_assets.resources import Surroundings
from spymaster_assets.stages import calibration
from spymaster_resources.instruments import Instrument


def calibration_asset(row: Instrument) -> dg.AssetsDefinition:
    """Return the asset that fits and evaluates the forecast of `row`."""
    keys = Keys(row.root)

    @dg.asset(
        key=keys.calibration,
        deps=[dg.AssetDep(keys.surface, partition_mapping=dg.AllPartitionMapping())],
        group_name="calibration",
        kinds={"json", "scipy"},
        code_version=calibration.CODE_VERSION,
        description="Fitted forces of the forecast and their evaluation on held-out sessions.",
    )
    def physics_beta_gamma(
        context: dg.AssetExecutionContext, surroundings: Surroundings
    ) -> dg.MaterializeResult[Any]:
        ctx = surroundings.stage(row.root, row.product_type)
        try:
            summary = calibration.calibrate(ctx)
        except SpymasterError as error:
            description = f"{type(error).__name__}: {error}"
            raise dg.Failure(description=description, allow_retries=False) from error
        context.log.info(summary.text)
        return dg.MaterializeResult(metadata={"summary": summary.text, **summary.metadata})

    return physics_beta_gamma
