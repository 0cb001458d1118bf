"""`spymaster demo`: from raw files to a playing session in one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def demo(
    raw: Annotated[
        Path | None, typer.Option(help="Your own DBN file of one day; default: simulated sessions")
    ] = None,
    serve: Annotated[bool, typer.Option(help="Serve the player afterwards")] = True,
    port: Annotated[int, typer.Option(help="Port of the player", min=0, max=65_535)] = 8001,
) -> None:
    """Build sessions with the whole asset graph, calibrate the forecast, and play them.

    Without --raw two simulated ES sessions are made first. Safe to run again: what is current
    stays. Example: spymaster demo --raw glbx-mdp3-20260105.mbo.dbn.zst
    """
    from rich.console import Console

    from spymaster_assets.cli.run import print_summary, run_with_progress
    from spymaster_assets.demo import file_plan, simulated_plan
    from spymaster_assets.runner import Layer, Request, calibrate
    from spymaster_resources.settings import Settings

    console = Console(stderr=True)
    settings = Settings.from_environment()
    if raw is None:
        plan = _with_bar(console, lambda tell: simulated_plan(settings, tell))
    else:
        plan = file_plan(settings, raw)
    for remark in plan.remarks:
        console.print(f"[yellow]{remark}[/yellow]")
    steps = []
    for layer in (Layer.BRONZE, Layer.SILVER, Layer.GOLD):
        steps += run_with_progress(plan.settings, Request(plan.root, layer, plan.dates))
    if not any(step.error for step in steps):
        console.print(calibrate(plan.settings, plan.root))
        steps += run_with_progress(plan.settings, Request(plan.root, Layer.FORECAST, plan.dates))
    print_summary(steps)
    if any(step.error for step in steps):
        raise typer.Exit(1)
    where = f"http://127.0.0.1:{port}/?symbol={plan.root}&dt={plan.dates[-1]}"
    if not serve:
        typer.echo(f"The lake {plan.settings.lake} is ready. `make serve` plays it at {where}")
        return
    from spymaster_assets.cli.serve import serve as serve_sessions

    typer.echo(f"Open {where}")
    serve_sessions(lake=plan.settings.lake, port=port)


def _with_bar(console: Any, work: Any) -> Any:
    from rich.progress import Progress

    with Progress(console=console) as progress:
        task = progress.add_task("simulating", total=None)
        return work(
            lambda label, done, total: progress.update(
                task, description=label, completed=done, total=total
            )
        )
