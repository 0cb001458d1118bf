"""What the snapshot flags remember of each series: a minute of prices, half an hour of spreads."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.kernel import Int, helper
from book_engines.trailing import (
    ABSENT,
    MedianRing,
    SortedWindow,
    median_ring,
    put_in_ring,
    put_sorted,
    sorted_window,
)

_NEVER: Final = -(2**62)


class Memory(NamedTuple):
    """What S series remember; all slots are of the windows up to `last`."""

    prices: SortedWindow
    """Twice the mid."""
    distances: MedianRing
    """Four times the distance of each mid from its median."""
    spreads: MedianRing
    clean: NDArray[np.int64]
    """(S,) twice the last mid that was no outlier."""
    last: NDArray[np.int64]
    """(S,) window of the last row that was judged."""


def empty_memory(n_series: int, price_windows: int, spread_windows: int) -> Memory:
    """Return the memory of series that have seen nothing."""
    return Memory(
        sorted_window(n_series, price_windows),
        median_ring(n_series, spread_windows),
        median_ring(n_series, spread_windows),
        np.zeros(n_series, np.int64),
        np.full(n_series, _NEVER),
    )


def arrays_of(memory: Memory) -> dict[str, NDArray[Any]]:
    """Return every array of a memory by its name; the first axis is that of the series."""
    found = {"clean": memory.clean, "last": memory.last}
    for part in ("prices", "distances", "spreads"):
        for name, array in getattr(memory, part)._asdict().items():
            found[f"{part}_{name}"] = array
    return found


def with_more_series(old: Memory, n_series: int) -> Memory:
    """Return the same series with room for `n_series`."""
    new = empty_memory(n_series, old.prices.slots.shape[1], old.spreads.slots.shape[1])
    before = arrays_of(old)
    for name, array in arrays_of(new).items():
        array[: old.last.size] = before[name]
    return new


@helper
def skip_to(memory: Memory, s: Int, window: Int, scratch: NDArray[np.int64]) -> None:
    """Leave the slots of the windows between the last row of series `s` and `window` empty."""
    near, far = memory.prices.slots.shape[1], memory.spreads.slots.shape[1]
    for skipped in range(max(memory.last[s] + 1, window - far), window):
        put_sorted(memory.prices, s, skipped % near, ABSENT, scratch)
        put_in_ring(memory.spreads, s, skipped % far, ABSENT)
        put_in_ring(memory.distances, s, skipped % far, ABSENT)
