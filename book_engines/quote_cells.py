"""The cells of a closing window: every strike around spot, its calls and puts, asks and bids."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.kernel import Int, helper, inlined
from book_engines.levels import REST_NS
from book_engines.orders import ONE
from book_engines.quote_accounts import has_flow
from book_engines.quote_records import CALL
from book_engines.quote_state import UNSOUND, QuoteState
from book_engines.quote_windows import (
    ADDED,
    ADDED_REPRICE,
    CELL_COLUMNS,
    CELLS_OF_A_STRIKE,
    END,
    FILLED,
    INVALID,
    LARGEST,
    PULLED,
    PULLED_REPRICE,
    PULLED_REST,
    REST,
    START,
    QuoteOutput,
    StrikeGrid,
)
from book_engines.state import UNSET

PLACE: Final = np.dtype([("row", "i8"), ("cell", "i8")])
"""A side's row and the cell that it is part of."""


class Places(NamedTuple):
    """Which sides make the cells; found anew only when the grid moves or an instrument is met."""

    first: NDArray[np.int64]
    """(cells,): row of the first side of each cell, below 0 where there is none."""
    others: NDArray[Any]
    """PLACE (2·N,): the sides of cells that have one already."""
    known: NDArray[np.int64]
    """(3,): lowest strike and number of instruments for which these hold, and used `others`."""


def allocate_places(half_width: int, instruments: int) -> Places:
    """Return places for a grid and that many instruments; none is found yet."""
    n_cells = (2 * half_width + 1) * CELLS_OF_A_STRIKE
    return Places(
        first=np.zeros(n_cells, np.int64),
        others=np.zeros(2 * instruments, PLACE),
        known=np.array([UNSET, 0, 0], np.int64),
    )


@inlined
def grid_row(grid: StrikeGrid, lowest: Int, strike: Int) -> Int:
    """Return the place of a strike above the lowest, below 0 where it is none of the grid."""
    away = strike - lowest
    if away < 0 or away > 2 * grid.half_width * grid.strike_step:
        return np.int64(-1)
    row = away // grid.strike_step
    return row if row * grid.strike_step == away else np.int64(-1)


@helper
def find_places(state: QuoteState, grid: StrikeGrid, lowest: Int, places: Places) -> None:
    """Find which sides make the cells of the grid from strike `lowest` on."""
    instruments = state.clock[0]["instruments"]
    if places.known[0] == lowest and places.known[1] == instruments:
        return
    places.first[:] = -1
    others = 0
    for number in range(instruments):
        listed = state.instruments[number]
        strike = grid_row(grid, lowest, listed["strike"])
        if strike < 0:
            continue
        cell = strike * CELLS_OF_A_STRIKE + (0 if listed["right"] == CALL else 2)
        for side in range(2):
            row = 2 * number + side
            if places.first[cell + side] < 0:
                places.first[cell + side] = row
            else:
                places.others[others]["row"] = row
                places.others[others]["cell"] = cell + side
                others += 1
    places.known[0] = lowest
    places.known[1] = instruments
    places.known[2] = others


@inlined
def is_invalid(state: QuoteState, row: Int) -> Int:
    """Return 1 where the quote of a side is not to be relied on for the closing window."""
    number = row >> ONE
    return np.int64(
        ((state.marks[number] & UNSOUND) != 0)
        | (state.instruments[number]["disturbed"] == state.clock[0]["window"])
    )


@inlined
def rested(state: QuoteState, row: Int) -> Int:
    """Return the quantity of a side that has stood at its price for long enough."""
    shown = state.shown[row]
    return shown["qty"] if state.clock[0]["end"] - shown["since"] >= REST_NS else np.int64(0)


@inlined
def write_cell(state: QuoteState, row: Int, cells: NDArray[np.int64], n: Int) -> None:
    """Write a side's account of the closing window to column n."""
    account = state.accounts[row]
    cells[START, n] = account["start"]
    cells[END, n] = state.shown[row]["qty"]
    cells[ADDED, n] = account["add"]
    cells[PULLED, n] = account["pull"]
    cells[PULLED_REST, n] = account["pull_rest"]
    cells[FILLED, n] = account["fill"]
    cells[REST, n] = rested(state, row)
    cells[ADDED_REPRICE, n] = account["add_reprice"]
    cells[PULLED_REPRICE, n] = account["pull_reprice"]
    cells[LARGEST, n] = account["largest"]
    cells[INVALID, n] = is_invalid(state, row)


@helper
def add_to_cell(state: QuoteState, row: Int, cells: NDArray[np.int64], n: Int) -> None:
    """Add a side's account of the closing window to column n."""
    account = state.accounts[row]
    cells[START, n] += account["start"]
    cells[END, n] += state.shown[row]["qty"]
    cells[ADDED, n] += account["add"]
    cells[PULLED, n] += account["pull"]
    cells[PULLED_REST, n] += account["pull_rest"]
    cells[FILLED, n] += account["fill"]
    cells[REST, n] += rested(state, row)
    cells[ADDED_REPRICE, n] += account["add_reprice"]
    cells[PULLED_REPRICE, n] += account["pull_reprice"]
    cells[LARGEST, n] = max(cells[LARGEST, n], account["largest"])
    cells[INVALID, n] |= is_invalid(state, row)


@helper
def write_cells(state: QuoteState, places: Places, out: QuoteOutput) -> Int:
    """Append the cells; return how many sides within them have flow."""
    first = np.uint64(out.used[2])
    flows = np.int64(0)
    for n in range(np.uint64(places.first.size)):
        row = places.first[n]
        if row >= 0:
            write_cell(state, np.uint64(row), out.cells, first + n)
            flows += has_flow(state, np.uint64(row))
        else:
            for column in range(CELL_COLUMNS):
                out.cells[column, first + n] = 0
    for i in range(np.uint64(places.known[2])):
        row = np.uint64(places.others[i]["row"])
        add_to_cell(state, row, out.cells, first + np.uint64(places.others[i]["cell"]))
        flows += has_flow(state, row)
    out.used[2] += places.first.size
    return flows
