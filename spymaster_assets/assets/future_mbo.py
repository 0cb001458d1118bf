"""The assets of one futures root: raw files, bronze, selection, silver, gold, forecast."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any, Final

import dagster as dg

from spymaster_assets.assets import describe
from spymaster_assets.assets.publishing import check_specs, column_schema, publish
from spymaster_assets.partitions import daily_partitions, previous_and_same_session
from spymaster_assets.resources import Surroundings
from spymaster_assets.stages import bronze, forecast, gold, selection, silver
from spymaster_assets.stages.context import StageContext
from spymaster_resources.instruments import Instrument
from spymaster_resources.lake import Manifest
from spymaster_resources import selection_map
from spymaster_resources.selection_map import read_selection
from spymaster_resources.settings import Settings

PRODUCT: Final = "future_mbo"
MBO: Final = "bronze.future_mbo.mbo"
SNAPSHOT: Final = "silver.future_mbo.book_snapshot_1s"
DEPTH: Final = "silver.future_mbo.depth_and_flow_1s"
SURFACE: Final = "gold.future_mbo.physics_surface_1s"
FORECAST: Final = "gold.future_mbo.forecast_1s"

Events = Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]


class Keys:
    """The asset keys of one root."""

    def __init__(self, root: str) -> None:
        self.raw = dg.AssetKey(["raw", PRODUCT, root, "market_by_order_dbn"])
        self.bronze = dg.AssetKey(["bronze", PRODUCT, root, "mbo"])
        self.selection = dg.AssetKey(["selection", root, "mbo_contract_day_selection"])
        self.snapshot = dg.AssetKey(["silver", PRODUCT, root, "book_snapshot_1s"])
        self.depth = dg.AssetKey(["silver", PRODUCT, root, "depth_and_flow_1s"])
        self.surface = dg.AssetKey(["gold", PRODUCT, root, "physics_surface_1s"])
        self.calibration = dg.AssetKey(["calibration", root, "physics_beta_gamma"])
        self.forecast = dg.AssetKey(["gold", PRODUCT, root, "forecast_1s"])

    @property
    def session(self) -> list[dg.AssetKey]:
        """Return the assets that one session's raw file leads to."""
        return [
            self.bronze,
            self.selection,
            self.snapshot,
            self.depth,
            self.surface,
            self.forecast,
        ]


