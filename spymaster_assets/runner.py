"""Run the asset graph in this process, date by date, as the terminal commands do."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import dagster as dg

from contracts.errors import ConfigurationError
from spymaster_assets.assets.calibration import calibration_assets
from spymaster_assets.assets.keys import calibration_keys, stage_keys, table_key
from spymaster_assets.assets.product import product_assets
from spymaster_assets.errors import ACTIONABLE, one_line
from spymaster_assets.pipeline import SELECTION, Layer, Pipeline
from spymaster_assets.products import PIPELINES
from spymaster_assets.progress import listening
from spymaster_assets.resources import Surroundings
from spymaster_assets.stages.context import Progress, StageContext, no_progress
from spymaster_resources.instruments import FUTURE, parse_contract
from spymaster_resources.selection_map import resolve_symbol
from spymaster_resources.settings import Settings

if TYPE_CHECKING:
    from spymaster_resources.lake import Manifest


@dataclass(frozen=True)
class Request:
    """What to run: a root, ticker or full contract, one layer or all, over session dates."""

    symbol: str
    layer: Layer
    dates: Sequence[date]
    workers: int = 1
    overwrite: bool = False
    """Rebuild partitions whose inputs, parameters and code are still the same."""
    product_type: str = FUTURE

    @property
    def pipeline(self) -> Pipeline:
        """Return the stages of the product; raises ConfigurationError for an unknown one."""
        try:
            return PIPELINES[self.product_type]
        except KeyError:
            message = f"product type {self.product_type!r}: expected one of {', '.join(PIPELINES)}"
            raise ConfigurationError(message) from None

    @property
    def root(self) -> str:
        """Return the root that the symbol belongs to."""
        contract = parse_contract(self.symbol) if self.pipeline.is_of_contracts else None
        return contract.root if contract else self.symbol

    @property
    def contract(self) -> str:
        """Return the full contract that was asked for, empty for a root."""
        return self.symbol if self.symbol != self.root else ""

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Return the layers to build, in order; ConfigurationError where the product has none."""
        layers = self.pipeline.layers if self.layer is Layer.ALL else (self.layer,)
        if not set(layers) <= set(self.pipeline.layers):
            raise ConfigurationError(
                f"layer {self.layer}: {self.product_type} has {', '.join(self.pipeline.layers)}"
            )
        return layers


@dataclass(frozen=True)
class Step:
    """One layer of one date: its rows by asset, or the error that ended it."""

    dt: date
    layer: Layer
    rows: dict[str, int] = field(default_factory=dict)
    error: str | None = None
    kept: bool = False
    """Whether the partitions were current and stayed as they were."""


Report = Callable[[Step], None]


def run(
    settings: Settings, request: Request, report: Report, tell: Progress | None = None
) -> list[Step]:
    """Build the requested layers of every date and return what happened.

    Bronze of all dates comes before the selection, the selection of all dates before silver,
    because a session's contract depends on the session before it. A date that fails ends there;
    the others go on. `report` hears of every step as it ends, `tell` of the progress within one.
    """
    layers = request.layers
    phases = (layers[:1], layers[1:]) if layers[0] is Layer.BRONZE else (layers,)
    steps: list[Step] = []

    def take(new: Iterator[Step]) -> None:
        for step in new:
            report(step)
            steps.append(step)

    def remaining() -> list[date]:
        failed = {step.dt for step in steps if step.error}
        return [dt for dt in sorted(set(request.dates)) if dt not in failed]

    for phase in phases:
        is_chosen = request.pipeline.is_of_contracts and not request.contract
        if phase and phase[0] is not Layer.BRONZE and is_chosen:
            take(_select(settings, request, remaining()))
        if phase:
            take(_run_dates(settings, request, phase, remaining(), tell))
    return steps


def run_date(
    settings: Settings,
    request: Request,
    layers: Sequence[Layer],
    dt: date,
    tell: Progress | None = None,
) -> list[Step]:
    """Build `layers` of one date in order, up to the first that fails."""
    ctx = StageContext.from_settings(settings, request.root, request.product_type)
    steps = []
    for layer in layers:
        try:
            kept = None if request.overwrite else current(ctx, layer, request.symbol, dt)
        except ACTIONABLE as error:
            step = Step(dt, layer, error=one_line(error))
        else:
            if kept is None:
                stages = request.pipeline.of_layer(layer)
                assets = [key for s in stages for key in stage_keys(s, request.root).values()]
                step = _materialise(settings, request, layer, dt, assets, tell)
            else:
                step = Step(dt, layer, _rows_of(kept, request.root), kept=True)
        steps.append(step)
        if step.error:
            break
    return steps


def current(ctx: StageContext, layer: Layer, symbol: str, dt: date) -> list[Manifest] | None:
    """Return the partitions of a layer if building them again would change nothing, else None.

    `symbol` is a root, ticker or contract. Raises PartitionMissingError where the layer's input
    is missing.
    """
    pipeline = PIPELINES[ctx.instrument.product_type]
    filed_under: str | None = symbol
    if layer is not Layer.BRONZE and pipeline.is_of_contracts:
        filed_under = resolve_symbol(ctx.lake, symbol, dt)
    if filed_under is None:
        return None
    manifests: list[Manifest] = []
    for stage in pipeline.of_layer(layer):
        found = stage.current(ctx, filed_under, dt)
        if found is None:
            return None
        manifests += found
    return manifests


