"""Run the asset graph in this process, date by date, as the terminal commands do."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from multiprocessing import get_context
from typing import Any, Final

import dagster as dg

from spymaster_assets.assets.calibration import calibration_asset
from spymaster_assets.assets.future_mbo import Keys, future_assets
from spymaster_assets.progress import listening
from spymaster_assets.resources import Surroundings
from spymaster_assets.stages.context import Progress, no_progress
from spymaster_resources.instruments import parse_contract
from spymaster_resources.settings import Settings

PRODUCT: Final = "future_mbo"


class Layer(StrEnum):
    """The layers that a run can build."""

    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"
    FORECAST = "forecast"
    ALL = "all"


@dataclass(frozen=True)
class Request:
    """What to run: a root or a full contract, one layer or all, over session dates."""

    symbol: str
    layer: Layer
    dates: Sequence[date]
    workers: int = 1
    overwrite: bool = False

    @property
    def root(self) -> str:
        """Return the root that the symbol belongs to."""
        contract = parse_contract(self.symbol)
        return contract.root if contract else self.symbol

    @property
    def contract(self) -> str:
        """Return the full contract that was asked for, empty for a root."""
        return self.symbol if parse_contract(self.symbol) else ""


@dataclass(frozen=True)
class Step:
    """One layer of one date that ran: its rows by asset, or the error that ended it."""

    dt: date
    layer: Layer
    rows: dict[str, int]
    error: str | None = None


Report = Callable[[Step], None]

_ORDER: Final = (Layer.BRONZE, Layer.SILVER, Layer.GOLD, Layer.FORECAST)


def run(
    settings: Settings, request: Request, report: Report, tell: Progress | None = None
) -> list[Step]:
    """Build the requested layers of every date and return what happened.

    Bronze of all dates comes before the selection, the selection of all dates before silver,
    because a session's contract depends on the session before it. A date that fails ends there;
    the others go on.
    """
    layers = _ORDER if request.layer is Layer.ALL else (request.layer,)
    phases = [layers[:1], layers[1:]] if layers[0] is Layer.BRONZE else [layers]
    steps: list[Step] = []
    failed: set[date] = set()

    def take(step: Step) -> None:
        report(step)
        steps.append(step)
        if step.error:
            failed.add(step.dt)

    for phase in (p for p in phases if p):
        if phase[0] is not Layer.BRONZE and not request.contract:
            for step in _select(settings, request, [d for d in request.dates if d not in failed]):
                take(step)
        remaining = [d for d in request.dates if d not in failed]
        for step in _run_dates(settings, request, phase, remaining, tell):
            take(step)
    return steps


def run_date(
    settings: Settings,
    request: Request,
    layers: Sequence[Layer],
    dt: date,
    tell: Progress | None = None,
) -> list[Step]:
    """Build `layers` of one date in order, up to the first that fails."""
    steps = []
    for layer in layers:
        step = _materialise(settings, request, layer, dt, _assets_of(request.root, layer), tell)
        steps.append(step)
        if step.error:
            break
    return steps


def _assets_of(root: str, layer: Layer) -> list[dg.AssetKey]:
    keys = Keys(root)
    return {
        Layer.BRONZE: [keys.bronze],
        Layer.SILVER: [keys.snapshot, keys.depth],
        Layer.GOLD: [keys.surface],
        Layer.FORECAST: [keys.forecast],
    }[layer]


def _select(settings: Settings, request: Request, dates: Sequence[date]) -> Iterator[Step]:
    """Choose the contracts of `dates` in order; yield a failed step for each that has none."""
    for dt in sorted(dates):
        step = _materialise(
            settings, request, Layer.SILVER, dt, [Keys(request.root).selection], None
        )
        if step.error or not step.rows:
            reason = f"no contract of {request.root} can be selected for {dt}"
            yield replace(step, error=step.error or reason)


def _run_dates(
    settings: Settings,
    request: Request,
    layers: Sequence[Layer],
    dates: Sequence[date],
    tell: Progress | None,
) -> Iterator[Step]:
    """Yield the steps of all dates: here, or over worker processes, one date a worker.

    The first date always runs here, so that the kernels are compiled before the processes fan
    out: two processes that compile into one cache directory can crash.
    """
    alone = dates if request.workers == 1 else dates[:1]
    for dt in alone:
        yield from run_date(settings, request, layers, dt, tell)
    rest = dates[len(alone) :]
    if not rest:
        return
    with ProcessPoolExecutor(request.workers, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(run_date, settings, request, layers, dt) for dt in rest]
        for future in as_completed(futures):
            yield from future.result()


def _materialise(
    settings: Settings,
    request: Request,
    layer: Layer,
    dt: date,
    keys: Sequence[dg.AssetKey],
    tell: Progress | None,
) -> Step:
    row = settings.instrument(request.root, PRODUCT)
    surroundings = Surroundings.from_settings(
        settings, contract=request.contract, keep_current=not request.overwrite
    )
    with listening(tell or no_progress):
        result = dg.materialize(
            future_assets(settings, row),
            selection=dg.AssetSelection.assets(*keys),
            partition_key=dt.isoformat(),
            resources={"surroundings": surroundings},
            instance=instance(),
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": _log_level()}}}},
        )
    rows = {
        event.asset_key.to_user_string(): int(_row_count(event))
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }
    return Step(dt, layer, rows, None if result.success else _failure(result))


def calibrate(settings: Settings, root: str) -> str:
    """Fit and evaluate the forecast over the sessions of the lake; return what to tell a person."""
    row = settings.instrument(root, PRODUCT)
    result = dg.materialize(
        [*future_assets(settings, row), calibration_asset(row)],
        selection=dg.AssetSelection.assets(Keys(root).calibration),
        resources={"surroundings": Surroundings.from_settings(settings)},
        instance=instance(),
        raise_on_error=False,
        run_config={"loggers": {"console": {"config": {"log_level": _log_level()}}}},
    )
    if not result.success:
        return f"uncalibrated: {_failure(result)}"
    (event,) = result.get_asset_materialization_events()
    return str(event.materialization.metadata["summary"].value)


def instance() -> dg.DagsterInstance:
    """Return the instance of DAGSTER_HOME, so that the UI shows the run, else a passing one."""
    if os.environ.get("DAGSTER_HOME"):
        return dg.DagsterInstance.get()
    return dg.DagsterInstance.ephemeral()


def _row_count(event: dg.DagsterEvent) -> Any:
    value = event.materialization.metadata.get("dagster/row_count")
    return value.value if value is not None else 0


def _failure(result: Any) -> str:
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data is not None:
                return str(data.user_failure_data.description)
            return str(data.error.message if data.error else "step failed").strip()
    return "the run failed before its first step"


def _log_level() -> str:
    return "DEBUG" if logging.getLogger("spymaster").isEnabledFor(logging.DEBUG) else "CRITICAL"
