"""Pooling: sorted samples cut into groups of which none is sparse and none splits a tie.

Consecutive seconds share most of a longer move: of n moves over h seconds about n/h are independent
of each other. A group is therefore asked to hold so many moves that do not overlap.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def pooled_starts(ordered: FloatArray, minimum: int, at_most: int) -> IntArray:
    """Return where the groups of ascending values begin, (groups,), the first being 0.

    At most `at_most` groups of about equal size, each of at least `minimum` values (one group when
    there are fewer), and equal values always in one group.
    """
    size = ordered.size
    if size == 0:
        return np.zeros(0, dtype=np.int64)
    groups = max(1, min(at_most, size // max(minimum, 1)))
    starts = [0]
    for k in range(1, groups):
        cut = int(np.searchsorted(ordered, ordered[k * size // groups]))  # the tie's first
        if cut - starts[-1] >= minimum and size - cut >= minimum:
            starts.append(cut)
    return np.array(starts, dtype=np.int64)


def group_sums(values: FloatArray, starts: IntArray) -> FloatArray:
    """Return the sum of each group of the values (N, …) in their order, (groups, …)."""
    return np.asarray(np.add.reduceat(values, starts, axis=0))
