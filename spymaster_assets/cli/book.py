"""`spymaster book`: the best levels of a file's books, to stand beside those of another source."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from spymaster_assets.cli.book_file import QUOTES, FileArgument, open_book_file
from spymaster_assets.cli.instants import duration_ns, instant_ns

if TYPE_CHECKING:
    import pyarrow as pa

    from spymaster_assets.cli.book_instants import Grid, Listed
    from spymaster_assets.cli.book_rows import Choice
    from spymaster_resources.dbn.header import DbnMetadata

_MAX_LEVELS: Final = 100
_EVENT: Final = "event"
_RECORD: Final = "record"
_NAMES_TOLD: Final = 8


def book_levels(
    file: FileArgument,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            dir_okay=False,
            help="File to write, its form by its suffix: .parquet, .csv or .jsonl. "
            "Without it, CSV goes to the terminal.",
        ),
    ] = None,
    levels: Annotated[
        int,
        typer.Option("--levels", "--depth", min=1, max=_MAX_LEVELS, help="Levels of either side."),
    ] = 10,
    every: Annotated[
        str,
        typer.Option(
            help="A row after every event (a record with F_LAST), after every record, or of every "
            "book at each whole step of time: event, record, or a duration such as 1s or 500ms.",
        ),
    ] = _EVENT,
    at: Annotated[
        list[str] | None,
        typer.Option(
            help="A row of every book at this instant instead; may be given several times. A "
            "time of the file's first day in UTC (14:30:00.5), or a whole one "
            "(2024-10-21T09:30:00-04:00), or ns since the epoch.",
        ),
    ] = None,
    symbol: Annotated[
        list[str] | None,
        typer.Option(help="Only this symbol or instrument id; may be given several times."),
    ] = None,
    publisher: Annotated[
        list[int] | None,
        typer.Option(help="Only this publisher id; may be given several times."),
    ] = None,
    sum_publishers: Annotated[
        bool,
        typer.Option(
            "--sum-publishers",
            help="One book an instrument, the sum over its publishers, as in the lake's tables.",
        ),
    ] = False,
    pretty: Annotated[
        bool,
        typer.Option(
            "--pretty", help="Prices in decimal dollars and times in UTC, both exact to the digit."
        ),
    ] = False,
) -> None:
    """Write price, size and order count of the best levels of a file's books.

    A row shows the book of its own publisher and instrument. Its columns are
    named as those of the vendor's mbp-10, so that the two can be joined: by
    ts_event and sequence, or by record_index, the place of the row's record in
    the file. Prices are int64 at 1e-9 dollars unless --pretty; price, size and
    count are null where there is no such level. A file of consolidated quotes
    (cmbp-1) has one level, that of all publishers, and tells neither counts nor
    sequence.

    At an instant (--at, or --every 1s) a book is as the records before the first
    live one with that ts_event or a later one left it, as at the end of the
    lake's windows. Column ts is the instant, the others tell the book's last
    record. A book shows from its first record on.

    The ten best levels after every event, as Parquet:

    Example: spymaster book esh4-20231225.mbo.dbn.zst --levels 10 --out book.parquet

    One symbol of one venue after every message, to stand beside a book of the
    vendor or of LOBSTER:

    spymaster book FILE --every record --symbol AAPL --publisher 2 --pretty --out book.csv

    Three levels at the open and a minute later:

    spymaster book FILE --levels 3 --at 14:30:00 --at 14:31:00 --pretty
    """
    from spymaster_assets.cli.book_instants import at_instants
    from spymaster_assets.cli.book_rows import book_rows, key_of_books
    from spymaster_assets.cli.book_tables import FORMS, level_batch, level_schema

    if out is not None:
        if out.suffix not in FORMS:
            raise typer.BadParameter(f"--out: expected {', '.join(FORMS)}, found {out.name}")
        if not out.parent.is_dir():
            raise typer.BadParameter(f"--out: the folder {out.parent} does not exist")
    step_ns = duration_ns(every)
    if every not in (_EVENT, _RECORD) and step_ns is None:
        raise typer.BadParameter(
            f"--every: expected event, record or a duration such as 1s or 500ms, found {every!r}"
        )
    if at and every != _EVENT:
        raise typer.BadParameter("give --at or --every, not both")
    dbn, schema = open_book_file(file)
    of_quotes = schema == QUOTES
    choice = _choice(dbn.metadata, symbol or [], publisher or [])
    instants = _instants(step_ns, at or [], dbn.metadata)
    columns = level_schema(
        1 if of_quotes else levels, of_quotes=of_quotes, at_instants=instants is not None
    )
    rows = book_rows(
        dbn,
        schema,
        levels,
        choice,
        every_record=instants is not None or every == _RECORD,
        sum_publishers=sum_publishers,
    )
    if instants is None:
        batches: Iterator[pa.RecordBatch] = (level_batch(part, columns) for part in rows)
    else:
        key = key_of_books(of_instrument=sum_publishers or of_quotes)
        batches = (level_batch(part, columns, ts) for ts, part in at_instants(rows, instants, key))
    written = write_table(batches, columns, out, pretty=pretty)
    if out is not None:
        what = "events" if instants is None and every == _EVENT else "rows"
        typer.echo(f"{written:,} {what} in {out}")


def write_table(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, out: Path | None, *, pretty: bool
) -> int:
    """Write the batches and return their number of rows; a closed pipe ends it quietly."""
    from spymaster_assets.cli.book_tables import pretty_batch, pretty_schema, sink

    shown = pretty_schema(schema) if pretty else schema
    written = 0
    try:
        with sink(out, shown) as write:
            for batch in batches:
                write(pretty_batch(batch, shown) if pretty else batch)
                written += batch.num_rows
    except BrokenPipeError:  # `| head`; nothing may be flushed into the pipe at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return written


def _choice(metadata: DbnMetadata, symbols: list[str], publishers: list[int]) -> Choice:
    import numpy as np

    from spymaster_assets.cli.book_rows import Choice

    numbers: set[int] = set()
    for symbol in symbols:
        found = metadata.numbers_of(symbol)
        if not found and symbol.isdecimal():
            found = {int(symbol)}
        if not found:
            names = metadata.names()
            raise typer.BadParameter(
                f"--symbol: expected one of the file's {len(names)} symbols "
                f"({', '.join(names[:_NAMES_TOLD])}{', …' if len(names) > _NAMES_TOLD else ''}) "
                f"or an instrument id, found {symbol!r}"
            )
        numbers |= found
    return Choice(
        np.array(sorted(numbers), np.uint32) if symbols else None,
        np.array(publishers, np.uint16) if publishers else None,
    )


def _instants(step_ns: int | None, at: list[str], metadata: DbnMetadata) -> Grid | Listed | None:
    from spymaster_assets.cli.book_instants import Grid, Listed

    if at:
        day = metadata.start_date if metadata.start_ns else None  # a live capture tells none
        return Listed([instant_ns(text, day) for text in at])
    return None if step_ns is None else Grid(step_ns)
