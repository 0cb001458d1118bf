"""`spymaster lake`: what the lake holds, and whether it is still what was written."""

from __future__ import annotations

import datetime
import json
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

if TYPE_CHECKING:
    from spymaster_resources.lake import Lake, PartitionKey
    from spymaster_resources.lake.verify import Finding

app = typer.Typer(help="List and verify the tables of the lake.", no_args_is_help=True)

_EXIT_DAMAGED: Final = 1

LakeOption = Annotated[
    str, typer.Option("--lake", envvar="SPYMASTER_LAKE", help="Folder or URL of the lake.")
]
DatasetOption = Annotated[
    str | None, typer.Option("--dataset", help="Only this dataset (silver.future_mbo.…).")
]
SymbolOption = Annotated[str | None, typer.Option("--symbol", help="Only this symbol.")]
DateOption = Annotated[
    datetime.datetime | None,
    typer.Option("--dt", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Only this date."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("ls")
def list_partitions(
    lake: LakeOption = "./lake",
    dataset: DatasetOption = None,
    symbol: SymbolOption = None,
    dt: DateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show every published partition with rows, bytes and status.

    Example: spymaster lake ls --dataset gold.future_mbo.physics_surface_1s
    """
    from spymaster_resources.lake import Lake

    opened = Lake(lake)
    rows = [
        _coverage(opened, key)
        for key in opened.partitions(dataset)
        if symbol in (None, key.symbol) and (dt is None or key.dt == dt.date())
    ]
    if as_json:
        typer.echo(json.dumps({"lake": lake, "partitions": rows}, indent=2))
        return
    _print_table(
        f"{len(rows)} partitions in {lake}",
        ["dataset", "symbol", "dt", "rows", "bytes", "status", "reasons"],
        [
            [
                row["dataset"],
                row["symbol"] or "",
                row["dt"] or "",
                "" if row["rows"] is None else f"{row['rows']:,}",
                "" if row["bytes"] is None else f"{row['bytes']:,}",
                row["status"],
                "; ".join(row["reasons"]),
            ]
            for row in rows
        ],
    )


@app.command("verify")
def verify_partitions(
    lake: LakeOption = "./lake",
    dataset: DatasetOption = None,
    symbol: SymbolOption = None,
    dt: DateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hash every byte and report missing, corrupt, stale and orphaned partitions.

    Exit code 1 when anything is corrupt or missing, else 0.

    Example: spymaster lake verify --dataset silver.future_mbo.book_snapshot_1s --dt 2026-01-06
    """
    from spymaster_resources.lake import Lake

    opened = Lake(lake)
    findings = _verify_with_progress(opened, dataset, symbol, dt.date() if dt else None)
    counts = Counter(finding.verdict.value for finding in findings)
    if as_json:
        document = {
            "lake": lake,
            "counts": dict(sorted(counts.items())),
            "findings": [_finding_row(finding) for finding in findings],
        }
        typer.echo(json.dumps(document, indent=2))
    else:
        _print_table(
            ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
            or f"no partition in {lake}",
            ["verdict", "partition", "reasons"],
            [
                [finding.verdict.value, str(finding.key), "\n".join(finding.reasons)]
                for finding in findings
                if finding.verdict.value != "ok"
            ],
        )
    if counts["corrupt"] or counts["missing"]:
        raise typer.Exit(_EXIT_DAMAGED)


def _coverage(lake: Lake, key: PartitionKey) -> dict[str, Any]:
    report = lake.explain(*key)
    manifest = report.manifest
    return {
        "dataset": key.dataset,
        "symbol": key.symbol,
        "dt": key.dt.isoformat() if key.dt else None,
        "rows": manifest.row_count if manifest else None,
        "bytes": manifest.size if manifest else None,
        "status": report.status.value,
        "reasons": list(report.reasons),
        "manifest_sha256": manifest.sha256 if manifest else None,
    }


def _finding_row(finding: Finding) -> dict[str, Any]:
    return {
        "verdict": finding.verdict.value,
        "dataset": finding.key.dataset,
        "symbol": finding.key.symbol,
        "dt": finding.key.dt.isoformat() if finding.key.dt else None,
        "reasons": list(finding.reasons),
    }


def _verify_with_progress(
    lake: Lake, dataset: str | None, symbol: str | None, dt: datetime.date | None
) -> list[Finding]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    total = sum(
        symbol in (None, key.symbol) and dt in (None, key.dt) for key in lake.partitions(dataset)
    )
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    findings = []
    seen = set()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("verify", total=total)
        for finding in lake.verify(dataset, symbol, dt):
            findings.append(finding)
            seen.add(finding.key)
            progress.update(
                task, completed=min(len(seen), total), description=f"verify {finding.key}"
            )
    return findings


def _print_table(title: str, header: list[str], rows: list[list[str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    from spymaster_assets.cli.consoles import table_console

    console = table_console()
    if not rows:
        console.print(Text(title))
        return
    table = Table(title=title)
    for name in header:
        justify: Literal["left", "right"] = "right" if name in ("rows", "bytes") else "left"
        table.add_column(name, justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)
