"""The calibration assets of one root: the fit over the last sessions of gold, its evaluation."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from spymaster_assets.assets.keys import table_key
from spymaster_assets.assets.plots import png_metadata
from spymaster_assets.assets.publishing import failure
from spymaster_assets.checks.calibration import EXPECTATION, LABEL_CHECK
from spymaster_assets.errors import ACTIONABLE
from spymaster_assets.pipeline import CALIBRATION, EVALUATION, OF_ROOT
from spymaster_assets.products import PIPELINES
from spymaster_assets.resources import Surroundings
from spymaster_assets.stages import versions
from spymaster_resources.instruments import Instrument


def calibration_assets(row: Instrument) -> list[dg.AssetsDefinition]:
    """Return the assets that fit the forecast of `row` and judge it; both are unpartitioned."""
    stage = PIPELINES[row.product_type].forecast
    assert stage is not None
    mapping = dg.AllPartitionMapping()
    sessions = [
        dg.AssetDep(table_key(dataset, row.root), partition_mapping=mapping)
        for dataset in stage.needs
        if dataset not in OF_ROOT
    ]
    return [_fit(row, sessions), _evaluation(row, sessions)]


def _fit(row: Instrument, sessions: list[dg.AssetDep]) -> dg.AssetsDefinition:
    @dg.asset(
        key=table_key(CALIBRATION, row.root),
        deps=sessions,
        group_name="calibration",
        kinds={"json", "scipy"},
        code_version=versions.CALIBRATION,
        description="Fitted forces of the forecast, and how far the training days trust it.",
    )
    def physics_beta_gamma(
        context: dg.AssetExecutionContext, surroundings: Surroundings
    ) -> dg.MaterializeResult[Any]:
        from spymaster_assets.stages.calibration import fit_calibration
        from spymaster_assets.stages.calibration_text import fit_numbers, fit_text

        try:
            entry = fit_calibration(surroundings.stage(row))
        except ACTIONABLE as error:
            raise failure(error) from error
        context.log.info(fit_text(entry))
        return dg.MaterializeResult(metadata={"summary": fit_text(entry), **fit_numbers(entry)})

    return physics_beta_gamma


def _evaluation(row: Instrument, sessions: list[dg.AssetDep]) -> dg.AssetsDefinition:
    key = table_key(EVALUATION, row.root)

    @dg.asset(
        key=key,
        deps=[table_key(CALIBRATION, row.root), *sessions],
        group_name="calibration",
        kinds={"json", "scipy"},
        code_version=versions.CALIBRATION,
        check_specs=[dg.AssetCheckSpec(LABEL_CHECK, asset=key, description=EXPECTATION)],
        description="What the forecast is worth on sessions that the fit has not seen.",
    )
    def physics_beta_gamma_eval(
        context: dg.AssetExecutionContext, surroundings: Surroundings
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
        from spymaster_assets.stages.calibration import evaluate_calibration
        from spymaster_assets.stages.calibration_text import evaluation_numbers, evaluation_text
        from spymaster_assets.stages.evaluation_plots import evaluation_plots

        try:
            entry = evaluate_calibration(surroundings.stage(row))
        except ACTIONABLE as error:
            raise failure(error) from error
        context.log.info(evaluation_text(entry))
        plots = evaluation_plots(entry).items()
        yield dg.MaterializeResult(
            metadata={
                "summary": evaluation_text(entry),
                **{name: png_metadata(image, f"{name} by horizon") for name, image in plots},
                **evaluation_numbers(entry),
            }
        )
        yield _label_result(key, entry)

    return physics_beta_gamma_eval


def _label_result(key: dg.AssetKey, entry: Mapping[str, Any]) -> dg.AssetCheckResult:
    """Return the check that is red where forecasts must not be called calibrated."""
    found = entry["breaches"]
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=LABEL_CHECK,
        passed=not found,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(found) or f"{EXPECTATION}: holds",
        metadata={
            "expected": EXPECTATION,
            "breaches": len(found),
            **{
                f"coverage_{level}_at_{row['horizon_s']}s": each["estimate"]
                for row in entry["horizons"]
                for level, each in row["coverage"].items()
                if each["estimate"] is not None
            },
        },
    )
