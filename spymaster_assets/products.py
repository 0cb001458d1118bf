"""The pipelines of the four product types.

This is their one description: assets, jobs, sensors and the terminal's runner are made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from spymaster_assets.pipeline import (
    CALIBRATION,
    EVALUATION,
    SELECTION,
    Layer,
    Pipeline,
    Stage,
    Table,
)
from spymaster_assets.stages import versions
from spymaster_resources.instruments import EQUITY, EQUITY_OPTION, FUTURE, FUTURE_OPTION
from spymaster_resources.vendor.products import DEFINITION, STATISTICS


def bronze_dataset(product_type: str, schema: str) -> str:
    """Return the dataset that is made of the vendor's files of a schema."""
    return f"bronze.{product_type}.{schema.replace('-', '_')}"


def snapshot_of(product_type: str) -> str:
    """Return the dataset of a product's state at every window end."""
    return f"silver.{product_type}.book_snapshot_1s"


_SNAPSHOT: Final = "Best prices, mid, trades and spot reference at every window end."
_DEPTH: Final = "Depth, adds, pulls and fills of every cell around spot, by second."
_SURFACE: Final = "The liquidity surface: velocity, obstacles, viscosity, pressure."
_FORECAST: Final = "Where price is expected 1 to 30 seconds ahead of every window."


def _future() -> Pipeline:
    snapshot, depth = (f"silver.{FUTURE}.{t}" for t in ("book_snapshot_1s", "depth_and_flow_1s"))
    mbo, surface = f"bronze.{FUTURE}.mbo", f"gold.{FUTURE}.physics_surface_1s"
    options = f"gold.{FUTURE_OPTION}.physics_surface_1s"
    return Pipeline(
        FUTURE,
        (
            Stage(
                Layer.BRONZE,
                "bronze",
                "build_bronze",
                (Table(mbo, "The vendor's stream of every outright, typed, in feed order."),),
                versions.BRONZE,
                raw_schemas=("mbo",),
            ),
            Stage(
                Layer.SILVER,
                "silver",
                "build_silver",
                (Table(snapshot, _SNAPSHOT), Table(depth, _DEPTH)),
                versions.SILVER,
                needs=(mbo, SELECTION),
            ),
            Stage(
                Layer.GOLD,
                "gold",
                "build_gold",
                (Table(surface, _SURFACE),),
                versions.GOLD,
                needs=(snapshot, depth),
            ),
            Stage(
                Layer.FORECAST,
                "forecast",
                "build_forecast",
                (Table(f"gold.{FUTURE}.forecast_1s", _FORECAST),),
                versions.FORECAST,
                needs=(surface, CALIBRATION, EVALUATION),
                uses=(options,),
            ),
        ),
        is_of_contracts=True,
    )


def _equity() -> Pipeline:
    snapshot, depth, fine_depth = (
        f"silver.{EQUITY}.{t}"
        for t in ("book_snapshot_1s", "depth_and_flow_1s", "depth_and_flow_tick_1s")
    )
    surface, fine_surface = (
        f"gold.{EQUITY}.{t}" for t in ("physics_surface_1s", "physics_surface_tick_1s")
    )
    mbo = f"bronze.{EQUITY}.mbo"
    return Pipeline(
        EQUITY,
        (
            Stage(
                Layer.BRONZE,
                "bronze",
                "build_bronze",
                (Table(mbo, "The vendor's stream of the ticker, typed, in feed order."),),
                versions.BRONZE,
                raw_schemas=("mbo",),
            ),
            Stage(
                Layer.SILVER,
                "silver",
                "build_silver",
                (
                    Table(snapshot, _SNAPSHOT),
                    Table(depth, _DEPTH),
                    Table(fine_depth, f"{_DEPTH[:-1]}, on the fine cells of the forecast."),
                ),
                versions.SILVER,
                needs=(mbo,),
            ),
            Stage(
                Layer.GOLD,
                "gold",
                "build_gold",
                (
                    Table(surface, f"{_SURFACE[:-1]}; the wide map.", reads=(snapshot, depth)),
                    Table(
                        fine_surface,
                        f"{_SURFACE[:-1]}; close up, what the forecast stands on.",
                        reads=(snapshot, fine_depth),
                    ),
                ),
                versions.GOLD,
                needs=(snapshot, depth, fine_depth),
            ),
            Stage(
                Layer.FORECAST,
                "forecast",
                "build_forecast",
                (Table(f"gold.{EQUITY}.forecast_1s", _FORECAST),),
                versions.FORECAST,
                needs=(snapshot, fine_surface, CALIBRATION, EVALUATION),
                uses=(f"gold.{EQUITY_OPTION}.physics_surface_1s",),
            ),
        ),
        is_of_contracts=False,
    )


