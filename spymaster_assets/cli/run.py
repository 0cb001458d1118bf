"""`spymaster run`: build layers of the lake for dates, in this process."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from spymaster_assets.runner import Request, Step


def run(
    dates: Annotated[str, typer.Option(help="D, A:B or A,B (YYYY-MM-DD, session dates)")],
    symbol: Annotated[str, typer.Option(help="Root (ES) or full contract (ESH6)")] = "ES",
    product_type: Annotated[str, typer.Option(help="Product type")] = "future_mbo",
    layer: Annotated[str, typer.Option(help="bronze, silver, gold, forecast or all")] = "all",
    workers: Annotated[int, typer.Option(help="Dates built side by side", min=1)] = 1,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Rebuild partitions that are current")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
    log_file: Annotated[Path | None, typer.Option(help="Write the run's log to this file")] = None,
) -> None:
    """Build tables of the lake for session dates; a root is resolved by the selection map.

    Exit code 1 when any date failed. Example:

    spymaster run --symbol ES --layer all --dates 2026-01-05:2026-01-09
    """
    from contracts.errors import ConfigurationError
    from spymaster_assets.cli.dates import parse_dates
    from spymaster_assets.runner import PRODUCT, Layer, Request
    from spymaster_resources.settings import Settings

    settings = Settings.from_environment()
    if product_type != PRODUCT:
        raise ConfigurationError(f"product type {product_type!r}: expected {PRODUCT}")
    if layer not in list(Layer):
        raise ConfigurationError(f"layer {layer!r}: expected one of {', '.join(Layer)}")
    request = Request(symbol, Layer(layer), [], workers, overwrite)
    row = settings.instrument(request.root, product_type)
    days = parse_dates(dates, settings.calendar_of(row))
    request = Request(symbol, Layer(layer), days, workers, overwrite)
    steps = run_with_progress(settings, request, quiet=as_json, log_file=log_file)
    if as_json:
        typer.echo(json.dumps([asdict(step) for step in steps], default=str))
    else:
        print_summary(steps)
    if any(step.error for step in steps):
        raise typer.Exit(1)


def run_with_progress(
    settings: Any, request: Request, *, quiet: bool = False, log_file: Path | None = None
) -> list[Step]:
    """Run `request` under a progress bar on stderr and return its steps."""
    import logging

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from spymaster_assets import runner

    if log_file is not None:
        handler = logging.FileHandler(log_file)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logging.getLogger("spymaster").addHandler(handler)
        logging.getLogger("spymaster").setLevel(logging.INFO)
    log = logging.getLogger("spymaster")
    console = Console(stderr=True, quiet=quiet)
    columns = (
        TextColumn("{task.description:<34}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        per_date = 4 if request.layer == "all" else 1
        total = progress.add_task(f"{request.symbol}", total=per_date * len(request.dates))
        detail = progress.add_task("starting", total=None)

        def tell(stage: str, done: int, of: int | None) -> None:
            progress.update(detail, description=stage, completed=done, total=of)

        def report(step: Step) -> None:
            progress.advance(total)
            text = step.error or ", ".join(f"{k} {v:,} rows" for k, v in step.rows.items())
            log.info("%s %s %s", step.dt, step.layer.value, text)
            if step.error:
                console.print(f"[red]{step.dt} {step.layer.value}: {step.error}[/red]")

        return runner.run(settings, request, report, tell)


def print_summary(steps: Sequence[Step]) -> None:
    """Print one row per date and layer."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Sessions built")
    for name in ("date", "layer", "tables", "rows"):
        table.add_column(name, justify="right" if name == "rows" else "left")
    for step in steps:
        if step.error:
            table.add_row(str(step.dt), step.layer.value, f"[red]{step.error}[/red]", "")
        for asset, rows in step.rows.items():
            table.add_row(str(step.dt), step.layer.value, asset, f"{rows:,}")
    Console().print(table)
