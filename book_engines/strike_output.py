"""What every engine of options yields: blocks of closed windows, and the grid they lie on."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.quote_windows import (
    CELL_COLUMNS,
    CELLS_OF_A_STRIKE,
    QUOTE_COLUMNS,
    QUOTE_WINDOW,
    QuoteOutput,
    StrikeGrid,
)
from book_engines.records import SECOND_NS, UNDEF_PRICE
from book_engines.replay import Saved
from book_engines.sizes import SIZE_BINS

BLOCK_WINDOWS: Final = 128
_BLOCK_QUOTES: Final = 1 << 16
# Columns a power of two apart would share one set of the cache.
_PADDING: Final = 48


class QuoteBlock(NamedTuple):
    """Consecutive closed windows.

    windows: QUOTE_WINDOW (W,). quotes: int64 (6, Q), rows as named in `book_engines.quote_windows`
    (NUMBER … VALID), by window and instrument id; windows["quotes"] of them belong to each window.
    cells: int64 (11, R), rows (START … INVALID), by window, strike, right and side;
    windows["cells"] of them belong to each window: none where the underlying has no spot, else
    the whole grid. sizes: int64 (W, SIZE_BINS), additions by bin of their size.
    """

    windows: NDArray[Any]
    quotes: NDArray[np.int64]
    cells: NDArray[np.int64]
    sizes: NDArray[np.int64]


def strike_grid(
    spots: NDArray[np.int64],
    first_window_end_ns: int,
    *,
    strike_step_int: int,
    rel_tick_int: int,
    half_width: int,
) -> StrikeGrid:
    """Return the grid of a session; ValueError where its steps do not fit one another.

    spots: int64 (W,), the underlying's spot reference at each window end, multiples of
    `rel_tick_int`, UNDEF_PRICE where it has none. strike_step_int: distance of the strikes, 1e-9
    dollars. half_width: strikes on either side of the one nearest to spot.
    """
    if first_window_end_ns % SECOND_NS:
        raise ValueError(f"expected a window end on a whole second, found {first_window_end_ns}")
    if strike_step_int <= 0 or rel_tick_int <= 0 or half_width < 0:
        raise ValueError(
            "expected steps above 0 and a half width of 0 or more, "
            f"found {strike_step_int}, {rel_tick_int} and {half_width}"
        )
    known = spots[spots != UNDEF_PRICE]
    off = [step for step in (strike_step_int, *np.unique(known).tolist()) if step % rel_tick_int]
    if off:
        raise ValueError(
            "expected spot references and the strike step in multiples of "
            f"{rel_tick_int}, found {off[0]}"
        )
    first = first_window_end_ns // SECOND_NS - 1
    return StrikeGrid(strike_step_int, half_width, first, first + len(spots) - 1)


class StrikeOutput:
    """The buffers that a replay of options fills, and what was counted over the windows yielded."""

    def __init__(self, half_width: int, instruments: int, *, reuse_blocks: bool) -> None:
        """instruments: how many of them a window may show; `make_room` takes more."""
        cells = (2 * half_width + 1) * CELLS_OF_A_STRIKE * BLOCK_WINDOWS
        self.buffers = QuoteOutput(
            windows=np.zeros(BLOCK_WINDOWS, QUOTE_WINDOW),
            quotes=_quotes(max(_BLOCK_QUOTES, instruments)),
            cells=np.zeros((CELL_COLUMNS, cells + _PADDING), np.int64),
            sizes=np.zeros((BLOCK_WINDOWS, SIZE_BINS), np.int64),
            used=np.zeros(3, np.int64),
        )
        self._reuse_blocks = reuse_blocks
        self._windows = np.zeros(5, np.int64)  # emitted, with spot, strikes outside, crossed, …

    @property
    def is_waiting(self) -> bool:
        """Return whether closed windows wait to be yielded."""
        return bool(self.buffers.used[0])

    @property
    def window_counters(self) -> dict[str, int]:
        """Return counts over the windows yielded so far."""
        emitted, placed, outside, crossed, locked = self._windows.tolist()
        return {
            "windows": emitted,
            "windows_without_spot": emitted - placed,
            "strikes_outside_grid": outside,
            "crossed_quotes": crossed,
            "locked_quotes": locked,
        }

    def make_room(self, instruments: int) -> None:
        """Let the quotes of that many instruments fit into a block."""
        quotes = self.buffers.quotes
        if quotes.shape[1] < instruments:
            larger = _quotes(instruments)
            larger[:, : quotes.shape[1]] = quotes
            self.buffers = self.buffers._replace(quotes=larger)

    def take(self) -> QuoteBlock:
        """Return the closed windows that wait, and empty the buffers."""
        n_windows, n_quotes, n_cells = self.buffers.used
        block = QuoteBlock(
            self.buffers.windows[:n_windows],
            self.buffers.quotes[:, :n_quotes],
            self.buffers.cells[:, :n_cells],
            self.buffers.sizes[:n_windows],
        )
        self.buffers.used[:] = 0
        self._windows += (
            n_windows,
            np.count_nonzero(block.windows["spot"] != UNDEF_PRICE),
            *(block.windows[name].sum() for name in ("strikes_outside", "crossed", "locked")),
        )
        return block if self._reuse_blocks else QuoteBlock._make(part.copy() for part in block)

    def save(self) -> dict[str, NDArray[Any]]:
        """Return a copy of what waits and of what was counted, by name."""
        windows, quotes, cells = self.buffers.used
        return {
            "unflushed_windows": self.buffers.windows[:windows].copy(),
            "unflushed_quotes": self.buffers.quotes[:, :quotes].copy(),
            "unflushed_cells": self.buffers.cells[:, :cells].copy(),
            "unflushed_sizes": self.buffers.sizes[:windows].copy(),
            "window_counts": self._windows.copy(),
        }

    def load(self, saved: Saved) -> None:
        """Take up what `save` returned; there must be room for its quotes."""
        windows, quotes = saved["unflushed_windows"].size, saved["unflushed_quotes"].shape[1]
        cells = saved["unflushed_cells"].shape[1]
        self.buffers.windows[:windows] = saved["unflushed_windows"]
        self.buffers.quotes[:, :quotes] = saved["unflushed_quotes"]
        self.buffers.cells[:, :cells] = saved["unflushed_cells"]
        self.buffers.sizes[:windows] = saved["unflushed_sizes"]
        self.buffers.used[:] = (windows, quotes, cells)
        self._windows = saved["window_counts"].copy()


def require_grid(saved: Saved, grid: StrikeGrid) -> None:
    """Raise ValueError unless a saved state is of `grid`."""
    if tuple(saved["grid"].tolist()) != tuple(grid):
        raise ValueError(
            f"expected a state of grid {tuple(grid)}, "
            f"found one of grid {tuple(saved['grid'].tolist())}"
        )


def _quotes(instruments: int) -> NDArray[np.int64]:
    return np.zeros((QUOTE_COLUMNS, instruments + _PADDING), np.int64)
