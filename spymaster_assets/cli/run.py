"""`spymaster run`: build layers of the lake for dates, in this process."""

from __future__ import annotations

import gc
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from spymaster_assets.runner import Request, Step
    from spymaster_resources.settings import Settings

# What is imported makes half a million objects that stay: to look them over again and again takes
# a sixth of a short run.
_OBJECTS_A_COLLECTION: Final = 100_000


def run(
    dates: Annotated[str, typer.Option(help="D, A:B or A,B (YYYY-MM-DD, session dates)")],
    symbol: Annotated[
        str, typer.Option(help="Root (ES), full contract (ESH6) or ticker (QQQ)")
    ] = "",
    product_type: Annotated[
        str,
        typer.Option(help="future_mbo, future_option_mbo, equity_mbo or equity_option_cmbp_1"),
    ] = "future_mbo",
    layer: Annotated[str, typer.Option(help="bronze, silver, gold, forecast or all")] = "all",
    workers: Annotated[int, typer.Option(help="Dates built side by side", min=1)] = 1,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Rebuild partitions that are current")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
    log_file: Annotated[Path | None, typer.Option(help="Append the run's log to this file")] = None,
) -> None:
    """Build tables of the lake for session dates; a root is resolved by the selection map.

    Options need their underlying's silver of the same dates. Partitions whose inputs, parameters
    and code are the same as before stay as they are. Exit code 1 when any date failed.

    Example: spymaster run --symbol ES --layer all --dates 2026-01-05:2026-01-09
    """
    from contracts.errors import ConfigurationError
    from spymaster_assets.cli.dates import parse_dates
    from spymaster_assets.cli.logs import logging_to
    from spymaster_assets.pipeline import Layer
    from spymaster_assets.runner import Request
    from spymaster_resources.settings import Settings

    gc.set_threshold(_OBJECTS_A_COLLECTION)
    settings = Settings.from_environment()
    if layer not in list(Layer):
        raise ConfigurationError(f"layer {layer!r}: expected one of {', '.join(Layer)}")
    asked = Request(
        symbol or default_symbol(product_type), Layer(layer), (), workers, overwrite, product_type
    )
    row = settings.instrument(asked.root, product_type)
    request = replace(asked, dates=parse_dates(dates, settings.calendar_of(row)))
    with logging_to(log_file):
        steps = run_with_progress(settings, request, quiet=as_json)
    failed = sorted({str(step.dt) for step in steps if step.error})
    if as_json:
        content = {
            "symbol": request.symbol,
            "failed": failed,
            "steps": [asdict(step) for step in steps],
        }
        typer.echo(json.dumps(content, default=str, indent=2))
    else:
        print_summary(steps)
    if failed:
        raise typer.Exit(1)


def default_symbol(product_type: str) -> str:
    """Return the root or ticker that is run when none is named."""
    return "QQQ" if product_type.startswith("equity") else "ES"


def run_with_progress(settings: Settings, request: Request, *, quiet: bool = False) -> list[Step]:
    """Run `request` under a progress bar on stderr and return its steps."""
    import logging

    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from spymaster_assets import runner

    log = logging.getLogger(__name__)
    console = Console(stderr=True, quiet=quiet)
    columns = (
        TextColumn("{task.description:<34}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        steps_in_all = len(request.layers) * len(request.dates)
        name = f"{request.symbol} {request.product_type} {request.layer}"
        overall = progress.add_task(name, total=steps_in_all)
        detail = progress.add_task("starting", total=None)

        def tell(stage: str, done: int, of: int | None) -> None:
            progress.update(detail, description=stage, completed=done, total=of)

        def report(step: Step) -> None:
            progress.advance(overall)
            log.log(logging.ERROR if step.error else logging.INFO, "%s", sentence(step))
            if step.error:
                console.print(f"[red]{escape(sentence(step))}[/red]")

        return runner.run(settings, request, report, tell)


def sentence(step: Step) -> str:
    """Return one line that says what became of a step."""
    what = step.error or ", ".join(f"{name} {rows:,} rows" for name, rows in step.rows.items())
    return f"{step.dt} {step.layer}: {'current, kept: ' if step.kept else ''}{what}"


def print_summary(steps: Sequence[Step]) -> None:
    """Print a table a product: one row per date and table, or the error that ended the date."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    tables: dict[str, Table] = {}

    def of(product: str) -> Table:
        if product not in tables:
            tables[product] = Table(title=product, title_justify="left")
            for name in ("date", "layer", "table", "rows", "outcome"):
                tables[product].add_column(
                    name, justify="right" if name == "rows" else "left", overflow="fold"
                )
        return tables[product]

    for step in steps:
        for asset, rows in step.rows.items():
            _, product, root, table = asset.split("/")
            outcome = "current, kept" if step.kept else "built"
            row = (str(step.dt), step.layer.value, table, f"{rows:,}", outcome)
            of(f"{root} {product}").add_row(*row)
        if step.error:
            where = (str(step.dt), step.layer.value)
            of("not built").add_row(*where, "", "", f"[red]{escape(step.error)}[/red]")
    for made in tables.values():
        Console().print(made)
