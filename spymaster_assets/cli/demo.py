"""`spymaster demo`: from raw files to a playing session in one command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from spymaster_assets.demo import Part, Plan
    from spymaster_assets.runner import Step
    from spymaster_resources.settings import Settings


def demo(
    raw: Annotated[
        Path | None, typer.Option(help="Your own DBN file of one day; default: simulated sessions")
    ] = None,
    serve: Annotated[bool, typer.Option(help="Serve the player afterwards")] = True,
    port: Annotated[int, typer.Option(help="Port of the player", min=0, max=65_535)] = 8001,
    log_file: Annotated[Path | None, typer.Option(help="Append the log to this file")] = None,
) -> None:
    """Build sessions with the whole asset graph, calibrate the forecast, and play them.

    Without --raw two sessions of ES, QQQ and their options are downloaded first, from a simulated
    vendor on this machine and without a key. Safe to run again: what is current stays.

    Example: spymaster demo --raw glbx-mdp3-20260105.mbo.dbn.zst
    """
    from rich.console import Console

    from spymaster_assets.cli.logs import logging_to
    from spymaster_assets.cli.run import print_summary
    from spymaster_resources.settings import Settings

    console = Console(stderr=True)
    settings = Settings.from_environment()
    with logging_to(log_file):
        plan = _plan(settings, raw, console)
        for remark in plan.remarks:
            console.print(f"[yellow]{remark}[/yellow]", highlight=False)
        steps = _build(plan, console)
    print_summary(steps)
    if any(step.error for step in steps):
        raise typer.Exit(1)
    where = f"http://127.0.0.1:{port}/?symbol={plan.parts[0].symbol}&dt={plan.dates[-1]}"
    given = _make_variables(plan.settings)
    if not serve:
        typer.echo(
            f"The lake {plan.settings.lake} is ready. `make serve{given}` plays it at {where}"
        )
        typer.echo(f"`make dev{given}` shows its assets in Dagster at http://127.0.0.1:3000/")
        return
    from spymaster_assets.cli.serve import serve as serve_sessions

    typer.echo(f"Open {where}")
    serve_sessions(lake=plan.settings.lake, port=port)


def _make_variables(settings: Settings) -> str:
    """Return what to give to make so that it works on the lake as the demo did."""
    chosen = {
        "LAKE": settings.lake if settings.lake != type(settings).lake else None,
        "SESSION": settings.session,
        "CALENDAR": settings.calendar,
    }
    return "".join(f" {name}={value}" for name, value in chosen.items() if value)


def _plan(settings: Settings, raw: Path | None, console: Console) -> Plan:
    from spymaster_assets.cli.download_display import Display
    from spymaster_assets.demo import file_plan, simulated_plan
    from spymaster_assets.demo_download import Listeners

    if raw is not None:
        return file_plan(settings, raw)
    with Display(console, quiet=True) as display:
        return simulated_plan(
            settings, Listeners(display.say, display.jobs, display.bytes, display.simulated)
        )


def _build(plan: Plan, console: Console) -> list[Step]:
    """Build gold of all products, fit the forecasts on it, then forecast; a failure ends it."""
    from spymaster_assets.cli.run import run_with_progress
    from spymaster_assets.pipeline import Layer
    from spymaster_assets.products import PIPELINES
    from spymaster_assets.runner import Request, calibrate

    steps: list[Step] = []

    def build(part: Part, layer: Layer) -> bool:
        request = Request(part.symbol, layer, plan.dates, product_type=part.product_type)
        steps.extend(run_with_progress(plan.settings, request))
        return not any(step.error for step in steps)

    for part in plan.parts:
        if not all(build(part, layer) for layer in (Layer.BRONZE, Layer.SILVER, Layer.GOLD)):
            return steps
    for part in plan.parts:
        if PIPELINES[part.product_type].forecast:
            summary = calibrate(plan.settings, part.symbol, part.product_type)
            console.print(f"{part.symbol}: {summary}", highlight=False, markup=False)
            if not build(part, Layer.FORECAST):
                return steps
    return steps
