"""What is known of options, as the columns of bronze that every one of their records repeats."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from spymaster_assets.stages.arrow_columns import dictionary, taken

_EPOCH: Final = date(1970, 1, 1)
_RIGHTS: Final = ("C", "P")


class OptionTerms(NamedTuple):
    """An option as its definition or its symbol says it."""

    underlying: str
    expiration: date
    right: str
    """C or P."""
    strike_int: int
    """1e-9 dollars."""


class OptionColumns:
    """Underlying, right, strike and expiration of records by the place of their option."""

    def __init__(self, options: Sequence[OptionTerms]) -> None:
        self._underlyings = pa.array(sorted({option.underlying for option in options}), pa.utf8())
        places = {name: place for place, name in enumerate(self._underlyings.to_pylist())}
        self._underlying = np.array([places[option.underlying] for option in options], np.int32)
        self._right = np.array([_RIGHTS.index(option.right) for option in options], np.int32)
        self._strike = np.array([option.strike_int for option in options], np.int64)
        self._expiration = np.array(
            [(option.expiration - _EPOCH).days for option in options], np.int32
        )

    def columns(self, option: NDArray[np.int32]) -> dict[str, pa.Array]:
        """Return the columns of records; option: the place of each record's option."""
        return {
            "underlying": dictionary(taken(self._underlying, option), self._underlyings),
            "right": dictionary(taken(self._right, option), pa.array(_RIGHTS, pa.utf8())),
            "strike": taken(self._strike, option),
            "expiration": taken(self._expiration, option).view(pa.date32()),
        }
