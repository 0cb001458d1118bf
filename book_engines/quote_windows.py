"""The close of a window of quotes: every instrument's quote, and the strikes around spot."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.cursor import BREACH, DONE, FLUSH
from book_engines.kernel import Int, helper
from book_engines.levels import REST_NS
from book_engines.quote_records import CALL
from book_engines.quote_state import QuoteState
from book_engines.records import SECOND_NS, UNDEF_PRICE

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


@helper
def adds_up(touch: NDArray[Any]) -> Int:
    """Return whether an account of the open window holds."""
    booked = touch["start"] + touch["add"] - touch["pull"] - touch["fill"]
    return (
        booked == touch["qty"]
        and touch["qty"] >= 0
        and touch["pull_rest"] <= touch["pull"]
        and touch["pull_reprice"] <= touch["pull"]
        and touch["add_reprice"] <= touch["add"]
    )


@helper
def audit_quotes(state: QuoteState) -> Int:
    """Return whether every account of the window holds; write down the first that does not."""
    clock = state.clock[0]
    for row in range(2 * clock["instruments"]):
        touch = state.touches[row]
        if touch["stamp"] == clock["window"] and not adds_up(touch):
            clock["breach"] = (row >> 1) + 1
            return False
    return True


@helper
def write_quote(state: QuoteState, number: Int, window: NDArray[Any], out: QuoteOutput) -> None:
    """Append an instrument's quote where a side is there."""
    ask, bid = state.touches[2 * number], state.touches[2 * number + 1]
    has_ask, has_bid = ask["price"] != UNDEF_PRICE, bid["price"] != UNDEF_PRICE
    if not has_ask and not has_bid:
        return
    marks = state.instruments[number]
    n = out.used[1]
    out.quotes[NUMBER, n] = number
    out.quotes[BID, n] = bid["price"]
    out.quotes[BID_QTY, n] = bid["qty"]
    out.quotes[ASK, n] = ask["price"]
    out.quotes[ASK_QTY, n] = ask["qty"]
    both = has_ask and has_bid
    out.quotes[VALID, n] = both and marks["unsound"] == 0
    if both and bid["price"] >= ask["price"]:
        if bid["price"] > ask["price"]:
            window["crossed"] += 1
        else:
            window["locked"] += 1
    out.used[1] = n + 1


@helper
def add_to_cell(
    state: QuoteState, touch: NDArray[Any], invalid: Int, out: QuoteOutput, n: Int
) -> None:
    """Add a side's account of the closing window to the cell of its strike."""
    clock = state.clock[0]
    cells = out.cells
    qty = touch["qty"]
    cells[INVALID, n] |= invalid
    cells[END, n] += qty
    if clock["end"] - touch["since"] >= REST_NS:
        cells[REST, n] += qty
    if touch["stamp"] != clock["window"]:
        cells[START, n] += qty
        return
    cells[START, n] += touch["start"]
    cells[ADDED, n] += touch["add"]
    cells[PULLED, n] += touch["pull"]
    cells[PULLED_REST, n] += touch["pull_rest"]
    cells[FILLED, n] += touch["fill"]
    cells[ADDED_REPRICE, n] += touch["add_reprice"]
    cells[PULLED_REPRICE, n] += touch["pull_reprice"]
    cells[LARGEST, n] = max(cells[LARGEST, n], touch["largest"])


@helper
def has_flow(touch: NDArray[Any], window: Int) -> Int:
    """Return whether anything was booked to a side in the window."""
    return touch["stamp"] == window and touch["add"] + touch["pull"] + touch["fill"] > 0


@helper
def emit_quotes(
    state: QuoteState, grid: StrikeGrid, spots: NDArray[np.int64], out: QuoteOutput
) -> Int:
    """Write the open window's rows; return DONE, or FLUSH when they do not fit."""
    clock = state.clock[0]
    n_windows, n_cells = out.used[0], out.used[2]
    n_strikes = 2 * grid.half_width + 1
    n_grid = n_strikes * CELLS_OF_A_STRIKE
    if (
        n_windows == out.windows.size
        or out.used[1] + clock["instruments"] > out.quotes.shape[1]
        or n_cells + n_grid > out.cells.shape[1]
    ):
        return FLUSH
    window = out.windows[n_windows]
    spot = spots[clock["window"] - grid.first_window]
    placed = spot != UNDEF_PRICE
    step = grid.strike_step
    centre = np.int64(0)
    window["end"] = clock["end"]
    window["spot"] = spot
    window["crossed"] = 0
    window["locked"] = 0
    if placed:
        centre = (2 * spot + step) // (2 * step) * step
        for column in range(CELL_COLUMNS):
            for n in range(n_cells, n_cells + n_grid):
                out.cells[column, n] = 0
    lowest = centre - grid.half_width * step
    outside = np.int64(0)
    first_quote = out.used[1]
    for i in range(clock["instruments"]):
        number = state.ordered[i]
        write_quote(state, number, window, out)
        marks = state.instruments[number]
        away = marks["strike"] - lowest
        row = away // step
        ask, bid = state.touches[2 * number], state.touches[2 * number + 1]
        if not placed or row < 0 or row >= n_strikes or row * step != away:
            outside += has_flow(ask, clock["window"]) + has_flow(bid, clock["window"])
            continue
        invalid = marks["unsound"] != 0 or marks["disturbed"] == clock["window"]
        n = n_cells + row * CELLS_OF_A_STRIKE + (0 if marks["right"] == CALL else 2)
        add_to_cell(state, ask, invalid, out, n)
        add_to_cell(state, bid, invalid, out, n + 1)
    window["centre"] = centre
    window["quotes"] = out.used[1] - first_quote
    window["cells"] = n_grid if placed else 0
    window["strikes_outside"] = outside
    for size in range(state.sizes.size):
        out.sizes[n_windows, size] = state.sizes[size]
    out.used[0] = n_windows + 1
    out.used[2] = n_cells + window["cells"]
    return DONE


@helper
def open_quotes(state: QuoteState, window: Int) -> None:
    """Open a window: accounts open at their first change."""
    clock = state.clock[0]
    clock["window"] = window
    clock["end"] = (window + 1) * SECOND_NS
    state.sizes[:] = 0


@helper
def roll_quotes(
    state: QuoteState, grid: StrikeGrid, spots: NDArray[np.int64], out: QuoteOutput, target: Int
) -> Int:
    """Move the clock to window `target`, emitting every session window that closes on the way.

    Returns DONE, or FLUSH or BREACH with the clock on the window that could not be closed.
    """
    clock = state.clock[0]
    while clock["window"] < target:
        window = clock["window"]
        if not audit_quotes(state):
            return BREACH
        if grid.first_window <= window <= grid.last_window:
            status = emit_quotes(state, grid, spots, out)
            if status != DONE:
                return status
        following = target
        if window < grid.first_window:
            following = min(grid.first_window, target)
        elif window < grid.last_window:
            following = window + 1
        open_quotes(state, following)
    return DONE
