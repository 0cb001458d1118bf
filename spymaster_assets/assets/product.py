"""The assets of one product of a root or ticker: one for every stage of its pipeline."""

from collections.abc import Iterator
from datetime import date
from typing import Any, TypeAlias

import dagster as dg

from spymaster_assets.assets.keys import raw_key, stage_keys, table_key
from spymaster_assets.assets.publishing import check_specs, checked, column_schema, publish
from spymaster_assets.partitions import daily_partitions
from spymaster_assets.pipeline import SELECTION, Pipeline, Stage, Table
from spymaster_assets.products import PIPELINES
from spymaster_assets.resources import Surroundings
from spymaster_assets.stages import versions
from spymaster_resources import selection_map
from spymaster_resources.instruments import EQUITY, FUTURE, Instrument
from spymaster_resources.settings import Settings

Events = Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]
Partitions: TypeAlias = dg.PartitionsDefinition[str]


def covered_rows(settings: Settings) -> list[Instrument]:
    """Return the catalogue rows of all roots and tickers of `settings`."""
    return [
        *(settings.instrument(root, FUTURE) for root in settings.roots),
        *(settings.instrument(ticker, EQUITY) for ticker in settings.tickers),
    ]


def options_on(settings: Settings, row: Instrument) -> list[Instrument]:
    """Return the catalogue rows of the options on an underlying."""
    return [
        settings.instrument(row.root, product_type)
        for product_type, pipeline in PIPELINES.items()
        if pipeline.underlying == row.product_type and settings.knows(row.root, product_type)
    ]


def product_assets(settings: Settings, row: Instrument) -> list[dg.AssetsDefinition]:
    """Return the assets of a row of the catalogue; of a future its contract selection too."""
    partitions = daily_partitions(settings.calendar or row.calendar)
    pipeline = PIPELINES[row.product_type]
    optional = {
        dataset
        for option_row in options_on(settings, row)
        for stage in PIPELINES[option_row.product_type].stages
        for dataset in stage.datasets
    }
    assets = [_stage(row, pipeline, stage, partitions, optional) for stage in pipeline.stages]
    return [*assets, _selection(row, pipeline, partitions)] if pipeline.selects else assets


def _stage(
    row: Instrument,
    pipeline: Pipeline,
    stage: Stage,
    partitions: Partitions,
    optional: set[str],
) -> dg.AssetsDefinition:
    keys = stage_keys(stage, row.root)
    raw = {schema: raw_key(row.product_type, schema, row.root) for schema in stage.raw_schemas}
    needed = {dataset: table_key(dataset, row.root) for dataset in stage.needs}
    used = [table_key(dataset, row.root) for dataset in stage.uses if dataset in optional]

    def deps(table: Table) -> list[dg.AssetKey]:
        inputs = raw | needed
        return [*(inputs[name] for name in table.reads or inputs), *used]

    @dg.multi_asset(
        name=f"{stage.title}_{row.product_type}_{row.root}",
        specs=[
            dg.AssetSpec(
                keys[table.dataset],
                deps=deps(table),
                group_name=stage.layer.value,
                kinds={"parquet", "numba"},
                skippable=True,
                code_version=stage.code_version,
                metadata={"dagster/column_schema": column_schema(table.dataset)},
                description=table.description,
            )
            for table in stage.tables
        ],
        check_specs=[
            spec for dataset, key in keys.items() for spec in check_specs(dataset, key, partitions)
        ],
        partitions_def=partitions,
        can_subset=True,  # a non-subsettable multi-asset behind two paths breaks UI backfills
    )
    def build(context: dg.AssetExecutionContext, surroundings: Surroundings) -> Events:
        ctx, dt = surroundings.stage(row), _dt(context)
        symbol: str | None = row.root
        if stage.is_of_a_symbol and pipeline.is_of_contracts:
            wanted = surroundings.contract or row.root
            symbol = selection_map.resolve_symbol(ctx.lake, wanted, dt)
        if symbol is None:
            message = f"skipped: the selection map has no contract of {row.root} on {dt}"
            context.log.warning(message)
            return
        filed_under = symbol
        if stage.is_void(ctx, filed_under, dt):
            context.log.info(f"skipped: no option on {filed_under} expires on {dt}")
            return
        yield from publish(context, ctx, keys, lambda ctx: stage.build(ctx, filed_under, dt))

    return build


def _selection(row: Instrument, pipeline: Pipeline, partitions: Partitions) -> dg.AssetsDefinition:
    key = table_key(SELECTION, row.root)

    @dg.multi_asset(
        name=f"selection_{row.root}",
        specs=[
            dg.AssetSpec(
                key,
                deps=list(stage_keys(pipeline.stages[0], row.root).values()),
                group_name="selection",
                kinds={"parquet"},
                skippable=True,
                code_version=versions.SELECTION,
                metadata={"dagster/column_schema": column_schema(SELECTION)},
                description="The front month of the session by the volume of the one before.",
            )
        ],
        check_specs=check_specs(SELECTION, key, partitions),
        partitions_def=partitions,
        can_subset=True,  # a date without a choice has no result of a check either
        pool="selection_map",
    )
    def contract_day_selection(
        context: dg.AssetExecutionContext, surroundings: Surroundings
    ) -> Events:
        from spymaster_assets.assets import describe
        from spymaster_assets.stages.selection import build_selection

        ctx, dates = surroundings.stage(row), [_dt(context)]
        summary = yield from checked(
            context, ctx, {SELECTION: key}, lambda ctx: build_selection(ctx, dates)
        )
        for dt, reason in summary.skipped.items():
            context.log.warning(f"no contract selected for {dt}: {reason}")
        for chosen in summary.rows:
            yield dg.MaterializeResult(asset_key=key, metadata=describe.selection(chosen))

    return contract_day_selection


def _dt(context: dg.AssetExecutionContext) -> date:
    return date.fromisoformat(context.partition_key)
