"""Input of the quote engines: consolidated quotes and trades of options as columns."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.records import exact_columns

CALL: Final = ord("C")
PUT: Final = ord("P")


class QuoteColumns(NamedTuple):
    """Records in feed order, one contiguous array a column, all of one length n.

    The quote is the instrument's best bid and offer over all exchanges as the record leaves it,
    that of a trade as the trade met it. A side is empty where its price is UNDEF_PRICE or its
    quantity 0. Prices are 1e-9 dollars.
    """

    ts_event_ns: NDArray[np.int64]
    instrument_id: NDArray[np.uint32]
    bid_price_int: NDArray[np.int64]
    ask_price_int: NDArray[np.int64]
    bid_qty: NDArray[np.uint32]
    ask_qty: NDArray[np.uint32]
    action: NDArray[np.uint8]
    """ASCII of A C M R T F N."""
    side: NDArray[np.uint8]
    """ASCII of A (ask), B (bid), N (none); of a trade the aggressor's."""
    flags: NDArray[np.uint8]
    price_int: NDArray[np.int64]
    """Of a trade; UNDEF_PRICE where the vendor's price is null."""
    size: NDArray[np.uint32]
    strike_price_int: NDArray[np.int64]
    """Of the instrument; read at its first record."""
    right: NDArray[np.uint8]
    """ASCII of C (call) or P (put); read at the instrument's first record."""


QUOTE_DTYPES: Final[tuple[np.dtype[Any], ...]] = tuple(
    np.dtype(code)
    for code in (
        *("i8", "u4", "i8", "i8", "u4", "u4", "u1"),
        *("u1", "u1", "i8", "u4", "i8", "u1"),
    )
)


def empty_quotes(rows: int = 0) -> QuoteColumns:
    """Return columns of `rows` rows with unset values."""
    return QuoteColumns._make(np.empty(rows, dtype) for dtype in QUOTE_DTYPES)


def quote_columns(**columns: NDArray[Any]) -> QuoteColumns:
    """Return `columns` as the engine's input; see `book_engines.records.exact_columns`."""
    return QuoteColumns._make(exact_columns(QuoteColumns._fields, QUOTE_DTYPES, columns))
