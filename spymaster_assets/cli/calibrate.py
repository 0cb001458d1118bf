"""`spymaster calibrate`: fit the forecast's constants, judge them and each part on unseen days."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import Annotated, Any, Final

import typer

app = typer.Typer(help="Fit and evaluate the forecast (Stage F).", no_args_is_help=True)

Symbol = Annotated[str, typer.Option(help="Root, as ES")]
Dates = Annotated[str | None, typer.Option(help="Sessions: D, A:B or A,B")]
ProductType = Annotated[
    str | None, typer.Option(help="Product type; default: the one that is forecast for the symbol")
]
LakeRoot = Annotated[str | None, typer.Option(help="Lake root; default $SPYMASTER_LAKE or ./lake")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the published entry as JSON")]

_COLOURS: Final = {
    "earns its place": "green",
    "does harm": "red",
    "no difference shown": "default",
    "not measurable": "dim",
}


@app.command("fit")
def fit_command(
    symbol: Symbol,
    dates: Dates = None,
    product_type: ProductType = None,
    lake: LakeRoot = None,
    as_json: AsJson = False,
) -> None:
    """Fit on the training sessions and publish calibration/physics_beta_gamma.json.

    Without --dates the last 20 sessions in gold are taken; the last quarter is held out.

    Example: spymaster calibrate fit --symbol ES --dates 2026-01-05:2026-01-30
    """
    from spymaster_assets.stages.calibration import fit_calibration

    entry = _run(fit_calibration, symbol, dates, product_type, lake)
    if as_json:
        typer.echo(json.dumps(entry, indent=2, sort_keys=True))
    else:
        _show_fit(symbol, entry)


@app.command("eval")
def eval_command(
    symbol: Symbol,
    dates: Dates = None,
    product_type: ProductType = None,
    lake: LakeRoot = None,
    as_json: AsJson = False,
) -> None:
    """Judge the published calibration and publish calibration/physics_beta_gamma_eval.json.

    Without --dates the sessions that the fit held out are taken; training sessions are refused.
    Plots of reliability, skill and coverage are written beside the document.

    Example: spymaster calibrate eval --symbol ES
    """
    from spymaster_assets.stages.calibration import evaluate_calibration

    entry = _run(evaluate_calibration, symbol, dates, product_type, lake)
    if as_json:
        typer.echo(json.dumps(entry, indent=2, sort_keys=True))
    else:
        _show_evaluation(symbol, entry)


@app.command("ablate")
def ablate_command(
    symbol: Symbol,
    dates: Dates = None,
    product_type: ProductType = None,
    halves: Annotated[
        bool,
        typer.Option("--halves", help="Fit on the first half of each session, judge the second"),
    ] = False,
    lake: LakeRoot = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON")] = False,
) -> None:
    """Show what each part of the model adds on sessions that it was not fitted on.

    The model is fitted anew without each part; nothing is published. Without --dates the last 20
    sessions in gold are taken and the last quarter is held out.

    Example: spymaster calibrate ablate --symbol ES --dates 2023-12-25 --halves
    """
    from spymaster_assets.stages.ablation import ablate

    report = _run(partial(ablate, halves=halves), symbol, dates, product_type, lake)
    if as_json:
        typer.echo(json.dumps(report, indent=2, sort_keys=True))
    else:
        _show_ablation(report)


def _run(
    stage: Callable[..., dict[str, Any]],
    symbol: str,
    dates: str | None,
    product_type: str | None,
    lake: str | None,
) -> dict[str, Any]:
    from contracts.errors import ConfigurationError
    from spymaster_assets.cli.dates import parse_dates
    from spymaster_assets.products import PIPELINES
    from spymaster_assets.stages.context import StageContext
    from spymaster_resources.lake import Lake
    from spymaster_resources.settings import Settings

    settings = Settings.from_environment()
    forecast = [name for name, pipeline in PIPELINES.items() if pipeline.forecast]
    if product_type is None:
        known = (name for name in forecast if settings.knows(symbol, name))
        product_type = next(known, forecast[0])
    if product_type not in forecast:
        message = f"expected one of {', '.join(forecast)}: {product_type} has no forecast"
        raise ConfigurationError(message)
    ctx = StageContext.from_settings(
        settings, symbol, product_type, lake=Lake(lake or settings.lake)
    )
    chosen: Sequence[date] | None = parse_dates(dates, ctx.calendar) if dates else None
    return stage(ctx, chosen)


def _show_fit(symbol: str, entry: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{symbol}: constants of the forecast")
    for heading in ("constant", "estimate", "standard error", "95 % interval"):
        table.add_column(heading, justify="left" if heading == "constant" else "right")
    for name in ("beta_flow", "beta_static", "beta_spring", "gamma", "lambda", "sigma_static"):
        found = entry["intervals"][name]
        table.add_row(
            name,
            _figure(found["estimate"], 4),
            _figure(found["standard_error"], 4),
            f"{_figure(found['low'], 4)} … {_figure(found['high'], 4)}",
        )
    console = Console()
    console.print(table)
    console.print(f"Training sessions: {', '.join(entry['train_dates'])}")
    console.print(f"Held out: {', '.join(entry['held_out_dates'])}")
    _show_note(console, entry)


def _show_evaluation(symbol: str, entry: dict[str, Any]) -> None:
    from rich.console import Console

    from spymaster_assets.stages.calibration_text import label_sentence

    console = Console()
    console.print(
        _by_horizon(
            f"{symbol}: the forecast on held-out sessions",
            {
                "samples": lambda row: f"{row['samples']:,}",
                "moved": lambda row: _figure(row["moved_share"], 3),
                "hit rate": lambda row: _with_interval(row["hit_rate"]),
                "skill: zero change": lambda row: _with_interval(row["skill"]["zero_change"]),
                "last velocity": lambda row: _with_interval(row["skill"]["last_velocity"]),
                "regression": lambda row: _with_interval(row["skill"]["regression"]),
                "verdict": lambda row: row["verdict"],
            },
            entry,
        )
    )
    console.print(
        _by_horizon(
            f"{symbol}: its confidence and bands",
            {
                "mean confidence": lambda row: _figure(row["mean_confidence"], 3),
                "calibration error": lambda row: _figure(row["calibration_error"], 4),
                "by chance": lambda row: _figure(row["calibration_error_by_chance"], 4),
                "Brier": lambda row: _with_interval(row["brier"]),
                "base rate": lambda row: _figure(row["brier_of_base_rate"], 3),
                "in the 50 % band": lambda row: _with_interval(row["coverage"]["50"]),
                "in the 90 % band": lambda row: _with_interval(row["coverage"]["90"]),
                "order p": lambda row: _figure(row["monotonicity_p"], 3),
            },
            entry,
        )
    )
    console.print(f"Sessions: {', '.join(entry['held_out_dates'])}")
    console.print(entry["verdict"])
    console.print(label_sentence(entry))
    _show_note(console, entry)


def _show_ablation(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    whole, *others = report["variants"]
    table = Table(title=f"{report['symbol']}: skill of the whole model, and beyond each variant")
    table.add_column("variant")
    for row in whole["horizons"]:
        table.add_column(f"{row['horizon_s']} s", justify="right")
    table.add_row(
        "whole model",
        *(_points(row["skill"]) for row in whole["horizons"]),
        end_section=True,
    )
    for variant in others:
        cells = [
            f"[{_COLOURS[row['verdict']]}]{_points(row['contribution'])}"
            for row in variant["horizons"]
        ]
        table.add_row(variant["name"], *cells)
    console = Console()
    console.print(table)
    console.print(
        "Skill of the mean squared error in percent, over its 95 % interval. Green: beyond its "
        "interval the whole model is better than the variant. Red: it is worse."
    )
    console.print(f"Fitted on {', '.join(report['train_dates'])}; split: {report['split']}.")
    console.print(f"Judged on {', '.join(report['held_out_dates'])}.")
    _show_note(console, report)


def _points(found: dict[str, float | None]) -> str:
    """Return a share in percent over its interval."""
    estimate, low, high = (found[name] for name in ("estimate", "low", "high"))
    if estimate is None or low is None or high is None:
        return "-"
    return f"{100 * estimate:+.2f}\n{100 * low:.1f} … {100 * high:.1f}"


def _by_horizon(
    title: str, columns: dict[str, Callable[[dict[str, Any]], str]], entry: dict[str, Any]
) -> Any:
    from rich.table import Table

    table = Table(title=title)
    for heading in ("horizon", *columns):
        table.add_column(heading, justify="right")
    for row in entry["horizons"]:
        table.add_row(f"{row['horizon_s']} s", *(cell(row) for cell in columns.values()))
    return table


def _show_note(console: Any, entry: dict[str, Any]) -> None:
    if "note" in entry["bootstrap"]:
        console.print(f"Intervals: {entry['bootstrap']['note']}.")


def _with_interval(found: dict[str, float | None]) -> str:
    low, high = _figure(found["low"], 3), _figure(found["high"], 3)
    return f"{_figure(found['estimate'], 3)} ({low} … {high})"


def _figure(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
