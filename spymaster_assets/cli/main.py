"""The `spymaster` program: a thin shell over the functions that the asset graph uses."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from spymaster_assets.cli import (
    book,
    calibrate,
    demo,
    download,
    inspect,
    lake,
    run,
    selection,
    serve,
    simulate,
    stream,
    validate,
    vendor,
)
from spymaster_assets.errors import ACTIONABLE, one_line

FAILED = 1
"""Exit code of a command whose work failed; wrong usage exits with 2."""

app = typer.Typer(
    name="spymaster",
    help="Market-by-order data as a lake of one-second book states, a liquidity surface and a "
    "calibrated forecast.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command("run")(run.run)
app.command("inspect")(inspect.inspect_file)
app.command("book")(book.book_levels)
app.command("validate")(validate.validate)
app.command("serve")(serve.serve)
app.command("stream")(stream.stream)
app.command("demo")(demo.demo)
app.add_typer(download.app, name="download")
app.add_typer(selection.app, name="selection")
app.add_typer(lake.app, name="lake")
app.add_typer(calibrate.app, name="calibrate")
app.add_typer(simulate.app, name="simulate")
app.add_typer(vendor.app, name="vendor")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("spymaster"))
        raise typer.Exit


@app.callback()
def spymaster(
    show_version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Read every command's help with --help."""


def main() -> None:
    """Run the program; errors that a person can act on are one line on stderr, exit code 1."""
    try:
        app()
    except ACTIONABLE as error:
        typer.secho(one_line(error), fg=typer.colors.RED, err=True)
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
