"""The calibration asset of one root: Stage F over the last sessions of gold, unpartitioned."""

from typing import Any

import dagster as dg

from spymaster_assets.assets.keys import table_key
from spymaster_assets.assets.publishing import failure
from spymaster_assets.errors import ACTIONABLE
from spymaster_assets.pipeline import CALIBRATION
from spymaster_assets.products import PIPELINES
from spymaster_assets.resources import Surroundings
from spymaster_assets.stages import versions
from spymaster_resources.instruments import Instrument


def calibration_asset(row: Instrument) -> dg.AssetsDefinition:
    """Return the asset that fits and evaluates the forecast of `row`."""
    stage = PIPELINES[row.product_type].forecast
    assert stage is not None
    surface = next(dataset for dataset in stage.needs if dataset != CALIBRATION)
    mapping = dg.AllPartitionMapping()

    @dg.asset(
        key=table_key(CALIBRATION, row.root),
        deps=[dg.AssetDep(table_key(surface, row.root), partition_mapping=mapping)],
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
