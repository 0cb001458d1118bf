"""Option symbols of the Options Symbology Initiative (OSI), as the option tape writes them."""

from __future__ import annotations

import re
from datetime import date
from typing import Final, NamedTuple

_OSI: Final = re.compile(r"(?=.{21}$)([A-Z0-9.]{1,6}) *(\d{2})(\d{2})(\d{2})([CP])(\d{8})")
_CENTURY: Final = 2000
_STRIKE_UNIT_INT: Final = 1_000_000  # a thousandth of a dollar, 1e-9 dollars


class OsiSymbol(NamedTuple):
    """An option symbol taken apart: `QQQ   260106C00612000` is the QQQ call at $612."""

    root: str
    expiration: date
    right: str
    """C or P."""
    strike_int: int
    """1e-9 dollars."""


def parse_osi(symbol: str) -> OsiSymbol | None:
    """Return the parts of a symbol: root padded to 6 characters, YYMMDD, C or P, strike · 1000.

    None for any other symbol, one with an impossible date included.
    """
    match = _OSI.fullmatch(symbol)
    if match is None:
        return None
    root, year, month, day, right, strike = match.groups()
    try:
        expiration = date(_CENTURY + int(year), int(month), int(day))
    except ValueError:
        return None
    return OsiSymbol(root, expiration, right, int(strike) * _STRIKE_UNIT_INT)