def calibrate(settings: Settings, root: str, product_type: str = FUTURE) -> str:
    """Fit and evaluate the forecast over the sessions of the lake; return what to tell a person."""
    row = settings.instrument(root, product_type)
    with instance() as dagster_instance:
        result = dg.materialize(
            [*product_assets(settings, row), *calibration_assets(row)],
            selection=dg.AssetSelection.assets(*calibration_keys(root)),
            resources={"surroundings": Surroundings.from_settings(settings)},
            instance=dagster_instance,
            raise_on_error=False,
            run_config=_run_config(),
        )
    if not result.success:
        return f"uncalibrated: {_failure(result)}"
    by_time = result.get_asset_materialization_events()
    return " ".join(str(event.materialization.metadata["summary"].value) for event in by_time)


@contextmanager
def instance() -> Iterator[dg.DagsterInstance]:
    """Open the instance of DAGSTER_HOME, so that the UI shows the run, else a passing one."""
    if os.environ.get("DAGSTER_HOME"):
        with dg.DagsterInstance.get() as lasting:
            yield lasting
    else:
        with dg.DagsterInstance.ephemeral() as passing:
            yield passing


def _select(settings: Settings, request: Request, dates: Sequence[date]) -> Iterator[Step]:
    """Choose the contracts of `dates` in order; yield a failed step for each that has none."""
    from spymaster_assets.stages.selection import build_selection

    ctx = StageContext.from_settings(settings, request.root, FUTURE)
    for dt in dates:
        step = _materialise(
            settings, request, request.layers[-1], dt, [table_key(SELECTION, request.root)], None
        )
        error = step.error
        if error is None and not step.rows:
            error = f"no contract of {request.root}: {build_selection(ctx, [dt]).skipped[dt]}"
        if error is not None:
            yield Step(dt, Layer.SILVER, error=error)


def _run_dates(
    settings: Settings,
    request: Request,
    layers: Sequence[Layer],
    dates: Sequence[date],
    tell: Progress | None,
) -> Iterator[Step]:
    """Yield the steps of all dates: here, or over worker processes, one date a worker.

    Dates run here until one was built whole, so that the kernels are compiled before processes
    fan out: two that compile into one cache directory can crash.
    """
    rest = list(dates)
    compiled = False
    while rest and not (compiled and request.workers > 1):
        steps = run_date(settings, request, layers, rest.pop(0), tell)
        compiled |= not any(step.error or step.kept for step in steps)
        yield from steps
    if not rest:
        return
    with ProcessPoolExecutor(request.workers, mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(run_date, settings, request, layers, dt): dt for dt in rest}
        for future in as_completed(futures):
            yield from _steps_of(future, futures[future], layers)


def _steps_of(future: Future[list[Step]], dt: date, layers: Sequence[Layer]) -> list[Step]:
    error = future.exception()
    if error is None:
        return future.result()
    return [Step(dt, layers[0], error=f"its worker process ended: {error!r}; run the date again")]


def _materialise(
    settings: Settings,
    request: Request,
    layer: Layer,
    dt: date,
    assets: Sequence[dg.AssetKey],
    tell: Progress | None,
) -> Step:
    rows_of_root = [
        settings.instrument(request.root, product_type)
        for product_type in dict.fromkeys((request.product_type, *_selecting(request)))
    ]
    surroundings = Surroundings.from_settings(settings, contract=request.contract)
    with listening(tell or no_progress), instance() as dagster_instance:
        result = dg.materialize(
            [asset for row in rows_of_root for asset in product_assets(settings, row)],
            selection=dg.AssetSelection.assets(*assets),
            partition_key=dt.isoformat(),
            resources={"surroundings": surroundings},
            instance=dagster_instance,
            raise_on_error=False,
            run_config=_run_config(),
        )
    rows = {
        event.asset_key.to_user_string(): _row_count(event)
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }
    return Step(dt, layer, rows, None if result.success else _failure(result))


def _selecting(request: Request) -> tuple[str, ...]:
    """Return the product whose trades choose the contract."""
    return (FUTURE,) if request.pipeline.is_of_contracts else ()


def _rows_of(manifests: Sequence[Manifest], root: str) -> dict[str, int]:
    rows: dict[str, int] = {}
    for manifest in manifests:
        name = table_key(manifest.dataset, root).to_user_string()
        rows[name] = rows.get(name, 0) + manifest.row_count
    return rows


def _row_count(event: dg.DagsterEvent) -> int:
    value: Any = event.materialization.metadata.get("dagster/row_count")
    return int(value.value) if value is not None else 0


def _failure(result: dg.ExecuteInProcessResult) -> str:
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data is not None:
                return str(data.user_failure_data.description)
            return str(data.error_display_string).strip()
    return "the run failed before its first step"


def _run_config() -> dict[str, Any]:
    """Return the configuration of a run: Dagster's own events reach the terminal only in debug."""
    debug = logging.getLogger("spymaster_assets").isEnabledFor(logging.DEBUG)
    level = "DEBUG" if debug else "CRITICAL"
    return {"loggers": {"console": {"config": {"log_level": level}}}}
