"""`spymaster selection`: choose the contract of each session date."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Annotated

import typer

app = typer.Typer(help="Choose the front-month contract of each session date.")


@app.callback()
def selection() -> None:
    """Choose the front-month contract of each session date."""


@app.command("build")
def build(
    dates: Annotated[str, typer.Option(help="D, A:B or A,B (YYYY-MM-DD, session dates)")],
    symbol: Annotated[str, typer.Option(help="Root")] = "ES",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
) -> None:
    """Build the selection map for dates from bronze; other dates of the map stay.

    The map is checked first, as the graph does: where a blocking check is red it stays as it was.

    Example: spymaster selection build --symbol ES --dates 2026-01-05:2026-03-20
    """
    from rich.console import Console
    from rich.table import Table

    from spymaster_assets.checks.audit import CheckingAudit
    from spymaster_assets.cli.dates import parse_dates
    from spymaster_assets.stages.context import StageContext
    from spymaster_assets.stages.selection import build_selection
    from spymaster_resources.settings import Settings

    ctx = StageContext.from_settings(Settings.from_environment(), symbol, "future_mbo")
    checked = replace(ctx, audit=CheckingAudit(ctx))
    summary = build_selection(checked, parse_dates(dates, ctx.calendar))
    if as_json:
        content = {
            "selected": [asdict(row) for row in summary.rows],
            "skipped": {str(dt): reason for dt, reason in summary.skipped.items()},
        }
        typer.echo(json.dumps(content, default=str))
        return
    table = Table(title="Contract selection")
    names = list(asdict(summary.rows[0])) if summary.rows else ["session_date"]
    for name in names:
        table.add_column(name)
    for row in summary.rows:
        table.add_row(*("" if v is None else str(v) for v in asdict(row).values()))
    console = Console()
    console.print(table)
    for dt, reason in summary.skipped.items():
        console.print(f"skipped {dt}: {reason}")
