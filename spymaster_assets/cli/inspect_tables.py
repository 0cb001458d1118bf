"""The tables that `spymaster inspect` shows to people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from rich.table import Table

from book_engines.counters import BookCounters
from book_engines.tops import BookSummary
from spymaster_assets.cli.consoles import table_console
from spymaster_assets.cli.inspect import ACTIONS, SHARED

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
_COLUMNS_A_TABLE: Final = 4


def print_tables(
    title: str, total: BookCounters, books: Sequence[tuple[str | None, BookSummary]], shown: int
) -> None:
    """Print all counts, in total and per book, and each book as it stands at the end.

    Of more than `shown` books those with the most records are printed.
    """
    console = table_console()
    console.print(title)
    n_books = len(books)
    if n_books > shown:
        busiest = sorted(range(n_books), key=lambda i: -books[i][1].counters.records)[:shown]
        books = [books[i] for i in sorted(busiest)]
    columns = [("total", total)]
    if len(books) > 1:
        columns += [
            (f"{symbol or book.instrument_id} of {book.publisher_id}", book.counters)
            for symbol, book in books
        ]
    for first in range(0, len(columns), _COLUMNS_A_TABLE):
        console.print(_counts(columns[first : first + _COLUMNS_A_TABLE]))
    console.print(_ends(books))
    if n_books > shown:
        console.print(
            f"{shown:,} of {n_books:,} books are shown, those with the most records; "
            "--books 0 shows all, and --json tells how each ends"
        )


def _counts(columns: Sequence[tuple[str, BookCounters]]) -> Table:
    table = Table("", *(name for name, _ in columns), title="counts")
    for column in table.columns[1:]:
        column.justify, column.overflow = "right", "fold"
    rows = [("records", "records")]
    rows += [(f"action {action}", name) for action, name in ACTIONS.items()]
    rows += [(name.replace("_", " "), name) for name in ("events", *SHARED, *_MORE)]
    for label, name in rows:
        table.add_row(label, *(f"{getattr(counted, name):,}" for _, counted in columns))
    for kind in ("crossed", "one_sided"):
        for edge in ("first", "last"):
            times = [getattr(counted, f"{kind}_{edge}_ts") for _, counted in columns]
            table.add_row(f"{edge} {kind.replace('_', '-')} event", *map(_utc, times))
    table.add_row("opening", *(counted.opening for _, counted in columns))
    return table


def _ends(books: Sequence[tuple[str | None, BookSummary]]) -> Table:
    headers = ("symbol", "publisher", "instrument", "bid qty", "bid", "ask", "ask qty")
    table = Table(*headers, "resting", "events", title="books at the end")
    for column in table.columns:
        column.overflow = "fold"
    for symbol, book in books:
        table.add_row(
            symbol or "",
            str(book.publisher_id),
            str(book.instrument_id),
            _quantity(book.best_bid_qty),
            _dollars(book.best_bid_price_int),
            _dollars(book.best_ask_price_int),
            _quantity(book.best_ask_qty),
            f"{book.counters.resting_orders:,}",
            f"{book.counters.events:,}",
        )
    return table


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
