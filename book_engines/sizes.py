"""Sizes of single additions: bins of their histogram.

A size up to 63 has a bin of its own; above, every octave has eight, so that a percentile read from
the histogram is exact for small sizes and at most an eighth too low for large ones.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from book_engines.kernel import Int, helper

EXACT: Final = 64
_OCTAVE_BINS: Final = 8
_FIRST_OCTAVE: Final = 6  # 2**6 = EXACT
_LAST_OCTAVE: Final = 31  # sizes have 32 bits
SIZE_BINS: Final = EXACT + _OCTAVE_BINS * (_LAST_OCTAVE - _FIRST_OCTAVE + 1)


@helper
def size_bin(size: Int) -> Int:
    """Return the bin of a size in [0, 2**32)."""
    if size < EXACT:
        return size
    octave = _FIRST_OCTAVE
    while size >> (octave + 1) > 0:
        octave += 1
    eighth = (size >> (octave - 3)) & (_OCTAVE_BINS - 1)
    return EXACT + (octave - _FIRST_OCTAVE) * _OCTAVE_BINS + eighth


def bin_floors() -> NDArray[np.int64]:
    """Return int64 (SIZE_BINS,): the smallest size of each bin."""
    octaves = np.arange(_FIRST_OCTAVE, _LAST_OCTAVE + 1)[:, np.newaxis]
    upper = (_OCTAVE_BINS + np.arange(_OCTAVE_BINS)) << (octaves - 3)
    return np.concatenate([np.arange(EXACT), upper.ravel()]).astype(np.int64)
