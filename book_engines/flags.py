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
    ABSENT,
    SIZE,
    USED,
    Trailing,
    four_times_deviation,
    put,
    put_many,
    trailing,
    twice_median,
    twice_median_of_ring,
    with_more_series,
)

Saved = Mapping[str, NDArray[Any]]

MAD_TO_DEVIATION: Final = 1.4826
"""Standard deviation of a normal variable over its median absolute deviation."""

_NEVER: Final = -(2**62)
_NO_ROW: Final = -1


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


class _State(NamedTuple):
    """What S series remember; all rings are of the windows up to `last`."""

    prices: Trailing
    """Twice the mid."""
    distances: NDArray[np.int64]
    """(S, N) ring of four times the distance of each mid from its median."""
    spreads: Trailing
    clean: NDArray[np.int64]
    """(S,) twice the last mid that was no outlier."""
    last: NDArray[np.int64]
    """(S,) window of the last row that was judged."""
    first: NDArray[np.int32]
    """(S,) the first row of a call: _NO_ROW between two calls."""
    scratch: NDArray[np.int64]
    """(N,) nothing between two rows."""


@helper
def _skip_to(state: _State, s: Int, window: Int) -> None:
    """Leave the slots of the windows between the last row of series `s` and `window` empty."""
    near, far = state.prices.ring.shape[1], state.spreads.ring.shape[1]
    for skipped in range(max(state.last[s] + 1, window - far), window):
        put(state.prices, s, skipped % near, ABSENT)
        put(state.spreads, s, skipped % far, ABSENT)
        state.distances[s, skipped % far] = ABSENT


@helper
def _is_far(
    state: _State, limits: _Limits, s: Int, end: Int, twice_mid: Int, four_median: Int
) -> bool:
    """Return whether a mid is an outlier by the median of the minute before it.

    Both deviations are looked for only where the tick, their floor, does not decide alone.
    """
    distance = abs(2 * twice_mid - four_median) * 0.25
    median = four_median * 0.25
    hours = 0 if limits.regular_after < end <= limits.regular_until else 1
    for tier in range(limits.below.shape[1]):
        if median < limits.below[hours, tier]:
            if distance > limits.share[hours, tier] * median:
                return True
            break
    step = abs(twice_mid - state.clean[s]) * 0.5
    if min(distance, step) <= limits.z_limit * float(limits.tick):
        return False
    deviation = four_times_deviation(state.prices, s, four_median) * 0.125
    usual = twice_median_of_ring(state.distances[s], state.scratch) * 0.125
    reach = limits.z_limit * max(MAD_TO_DEVIATION * max(deviation, usual), float(limits.tick))
    return bool(min(distance, step) > reach)


@helper
def _is_price_outlier(
    state: _State, limits: _Limits, s: Int, end: Int, twice_mid: Int, slot: Int
) -> bool:
    """Return whether a mid is an outlier of its series.

    Its distance from the median joins the others, and `clean` keeps the last mid that was none.
    """
    if state.prices.bounds[s, SIZE] < limits.min_samples:
        state.distances[s, slot] = ABSENT
        state.clean[s] = twice_mid
        return False
    four_median = twice_median(state.prices, s)
    outlier = bool(_is_far(state, limits, s, end, twice_mid, four_median))
    state.distances[s, slot] = abs(2 * twice_mid - four_median)
    if not outlier:
        state.clean[s] = twice_mid
    return outlier


@helper
def _is_wide(spreads: Trailing, limits: _Limits, s: Int, spread: Int, twice_mid: Int) -> bool:
    """Return whether a spread is an anomaly of its series."""
    if spreads.bounds[s, SIZE] < limits.min_samples or _is_calm(spreads, limits, s, spread):
        return False
    floor = limits.spread_floor_share * twice_mid
    return bool(2 * spread > floor and 2 * spread > limits.spread_factor * twice_median(spreads, s))


@helper
def _is_calm(spreads: Trailing, limits: _Limits, s: Int, spread: Int) -> bool:
    """Return whether a spread is no anomaly, however often it follows what the series holds.

    The median is never below the least of both.
    """
    least = min(spreads.value[s, 0], spread) if spreads.bounds[s, USED] > 0 else spread
    return bool(2 * spread <= limits.spread_factor * (2 * least))


