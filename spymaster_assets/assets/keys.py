"""The asset of every table of a root or ticker."""

from __future__ import annotations

import dagster as dg

from spymaster_assets.pipeline import CALIBRATION, EVALUATION, OF_ROOT, SELECTION, Pipeline, Stage
from spymaster_resources.vendor.products import RAW_TABLES


def table_key(dataset: str, root: str) -> dg.AssetKey:
    """Return the asset of a dataset: layer, product type, root and table."""
    if dataset in OF_ROOT:
        layer, table = dataset.split(".")
        return dg.AssetKey([layer, root, table])
    layer, product_type, table = dataset.split(".")
    return dg.AssetKey([layer, product_type, root, table])


def raw_key(product_type: str, schema: str, root: str) -> dg.AssetKey:
    """Return the asset of the vendor's files of a schema."""
    return dg.AssetKey(["raw", product_type, root, RAW_TABLES[schema]])


def stage_keys(stage: Stage, root: str) -> dict[str, dg.AssetKey]:
    """Return the asset of each dataset that a stage makes."""
    return {dataset: table_key(dataset, root) for dataset in stage.datasets}


def session_keys(pipeline: Pipeline, root: str) -> list[dg.AssetKey]:
    """Return the assets that one session's raw files lead to."""
    keys = [key for stage in pipeline.stages for key in stage_keys(stage, root).values()]
    return [*keys, table_key(SELECTION, root)] if pipeline.selects else keys


def calibration_keys(root: str) -> list[dg.AssetKey]:
    """Return the assets of Stage F: the fit and its evaluation."""
    return [table_key(CALIBRATION, root), table_key(EVALUATION, root)]
