"""The assets of one futures root: bronze, selection, silver, gold, forecast.

The stages are imported when an asset runs: the graph loads without numba.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any, TypeAlias

import dagster as dg

from spymaster_assets.assets.keys import (
    DEPTH,
    FORECAST,
    MBO,
    PRODUCT,
    SNAPSHOT,
    SURFACE,
    Keys,
)
from spymaster_assets.assets.publishing import check_specs, column_schema, publish
from spymaster_assets.partitions import daily_partitions
from spymaster_assets.resources import Surroundings
from spymaster_assets.stages import versions
from spymaster_assets.stages.context import StageContext
from spymaster_resources import selection_map
from spymaster_resources.instruments import Instrument
from spymaster_resources.lake import Manifest
from spymaster_resources.settings import Settings

Events = Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]
Partitions: TypeAlias = dg.PartitionsDefinition[str]


def future_assets(settings: Settings, row: Instrument) -> list[dg.AssetsDefinition]:
    """Return the assets of a catalogue row of product type `future_mbo`."""
    partitions = daily_partitions(settings.calendar or row.calendar)
    keys = Keys(row.root)
    return [
        _bronze(row, keys, partitions),
        _selection(row, keys, partitions),
        _silver(row, keys, partitions),
        _gold(row, keys, partitions),
        _forecast(row, keys, partitions),
    ]


def _bronze(row: Instrument, keys: Keys, partitions: Partitions) -> dg.AssetsDefinition:
    @dg.asset(
        key=keys.bronze,
        deps=[keys.raw],
        partitions_def=partitions,
        group_name="bronze",
        kinds={"parquet", "numba"},
        code_version=versions.BRONZE,
        check_specs=check_specs(MBO, keys.bronze, partitions),
        metadata={"dagster/column_schema": column_schema(MBO)},
        description="The vendor's stream of every outright, typed, in feed order.",
    )
    def mbo(context: dg.AssetExecutionContext, surroundings: Surroundings) -> Events:
        from spymaster_assets.stages.bronze import build_bronze

        ctx = surroundings.stage(row)
        yield from publish(
            context, ctx, keys.by_dataset, lambda ctx: build_bronze(ctx, _dt(context))
        )

    return mbo


def _selection(row: Instrument, keys: Keys, partitions: Partitions) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=f"selection_{row.root}",
        specs=[
            dg.AssetSpec(
                keys.selection,
                deps=[keys.bronze],
                group_name="selection",
                kinds={"parquet"},
                skippable=True,
                code_version=versions.SELECTION,
                metadata={"dagster/column_schema": column_schema(selection_map.DATASET)},
                description="The front month of the session by the volume of the one before.",
            )
        ],
        partitions_def=partitions,
        pool="selection_map",
    )
    def contract_day_selection(
        context: dg.AssetExecutionContext, surroundings: Surroundings
    ) -> Iterator[dg.MaterializeResult[Any]]:
        from spymaster_assets.assets import describe
        from spymaster_assets.stages.selection import build_selection

        summary = build_selection(surroundings.stage(row), [_dt(context)])
        for dt, reason in summary.skipped.items():
            context.log.warning(f"no contract selected for {dt}: {reason}")
        for chosen in summary.rows:
            yield dg.MaterializeResult(
                asset_key=keys.selection, metadata=describe.selection(chosen)
            )

    return contract_day_selection


def _silver(row: Instrument, keys: Keys, partitions: Partitions) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=f"silver_{PRODUCT}_{row.root}",
        specs=[
            _table(
                keys,
                SNAPSHOT,
                group="silver",
                deps=[keys.bronze, keys.selection],
                code_version=versions.SILVER,
                description="Best prices, mid, trades and spot reference at every window end.",
            ),
            _table(
                keys,
                DEPTH,
                group="silver",
                deps=[keys.bronze, keys.selection],
                code_version=versions.SILVER,
                description="Depth, adds, pulls and fills of every cell around spot, by second.",
            ),
        ],
        check_specs=[
            spec
            for d in (SNAPSHOT, DEPTH)
            for spec in check_specs(d, keys.by_dataset[d], partitions)
        ],
        partitions_def=partitions,
        can_subset=True,  # a non-subsettable multi-asset behind two paths breaks UI backfills
    )
    def book(context: dg.AssetExecutionContext, surroundings: Surroundings) -> Events:
        from spymaster_assets.stages.silver import build_silver

        yield from _of_contract(context, surroundings, row, keys, build_silver)

    return book


def _gold(row: Instrument, keys: Keys, partitions: Partitions) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=f"gold_{PRODUCT}_{row.root}",
        specs=[
            _table(
                keys,
                SURFACE,
                group="gold",
                deps=[keys.snapshot, keys.depth],
                code_version=versions.GOLD,
                description="The liquidity surface: velocity, obstacles, viscosity, pressure.",
            )
        ],
        check_specs=check_specs(SURFACE, keys.surface, partitions),
        partitions_def=partitions,
    )
    def physics_surface(context: dg.AssetExecutionContext, surroundings: Surroundings) -> Events:
        from spymaster_assets.stages.gold import build_gold

        yield from _of_contract(context, surroundings, row, keys, lambda *of: [build_gold(*of)])

    return physics_surface


def _forecast(row: Instrument, keys: Keys, partitions: Partitions) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=f"forecast_{PRODUCT}_{row.root}",
        specs=[
            _table(
                keys,
                FORECAST,
                group="forecast",
                deps=[keys.surface, keys.calibration],
                code_version=versions.FORECAST,
                description="Where price is expected 1 to 30 seconds ahead of every window.",
            )
        ],
        check_specs=check_specs(FORECAST, keys.forecast, partitions),
        partitions_def=partitions,
    )
    def forecast_1s(context: dg.AssetExecutionContext, surroundings: Surroundings) -> Events:
        from spymaster_assets.stages.forecast import build_forecast

        yield from _of_contract(context, surroundings, row, keys, lambda *of: [build_forecast(*of)])

    return forecast_1s


def _table(
    keys: Keys,
    dataset: str,
    *,
    group: str,
    deps: Sequence[dg.AssetKey],
    code_version: str,
    description: str,
) -> dg.AssetSpec:
    """Return the spec of a table that is built for the selected contract of a date."""
    return dg.AssetSpec(
        keys.by_dataset[dataset],
        deps=deps,
        group_name=group,
        kinds={"parquet", "numba"},
        skippable=True,
        code_version=code_version,
        metadata={"dagster/column_schema": column_schema(dataset)},
        description=description,
    )


def _of_contract(
    context: dg.AssetExecutionContext,
    surroundings: Surroundings,
    row: Instrument,
    keys: Keys,
    build: Callable[[StageContext, str, date], Sequence[Manifest]],
) -> Events:
    """Build the partition of the selected contract; without a selection say so and skip."""
    ctx, dt = surroundings.stage(row), _dt(context)
    symbol = selection_map.resolve_symbol(ctx.lake, surroundings.contract or row.root, dt)
    if symbol is None:
        context.log.warning(f"skipped: the selection map has no contract of {row.root} on {dt}")
        return
    yield from publish(context, ctx, keys.by_dataset, lambda ctx: build(ctx, symbol, dt))


def _dt(context: dg.AssetExecutionContext) -> date:
    return date.fromisoformat(context.partition_key)
