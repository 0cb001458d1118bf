"""`spymaster simulate`: a seeded market written as vendor files, and how real it looks."""

from __future__ import annotations

import json
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spymaster_resources.simulator.facts import Fact
    from spymaster_resources.simulator.futures import FuturesDay
    from spymaster_resources.simulator.session import ProductDay

app = typer.Typer(
    help="Write simulated market days as vendor files, and judge them.", no_args_is_help=True
)


class SizeName(StrEnum):
    """The sizes of `spymaster_resources.simulator.sizes`."""

    TINY = "tiny"
    DEMO = "demo"
    FULL = "full"


class Forecast(StrEnum):
    """The laws of `spymaster_resources.simulator.futures`."""

    CROWD = "crowd"
    PLANTED = "planted"
    NONE = "none"


class RollName(StrEnum):
    """The rolls of `spymaster_resources.simulator.quarterlies`."""

    CLEAN = "clean"
    CROSSING = "crossing"


OutOption = Annotated[Path, typer.Option(help="Folder for the files; made if absent.")]
DatesOption = Annotated[
    str, typer.Option("--dates", "--date", help="Sessions: D, A:B (both included) or A,B.")
]
SizeOption = Annotated[SizeName, typer.Option(help="How much of a day, and how busy.")]
SeedOption = Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")]
RootOption = Annotated[str, typer.Option(help="Root of the catalogue.")]
TickerOption = Annotated[str, typer.Option(help="The equity that follows the future.")]
VersionOption = Annotated[int, typer.Option(min=1, max=3, help="Version of the DBN files.")]
TruthOption = Annotated[bool, typer.Option(help="Write the truth files beside each file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("futures")
def simulate_futures(
    out: OutOption,
    dates: DatesOption,
    size: SizeOption = SizeName.DEMO,
    seed: SeedOption = 1,
    root: RootOption = "ES",
    dbn_version: VersionOption = 3,
    session: Annotated[
        str | None,
        typer.Option(help="Windows with truth, as 09:30-12:30 New York; default: the size's."),
    ] = None,
    truth: TruthOption = True,
    reference: Annotated[
        bool, typer.Option(help="Write definition and statistics files beside.")
    ] = True,
    forecast: Annotated[
        Forecast,
        typer.Option(
            help="What a calibration can find in the book: the crowd's own reactions, a planted "
            "response to depth, or nothing (a random walk that the quotes follow)."
        ),
    ] = Forecast.CROWD,
    roll: Annotated[
        RollName, typer.Option(help="How volume moves to the next expiry: once, or to and fro.")
    ] = RollName.CLEAN,
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

    from spymaster_assets.cli.dates import parse_dates
    from spymaster_resources.settings import Settings
    from spymaster_resources.simulator.futures import Law, simulate_day
    from spymaster_resources.simulator.glbx import Conventions
    from spymaster_resources.simulator.quarterlies import Roll
    from spymaster_resources.simulator.reference import write_futures_reference
    from spymaster_resources.simulator.sizes import SIZES
    from spymaster_resources.trading_calendar import SessionWindow, TradingCalendar

    settings = Settings.from_environment()
    instrument = settings.instrument(root, "future_mbo")
    chosen = SIZES[size]
    if session is not None:
        chosen = replace(chosen, session=SessionWindow.parse(session))
    made = []
    with _progress() as teller:
        for dt in parse_dates(dates, TradingCalendar(instrument.calendar)):
            tell = teller(f"{root} {dt}")
            made.append(
                simulate_day(
                    instrument,
                    dt,
                    chosen,
                    out,
                    seed=seed,
                    dbn_version=dbn_version,
                    conventions=Conventions(clear, closing_records),
                    with_truth=truth,
                    law=Law(forecast),
                    roll=Roll(roll),
                    progress=tell,
                )
            )
            if reference:
                write_futures_reference(instrument, dt, out, seed=seed, version=dbn_version)
    _show(made, as_json)


@app.command("options")
def simulate_options(
    out: OutOption,
    dates: DatesOption,
    size: SizeOption = SizeName.DEMO,
    seed: SeedOption = 1,
    root: RootOption = "ES",
    dbn_version: VersionOption = 3,
    truth: TruthOption = True,
    as_json: JsonOption = False,
) -> None:
    """Write the options on the future that expire on each date: market by order, and all beside.

    They follow the future that `simulate futures` writes at the same size and seed.
    Example: spymaster simulate options --dates 2026-01-05 --size demo --out sim/options
    """
    _simulate(
        ("future_option_mbo",), out, dates, size, seed, root, "QQQ", dbn_version, truth, as_json
    )


@app.command("equities")
def simulate_equities(
    out: OutOption,
    dates: DatesOption,
    size: SizeOption = SizeName.DEMO,
    seed: SeedOption = 1,
    root: RootOption = "ES",
    ticker: TickerOption = "QQQ",
    dbn_version: VersionOption = 3,
    truth: TruthOption = True,
    as_json: JsonOption = False,
) -> None:
    """Write an equity that follows the future, on Nasdaq's conventions.

    Example: spymaster simulate equities --dates 2026-01-05 --size demo --out sim/equities
    """
    _simulate(("equity_mbo",), out, dates, size, seed, root, ticker, dbn_version, truth, as_json)


@app.command("equity-options")
def simulate_equity_options(
    out: OutOption,
    dates: DatesOption,
    size: SizeOption = SizeName.DEMO,
    seed: SeedOption = 1,
    root: RootOption = "ES",
    ticker: TickerOption = "QQQ",
    dbn_version: VersionOption = 3,
    truth: TruthOption = True,
    as_json: JsonOption = False,
) -> None:
    """Write the options on the equity that expire on each date: consolidated quotes and trades.

    Example: spymaster simulate equity-options --dates 2026-01-05 --size demo --out sim/opra
    """
    _simulate(
        ("equity_option_cmbp_1",), out, dates, size, seed, root, ticker, dbn_version, truth, as_json
    )


@app.command("session")
def simulate_session(
    out: OutOption,
    dates: DatesOption,
    size: SizeOption = SizeName.DEMO,
    seed: SeedOption = 1,
    root: RootOption = "ES",
    ticker: TickerOption = "QQQ",
    dbn_version: VersionOption = 3,
    truth: TruthOption = True,
    as_json: JsonOption = False,
) -> None:
    """Write all four products of one coherent market, in folders by dataset and schema.

    Example: spymaster simulate session --dates 2026-01-05:2026-01-06 --out archive
    """
    from spymaster_resources.simulator.session import PRODUCTS

    _simulate(PRODUCTS, out, dates, size, seed, root, ticker, dbn_version, truth, as_json)


def _simulate(
    products: tuple[str, ...],
    out: Path,
    dates: str,
    size: SizeName,
    seed: int,
    root: str,
    ticker: str,
    dbn_version: int,
    truth: bool,
    as_json: bool,
) -> None:
    from spymaster_assets.cli.dates import parse_dates
    from spymaster_resources.settings import Settings
    from spymaster_resources.simulator.session import Scale, Session, vendor_folders
    from spymaster_resources.trading_calendar import TradingCalendar

    instrument = Settings.from_environment().instrument(root, "future_mbo")
    calendar = TradingCalendar("XNYS" if "equity" in "".join(products) else instrument.calendar)
    folder_of = vendor_folders(out, root, ticker) if len(products) > 1 else lambda *_: out
    made: list[ProductDay] = []
    with _progress() as teller:
        for dt in parse_dates(dates, calendar):
            tellers = {product: teller(f"{product} {dt}") for product in products}
            session = Session(
                instrument,
                ticker,
                dt,
                Scale.named(size),
                seed=seed,
                dbn_version=dbn_version,
                with_truth=truth,
                tell=lambda product, records, tellers=tellers: tellers[product](records),  # type: ignore[misc]
            )
            made += session.write(products, folder_of)
    _show(made, as_json)


@app.command("faults")
def simulate_faults(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A mbo or cmbp-1 file.")
    ],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    kind: Annotated[
        list[str] | None,
        typer.Option(
            help="gap, halted, late, crossed, null_price or fat_finger; in mbo files also "
            "duplicate_id, unknown_cancel or unknown_modify; repeat for several; default: all."
        ),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Records that a lasting fault takes.")] = 50,
    seed: SeedOption = 1,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Instead: begin in mid-day at this New York time, without the opening snapshot.",
        ),
    ] = None,
    truncate: Annotated[
        int | None, typer.Option(min=0, help="Instead: cut a copy of FILE at this size.")
    ] = None,
    flip: Annotated[
        list[int] | None, typer.Option(min=0, help="Instead: flip a bit of these bytes of a copy.")
    ] = None,
    root: RootOption = "ES",
) -> None:
    """Write FILE with faults in it, and the exact list of them beside it.

    Example: spymaster simulate faults glbx-mdp3-20260105.mbo.dbn.zst --kind gap --kind crossed
    --out broken/glbx-mdp3-20260105.mbo.dbn.zst
    """
    from contracts.errors import ConfigurationError
    from spymaster_resources.dbn.stream import open_dbn
    from spymaster_resources.simulator import faults
    from spymaster_resources.simulator.planter import FaultKind

    _require_other(out, file)
    if truncate is not None:
        faults.truncate(file, out, truncate)
        return
    if flip:
        faults.flip_bits(file, out, flip)
        return
    if start is not None:
        records = faults.cut_start(file, out, _clock_ns(file, "--from", start))
        typer.echo(f"{out}  {records:,} records")
        return
    dbn = open_dbn(file)
    possible = faults.fault_kinds(dbn.metadata.schema, file)
    try:
        kinds = [FaultKind(name) for name in kind] if kind else list(possible)
    except ValueError as error:
        raise ConfigurationError(f"--kind: {error}; see --help") from None
    chunks = dbn.records(schema=str(dbn.metadata.schema))
    live = sum(int((chunk["flags"] & 32 == 0).sum()) for chunk in chunks)
    wishes = faults.spread(kinds, live, seed=seed, count=count)
    for row in faults.plant_faults(file, out, wishes, tick_int=_tick_int(file, root)):
        typer.echo(f"{row.kind}  record {row.record:,}  {row.records} records")


@app.command("top-of-book")
def simulate_top_of_book(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A mbo file.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    beside: Annotated[
        bool, typer.Option("--beside", help="Keep FILE's records: two publishers in one file.")
    ] = False,
) -> None:
    """Write what a publisher of the best prices alone would make of FILE: records with F_TOB.

    Example: spymaster simulate top-of-book xnas-itch-20260105.mbo.dbn.zst --beside
    --out sim/xnas-itch-20260105.mbo.dbn.zst
    """
    from spymaster_resources.simulator.top_of_book import write_top_of_book

    _require_other(out, file)
    records = write_top_of_book(file, out, beside=beside)
    typer.echo(f"{out}  {records:,} records")


def _require_other(out: Path, file: Path) -> None:
    from contracts.errors import ConfigurationError

    if out.resolve() == file.resolve():
        raise ConfigurationError(f"--out {out}: expected another file than the one that is read")
    out.parent.mkdir(parents=True, exist_ok=True)


def _clock_ns(file: Path, option: str, text: str) -> int:
    """Return a New York time of the file's day."""
    from datetime import time

    from contracts.errors import ConfigurationError
    from spymaster_resources.dbn.stream import open_dbn
    from spymaster_resources.trading_calendar import utc_ns

    try:
        clock = time.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{option} {text!r}: expected HH:MM, as 09:30") from None
    return utc_ns(open_dbn(file).metadata.start_date, clock)


def _tick_int(file: Path, root: str) -> int:
    """Return the price step of the file's orders, 1e-9 dollars: an equity's or the future's."""
    from spymaster_resources.dbn.stream import open_dbn
    from spymaster_resources.instruments import EQUITY, FUTURE
    from spymaster_resources.settings import Settings

    settings = Settings.from_environment()
    equity = settings.instrument(root, EQUITY)
    if open_dbn(file).metadata.dataset == equity.dataset or not settings.knows(root, FUTURE):
        return equity.tick_int
    return settings.instrument(root, FUTURE).tick_int


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
    plot: Annotated[
        Path | None, typer.Option(help="Draw them into this file too, as .png or .svg.")
    ] = None,
    root: Annotated[str, typer.Option(help="Root of the catalogue, for the tick.")] = "ES",
    as_json: JsonOption = False,
) -> None:
    """Show the stylised facts of a market-by-order file, beside those of a real one.

    Example: spymaster simulate report sim/glbx-mdp3-20260105.mbo.dbn.zst --start 09:30
    --against esh4-glbx-mdp3-20231225.mbo.dbn.zst
    """
    from contracts.errors import ConfigurationError
    from spymaster_resources.simulator.facts import measure

    tick_int = _tick_int(file, root)
    from_ns = 0 if start is None else _clock_ns(file, "--start", start)
    columns = {"file": measure(file, tick_int=tick_int, from_ns=from_ns, max_records=records)}
    if against is not None:
        columns["against"] = measure(against, tick_int=tick_int, max_records=records)
    if plot is not None:
        from spymaster_resources.simulator.fact_plots import plot_facts

        try:
            plot_facts(columns, plot)
        except ValueError as error:
            raise ConfigurationError(f"--plot {plot}: {error}") from None
    if as_json:
        facts = {name: {fact.name: fact.value for fact in rows} for name, rows in columns.items()}
        typer.echo(json.dumps(facts, indent=2))
        return
    _print_facts(columns)


@contextmanager
def _progress() -> Iterator[Callable[[str], Callable[[int], None]]]:
    """Show a line for each market that runs; yields what starts one and returns its teller."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:

        def teller(label: str) -> Callable[[int], None]:
            task = progress.add_task(label, total=None)
            return lambda records: progress.update(
                task, description=f"{label}  {records:,} records"
            )

        yield teller


def _show(made: list[FuturesDay] | list[ProductDay], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"days": [_day(row) for row in made]}, indent=2))
        return
    for row in made:
        names = " ".join(row.symbols) if len(row.symbols) < 4 else f"{len(row.symbols)} symbols"
        typer.echo(f"{row.path}  {row.records:,} records  {names}")


def _day(row: FuturesDay | ProductDay) -> dict[str, object]:
    shown: dict[str, object] = {
        "date": row.dt.isoformat(),
        "file": str(row.path),
        "symbols": list(row.symbols),
        "records": row.records,
        "windows": row.windows,
    }
    product = getattr(row, "product_type", None)
    if product is not None:
        shown["product_type"] = product
    return shown


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
