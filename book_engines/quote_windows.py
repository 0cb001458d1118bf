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


@inlined
def filled(state: QuoteState, row: Int) -> Int:
    """Return what a side's account of the open window booked as fill."""
    extra = state.extras[row]
    return extra["fill"] if extra["stamp"] == state.clock[0]["window"] else np.int64(0)


@inlined
def has_flow(state: QuoteState, row: Int) -> Int:
    """Return 1 where anything came or left at a side whose account the open window opened."""
    touch = state.touches[row]
    return np.int64(touch["add"] + touch["pull"] + filled(state, row) > 0)


@inlined
def adds_up(state: QuoteState, row: Int) -> Int:
    """Return whether a side's account of the open window leads to the quantity shown."""
    touch, extra = state.touches[row], state.extras[row]
    qty = state.shown[row]["qty"]
    booked = touch["start"] + touch["add"] - touch["pull"] - filled(state, row)
    if booked != qty or qty < 0 or touch["pull_rest"] > touch["pull"]:
        return False
    return extra["stamp"] != state.clock[0]["window"] or (
        extra["pull_reprice"] <= touch["pull"] and extra["add_reprice"] <= touch["add"]
    )


@helper
def audit_quotes(state: QuoteState) -> Int:
    """Return how many sides the window has flow at, −1 where an account does not hold.

    The first that does not is written down.
    """
    clock = state.clock[0]
    flows = np.int64(0)
    for i in range(clock["touched"]):
        row = np.uint32(state.touched[i])
        if not adds_up(state, row):
            clock["breach"] = (row >> 1) + 1
            return np.int64(-1)
        flows += has_flow(state, row)
    return flows


@inlined
def write_quote(
    state: QuoteState, number: Int, window: NDArray[Any], quotes: NDArray[np.int64], n: Int
) -> Int:
    """Write an instrument's quote to place n; return the next place, n where no side is there."""
    ask, bid = state.shown[2 * number], state.shown[2 * number + 1]
    ask_price, bid_price = ask["price"], bid["price"]
    both = (ask_price != UNDEF_PRICE) & (bid_price != UNDEF_PRICE)
    quotes[NUMBER, n] = number
    quotes[BID, n] = bid_price
    quotes[BID_QTY, n] = bid["qty"]
    quotes[ASK, n] = ask_price
    quotes[ASK_QTY, n] = ask["qty"]
    quotes[VALID, n] = both & (state.instruments[number]["unsound"] == 0)
    if both and bid_price >= ask_price:
        if bid_price > ask_price:
            window["crossed"] += 1
        else:
            window["locked"] += 1
    return n + np.uint64((ask_price != UNDEF_PRICE) | (bid_price != UNDEF_PRICE))


@inlined
def add_to_cell(
    state: QuoteState, row: Int, invalid: Int, scratch: NDArray[np.int64], n: Int
) -> Int:
    """Add a side's account of the closing window to column n of `scratch`, its strike's cell.

    Returns 1 where the side has flow.
    """
    clock = state.clock[0]
    touch = state.touches[row]
    qty = state.shown[row]["qty"]
    scratch[INVALID, n] |= invalid
    scratch[END, n] += qty
    scratch[REST, n] += qty if clock["end"] - touch["since"] >= REST_NS else np.int64(0)
    if touch["stamp"] != clock["window"]:
        scratch[START, n] += qty
        return np.int64(0)
    scratch[START, n] += touch["start"]
    scratch[ADDED, n] += touch["add"]
    scratch[PULLED, n] += touch["pull"]
    scratch[PULLED_REST, n] += touch["pull_rest"]
    scratch[LARGEST, n] = max(scratch[LARGEST, n], touch["largest"])
    extra = state.extras[row]
    if extra["stamp"] == clock["window"]:
        scratch[FILLED, n] += extra["fill"]
        scratch[ADDED_REPRICE, n] += extra["add_reprice"]
        scratch[PULLED_REPRICE, n] += extra["pull_reprice"]
    return has_flow(state, row)


@helper
def write_cells(scratch: NDArray[np.int64], out: QuoteOutput) -> None:
    """Append the columns of `scratch`."""
    first = np.uint64(out.used[2])
    for column in range(CELL_COLUMNS):
        for n in range(np.uint64(scratch.shape[1])):
            out.cells[column, first + n] = scratch[column, n]
    out.used[2] += scratch.shape[1]


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
    flows: Int,
) -> Int:
    """Write the open window's rows; return DONE, or FLUSH when they do not fit.

    flows: sides that the window has flow at; those outside of the grid are counted. scratch: int64
    (CELL_COLUMNS, strikes · 4): cells are added up where all columns lie in the nearest cache.
    """
    if not fits(state, out, scratch.shape[1]):
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
    end = np.uint64(n_quotes)
    for i in range(np.uint64(clock["instruments"])):
        number = np.uint32(state.ordered[i])
        end = write_quote(state, number, window, out.quotes, end)
        marks = state.instruments[number]
        row = grid_row(grid, lowest, marks["strike"]) if placed else np.int64(-1)
        if row < 0:
            continue
        invalid = marks["unsound"] != 0 or marks["disturbed"] == clock["window"]
        n = np.uint32(row * CELLS_OF_A_STRIKE + (0 if marks["right"] == CALL else 2))
        flows -= add_to_cell(state, 2 * number, invalid, scratch, n)
        flows -= add_to_cell(state, 2 * number + 1, invalid, scratch, n + 1)
    if placed:
        write_cells(scratch, out)
    out.used[1] = end
    window["quotes"] = np.int64(end) - n_quotes
    window["cells"] = out.used[2] - n_cells
    window["strikes_outside"] = flows
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
        flows = audit_quotes(state)
        if flows < 0:
            return BREACH
        if grid.first_window <= window <= grid.last_window:
            status = emit_quotes(state, grid, spots, out, scratch, flows)
            if status != DONE:
                return status
        following = target
        if window < grid.first_window:
            following = min(grid.first_window, target)
        elif window < grid.last_window:
            following = window + 1
        open_quotes(state, following)
    return DONE
