"""The close of a window of quotes: every instrument's quote, and the strikes around spot."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from book_engines.cursor import BREACH, DONE, FLUSH
from book_engines.kernel import Int, helper
from book_engines.quote_accounts import audit_quotes, restart_accounts
from book_engines.quote_cells import Places, find_places, write_cells
from book_engines.quote_state import UNSOUND, QuoteState, ask_row, bid_row
from book_engines.quote_windows import (
    ASK,
    ASK_QTY,
    BID,
    BID_QTY,
    NUMBER,
    VALID,
    QuoteOutput,
    StrikeGrid,
)
from book_engines.records import SECOND_NS, UNDEF_PRICE


@helper
def write_quotes(state: QuoteState, window: NDArray[Any], quotes: NDArray[np.int64], n: Int) -> Int:
    """Write every quote with a side, by instrument id, from place n on; return the next place."""
    crossed = locked = np.int64(0)
    for i in range(np.uint64(state.clock[0]["instruments"])):
        number = np.uint64(state.ordered[i])
        ask, bid = state.shown[ask_row(number)], state.shown[bid_row(number)]
        ask_price, bid_price = ask["price"], bid["price"]
        has_ask, has_bid = ask_price != UNDEF_PRICE, bid_price != UNDEF_PRICE
        both = has_ask & has_bid
        quotes[NUMBER, n] = number
        quotes[BID, n] = bid_price
        quotes[BID_QTY, n] = bid["qty"]
        quotes[ASK, n] = ask_price
        quotes[ASK_QTY, n] = ask["qty"]
        quotes[VALID, n] = both & ((state.marks[number] & UNSOUND) == 0)
        crossed += both & (bid_price > ask_price)
        locked += both & (bid_price == ask_price)
        n += np.uint64(has_ask | has_bid)  # a quote without a side is written over
    window["crossed"] = crossed
    window["locked"] = locked
    return n


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
    places: Places,
    flows: Int,
) -> Int:
    """Write the open window's rows; return DONE, or FLUSH when they do not fit.

    flows: sides that the window has flow at; those outside of the grid are counted.
    """
    if not fits(state, out, places.first.size):
        return FLUSH
    clock = state.clock[0]
    n_windows, n_quotes, n_cells = out.used[0], out.used[1], out.used[2]
    window = out.windows[n_windows]
    spot = spots[clock["window"] - grid.first_window]
    placed = spot != UNDEF_PRICE
    step = grid.strike_step
    centre = (2 * spot + step) // (2 * step) * step if placed else np.int64(0)
    window["end"] = clock["end"]
    window["spot"] = spot
    window["centre"] = centre
    out.used[1] = write_quotes(state, window, out.quotes, np.uint64(n_quotes))
    if placed:
        find_places(state, grid, centre - grid.half_width * step, places)
        flows -= write_cells(state, places, out)
    window["quotes"] = out.used[1] - n_quotes
    window["cells"] = out.used[2] - n_cells
    window["strikes_outside"] = flows
    out.sizes[n_windows, 0] = 0  # where sides are counted that did not grow
    for size in range(1, state.sizes.size):
        out.sizes[n_windows, size] = state.sizes[size]
    out.used[0] = n_windows + 1
    return DONE


@helper
def open_quotes(state: QuoteState, window: Int) -> None:
    """Open a window."""
    clock = state.clock[0]
    clock["window"] = window
    clock["end"] = (window + 1) * SECOND_NS
    restart_accounts(state)
    state.sizes[:] = 0


@helper
def roll_quotes(
    state: QuoteState,
    grid: StrikeGrid,
    spots: NDArray[np.int64],
    out: QuoteOutput,
    places: Places,
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
            status = emit_quotes(state, grid, spots, out, places, flows)
            if status != DONE:
                return status
        following = target
        if window < grid.first_window:
            following = min(grid.first_window, target)
        elif window < grid.last_window:
            following = window + 1
        open_quotes(state, following)
    return DONE
