"""Books over time for the tests of the surface, and the way from them into the engine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from book_engines.surface import NO_PRICE, SECOND_NS, Snapshots, SurfaceEngine, cell_rows
from book_engines.surface_kernels import CellRows
from book_engines.surface_params import PHYSICS_COLUMNS, SurfaceParams
from tests.naive.surface import NaiveCell, NaiveWindow, Surface

FIRST_END_NS = 1_700_000_000 * SECOND_NS
Columns = dict[str, NDArray[np.float32]]


def engine_input(
    params: SurfaceParams, windows: Sequence[NaiveWindow], first_end_ns: int = FIRST_END_NS
) -> tuple[Snapshots, NDArray[np.int64], CellRows]:
    """Return what `SurfaceEngine.advance` takes for `windows`."""

    def prices(cells: list[int | None]) -> NDArray[np.int64]:
        return np.array([NO_PRICE if c is None else c * params.cell_int for c in cells], np.int64)

    snapshots = Snapshots(
        first_end_ns + SECOND_NS * np.arange(len(windows)),
        prices([w.spot for w in windows]),
        prices([w.best_bid for w in windows]),
        prices([w.best_ask for w in windows]),
        np.array([w.valid for w in windows]),
    )
    rows = [
        (price * params.cell_int, "AB".index(side), *_quantities(cell))
        for w in windows
        for (price, side), cell in sorted(w.cells.items())
    ]
    columns = np.array(rows, np.int64).reshape(-1, 8).T
    first_row = np.cumsum([0] + [len(w.cells) for w in windows])
    return snapshots, first_row, cell_rows(list(columns))


def run(
    params: SurfaceParams, windows: Sequence[NaiveWindow], engine: SurfaceEngine | None = None
) -> Columns:
    """Return the surface of `windows`, in blocks as large as allowed: (W, G, 2) by column."""
    engine = engine or SurfaceEngine(params)
    parts = []
    for begin in range(0, len(windows), params.block_windows):
        block = windows[begin : begin + params.block_windows]
        first_end_ns = FIRST_END_NS + SECOND_NS * begin
        parts.append(engine.advance(*engine_input(params, block, first_end_ns)).physics.copy())
    return dict(zip(PHYSICS_COLUMNS, np.concatenate(parts, axis=1), strict=True))


def dense(params: SurfaceParams, surfaces: list[Surface]) -> dict[str, NDArray[np.float64]]:
    """Return the naive surfaces in the engine's layout."""
    relative = range(-params.half, params.half + 1)
    return {
        name: np.array(
            [[[s[rel, side][name] for side in "AB"] for rel in relative] for s in surfaces]
        )
        for name in PHYSICS_COLUMNS
    }


def book(
    spot: int, cells: dict[tuple[int, str], NaiveCell] | None = None, *, valid: bool = True
) -> NaiveWindow:
    """Return a window whose best bid is spot and whose best ask is one cell above."""
    return NaiveWindow(spot, spot, spot + 1, valid, cells or {})


def mirrored(windows: Sequence[NaiveWindow]) -> list[NaiveWindow]:
    """Return the windows with sides swapped and prices reflected at zero."""

    def flip(price: int | None) -> int | None:
        return None if price is None else -price

    return [
        NaiveWindow(
            flip(w.spot),
            flip(w.best_ask),
            flip(w.best_bid),
            w.valid,
            {(-price, "BA"["AB".index(side)]): cell for (price, side), cell in w.cells.items()},
        )
        for w in windows
    ]


@st.composite
def cells(draw: st.DrawFn) -> NaiveCell:
    """Draw one silver cell that keeps the identity of depth and flow."""
    start = draw(st.integers(0, 50))
    add = draw(st.integers(0, 1000))
    pull = draw(st.integers(0, start + add))
    fill = draw(st.integers(0, start + add - pull))
    end = start + add - pull - fill
    return NaiveCell(start, end, add, pull, fill, draw(st.integers(0, end)))


@st.composite
def histories(draw: st.DrawFn, half: int, max_windows: int = 14) -> list[NaiveWindow]:
    """Draw windows with a wandering and jumping spot, lost sides, no spot, invalid seconds."""
    windows = []
    spot = draw(st.integers(-5, 5))
    for _ in range(draw(st.integers(1, max_windows))):
        spot += draw(st.sampled_from([0, 0, 0, 1, -1, 2, half, -2 * half - 1, 700]))
        best = st.none() | st.integers(spot - half - 2, spot + half + 2)
        window = NaiveWindow(
            spot=None if draw(st.integers(0, 9)) == 0 else spot,
            best_bid=draw(best),
            best_ask=draw(best),
            valid=draw(st.integers(0, 4)) > 0,
        )
        if window.spot is None:
            window.valid = False
        else:
            places = st.tuples(st.integers(spot - half, spot + half), st.sampled_from("AB"))
            window.cells = draw(st.dictionaries(places, cells(), max_size=8))
        windows.append(window)
    return windows


def _quantities(cell: NaiveCell) -> tuple[int, ...]:
    return (
        cell.depth_qty_start,
        cell.depth_qty_end,
        cell.add_qty,
        cell.pull_qty,
        cell.fill_qty,
        cell.depth_qty_rest,
    )
