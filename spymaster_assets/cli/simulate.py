"""`spymaster simulate`: a seeded market written as vendor files, and how real it looks."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.progress import Progress

    from spymaster_resources.simulator.facts import Fact
    from spymaster_resources.simulator.futures import FuturesDay

app = typer.Typer(
    help="Write simulated market days as vendor files, and judge them.", no_args_is_help=True
)


class SizeName(StrEnum):
    """The sizes of `spymaster_resources.simulator.sizes`."""

    TINY = "tiny"
    DEMO = "demo"
    FULL = "full"


JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("futures")
def simulate_futures(
    out: Annotated[Path, typer.Option(help="Folder for the files; made if absent.")],
    dates: Annotated[
        str, typer.Option("--dates", "--date", help="Sessions: D, A:B (both included) or A,B.")
    ],
    size: Annotated[SizeName, typer.Option(help="How much of a day, and how busy.")] = (
        SizeName.DEMO
    ),
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    root: Annotated[str, typer.Option(help="Root of the catalogue.")] = "ES",
    dbn_version: Annotated[int, typer.Option(min=1, max=3, help="Version of the DBN files.")] = 3,
    session: Annotated[
        str | None,
        typer.Option(help="Windows with truth, as 09:30-12:30 New York; default: the size's."),
    ] = None,
    truth: Annotated[bool, typer.Option(help="Write the truth files beside each file.")] = True,
    clear: Annotated[
        bool, typer.Option(help="Open the snapshot with a clear record, as newer files do.")
    ] = True,
    closing_records: Annotated[
        bool, typer.Option(help="End events with a record of action N, as newer files do.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write one market-by-order file a date with both expiries, and its truth.

    Example: spymaster simulate futures --dates 2026-01-05:2026-01-06 --size demo --out sim
    """
    from dataclasses import replace

    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from spymaster_assets.cli.dates import parse_dates
    from spymaster_resources.settings import Settings
    from spymaster_resources.simulator.futures import simulate_day
    from spymaster_resources.simulator.glbx import Conventions
    from spymaster_resources.simulator.sizes import SIZES
    from spymaster_resources.trading_calendar import SessionWindow, TradingCalendar

    settings = Settings.from_environment()
    instrument = settings.instrument(root, "future_mbo")
    chosen = SIZES[size]
    if session is not None:
        chosen = replace(chosen, session=SessionWindow.parse(session))
    conventions = Conventions(clear, closing_records)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        made = [
            simulate_day(
                instrument,
                dt,
                chosen,
                out,
                seed=seed,
                dbn_version=dbn_version,
                conventions=conventions,
                with_truth=truth,
                progress=_teller(progress, f"{root} {dt}"),
            )
            for dt in parse_dates(dates, TradingCalendar(instrument.calendar))
        ]
    if as_json:
        typer.echo(json.dumps({"days": [_day(row) for row in made]}, indent=2))
        return
    for row in made:
        typer.echo(f"{row.path}  {row.records:,} records  {' '.join(row.symbols)}")


@app.command("report")
def report(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Simulated file.")],
    against: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A real file to stand beside it."),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(help="Measure FILE from this New York time on, as 09:30; default: all."),
    ] = None,
    records: Annotated[int, typer.Option(min=1, help="Records measured of each file.")] = 400_000,
    root: Annotated[str, typer.Option(help="Root of the catalogue, for the tick.")] = "ES",
    as_json: JsonOption = False,
) -> None:
    """Show the stylised facts of a market-by-order file, beside those of a real one.

    Example: spymaster simulate report sim/glbx-mdp3-20260105.mbo.dbn.zst --start 09:30
    --against esh4-glbx-mdp3-20231225.mbo.dbn.zst
    """
    from datetime import time

    from contracts.errors import ConfigurationError
    from spymaster_resources.dbn.stream import open_dbn
    from spymaster_resources.settings import Settings
    from spymaster_resources.simulator.facts import measure
    from spymaster_resources.trading_calendar import utc_ns

    tick_int = Settings.from_environment().instrument(root, "future_mbo").tick_int
    from_ns = 0
    if start is not None:
        try:
            from_ns = utc_ns(open_dbn(file).metadata.start_date, time.fromisoformat(start))
        except ValueError:
            raise ConfigurationError(f"--start {start!r}: expected HH:MM, as 09:30") from None
    columns = {"file": measure(file, tick_int=tick_int, from_ns=from_ns, max_records=records)}
    if against is not None:
        columns["against"] = measure(against, tick_int=tick_int, max_records=records)
    if as_json:
        facts = {name: {fact.name: fact.value for fact in rows} for name, rows in columns.items()}
        typer.echo(json.dumps(facts, indent=2))
        return
    _print_facts(columns)


def _teller(progress: Progress, label: str) -> Callable[[int], None]:
    task = progress.add_task(label, total=None)

    def tell(records: int) -> None:
        progress.update(task, description=f"{label}  {records:,} records")

    return tell


def _day(row: FuturesDay) -> dict[str, object]:
    return {
        "date": row.dt.isoformat(),
        "file": str(row.path),
        "symbols": list(row.symbols),
        "records": row.records,
        "windows": row.windows,
    }


def _print_facts(columns: dict[str, list[Fact]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("fact", *columns, "unit")
    for column in table.columns[1:-1]:
        column.justify = "right"
    values = {name: {fact.name: fact.value for fact in rows} for name, rows in columns.items()}
    for fact in next(iter(columns.values())):
        cells = (
            f"{values[name][fact.name]:.4g}" if fact.name in values[name] else ""
            for name in columns
        )
        table.add_row(fact.name, *cells, fact.unit)
    Console().print(table)
