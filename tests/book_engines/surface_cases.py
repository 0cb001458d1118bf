"""Books over time for the tests of the surface, and the way from them into the engine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from book_engines.lattice import NO_PRICE, Snapshots
from book_engines.surface import SECOND_NS, SurfaceEngine, cell_rows
from book_engines.surface_kernels import CellRows
from book_engines.surface_params import PHYSICS_COLUMNS, SurfaceParams
from tests.naive.surface import LANES, NaiveCell, NaiveWindow, Surface

FIRST_END_NS = 1_700_000_000 * SECOND_NS
Columns = dict[str, NDArray[np.float32]]


def engine_input(
    params: SurfaceParams, windows: Sequence[NaiveWindow], first_end_ns: int = FIRST_END_NS
) -> tuple[Snapshots, NDArray[np.int64], CellRows]:
    """Return what `SurfaceEngine.advance` takes for `windows`."""

    def prices(counts: list[int | None], unit_int: int) -> NDArray[np.int64]:
        return np.array([NO_PRICE if c is None else c * unit_int for c in counts], np.int64)

    snapshots = Snapshots(
        first_end_ns + SECOND_NS * np.arange(len(windows)),
        prices([w.spot for w in windows], params.rel_tick_int),
        prices([w.best_bid for w in windows], params.tick_int),
        prices([w.best_ask for w in windows], params.tick_int),
        np.array([w.valid for w in windows]),
    )
    lanes = LANES[params.lanes]
    rows = [
        (price * params.cell_int, lanes.index(lane), w.valid and cell.valid, *_quantities(cell))
        for w in windows
        for (price, lane), cell in sorted(w.cells.items())
    ]
    columns = np.array(rows, np.int64).reshape(-1, len(CellRows._fields)).T
    first_row = np.cumsum([0] + [len(w.cells) for w in windows])
    return snapshots, first_row, cell_rows(list(columns))


def run(
    params: SurfaceParams, windows: Sequence[NaiveWindow], engine: SurfaceEngine | None = None
) -> Columns:
    """Return the surface of `windows`, in blocks as large as allowed: (W, G, lanes) by column."""
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
    lanes = LANES[params.lanes]
    return {
        name: np.array(
            [[[s[rel, lane][name] for lane in lanes] for rel in relative] for s in surfaces]
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
            {
                (-price, lane[:-1] + "BA"["AB".index(lane[-1])]): cell
                for (price, lane), cell in w.cells.items()
            },
        )
        for w in windows
    ]


@st.composite
def cells(draw: st.DrawFn, *, reprices: bool) -> NaiveCell:
    """Draw one silver cell that keeps the identity of depth and flow."""
    start = draw(st.integers(0, 50))
    add = draw(st.integers(0, 1000))
    pull = draw(st.integers(0, start + add))
    fill = draw(st.integers(0, start + add - pull))
    end = start + add - pull - fill
    cell = NaiveCell(start, end, add, pull, fill, draw(st.integers(0, end)))
    if reprices:
        cell.add_reprice_qty = draw(st.integers(0, add))
        cell.pull_reprice_qty = draw(st.integers(0, pull))
        cell.valid = draw(st.booleans())
    return cell


@st.composite
def histories(
    draw: st.DrawFn, params: SurfaceParams, max_windows: int = 14, *, ties: bool = True
) -> list[NaiveWindow]:
    """Draw windows with a wandering and jumping spot, lost sides, no spot, invalid seconds.

    A lattice of strikes has no best prices. Without `ties` spot is never halfway between cells.
    """
    windows = []
    half, is_option = params.half, params.lanes > 2
    cell_ticks, cell_steps = params.cell_ticks, params.cell_int // params.tick_int
    lowest = -(cell_ticks // 2) if ties else -((cell_ticks - 1) // 2)
    beside = st.integers(lowest, (cell_ticks - 1) // 2)
    centre = draw(st.integers(-5, 5))
    for _ in range(draw(st.integers(1, max_windows))):
        centre += draw(st.sampled_from([0, 0, 0, 1, -1, 2, half, -2 * half - 1, 700]))
        best = st.none() | st.integers(
            (centre - half - 2) * cell_steps, (centre + half + 2) * cell_steps
        )
        window = NaiveWindow(
            spot=None if draw(st.integers(0, 9)) == 0 else centre * cell_ticks + draw(beside),
            best_bid=None if is_option else draw(best),
            best_ask=None if is_option else draw(best),
            valid=draw(st.integers(0, 4)) > 0,
        )
        if window.spot is None:
            window.valid = False
        else:
            lanes = st.sampled_from(LANES[params.lanes])
            places = st.tuples(st.integers(centre - half, centre + half), lanes)
            rows = st.dictionaries(places, cells(reprices=is_option), max_size=8)
            window.cells = draw(rows)
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
        cell.add_reprice_qty,
        cell.pull_reprice_qty,
    )
