"""`spymaster validate`: run the checks of published tables from the terminal."""

from __future__ import annotations

import datetime
import json
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from spymaster_assets.cli.lake import JsonOption, LakeOption, SymbolOption

if TYPE_CHECKING:
    from spymaster_assets.checks.check import Outcome
    from spymaster_resources.lake import PartitionKey

_EXIT_RED: Final = 1


def validate(
    dataset: Annotated[
        str,
        typer.Option(help="Dataset, or the beginning of its name (silver.future_mbo, selection)."),
    ],
    dt: Annotated[
        datetime.datetime,
        typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Date of the partitions."),
    ],
    lake: LakeOption = "./lake",
    symbol: SymbolOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run every check of the published tables of a date, as the graph does before publication.

    Exit code 1 when a blocking check is red, 0 when only warnings are.

    Example: spymaster validate --dataset silver.future_mbo --dt 2026-01-06
    """
    from spymaster_assets.checks.validation import validated

    found = list(validated(lake, dataset, symbol, dt.date()))
    red = any(o.check.blocking and not o.passed for _, outcomes in found for o in outcomes)
    if as_json:
        content = {
            "passed": not red,
            "checks": [_row(key, outcome) for key, outcomes in found for outcome in outcomes],
            "scorecards": [{**key._asdict(), **_scorecard(lake, key)} for key, _ in found],
        }
        typer.echo(json.dumps(content, indent=2, default=str))
    else:
        for key, outcomes in found:
            _print_outcomes(key, outcomes, _scorecard(lake, key))
    if red:
        raise typer.Exit(_EXIT_RED)


def _row(key: PartitionKey, outcome: Outcome) -> dict[str, Any]:
    return {
        "dataset": key.dataset,
        "symbol": key.symbol,
        "dt": key.dt,
        "check": outcome.check.name,
        "blocking": outcome.check.blocking,
        "verdict": outcome.verdict,
        "expected": outcome.check.expectation,
        "found": outcome.sentence,
        "offending": outcome.finding.offending,
        "numbers": dict(outcome.finding.numbers),
        "rows": list(outcome.finding.rows),
    }


def _scorecard(root: str, key: PartitionKey) -> dict[str, int | float]:
    """Return the scorecard of a partition, empty for what has none of its own."""
    from contracts.registry import datasets
    from spymaster_resources.lake import Lake
    from spymaster_resources.scorecard import scorecard

    is_partition = key.dataset in datasets() and datasets()[key.dataset].is_partitioned
    manifest = Lake(root).manifest(*key) if is_partition else None
    return {} if manifest is None else scorecard(manifest)


def _print_outcomes(
    key: PartitionKey, outcomes: list[Outcome], scores: dict[str, int | float]
) -> None:
    from rich.table import Table
    from rich.text import Text

    from spymaster_assets.cli.consoles import table_console

    console = table_console()
    told = ", ".join(f"{name} {value:g}" for name, value in scores.items())
    table = Table(title=str(key), caption=told)
    for name in ("check", "kind", "verdict", "found", "numbers"):
        table.add_column(name, overflow="fold")
    colours = {"passed": "green", "not compared": "yellow", "warning": "yellow", "failed": "red"}
    for outcome in outcomes:
        numbers = ", ".join(f"{name} {value:g}" for name, value in outcome.finding.numbers.items())
        table.add_row(
            outcome.check.name,
            "blocking" if outcome.check.blocking else "warning",
            Text(outcome.verdict, style=colours[outcome.verdict]),
            Text(outcome.sentence),
            Text(numbers),
        )
    console.print(table)
    for outcome in outcomes:
        if outcome.finding.rows and not outcome.passed:
            console.print(Text(f"{outcome.check.name}, offending rows:", style="bold"))
            for row in outcome.finding.rows:
                shown = ", ".join(f"{name}={value}" for name, value in row.items())
                console.print(Text(f"  {shown}"))
