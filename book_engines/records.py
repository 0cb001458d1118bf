"""The engines' input: market-by-order records as columns, and the vendor's codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

# Bits of `flags` (vendor page "Standards and conventions"; a test holds them to databento_dbn).
F_LAST: Final = 128
F_TOB: Final = 64
F_SNAPSHOT: Final = 32
F_MBP: Final = 16
F_BAD_TS_RECV: Final = 8
F_MAYBE_BAD_BOOK: Final = 4
F_PUBLISHER_SPECIFIC: Final = 2

ADD: Final = ord("A")
CANCEL: Final = ord("C")
MODIFY: Final = ord("M")
CLEAR: Final = ord("R")
TRADE: Final = ord("T")
FILL: Final = ord("F")
NONE: Final = ord("N")

ASK: Final = ord("A")
BID: Final = ord("B")

UNDEF_PRICE: Final = 2**63 - 1
SECOND_NS: Final = 1_000_000_000


class MboColumns(NamedTuple):
    """Records in feed order, one contiguous array a column, all of one length n."""

    ts_event_ns: NDArray[np.int64]
    order_id: NDArray[np.uint64]
    price_int: NDArray[np.int64]
    """1e-9 dollars; UNDEF_PRICE where the vendor's price is null."""
    size: NDArray[np.uint32]
    action: NDArray[np.uint8]
    """ASCII of A C M R T F N."""
    side: NDArray[np.uint8]
    """ASCII of A (ask), B (bid), N (none)."""
    flags: NDArray[np.uint8]
    publisher_id: NDArray[np.uint16]
    instrument_id: NDArray[np.uint32]
    sequence: NDArray[np.uint32]


DTYPES: Final[tuple[np.dtype[Any], ...]] = tuple(
    np.dtype(code) for code in ("i8", "u8", "i8", "u4", "u1", "u1", "u1", "u2", "u4", "u4")
)


def mbo_columns(**columns: NDArray[Any]) -> MboColumns:
    """Return `columns` as the engine's input; see `exact_columns`."""
    return MboColumns._make(exact_columns(MboColumns._fields, DTYPES, columns))


def exact_columns(
    names: Sequence[str], dtypes: Sequence[np.dtype[Any]], columns: Mapping[str, NDArray[Any]]
) -> list[NDArray[Any]]:
    """Return `columns` as writable contiguous arrays of the exact dtypes, copying where needed.

    The kernels are compiled for writable arrays only: Arrow hands out read-only ones, which numba
    takes for another type and compiles a second time. Raises ValueError on unequal lengths and on
    a value that does not fit.
    """
    arrays = []
    for name, dtype in zip(names, dtypes, strict=True):
        column = columns[name]
        if column.dtype != dtype:
            cast = column.astype(dtype)
            if not np.array_equal(cast, column):
                raise ValueError(f"column {name}: expected values of {dtype}, found others")
            column = cast
        arrays.append(np.require(column, requirements=["C", "W"]))
    if len({array.size for array in arrays}) != 1:
        lengths = {n: a.size for n, a in zip(names, arrays, strict=True)}
        raise ValueError(f"expected columns of one length, found {lengths}")
    return arrays
