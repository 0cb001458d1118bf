"""What a symbol means: the rows of the instrument catalogue that sessions are played of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from spymaster_resources.instruments import ANY_ROOT, Instrument, instrument, instruments, is_ticker
from web.service.surfaces import OPTION_PRODUCTS


@dataclass(frozen=True, slots=True)
class SessionKey:
    """Which session: a product type's symbol on one date."""

    product_type: str
    symbol: str
    dt: date


class Symbols:
    """The instrument catalogue, asked by symbol."""

    def __init__(self, extra_file: str | None = None) -> None:
        self._extra_file = extra_file
        self._rows = instruments(extra_file)

    def row(self, product_type: str, symbol: str) -> Instrument | None:
        """Return the instrument that `symbol`, a ticker or contract, is of; None if unknown."""
        rows = self._rows.values()
        found = (row for row in rows if row.product_type == product_type and _names(row, symbol))
        row = next(found, None)
        if row is None and (ANY_ROOT, product_type) in self._rows and is_ticker(symbol):
            return instrument(symbol, product_type, self._extra_file)
        return row

    def options_on(self, row: Instrument) -> Instrument | None:
        """Return the instrument of the options on `row`, None without."""
        return self._rows.get((row.root, OPTION_PRODUCTS[row.product_type]))

    def is_root(self, symbol: str) -> bool:
        """Return whether `symbol` is a bare root such as ES."""
        return any(row.root == symbol for row in self._rows.values())

    def is_of(self, symbol: str, root: str) -> bool:
        """Return whether `symbol` is of `root` and of no other."""
        return {row.root for row in self._rows.values() if _names(row, symbol)} == {root}


def _names(row: Instrument, symbol: str) -> bool:
    """Return whether `symbol` is the instrument of `row` or one of its contracts."""
    return row.root == symbol or row.is_outright(symbol)
