"""What a closed window of options is written as: its row, its quotes, its cells."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

QUOTE_WINDOW: Final = np.dtype(
    [
        ("end", "i8"),
        ("spot", "i8"),  # the underlying's, UNDEF_PRICE where it has none
        ("centre", "i8"),  # strike in the middle of the grid
        ("quotes", "i8"),
        ("cells", "i8"),
        ("strikes_outside", "i8"),  # sides of instruments with flow, outside of the grid
        ("crossed", "i8"),
        ("locked", "i8"),
    ]
)

# Columns of a quote: number of the instrument, then what it shows.
NUMBER, BID, BID_QTY, ASK, ASK_QTY, VALID = range(6)
QUOTE_COLUMNS: Final = 6

# Columns of a strike's cell, calls before puts and asks before bids.
(
    START,
    END,
    ADDED,
    PULLED,
    PULLED_REST,
    FILLED,
    REST,
    ADDED_REPRICE,
    PULLED_REPRICE,
    LARGEST,
    INVALID,
) = range(11)
CELL_COLUMNS: Final = 11
CELLS_OF_A_STRIKE: Final = 4


class StrikeGrid(NamedTuple):
    """The strikes around spot and the windows that are emitted; prices in 1e-9 dollars."""

    strike_step: int
    half_width: int
    first_window: int
    last_window: int


class QuoteOutput(NamedTuple):
    """Buffers that a replay fills."""

    windows: NDArray[Any]
    """QUOTE_WINDOW (W,)."""
    quotes: NDArray[np.int64]
    """(QUOTE_COLUMNS, Q)."""
    cells: NDArray[np.int64]
    """(CELL_COLUMNS, R)."""
    sizes: NDArray[np.int64]
    """(W, SIZE_BINS)."""
    used: NDArray[np.int64]
    """Windows, quotes and cells filled so far."""