@kernel
def _flag_rows(
    state: _State,
    limits: _Limits,
    series: NDArray[np.int32],
    ends: NDArray[np.int64],
    bids: NDArray[np.int64],
    asks: NDArray[np.int64],
    following: NDArray[np.int32],
    flags: NDArray[np.bool_],
) -> None:
    """Judge every row by what its series was before, then add it to the series.

    One series after the other, so that what it remembers stays in the nearest cache.
    following: (R,) where the row of each row's series after it goes.
    """
    n_near, n_far = state.prices.ring.shape[1], state.spreads.ring.shape[1]
    for i in range(ends.size - 1, -1, -1):
        following[i] = state.first[series[i]]
        state.first[series[i]] = i
    for s in range(state.first.size):
        row: Int = state.first[s]
        state.first[s] = _NO_ROW
        near = state.last[s] % n_near
        far = state.last[s] % n_far
        # a calm spread, and for how many windows up to `far` it is still to be put in
        held: Int = np.int64(0)
        standing: Int = np.int64(0)
        while row != _NO_ROW:
            i, row = row, following[row]
            bid, ask = bids[i], asks[i]
            flags[0, i] = flags[1, i] = flags[2, i] = False
            if bid == UNDEF_PRICE or ask == UNDEF_PRICE:
                continue
            if bid >= ask:
                flags[1, i] = True
                continue
            window = ends[i] // SECOND_NS
            follows = state.last[s] == window - 1
            if standing > 0 and not (follows and ask - bid == held and standing < n_far):
                put_many(state.spreads, s, (far - standing + 1) % n_far, held, standing)
                standing = np.int64(0)
            if follows:
                near = near + 1 if near + 1 < n_near else 0
                far = far + 1 if far + 1 < n_far else 0
            else:
                _skip_to(state, s, window)
                near = window % n_near
                far = window % n_far
            state.last[s] = window
            flags[0, i] = _is_price_outlier(state, limits, s, ends[i], bid + ask, far)
            put(state.prices, s, near, bid + ask)
            if standing == 0:
                flags[2, i] = _is_wide(state.spreads, limits, s, ask - bid, bid + ask)
                if not _is_calm(state.spreads, limits, s, ask - bid):
                    put(state.spreads, s, far, ask - bid)
                    continue
                held = ask - bid
            standing += 1
        if standing > 0:
            put_many(state.spreads, s, (far - standing + 1) % n_far, held, standing)


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
        self._state = _State(
            trailing(n_series, rules.price_windows),
            np.full((n_series, rules.spread_windows), ABSENT),
            trailing(n_series, rules.spread_windows),
            np.zeros(n_series, np.int64),
            np.full(n_series, _NEVER),
            np.full(n_series, _NO_ROW, np.int32),
            np.empty(rules.spread_windows, np.int64),
        )
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
            self._state,
            self._limits,
            _writable(series),
            _writable(window_end_ns),
            _writable(bid_int),
            _writable(ask_int),
            np.empty(window_end_ns.size, np.int32),
            flags,
        )
        self._flagged += np.count_nonzero(flags, axis=1)
        return SnapshotFlags(*flags)

    def save(self) -> dict[str, NDArray[Any]]:
        """Return the state between two calls; a flagger of the same rules takes it up."""
        state = self._state
        parts = {"prices": state.prices, "spreads": state.spreads}
        return {
            "distances": state.distances.copy(),
            "clean": state.clean.copy(),
            "last": state.last.copy(),
            "flagged": self._flagged.copy(),
            **{f"{p}_{n}": a.copy() for p, t in parts.items() for n, a in t._asdict().items()},
        }

    def load(self, saved: Saved) -> None:
        """Take up where `saved` left off."""
        prices, spreads = (
            Trailing._make(saved[f"{part}_{name}"].copy() for name in Trailing._fields)
            for part in ("prices", "spreads")
        )
        self._flagged = saved["flagged"].copy()
        self._state = _State(
            prices,
            saved["distances"].copy(),
            spreads,
            saved["clean"].copy(),
            saved["last"].copy(),
            np.full(len(saved["last"]), _NO_ROW, np.int32),
            self._state.scratch,
        )

    def _make_room(self, n_series: int) -> None:
        old = self._state
        missing = n_series - old.clean.size
        if missing <= 0:
            return
        missing = max(missing, old.clean.size)
        room = old.clean.size + missing
        more = np.full((missing, old.distances.shape[1]), ABSENT)
        self._state = _State(
            with_more_series(old.prices, room),
            np.concatenate([old.distances, more]),
            with_more_series(old.spreads, room),
            np.append(old.clean, np.zeros(missing, np.int64)),
            np.append(old.last, np.full(missing, _NEVER)),
            np.full(room, _NO_ROW, np.int32),
            old.scratch,
        )


def _writable(column: NDArray[Any]) -> NDArray[Any]:
    return np.require(column, requirements=["C", "W"])