def future_assets(settings: Settings, row: Instrument) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Return the assets of a catalogue row of product type `future_mbo`."""
    partitions = daily_partitions(settings.calendar or row.calendar)
    keys = Keys(row.root)
    return [
        _raw(row, keys, partitions),
        _bronze(row, keys, partitions),
        _selection(row, keys, partitions),
        _silver(row, keys, partitions),
        _gold(row, keys, partitions),
        _forecast(row, keys, partitions),
    ]


def _raw(row: Instrument, keys: Keys, partitions: dg.PartitionsDefinition[str]) -> dg.AssetSpec:
    return dg.AssetSpec(
        keys.raw,
        group_name="raw",
        kinds={"file"},
        partitions_def=partitions,
        description=f"The vendor's day files of {row.name}; dropped or downloaded into the lake.",
    )


def _bronze(
    row: Instrument, keys: Keys, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    @dg.asset(
        key=keys.bronze,
        deps=[keys.raw],
        partitions_def=partitions,
        group_name="bronze",
        kinds={"parquet", "numba"},
        code_version=bronze.CODE_VERSION,
        check_specs=check_specs(MBO, keys.bronze, partitions),
        metadata={"dagster/column_schema": column_schema(MBO)},
        description="The vendor's stream of every outright, typed, in feed order.",
    )
    def mbo(context: dg.AssetExecutionContext, surroundings: Surroundings) -> Events:
        yield from publish(
            {MBO: keys.bronze},
            lambda audit: bronze.build_bronze(
                surroundings.stage(row.root, PRODUCT, audit=audit), _dt(context)
            ),
            lambda manifest: describe.describe(
                surroundings.stage(row.root, PRODUCT).lake, manifest
            ),
        )

    return mbo


def _selection(
    row: Instrument, keys: Keys, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=f"selection_{row.root}",
        specs=[
            dg.AssetSpec(
                keys.selection,
                deps=[dg.AssetDep(keys.bronze, partition_mapping=previous_and_same_session())],
                group_name="selection",
                kinds={"parquet"},
                skippable=True,
                code_version=selection.CODE_VERSION,
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
        ctx = surroundings.stage(row.root, PRODUCT)
        summary = selection.build_selection(ctx, [_dt(context)])
        for dt, reason in summary.skipped.items():
            context.log.warning(f"no contract selected for {dt}: {reason}")
        for chosen in summary.rows:
            yield dg.MaterializeResult(
                asset_key=keys.selection, metadata=describe.selection(chosen)
            )

    return contract_day_selection


def _silver(
    row: Instrument, keys: Keys, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    by_dataset = {SNAPSHOT: keys.snapshot, DEPTH: keys.depth}
    about = {
        SNAPSHOT: "Best prices, mid, trades and spot reference at every window end.",
        DEPTH: "Depth, adds, pulls and fills of every cell around spot, second by second.",
    }

    @dg.multi_asset(
        name=f"silver_{PRODUCT}_{row.root}",
        specs=[
            dg.AssetSpec(
                key,
                deps=[keys.bronze, keys.selection],
                group_name="silver",
                kinds={"parquet", "numba"},
                skippable=True,
                code_version=silver.CODE_VERSION,
                metadata={"dagster/column_schema": column_schema(dataset)},
                description=about[dataset],
            )
            for dataset, key in by_dataset.items()
        ],
        check_specs=[
            spec for d, key in by_dataset.items() for spec in check_specs(d, key, partitions)
        ],
        partitions_def=partitions,
        can_subset=True,  # a non-subsettable multi-asset behind two paths breaks UI backfills
    )
    def book(context: dg.AssetExecutionContext, surroundings: Surroundings) -> Events:
        selected = {d: k for d, k in by_dataset.items() if k in context.selected_asset_keys}
        yield from _per_symbol(context, surroundings, row, selected, silver.build_silver)

    return book


def _gold(
    row: Instrument, keys: Keys, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=f"gold_{PRODUCT}_{row.root}",
        specs=[
            dg.AssetSpec(
                keys.surface,
                deps=[keys.snapshot, keys.depth],
                group_name="gold",
                kinds={"parquet", "numba"},
                skippable=True,
                code_version=gold.CODE_VERSION,
                metadata={"dagster/column_schema": column_schema(SURFACE)},
                description="The liquidity surface: velocity, obstacles, viscosity, pressure.",
            )
        ],
        check_specs=check_specs(SURFACE, keys.surface, partitions),
        partitions_def=partitions,
    )
    def physics_surface(context: dg.AssetExecutionContext, surroundings: Surroundings) -> Events:
        yield from _per_symbol(
            context,
            surroundings,
            row,
            {SURFACE: keys.surface},
            lambda ctx, symbol, dt: [gold.build_gold(ctx, symbol, dt)],
        )

    return physics_surface


def _forecast(
    row: Instrument, keys: Keys, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=f"forecast_{PRODUCT}_{row.root}",
        specs=[
            dg.AssetSpec(
                keys.forecast,
                deps=[keys.surface, keys.snapshot, keys.calibration],
                group_name="gold",
                kinds={"parquet", "numba"},
                skippable=True,
                code_version=forecast.CODE_VERSION,
                metadata={"dagster/column_schema": column_schema(FORECAST)},
                description="Where price is expected 1 to 30 seconds ahead of every window.",
            )
        ],
        check_specs=check_specs(FORECAST, keys.forecast, partitions),
        partitions_def=partitions,
    )
    def forecast_1s(context: dg.AssetExecutionContext, surroundings: Surroundings) -> Events:
        yield from _per_symbol(
            context,
            surroundings,
            row,
            {FORECAST: keys.forecast},
            lambda ctx, symbol, dt: [forecast.build_forecast(ctx, symbol, dt)],
        )

    return forecast_1s


def _per_symbol(
    context: dg.AssetExecutionContext,
    surroundings: Surroundings,
    row: Instrument,
    keys: dict[str, dg.AssetKey],
    build: Callable[[StageContext, str, date], Sequence[Manifest]],
) -> Events:
    """Build the partition of the selected contract; without a selection say so and skip."""
    dt = _dt(context)
    lake = surroundings.stage(row.root, PRODUCT).lake
    symbol = surroundings.contract
    if not symbol:
        chosen = read_selection(lake, row.root).get(dt)
        if chosen is None:
            context.log.warning(f"skipped: the selection map has no contract of {row.root} on {dt}")
            return
        symbol = chosen.selected_symbol
    yield from publish(
        keys,
        lambda audit: build(surroundings.stage(row.root, PRODUCT, audit=audit), symbol, dt),
        lambda manifest: describe.describe(lake, manifest),
    )


def _dt(context: dg.AssetExecutionContext) -> date:
    return date.fromisoformat(context.partition_key)
