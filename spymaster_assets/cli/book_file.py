"""The files that `inspect` and `book` can make books of, and what to say of the others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from contracts.errors import WrongSchemaError

if TYPE_CHECKING:
    from spymaster_resources.dbn.stream import DbnFile

ORDERS: Final = "mbo"
QUOTES: Final = "cmbp-1"
BOOK_SCHEMAS: Final = (ORDERS, QUOTES)

FileArgument = Annotated[
    Path,
    typer.Argument(
        exists=True,
        dir_okay=False,
        readable=True,
        help="A DBN file of schema mbo or cmbp-1, plain or compressed (.dbn, .dbn.zst).",
    ),
]


def open_book_file(path: Path) -> tuple[DbnFile, str]:
    """Return the opened file and the schema of its books.

    A live capture names no schema and no instrument: its first records do, and those of other
    schemas between them are left out. Raises the reader's errors, WrongSchemaError where there is
    nothing that a book can be made of.
    """
    from spymaster_resources.dbn.capture import start_of, with_symbols
    from spymaster_resources.dbn.stream import open_dbn

    dbn = open_dbn(path)
    if (schema := dbn.metadata.schema) is not None:
        if schema in BOOK_SCHEMAS:
            return dbn, schema
        raise _no_books(path, schema)
    kinds, symbols = start_of(dbn)
    if not dbn.metadata.mappings:
        dbn.metadata = with_symbols(dbn.metadata, symbols)
    found = [kind for kind in kinds if kind in BOOK_SCHEMAS]
    if kinds and not found:
        raise _no_books(path, f"a capture of {', '.join(kinds)}")
    return dbn, found[0] if found else ORDERS


def _no_books(path: Path, found: str) -> WrongSchemaError:
    return WrongSchemaError(
        str(path),
        f"expected schema mbo or cmbp-1, found {found}; books are made of orders (mbo) or of "
        "consolidated quotes (cmbp-1): give that file of the day",
    )
