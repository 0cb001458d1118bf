"""`spymaster inspect`: what a market-by-order file does to its books."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from spymaster_assets.cli.mbo_records import mbo_chunks

if TYPE_CHECKING:
    from book_engines.counters import BookCounters
    from book_engines.tops import BookSummary
    from spymaster_resources.dbn.header import DbnMetadata

_ACTIONS: Final = {
    "A": "adds",
    "C": "cancels",
    "M": "modifies",
    "R": "clears",
    "T": "trades",
    "F": "fills",
    "N": "nones",
}
_SHARED: Final = (
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
_MORE: Final = (
    "locked_events",
    "hidden_fills",
    "hidden_fill_qty",
    "fills_unknown_order",
    "side_changes",
    "sideless_ignored",
    "null_price_ignored",
    "snapshot_records",
    "tob_records",
)
_NS: Final = 1_000_000_000


def inspect_file(
    file: Annotated[Path, typer.Argument(help="A DBN file of schema mbo, .dbn or .dbn.zst.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Run the book over a market-by-order file and show what it holds, in total and per book.

    Example: spymaster inspect glbx-mdp3-20231225.mbo.dbn.zst --json
    """
    metadata, total, books = run_books(file)
    if as_json:
        typer.echo(json.dumps(report(file, metadata, total, books), indent=2))
    else:
        _print_tables(file, metadata, total, books)


def run_books(file: Path) -> tuple[DbnMetadata, BookCounters, list[BookSummary]]:
    """Replay `file`; return its metadata, the counters over all books, and every book."""
    from book_engines.tops import TopsEngine
    from spymaster_resources.dbn.stream import open_dbn

    dbn = open_dbn(file)
    engine = TopsEngine()
    for chunk in mbo_chunks(dbn, "books"):
        for _ in engine.feed(chunk.records):
            pass
    engine.finish()
    return dbn.metadata, engine.counters, engine.books()


def report(
    file: Path, metadata: DbnMetadata, total: BookCounters, books: list[BookSummary]
) -> dict[str, Any]:
    """Return the object that --json prints; quantities are null where the side is empty."""
    return {
        "file": str(file),
        "dataset": metadata.dataset,
        "schema": metadata.schema or "mbo",
        "version": metadata.version,
        "records": total.records,
        "by_action": {action: getattr(total, name) for action, name in _ACTIONS.items()},
        "events": total.events,
        **{name: getattr(total, name) for name in _SHARED},
        "books": [
            {
                "publisher_id": book.publisher_id,
                "instrument_id": book.instrument_id,
                "symbol": _symbol(metadata, book.instrument_id),
                "best_bid_price_int": book.best_bid_price_int,
                "best_bid_qty": book.best_bid_qty,
                "best_ask_price_int": book.best_ask_price_int,
                "best_ask_qty": book.best_ask_qty,
                "resting_orders": book.counters.resting_orders,
                "events": book.counters.events,
                "crossed_events": book.counters.crossed_events,
            }
            for book in books
        ],
    }


def _symbol(metadata: DbnMetadata, instrument_id: int) -> str | None:
    """Return the instrument's name at the start of the file, else at its end."""
    name = metadata.symbol_of(instrument_id, metadata.start_date)
    if name is None and metadata.end_ns is not None:
        last = datetime.fromtimestamp((metadata.end_ns - 1) // _NS, tz=UTC).date()
        name = metadata.symbol_of(instrument_id, last)
    return name


def _print_tables(
    file: Path, metadata: DbnMetadata, total: BookCounters, books: list[BookSummary]
) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(
        f"[bold]{file}[/bold]  {metadata.dataset} {metadata.schema or 'mbo'}, "
        f"DBN version {metadata.version}"
    )
    columns: list[tuple[str, BookCounters]] = [("total", total)]
    if len(books) > 1:
        columns += [
            (f"{_symbol(metadata, b.instrument_id) or b.instrument_id} @{b.publisher_id}", b.counters)
            for b in books
        ]
    counts = Table("", *(name for name, _ in columns), title="counts")
    for column in counts.columns[1:]:
        column.justify = "right"
    rows = [("records", "records")]
    rows += [(f"action {action}", name) for action, name in _ACTIONS.items()]
    rows += [(name.replace("_", " "), name) for name in ("events", *_SHARED, *_MORE)]
    for label, name in rows:
        counts.add_row(label, *(f"{getattr(counted, name):,}" for _, counted in columns))
    for kind in ("crossed", "one_sided"):
        for edge in ("first", "last"):
            times = [getattr(counted, f"{kind}_{edge}_ts") for _, counted in columns]
            counts.add_row(f"{edge} {kind.replace('_', '-')} event", *map(_utc, times))
    counts.add_row("opening", *(counted.opening for _, counted in columns))
    console.print(counts)
    ends = Table(
        "symbol", "publisher", "instrument", "bid qty", "bid", "ask", "ask qty", "resting", "events",
        title="books at the end",
    )  # fmt: skip
    for book in books:
        ends.add_row(
            _symbol(metadata, book.instrument_id) or "",
            str(book.publisher_id),
            str(book.instrument_id),
            _quantity(book.best_bid_qty),
            _dollars(book.best_bid_price_int),
            _dollars(book.best_ask_price_int),
            _quantity(book.best_ask_qty),
            f"{book.counters.resting_orders:,}",
            f"{book.counters.events:,}",
        )
    console.print(ends)


def _quantity(qty: int | None) -> str:
    return "" if qty is None else f"{qty:,}"


def _dollars(price_int: int | None) -> str:
    """Return an exact price without trailing zeros beyond the cents."""
    if price_int is None:
        return ""
    whole, fraction = divmod(abs(price_int), _NS)
    digits = f"{fraction:09d}".rstrip("0").ljust(2, "0")
    return f"{'-' if price_int < 0 else ''}{whole}.{digits}"


def _utc(ts: int | None) -> str:
    if ts is None:
        return ""
    seconds, fraction = divmod(ts, _NS)
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%d %H:%M:%S}.{fraction:09d}Z"
