"""The liquidity surface of one-second books: dense physics fields on a grid around spot.

State lives on absolute price and advances every second; it is projected to relative cells only on
output, so that a re-anchoring of spot changes no field at a fixed price.

What the page of definitions leaves open is decided so:

- A price begins to age in the first window in which it lies in the grid; all its lanes do.
  In its first second the differences in time are 0, in its second second the second difference is.
- A price outside the grid, and every price in a window without spot, ages on with u = 0; a price
  that returns has the averages and the rate that it would have had if it had been watched.
- An invalid window has u = 0 and the depth of its rows. A window without spot has no grid to
  project to: all its physics is 0, nu and kappa are 1.
- du_dx and d2u_dx2 need the cell and both neighbours in the mask; elsewhere they are 0.
- In a crossed book cells beyond the other side's best are outside the mask although they hold
  depth.
- Where a cell is wider than a price step, the cell of the touch is inside the mask of both sides
  if either can stand in it: asks from one step above the best bid, bids up to one below the ask.
- Options: a price is a strike, a call and a put share it, and each is smoothed by itself. Premiums
  have a touch, strikes have none: the mask is the known grid. The pressure is that on the option's
  own premium, for a put as for a call: growing bids push it up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from book_engines import surface_kernels as kernels
from book_engines.errors import SurfaceInputError
from book_engines.lattice import Placement, Snapshots, fill_rel_ticks_side, place
from book_engines.smoothing import gaussian_weights, padded_size, reach_weights
from book_engines.surface_kernels import CellRows
from book_engines.surface_params import (
    PAGE_CELLS,
    PHYSICS_COLUMNS,
    SIDES,
    SurfaceParams,
    SurfaceState,
    age_tables,
)

I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]

SECOND_NS: Final = 1_000_000_000

_WHAT_IS_WRONG: Final = {
    kernels.OFF_LATTICE: "expected a whole number of cells from the spot reference",
    kernels.OUTSIDE_GRID: "expected a price inside the grid around the spot reference",
    kernels.NOT_SORTED: "expected unique rows sorted by price and lane",
}


@dataclass(frozen=True)
class SurfaceBlock:
    """Surface of W windows. The arrays are views of buffers that a later `advance` overwrites.

    Attributes:
        window_end_ts_ns: int64 (W).
        spot_ref_price_int: int64 (W), NO_PRICE without spot.
        window_valid: bool (W), false without spot.
        row_valid: bool (R), whether the flow of each silver row counted, as it came.
        rel_ticks: int32 (W, G), ascending.
        rel_ticks_side: int32 (W, G, 2), 0 where has_rel_ticks_side is false.
        has_rel_ticks_side: bool (W, 2), whether the side has a best price and the window a spot.
        physics: float32 (30, W, G, lanes) in the order of PHYSICS_COLUMNS, asks at even lanes,
            bids at odd ones. Each column is contiguous. Finite everywhere.
        abs_u: float64 (W), sum of |u| over the window's cells.
    """

    window_end_ts_ns: I64
    spot_ref_price_int: I64
    window_valid: Flags
    row_valid: Flags
    rel_ticks: NDArray[np.int32]
    rel_ticks_side: NDArray[np.int32]
    has_rel_ticks_side: Flags
    physics: NDArray[np.float32]
    abs_u: NDArray[np.float64]

    def column(self, name: str) -> NDArray[np.float32]:
        """Return one physics column: float32 (W, G, lanes)."""
        column: NDArray[np.float32] = self.physics[PHYSICS_COLUMNS.index(name)]
        return column


class SurfaceEngine:
    """Turns windows of silver, block by block, into the surface.

    Any split of the windows into blocks gives the same bytes; `state()` and the `state` argument
    carry an engine over to another process.
    """

    def __init__(self, params: SurfaceParams, state: SurfaceState | None = None) -> None:
        self.params = params
        n = params.lanes * params.cells
        near = gaussian_weights(params.near_sigma, params.near_radius)
        far = gaussian_weights(params.far_sigma, params.far_radius)
        self._tables = kernels.Tables(
            age_tables(), near, reach_weights(near), far, reach_weights(far)
        )
        self._scratch = kernels.Scratch(
            np.zeros((kernels.SCRATCH_ROWS, n)),
            np.zeros(n),
            np.zeros(n),
            np.zeros(n),
            np.zeros(padded_size(params.lanes, params.cells, near)),
            np.zeros(padded_size(params.lanes, params.cells, far)),
        )
        windows = params.block_windows
        self._physics = np.zeros((2, len(PHYSICS_COLUMNS), windows, n), np.float32)
        self._rel_ticks_side = np.zeros((2, windows, params.cells, SIDES), np.int32)
        self._abs_u = np.zeros(windows)
        self._slots: dict[int, int] = {}
        self._pages = _empty_pages(0, params.lanes)
        self._windows = 0
        self._last_end_ns: int | None = None
        if state is not None:
            self._slots = {page: slot for slot, page in enumerate(state.pages)}
            self._pages = kernels.StatePages(
                state.fields.copy(), state.first.copy(), state.last.copy()
            )
            self._windows = state.windows
            self._last_end_ns = state.last_end_ns

    def state(self) -> SurfaceState:
        """Return a copy of everything needed to go on after the windows done so far."""
        pages = sorted(self._slots)
        slots = [self._slots[page] for page in pages]
        return SurfaceState(
            windows=self._windows,
            last_end_ns=self._last_end_ns,
            pages=tuple(pages),
            fields=self._pages.fields[slots],
            first=self._pages.first[slots],
            last=self._pages.last[slots],
        )

    def advance(
        self, snapshots: Snapshots, first_row: I64, cells: CellRows, turn: int = 0
    ) -> SurfaceBlock:
        """Advance by up to `block_windows` consecutive windows and return their surface.

        first_row: int64 (W + 1), the silver rows of window w are cells[first_row[w]:first_row[w+1]]
        with ascending (price, lane). Inputs may be read-only. turn: 0 or 1, which of two buffers
        the physics and the keys are written to: they stand until it is that one's turn again.

        Raises SurfaceInputError when a window is missing or repeated, a price is off the lattice
        or outside the grid, or rows are not sorted. The engine is then of no further use.
        """
        count = snapshots.window_end_ts_ns.size
        if not 0 < count <= self.params.block_windows:
            limit = self.params.block_windows
            raise SurfaceInputError(f"expected 1 to {limit} windows in a block, found {count}")
        self._check_consecutive(snapshots.window_end_ts_ns)
        self._check_rows(snapshots, first_row, cells)
        placed = place(self.params, snapshots)
        window_valid = snapshots.window_valid & placed.has_spot
        windows = kernels.WindowRows(
            _read_only(first_row),
            placed.has_spot,
            placed.low_cell,
            self._slots_of(placed),
            placed.ask_lo,
            placed.bid_hi,
            window_valid,
        )
        code, row = kernels.advance_block(
            self._windows,
            self.params.lanes,
            self.params.cell_int,
            float(self.params.cell_ticks),
            windows,
            CellRows(*(_read_only(column) for column in cells)),
            self._pages,
            self._tables,
            self._scratch,
            self._physics[turn],
            self._abs_u,
        )
        if code != kernels.OK:
            window = int(np.searchsorted(first_row, row, side="right")) - 1
            raise SurfaceInputError(
                f"{_WHAT_IS_WRONG[code]} {int(snapshots.spot_ref_price_int[window])}, found price "
                f"{int(cells.price_int[row])} lane {int(cells.lane[row])}",
                window_end_ts_ns=int(snapshots.window_end_ts_ns[window]),
            )
        rel_ticks_side = self._rel_ticks_side[turn, :count]
        fill_rel_ticks_side(self.params, placed, rel_ticks_side)
        self._windows += count
        self._last_end_ns = int(snapshots.window_end_ts_ns[-1])
        shape = (len(PHYSICS_COLUMNS), count, self.params.cells, self.params.lanes)
        return SurfaceBlock(
            window_end_ts_ns=snapshots.window_end_ts_ns,
            spot_ref_price_int=snapshots.spot_ref_price_int,
            window_valid=window_valid,
            row_valid=cells.valid,
            rel_ticks=placed.rel_ticks,
            rel_ticks_side=rel_ticks_side,
            has_rel_ticks_side=placed.has_best,
            physics=self._physics[turn, :, :count].reshape(shape),
            abs_u=self._abs_u[:count],
        )

    def _check_consecutive(self, window_end_ts_ns: I64) -> None:
        expected = window_end_ts_ns[0] + SECOND_NS * np.arange(window_end_ts_ns.size)
        if self._last_end_ns is not None:
            expected += self._last_end_ns + SECOND_NS - window_end_ts_ns[0]
        wrong = np.flatnonzero(window_end_ts_ns != expected)
        if wrong.size:
            found = int(window_end_ts_ns[wrong[0]])
            raise SurfaceInputError(
                f"expected consecutive windows, the next one ending at {int(expected[wrong[0]])}, "
                f"found {found}",
                window_end_ts_ns=found,
            )

    def _check_rows(self, snapshots: Snapshots, first_row: I64, cells: CellRows) -> None:
        lengths = {column.size for column in cells}
        if len(lengths) != 1 or len({column.size for column in snapshots}) != 1:
            raise SurfaceInputError("expected columns of one length")
        if (
            first_row.size != snapshots.window_end_ts_ns.size + 1
            or first_row[0] != 0
            or first_row[-1] != cells.price_int.size
            or np.any(np.diff(first_row) < 0)
        ):
            raise SurfaceInputError("expected first_row to part all rows into the block's windows")

    def _slots_of(self, placed: Placement) -> I64:
        """Return the state rows of each window's pages: int64 (W, pages), making new ones."""
        width = (self.params.cells - 2) // PAGE_CELLS + 2
        first_page = placed.low_cell // PAGE_CELLS
        slots = np.full((first_page.size, width), -1, np.int64)
        for position in range(width):
            pages = first_page + position
            needed = pages * PAGE_CELLS < placed.low_cell + self.params.cells
            needed &= placed.has_spot
            for page in np.unique(pages[needed]).tolist():
                slots[needed & (pages == page), position] = self._slot(page)
        return slots

    def _slot(self, page: int) -> int:
        slot = self._slots.setdefault(page, len(self._slots))
        if slot >= self._pages.first.shape[0]:
            grown = _empty_pages(2 * slot + 4, self.params.lanes)
            for new, old in zip(grown, self._pages, strict=True):
                new[: old.shape[0]] = old
            self._pages = grown
        return slot


def cell_rows(columns: Sequence[NDArray[np.generic]]) -> CellRows:
    """Return silver columns in the order and with the types of CellRows, copied where needed."""
    price, lane, valid, *quantities = columns
    return CellRows(
        np.ascontiguousarray(price, np.int64),
        np.ascontiguousarray(lane, np.uint8),
        np.ascontiguousarray(valid, np.bool_),
        *(np.ascontiguousarray(quantity, np.int64) for quantity in quantities),
    )


def _empty_pages(pages: int, lanes: int) -> kernels.StatePages:
    return kernels.StatePages(
        np.zeros((pages, kernels.STATE_FIELDS, lanes * PAGE_CELLS)),
        np.full((pages, PAGE_CELLS), -1, np.int64),
        np.full((pages, PAGE_CELLS), -2, np.int64),
    )


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only view: Arrow's arrays are, and numba compiles each kind apart."""
    view = array.view()
    view.flags.writeable = False
    return view
