"""Flags of option quotes: implied volatility out of bounds, and prices that no market can mean.

The options expire the same day: rates and dividends do not count, and Black-76 on the future and
Black-Scholes on the ticker are one formula of the underlying's price F, the strike K and the time T
to settlement in years of 365 days:

    call(σ) = F N(d) − K N(d − σ√T),  put(σ) = call(σ) − F + K,  d = ln(F/K) / (σ√T) + σ√T/2

It rises with σ, so a mid has a volatility within [1 %, 500 %] exactly where it lies between the
prices at both bounds: nothing needs to be solved, and what no volatility gives (a mid below
intrinsic value) lies outside as well.

A quote that stands was made for the underlying's price of its time: far in the money a chain is
quoted again once in seconds or minutes, while every tick of the underlying moves its value by one.
So a quote is judged by whatever price between the lowest and the highest since its older side came
to stand there suits it best, for as long as `quote_windows`, give or take the share of it by which
a maker may lag behind (`underlying_share`). A mid is known to half a spread, at least a tick:
`tolerance` widens the bounds by as much.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from book_engines.kernel import Int, helper, kernel
from book_engines.records import SECOND_NS, UNDEF_PRICE

YEAR_NS: Final = 365 * 86_400 * 10**9
_LEAST_TIME_NS: Final = 10**9
_SURELY: Final = 0.999
"""Share of a bound that its rounding errors, of 1e-12, cannot reach."""
_ROOT_HALF: Final = math.sqrt(0.5)


@dataclass(frozen=True)
class OptionRules:
    """The thresholds of the option flags, prices in 1e-9 dollars."""

    settlement_ns: int
    tick_int: int
    lowest_volatility: float = 0.01
    highest_volatility: float = 5.0
    underlying_share: float = 0.0005
    max_premium_int: int = 100_000 * 10**9
    quote_windows: int = 600


class OptionFlags(NamedTuple):
    """The flags of R quotes."""

    iv_anomaly: NDArray[np.bool_]
    two_sided: NDArray[np.bool_]
    """Where iv_anomaly means anything."""
    arbitrage_violation: NDArray[np.bool_]


class _Limits(NamedTuple):
    settlement: int
    tick: int
    underlying_share: float
    lowest: float
    highest: float
    max_premium: int
    quote_windows: int


STANDING: Final = np.dtype(
    [
        ("price", "i8"),
        ("since", "i8"),  # window in which it came to stand there
        ("lowest", "i8"),  # of the underlying since then, UNDEF_PRICE while there was none
        ("highest", "i8"),
    ]
)


@helper
def _normal(x: float) -> float:
    """Return the standard normal distribution at x."""
    return 0.5 * math.erfc(-x * _ROOT_HALF)


@helper
def time_value(forward: float, strike: float, deviation: float) -> float:
    """Return what an option is worth above its intrinsic value: the same for calls and puts.

    deviation: σ√T > 0. Out of the money it is the price itself, so it is taken from that side and
    nothing large is subtracted.
    """
    d = math.log(forward / strike) / deviation + 0.5 * deviation
    if forward <= strike:
        return float(forward * _normal(d) - strike * _normal(d - deviation))
    return float(strike * _normal(deviation - d) - forward * _normal(-d))


@helper
def _note_side(side: NDArray[Any], price: Int, window: Int, before: Int, now: Int) -> None:
    """Keep since when a side stands at its price and where the underlying has been meanwhile."""
    if side["price"] != price:
        side["price"] = price
        side["since"] = window
        # it came between the last window's end and this one's
        side["lowest"] = before
        side["highest"] = before
    if now == UNDEF_PRICE:
        return
    if side["lowest"] == UNDEF_PRICE or now < side["lowest"]:
        side["lowest"] = now
    if side["highest"] == UNDEF_PRICE or now > side["highest"]:
        side["highest"] = now


@helper
def _intrinsic(is_call: bool, forward: Int, strike: Int) -> Int:
    value = forward - strike if is_call else strike - forward
    return value if value > 0 else np.int64(0)


@kernel
def _flag_quotes(
    standing: NDArray[Any],
    underlying: NDArray[np.int64],
    limits: _Limits,
    series: NDArray[np.int32],
    ends: NDArray[np.int64],
    is_call: NDArray[np.bool_],
    strikes: NDArray[np.int64],
    bids: NDArray[np.int64],
    asks: NDArray[np.int64],
    forwards: NDArray[np.int64],
    flags: NDArray[np.bool_],
) -> None:
    """Judge every quote by the bounds of its price since it came to stand.

    standing: STANDING (S, 2), bid and ask of each series. underlying: its price at the end of the
    window before the current one, and of the current one, and which that is.
    """
    end = np.int64(-1)
    root = half = 0.0
    for i in range(ends.size):
        bid, ask, forward, strike = bids[i], asks[i], forwards[i], strikes[i]
        if ends[i] != end:
            end = ends[i]
            root = math.sqrt(max(limits.settlement - end, _LEAST_TIME_NS) / YEAR_NS)
            half = _normal(0.5 * limits.highest * root)
        window = end // SECOND_NS
        if window != underlying[2]:
            underlying[0] = underlying[1] if window == underlying[2] + 1 else forward
            underlying[1] = forward
            underlying[2] = window
        before = underlying[0] if underlying[0] != UNDEF_PRICE else forward
        sides = standing[series[i]]
        _note_side(sides[0], bid, window, before, forward)
        _note_side(sides[1], ask, window, before, forward)
        flags[0, i] = flags[1, i] = flags[2, i] = False
        if bid == UNDEF_PRICE or ask == UNDEF_PRICE:
            continue
        mid = 0.5 * (bid + ask)
        if bid > ask or mid > limits.max_premium:
            flags[2, i] = True
        if forward == UNDEF_PRICE or forward <= 0:
            continue
        flags[1, i] = True
        low, high = forward, forward
        for side in range(2):
            if window - sides[side]["since"] <= limits.quote_windows:
                low = min(low, sides[side]["lowest"])
                high = max(high, sides[side]["highest"])
        low -= np.int64(limits.underlying_share * low)
        high += np.int64(limits.underlying_share * high)
        call = is_call[i]
        # a call is worth least at the lowest price of the underlying, a put at the highest
        least, most = (low, high) if call else (high, low)
        tolerance = max(0.5 * (ask - bid), float(limits.tick))
        floor = _intrinsic(call, least, strike)
        roof = most if call else strike
        if mid < floor - tolerance or mid > roof + tolerance:
            flags[2, i] = True
        below = mid + tolerance - floor
        # at the money a time value is at most 0.4 · F · σ√T: most quotes need no exact lower bound
        if below < 0:
            flags[0, i] = True
        elif below < 0.4 * least * limits.lowest * root:
            value = time_value(float(least), float(strike), limits.lowest * root)
            flags[0, i] = below < value
        above = mid - tolerance - _intrinsic(call, most, strike)
        # a time value is convex in F: most quotes lie below its tangent at the money, flattened
        tangent = strike * (2 * half - 1) - abs(most - strike) * half
        if above > max(0.0, _SURELY * tangent) and not flags[0, i]:
            value = time_value(float(most), float(strike), limits.highest * root)
            flags[0, i] = above > value


class OptionFlagger:
    """Flags quotes of options as they come, window after window."""

    def __init__(self, rules: OptionRules, n_series: int = 1) -> None:
        self._limits = _Limits(
            rules.settlement_ns,
            rules.tick_int,
            rules.underlying_share,
            rules.lowest_volatility,
            rules.highest_volatility,
            rules.max_premium_int,
            rules.quote_windows,
        )
        self._standing = _nothing_stands(n_series)
        self._underlying = np.array([UNDEF_PRICE, UNDEF_PRICE, -1], np.int64)

    def flag(
        self,
        *,
        series: NDArray[np.int32],
        window_end_ns: NDArray[np.int64],
        is_call: NDArray[np.bool_],
        strike_int: NDArray[np.int64],
        bid_int: NDArray[np.int64],
        ask_int: NDArray[np.int64],
        underlying_int: NDArray[np.int64],
    ) -> OptionFlags:
        """Return the flags of quotes in the order of their windows, one array a column.

        series: which option each row is of, from 0 on, at most one row a window and option.
        Prices in 1e-9 dollars, UNDEF_PRICE where a side or the underlying has none. Near
        settlement the time left counts as one second.
        """
        missing = int(series.max(initial=0)) + 1 - len(self._standing)
        if missing > 0:
            more = _nothing_stands(max(missing, len(self._standing)))
            self._standing = np.concatenate([self._standing, more])
        flags = np.empty((3, len(window_end_ns)), np.bool_)
        columns = (strike_int, bid_int, ask_int, underlying_int)
        strikes, bids, asks, forwards = (np.require(c, np.int64, ["C", "W"]) for c in columns)
        _flag_quotes(
            self._standing,
            self._underlying,
            self._limits,
            np.require(series, np.int32, ["C", "W"]),
            np.require(window_end_ns, np.int64, ["C", "W"]),
            np.require(is_call, np.bool_, ["C", "W"]),
            strikes,
            bids,
            asks,
            forwards,
            flags,
        )
        return OptionFlags(*flags)


def _nothing_stands(n_series: int) -> NDArray[Any]:
    standing = np.zeros((n_series, 2), STANDING)
    for name in ("price", "lowest", "highest"):
        standing[name] = UNDEF_PRICE
    return standing
