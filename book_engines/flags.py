"""Flags of silver snapshots: prices and spreads unlike those of the minutes before.

Only windows before a row decide about it, so that what comes later changes no flag. Rows are judged
in the order of their windows, each series (an instrument) on its own; any split of the rows into
calls gives the same flags.

**Price.** With m the median of the mid prices of the trailing 60 s and s = 1.4826 · their median
absolute deviation, at least one tick, a mid x is an outlier when |x − m| > 3 s. On a random walk
that alone marks 6.6 % of all windows, whatever its speed, because a walk is mostly far from its own
median, and a quiet minute makes every move an outlier. Hence two conditions more: s is at least
1.4826 · the median |x − m| of the trailing 30 minutes, how far prices usually stand from their
median; and x has left the last mid that was no outlier by more than 3 s as well, in one step and
not by walking there. Beyond the tier (a share of m that depends on the product, its price and the
hour) a mid is an outlier without condition.

**Crossed.** The mid and the spread of a crossed or locked book mean nothing: they are neither
judged nor remembered. (In a real pre-open the mid stands 20 ticks off while the book is crossed;
the first half minute of trading would be compared with it.)

**Spread.** An anomaly is wider than 10 times the median spread of the trailing 30 minutes, and than
a share of the mid where the product has one: the quote of an option far in the money may be a tick
wide for half an hour and half a dollar when a maker leaves, which is nothing of 300 dollars.

Until a series has seen `min_samples` values it has no usual state and nothing of it is an outlier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.kernel import Int, helper, kernel
from book_engines.records import SECOND_NS, UNDEF_PRICE
from book_engines.trailing import (
    SIZE,
    Trailing,
    forget_until,
    four_times_deviation,
    remember,
    trailing,
    twice_median,
    with_more_series,
)

Saved = Mapping[str, NDArray[Any]]

MAD_TO_DEVIATION: Final = 1.4826
"""Standard deviation of a normal variable over its median absolute deviation."""

_PARTS: Final = ("prices", "distances", "spreads")
_CLEAN_UNKNOWN: Final = -(2**63)


@dataclass(frozen=True)
class PriceTier:
    """How far a price below `below_int` may lie from the trailing median, as a share of it."""

    below_int: int
    """1e-9 dollars."""
    share: float


@dataclass(frozen=True)
class SnapshotRules:
    """The thresholds of the snapshot flags."""

    tick_int: int
    """Floor of the deviation, 1e-9 dollars."""
    tiers: tuple[PriceTier, ...] = ()
    """In ascending order of `below_int`; above the last one there is no limit."""
    outside_tiers: tuple[PriceTier, ...] = ()
    """The same outside of the regular hours."""
    regular_ns: tuple[int, int] = (0, UNDEF_PRICE)
    """Window ends in regular hours: after the first, up to the second."""
    price_windows: int = 60
    z_limit: float = 3.0
    spread_windows: int = 1800
    spread_factor: float = 10.0
    spread_floor_share: float = 0.0
    min_samples: int = 10


class SnapshotFlags(NamedTuple):
    """The flags of R rows."""

    price_outlier: NDArray[np.bool_]
    crossed_market: NDArray[np.bool_]
    spread_anomaly: NDArray[np.bool_]


class _Limits(NamedTuple):
    """The rules as a kernel takes them."""

    tick: int
    price_windows: int
    z_limit: float
    spread_windows: int
    spread_factor: float
    spread_floor_share: float
    min_samples: int
    regular_after: int
    regular_until: int
    below: NDArray[np.int64]
    """(2, T): regular hours, outside."""
    share: NDArray[np.float64]
    """(2, T)."""


@helper
def _is_price_outlier(
    prices: Trailing,
    distances: Trailing,
    clean: NDArray[np.int64],
    limits: _Limits,
    s: Int,
    end: Int,
    twice_mid: Int,
) -> bool:
    """Return whether a mid is an outlier of its series.

    Its distance from the median joins `distances`, and `clean` keeps the last mid that was none.
    """
    if prices.bounds[s, SIZE] < limits.min_samples:
        clean[s] = twice_mid
        return False
    four_median = twice_median(prices, s)
    four_distance = abs(2 * twice_mid - four_median)
    distance = four_distance * 0.25
    median = four_median * 0.25
    window = end // SECOND_NS
    forget_until(distances, s, window - limits.spread_windows - 1)
    usual = 0.0
    if distances.bounds[s, SIZE] > 0:
        usual = twice_median(distances, s) * 0.125
    forget_until(distances, s, window - limits.spread_windows)
    remember(distances, s, window, four_distance)
    hours = 0 if limits.regular_after < end <= limits.regular_until else 1
    for tier in range(limits.below.shape[1]):
        if median < limits.below[hours, tier]:
            if distance > limits.share[hours, tier] * median:
                return True
            break
    deviation = four_times_deviation(prices, s, four_median) * 0.125
    reach = limits.z_limit * max(MAD_TO_DEVIATION * max(deviation, usual), float(limits.tick))
    if distance > reach and abs(twice_mid - clean[s]) * 0.5 > reach:
        return True
    clean[s] = twice_mid
    return False


@kernel
def _flag_rows(
    prices: Trailing,
    distances: Trailing,
    spreads: Trailing,
    clean: NDArray[np.int64],
    limits: _Limits,
    series: NDArray[np.int32],
    ends: NDArray[np.int64],
    bids: NDArray[np.int64],
    asks: NDArray[np.int64],
    flags: NDArray[np.bool_],
) -> None:
    """Judge every row by what its series was before, then add it to the series."""
    for i in range(ends.size):
        s = np.int64(series[i])
        bid, ask = bids[i], asks[i]
        flags[0, i] = flags[1, i] = flags[2, i] = False
        if bid == UNDEF_PRICE or ask == UNDEF_PRICE:
            continue
        if bid >= ask:
            flags[1, i] = True
            continue
        window = ends[i] // SECOND_NS
        forget_until(prices, s, window - limits.price_windows - 1)
        flags[0, i] = _is_price_outlier(prices, distances, clean, limits, s, ends[i], bid + ask)
        forget_until(prices, s, window - limits.price_windows)
        remember(prices, s, window, bid + ask)
        forget_until(spreads, s, window - limits.spread_windows - 1)
        if spreads.bounds[s, SIZE] >= limits.min_samples:
            widest = limits.spread_factor * twice_median(spreads, s)
            floor = limits.spread_floor_share * (bid + ask)
            flags[2, i] = 2 * (ask - bid) > max(widest, floor)
        forget_until(spreads, s, window - limits.spread_windows)
        remember(spreads, s, window, ask - bid)


class SnapshotFlagger:
    """Flags snapshot rows as they come, window after window."""

    def __init__(self, rules: SnapshotRules, n_series: int = 1) -> None:
        tiers = (rules.tiers, rules.outside_tiers)
        width = max(map(len, tiers))
        below, share = np.zeros((2, width), np.int64), np.zeros((2, width))
        for hours, row in enumerate(tiers):
            for number, tier in enumerate(row):
                below[hours, number], share[hours, number] = tier.below_int, tier.share
        self._limits = _Limits(
            rules.tick_int,
            rules.price_windows,
            rules.z_limit,
            rules.spread_windows,
            rules.spread_factor,
            rules.spread_floor_share,
            rules.min_samples,
            *rules.regular_ns,
            below,
            share,
        )
        self._prices = trailing(n_series, rules.price_windows)
        self._distances = trailing(n_series, rules.spread_windows)
        self._spreads = trailing(n_series, rules.spread_windows)
        self._clean = np.full(n_series, _CLEAN_UNKNOWN)
        self._flagged = np.zeros(3, np.int64)

    @property
    def counters(self) -> dict[str, int]:
        """Return how many rows carry each flag."""
        names = SnapshotFlags._fields
        counted = zip(names, self._flagged.tolist(), strict=True)
        return {f"flag_{name}": count for name, count in counted}

    def flag(
        self,
        series: NDArray[np.int32],
        window_end_ns: NDArray[np.int64],
        bid_int: NDArray[np.int64],
        ask_int: NDArray[np.int64],
    ) -> SnapshotFlags:
        """Return the flags of rows in the order of their windows.

        series: which series each row belongs to, from 0 on; at most one row a window and series.
        bid_int, ask_int: best prices, 1e-9 dollars, UNDEF_PRICE where the side is empty.
        """
        self._make_room(int(series.max(initial=0)) + 1)
        flags = np.empty((3, window_end_ns.size), np.bool_)
        _flag_rows(
            self._prices,
            self._distances,
            self._spreads,
            self._clean,
            self._limits,
            _writable(series),
            _writable(window_end_ns),
            _writable(bid_int),
            _writable(ask_int),
            flags,
        )
        self._flagged += np.count_nonzero(flags, axis=1)
        return SnapshotFlags(*flags)

    def save(self) -> dict[str, NDArray[Any]]:
        """Return the state between two calls; a flagger of the same rules takes it up."""
        parts = dict(zip(_PARTS, (self._prices, self._distances, self._spreads), strict=True))
        return {
            "clean": self._clean.copy(),
            "flagged": self._flagged.copy(),
            **{f"{p}_{n}": a.copy() for p, t in parts.items() for n, a in t._asdict().items()},
        }

    def load(self, saved: Saved) -> None:
        """Take up where `saved` left off."""
        self._clean = saved["clean"].copy()
        self._flagged = saved["flagged"].copy()
        self._prices, self._distances, self._spreads = (
            Trailing._make(saved[f"{part}_{name}"].copy() for name in Trailing._fields)
            for part in _PARTS
        )

    def _make_room(self, n_series: int) -> None:
        room = self._clean.size
        if n_series <= room:
            return
        n_series = max(n_series, 2 * room)
        self._prices = with_more_series(self._prices, n_series)
        self._distances = with_more_series(self._distances, n_series)
        self._spreads = with_more_series(self._spreads, n_series)
        self._clean = np.append(self._clean, np.full(n_series - room, _CLEAN_UNKNOWN))


def _writable(column: NDArray[Any]) -> NDArray[Any]:
    return np.require(column, requirements=["C", "W"])
