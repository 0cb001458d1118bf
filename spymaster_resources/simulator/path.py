"""The price path of a simulated market, for the markets that follow it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spymaster_resources.simulator.crowd import F64
from spymaster_resources.simulator.exchange import I64
from spymaster_resources.simulator.ledger import TOP_END_NS, TOP_SPOT
from spymaster_resources.simulator.market import PATH_ASK, PATH_BID, PATH_NS, Piece


@dataclass(frozen=True)
class PricePath:
    """Every touch of a day and the spot reference at every window end."""

    ts_ns: I64
    """When the touch changed, ascending."""
    mid: F64
    """Dollars, from that time on."""
    window_end_ns: I64
    """Every window end of the session."""
    spot_int: I64
    """Spot reference at each of them, 1e-9 dollars."""

    def mid_at(self, ts_ns: int) -> float:
        """Return the mid at an instant; the first one before there was any."""
        return float(self.mid[max(0, int(np.searchsorted(self.ts_ns, ts_ns, "right")) - 1)])


class PathGatherer:
    """Gathers the path of a market's first listing from its pieces."""

    def __init__(self, base_tick: int, tick_int: int) -> None:
        self._base_tick = base_tick
        self._tick_int = tick_int
        self._touches: list[I64] = []
        self._ends: list[I64] = []
        self._spots: list[I64] = []

    def add(self, piece: Piece) -> None:
        """Take what a piece tells."""
        self._touches.append(piece.path.copy())
        tops = piece.blocks[0].tops
        self._ends.append(tops[TOP_END_NS].copy())
        self._spots.append(tops[TOP_SPOT].copy())

    def path(self) -> PricePath:
        """Return what was gathered."""
        touches = np.concatenate(self._touches)
        doubled = touches[:, PATH_BID] + touches[:, PATH_ASK] + 2 * self._base_tick
        return PricePath(
            np.ascontiguousarray(touches[:, PATH_NS]),
            np.asarray(doubled * (self._tick_int / 2e9), np.float64),
            np.concatenate(self._ends),
            (np.concatenate(self._spots) + self._base_tick) * self._tick_int,
        )
