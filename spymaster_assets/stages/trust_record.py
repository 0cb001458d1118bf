"""How far to trust a forecast, as part of the published calibration."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from book_engines.bands import LEVELS
from book_engines.confidence import ConfidenceMap
from book_engines.dynamics import LAST_HORIZON_S
from book_engines.trust import Trust
from book_engines.volatility import TRAILING_S

_HORIZONS: Final = range(1, LAST_HORIZON_S + 1)


def trust_entry(trust: Trust) -> dict[str, Any]:
    """Return `trust` as JSON values; a horizon with too few moves is null."""
    return {
        "volatility": {"trailing_s": TRAILING_S, "typical_square": trust.typical_square},
        "confidence": {
            str(horizon): None if each is None else _map_entry(each)
            for horizon, each in zip(_HORIZONS, trust.maps, strict=True)
        },
        "bands": {
            str(horizon): {
                level_name(level): value if math.isfinite(value) else None
                for level, value in zip(LEVELS, row, strict=True)
            }
            for horizon, row in zip(_HORIZONS, trust.reach.tolist(), strict=True)
        },
    }


def read_trust(entry: Mapping[str, Any]) -> Trust:
    """Return what `trust_entry` wrote; raises KeyError, TypeError or ValueError for other JSON."""
    maps = []
    for horizon in _HORIZONS:
        each = entry["confidence"][str(horizon)]
        maps.append(
            None
            if each is None
            else ConfidenceMap(
                np.array(each["score"], dtype=np.float64),
                np.array(each["probability"], dtype=np.float64),
                int(each["moves"]),
            )
        )
    bands = [
        [entry["bands"][str(horizon)][level_name(level)] for level in LEVELS]
        for horizon in _HORIZONS
    ]
    typical = float(entry["volatility"]["typical_square"])
    return Trust(typical, tuple(maps), np.array(bands, dtype=np.float64))


def _map_entry(each: ConfidenceMap) -> dict[str, Any]:
    return {
        "score": each.score.tolist(),
        "probability": each.probability.tolist(),
        "moves": each.moves,
    }


def level_name(level: float) -> str:
    """Return a band's name, as 50 for one half."""
    return f"{100 * level:.0f}"
