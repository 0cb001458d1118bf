"""The close of a window of quotes: every instrument's quote, and the strikes around spot."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.cursor import BREACH, DONE, FLUSH
from book_engines.kernel import Int, helper, inlined
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
def adds_up(touch: NDArray[Any], qty: Int) -> Int:
    """Return whether an account of the open window leads to the quantity shown."""
    booked = touch["start"] + touch["add"] - touch["pull"] - touch["fill"]
    return (
        booked == qty
        and qty >= 0
        and touch["pull_rest"] <= touch["pull"]
        and touch["pull_reprice"] <= touch["pull"]
        and touch["add_reprice"] <= touch["add"]
    )


@helper
def audit_quotes(state: QuoteState) -> Int:
    """Return whether every account of the window holds; write down the first that does not."""
    clock = state.clock[0]
    for i in range(clock["touched"]):
        row = state.touched[i]
        if not adds_up(state.touches[row], state.shown[row]["qty"]):
            clock["breach"] = (row >> 1) + 1
            return False
    return True


@inlined
def write_quote(
    state: QuoteState, number: Int, window: NDArray[Any], quotes: NDArray[np.int64], n: Int
) -> Int:
    """Write an instrument's quote to place n where a side is there; return the next place."""
    ask, bid = state.shown[2 * number], state.shown[2 * number + 1]
    ask_price, bid_price = ask["price"], bid["price"]
    if ask_price == UNDEF_PRICE and bid_price == UNDEF_PRICE:
        return n
    both = ask_price != UNDEF_PRICE and bid_price != UNDEF_PRICE
    quotes[NUMBER, n] = number
    quotes[BID, n] = bid_price
    quotes[BID_QTY, n] = bid["qty"]
    quotes[ASK, n] = ask_price
    quotes[ASK_QTY, n] = ask["qty"]
    quotes[VALID, n] = both and state.instruments[number]["unsound"] == 0
    if both and bid_price >= ask_price:
        if bid_price > ask_price:
            window["crossed"] += 1
        else:
            window["locked"] += 1
    return n + 1


@helper
def add_to_cell(
    state: QuoteState, row: Int, invalid: Int, scratch: NDArray[np.int64], n: Int
) -> None:
    """Add a side's account of the closing window to row n of `scratch`, the cell of its strike."""
    clock = state.clock[0]
    touch = state.touches[row]
    qty = state.shown[row]["qty"]
    scratch[n, INVALID] |= invalid
    scratch[n, END] += qty
    if clock["end"] - touch["since"] >= REST_NS:
        scratch[n, REST] += qty
    if touch["stamp"] != clock["window"]:
        scratch[n, START] += qty
        return
    scratch[n, START] += touch["start"]
    scratch[n, ADDED] += touch["add"]
    scratch[n, PULLED] += touch["pull"]
    scratch[n, PULLED_REST] += touch["pull_rest"]
    scratch[n, FILLED] += touch["fill"]
    scratch[n, ADDED_REPRICE] += touch["add_reprice"]
    scratch[n, PULLED_REPRICE] += touch["pull_reprice"]
    scratch[n, LARGEST] = max(scratch[n, LARGEST], touch["largest"])


@helper
def write_cells(scratch: NDArray[np.int64], out: QuoteOutput) -> None:
    """Append the rows of `scratch` as columns."""
    n = out.used[2]
    for column in range(CELL_COLUMNS):
        for i in range(scratch.shape[0]):
            out.cells[column, n + i] = scratch[i, column]
    out.used[2] = n + scratch.shape[0]


@inlined
def grid_row(grid: StrikeGrid, lowest: Int, strike: Int) -> Int:
    """Return the place of a strike above the lowest, below 0 where it is none of the grid."""
    away = strike - lowest
    if away < 0 or away > 2 * grid.half_width * grid.strike_step:
        return np.int64(-1)
    row = away // grid.strike_step
    return row if row * grid.strike_step == away else np.int64(-1)


@helper
def fits(state: QuoteState, out: QuoteOutput, n_cells: Int) -> Int:
    """Return whether a window with every instrument's quote and `n_cells` cells fits."""
    return (
        out.used[0] < out.windows.size
        and out.used[1] + state.clock[0]["instruments"] <= out.quotes.shape[1]
        and out.used[2] + n_cells <= out.cells.shape[1]
    )


@helper
def emit_quotes(
    state: QuoteState,
    grid: StrikeGrid,
    spots: NDArray[np.int64],
    out: QuoteOutput,
    scratch: NDArray[np.int64],
) -> Int:
    """Write the open window's rows; return DONE, or FLUSH when they do not fit.

    scratch: int64 (strikes · 4, CELL_COLUMNS); gathering the cells there and copying them column
    by column takes half the time of adding to columns that lie far apart.
    """
    if not fits(state, out, scratch.shape[0]):
        return FLUSH
    clock = state.clock[0]
    n_windows, n_quotes, n_cells = out.used[0], out.used[1], out.used[2]
    window = out.windows[n_windows]
    spot = spots[clock["window"] - grid.first_window]
    placed = spot != UNDEF_PRICE
    step = grid.strike_step
    centre = (2 * spot + step) // (2 * step) * step if placed else np.int64(0)
    lowest = centre - grid.half_width * step
    window["end"] = clock["end"]
    window["spot"] = spot
    window["centre"] = centre
    window["crossed"] = 0
    window["locked"] = 0
    scratch[:] = 0
    outside = np.int64(0)
    end = n_quotes
    for i in range(clock["instruments"]):
        number = state.ordered[i]
        end = write_quote(state, number, window, out.quotes, end)
        marks = state.instruments[number]
        row = grid_row(grid, lowest, marks["strike"]) if placed else np.int64(-1)
        if row < 0:
            continue
        invalid = marks["unsound"] != 0 or marks["disturbed"] == clock["window"]
        n = row * CELLS_OF_A_STRIKE + (0 if marks["right"] == CALL else 2)
        add_to_cell(state, 2 * number, invalid, scratch, n)
        add_to_cell(state, 2 * number + 1, invalid, scratch, n + 1)
    for i in range(clock["touched"]):
        touch = state.touches[state.touched[i]]
        strike = state.instruments[state.touched[i] >> 1]["strike"]
        if touch["add"] + touch["pull"] + touch["fill"] > 0 and (
            not placed or grid_row(grid, lowest, strike) < 0
        ):
            outside += 1
    if placed:
        write_cells(scratch, out)
    out.used[1] = end
    window["quotes"] = end - n_quotes
    window["cells"] = out.used[2] - n_cells
    window["strikes_outside"] = outside
    for size in range(state.sizes.size):
        out.sizes[n_windows, size] = state.sizes[size]
    out.used[0] = n_windows + 1
    return DONE


@helper
def open_quotes(state: QuoteState, window: Int) -> None:
    """Open a window: accounts open at their first change."""
    clock = state.clock[0]
    clock["window"] = window
    clock["end"] = (window + 1) * SECOND_NS
    clock["touched"] = 0
    state.sizes[:] = 0


@helper
def roll_quotes(
    state: QuoteState,
    grid: StrikeGrid,
    spots: NDArray[np.int64],
    out: QuoteOutput,
    scratch: NDArray[np.int64],
    target: Int,
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
            status = emit_quotes(state, grid, spots, out, scratch)
            if status != DONE:
                return status
        following = target
        if window < grid.first_window:
            following = min(grid.first_window, target)
        elif window < grid.last_window:
            following = window + 1
        open_quotes(state, following)
    return DONE