def _options(
    product_type: str,
    underlying: str,
    schema: str,
    modules: tuple[str, str],
    code_versions: tuple[str, str],
    *,
    names_need_definitions: bool,
) -> Pipeline:
    """Return the pipeline of options; modules and code versions are those of bronze and silver."""
    bronze = f"bronze.{product_type}"
    stream = bronze_dataset(product_type, schema)
    definition, statistics = f"{bronze}.definition", f"{bronze}.statistics"
    snapshot, depth = (
        f"silver.{product_type}.{t}" for t in ("book_snapshot_1s", "depth_and_flow_1s")
    )
    is_of_contracts = underlying == FUTURE
    return Pipeline(
        product_type,
        (
            Stage(
                Layer.BRONZE,
                "reference",
                "build_reference",
                (
                    Table(
                        definition,
                        "The vendor's definitions of the options.",
                        reads=(DEFINITION,),
                    ),
                    Table(
                        statistics,
                        "The vendor's daily statistics of the options.",
                        reads=(STATISTICS,),
                    ),
                ),
                versions.REFERENCE,
                raw_schemas=(DEFINITION, STATISTICS),
                name="reference",
            ),
            Stage(
                Layer.BRONZE,
                modules[0],
                "build_bronze",
                (
                    Table(
                        stream,
                        "The vendor's stream of the options that expire that day, in feed order.",
                    ),
                ),
                code_versions[0],
                raw_schemas=(schema,),
                needs=(definition,) if names_need_definitions else (),
                uses=() if names_need_definitions else (definition,),
            ),
            Stage(
                Layer.SILVER,
                modules[1],
                "build_silver",
                (
                    Table(snapshot, "Best prices of every option at every window end."),
                    Table(depth, "Depth and flow of every strike around spot, by second."),
                ),
                code_versions[1],
                needs=(
                    stream,
                    *((definition,) if names_need_definitions else ()),
                    snapshot_of(underlying),
                    *((SELECTION,) if is_of_contracts else ()),
                ),
            ),
            Stage(
                Layer.GOLD,
                "option_gold",
                "build_gold",
                (Table(f"gold.{product_type}.physics_surface_1s", f"{_SURFACE[:-1]}, by strike."),),
                versions.OPTION_GOLD,
                needs=(snapshot, depth),
            ),
        ),
        is_of_contracts=is_of_contracts,
        underlying=underlying,
    )


PIPELINES: Final[Mapping[str, Pipeline]] = {
    pipeline.product_type: pipeline
    for pipeline in (
        _future(),
        _options(
            FUTURE_OPTION,
            FUTURE,
            "mbo",
            ("bronze", "option_silver"),
            (versions.BRONZE, versions.OPTION_SILVER),
            names_need_definitions=True,
        ),
        _equity(),
        _options(
            EQUITY_OPTION,
            EQUITY,
            "cmbp-1",
            ("quote_bronze", "quote_silver"),
            (versions.QUOTE_BRONZE, versions.QUOTE_SILVER),
            names_need_definitions=False,  # an OSI symbol says it all
        ),
    )
}
"""Every pipeline by product type."""
