"""`spymaster inspect`: what a file of orders or of consolidated quotes does to its books."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from spymaster_assets.cli.book_file import QUOTES, FileArgument, open_book_file
from spymaster_assets.cli.mbo_records import mbo_chunks
from spymaster_assets.cli.quote_records import quote_chunks

if TYPE_CHECKING:
    from book_engines.counters import BookCounters
    from book_engines.tops import BookSummary
    from spymaster_resources.dbn.header import DbnMetadata

ACTIONS: Final = {
    "A": "adds",
    "C": "cancels",
    "M": "modifies",
    "R": "clears",
    "T": "trades",
    "F": "fills",
    "N": "nones",
}
SHARED: Final = (
    "crossed_events",
    "one_sided_events",
    "unknown_cancels",
    "unknown_modifies",
    "duplicate_adds",
    "over_cancels",
    "late_records",
    "expired_fills",
    "resting_orders",
    "trade_volume",
)
TIMES: Final = (
    "crossed_first_ts",
    "crossed_last_ts",
    "one_sided_first_ts",
    "one_sided_last_ts",
)


def inspect_file(
    file: FileArgument,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    shown: Annotated[
        int,
        typer.Option(
            "--books",
            min=0,
            help="How many books the tables show, those with the most records; 0 for all.",
        ),
    ] = 12,
) -> None:
    """Run the book over a file and show what it holds, in total and per publisher and instrument.

    Consolidated quotes (cmbp-1) have one book an instrument: what is counted is that of the
    publisher that a record names, the best bid and ask are those of all.

    Example: spymaster inspect glbx-mdp3-20231225.mbo.dbn.zst --json
    """
    metadata, schema, total, books = run_books(file)
    if as_json:
        typer.echo(json.dumps(report(file, metadata, schema, total, books), indent=2))
    else:
        from spymaster_assets.cli.inspect_tables import print_tables

        print_tables(
            f"{file}: {metadata.dataset} {schema}, DBN version {metadata.version}",
            total,
            [(symbol_of(metadata, book.instrument_id), book) for book in books],
            shown or len(books),
        )


def run_books(file: Path) -> tuple[DbnMetadata, str, BookCounters, list[BookSummary]]:
    """Replay `file`; return metadata, schema, the counters over all books, and every book."""
    from book_engines.quote_tape import QuoteTapeEngine
    from book_engines.tops import TopsEngine

    dbn, schema = open_book_file(file)
    if schema == QUOTES:
        tape = QuoteTapeEngine()
        for quotes in quote_chunks(dbn, "quotes"):
            for _ in tape.feed(quotes.records, quotes.publisher_id):
                pass
        tape.finish()
        return dbn.metadata, schema, tape.counters, tape.books()
    engine = TopsEngine()
    for chunk in mbo_chunks(dbn, "books"):
        for _ in engine.feed(chunk.records):
            pass
    engine.finish()
    return dbn.metadata, schema, engine.counters, engine.books()


def report(
    file: Path, metadata: DbnMetadata, schema: str, total: BookCounters, books: list[BookSummary]
) -> dict[str, Any]:
    """Return the object that --json prints; quantities are null where the side is empty.

    Of consolidated quotes everything counted is told per publisher and instrument too.
    """
    of_quotes = schema == QUOTES
    return {
        "file": str(file),
        "dataset": metadata.dataset,
        "schema": schema,
        "version": metadata.version,
        "records": total.records,
        "by_action": {action: getattr(total, name) for action, name in ACTIONS.items()},
        "events": total.events,
        **{name: getattr(total, name) for name in SHARED},
        **(_quote_counts(total) if of_quotes else {}),
        "books": [
            {
                "publisher_id": book.publisher_id,
                "instrument_id": book.instrument_id,
                "symbol": symbol_of(metadata, book.instrument_id),
                "best_bid_price_int": book.best_bid_price_int,
                "best_bid_qty": book.best_bid_qty,
                "best_ask_price_int": book.best_ask_price_int,
                "best_ask_qty": book.best_ask_qty,
                "resting_orders": book.counters.resting_orders,
                "events": book.counters.events,
                "crossed_events": book.counters.crossed_events,
                **(_counts(book.counters) | _quote_counts(book.counters) if of_quotes else {}),
            }
            for book in books
        ],
    }


def _counts(counted: BookCounters) -> dict[str, Any]:
    return {
        "records": counted.records,
        "by_action": {action: getattr(counted, name) for action, name in ACTIONS.items()},
        **{name: getattr(counted, name) for name in SHARED},
    }


def _quote_counts(counted: BookCounters) -> dict[str, Any]:
    """Return what only files of quotes tell; times are null where nothing was seen."""
    names = ("locked_events", *TIMES, "hidden_fills", "hidden_fill_qty", "fills_unknown_order")
    return {name: getattr(counted, name) for name in names}


def symbol_of(metadata: DbnMetadata, instrument_id: int) -> str | None:
    """Return the instrument's name at the start of the file, else the first that it gets there."""
    name = metadata.symbol_of(instrument_id, metadata.start_date)
    return name or metadata.first_symbol_of(instrument_id)
