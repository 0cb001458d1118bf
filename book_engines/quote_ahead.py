"""What is looked up and fetched before the turn of a record."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from book_engines.hints import CACHE_LINE, prefetch
from book_engines.kernel import Int, helper
from book_engines.quote_records import QuoteColumns
from book_engines.quote_state import QuoteState, enter_instrument, find_entry

BATCH: Final = 64
"""Records whose instruments are looked up together."""
FETCH_TRADES: Final = 256
"""Records between the fetch of what a trade reads and its turn: four microseconds or more."""


@helper
def number_batch(
    state: QuoteState, records: QuoteColumns, ahead: NDArray[np.uint32], start: Int, stop: Int
) -> None:
    """Write the numbers of the instruments of records [start, stop) into `ahead`.

    The rows of the instruments are fetched meanwhile: on their own the lookups run side by side,
    while one at a time, each before its record, they would be waited for.
    """
    for i in range(np.uint64(start), np.uint64(stop)):
        instrument_id = records.instrument_id[i]
        found = find_entry(state.lookup, instrument_id)
        if found < 0:
            found = enter_instrument(
                state,
                ~found,
                instrument_id,
                records.strike_price_int[i],
                np.int64(records.right[i]),
            )
        number = np.uint32(found)
        ahead[i - np.uint64(start)] = number
        prefetch(state.shown, 2 * number)
        prefetch(state.accounts, 2 * number)
        prefetch(state.accounts, 2 * number + 1)


@helper
def fetch_trades(records: QuoteColumns, start: Int) -> None:
    """Fetch the columns that only trades read, over a batch that begins at record `start`.

    The processor foresees what is read record by record. These it does not: each trade, one record
    in eighty, waited 100 ns for them.
    """
    stop = start + BATCH
    if stop <= records.price_int.size:
        for i in range(start, stop, CACHE_LINE // 8):
            prefetch(records.price_int, i)
        for i in range(start, stop, CACHE_LINE // 4):
            prefetch(records.size, i)
        prefetch(records.side, start)
