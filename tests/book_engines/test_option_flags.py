"""The flags of option quotes: against a solver, and against every price of the underlying."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

from book_engines.option_flags import YEAR_NS, OptionFlagger, OptionRules
from book_engines.records import SECOND_NS, UNDEF_PRICE

DOLLAR = 10**9
TICK = 50_000_000
SETTLEMENT = 30_000 * SECOND_NS
RULES = OptionRules(SETTLEMENT, TICK, underlying_share=0.0, quote_windows=5)


class Quote(NamedTuple):
    series: int
    window: int
    strike: int
    bid: int | None
    ask: int | None
    is_call: bool = True


def flags(
    flagger: OptionFlagger, quotes: Sequence[Quote], underlying: Sequence[int | None]
) -> NDArray[np.bool_]:
    """Return iv_anomaly, two_sided and arbitrage_violation of each quote, (3, R)."""
    price = [UNDEF_PRICE if underlying[q.window] is None else underlying[q.window] for q in quotes]
    return np.array(
        flagger.flag(
            series=np.array([q.series for q in quotes], np.int32),
            window_end_ns=np.array([q.window for q in quotes], np.int64) * SECOND_NS,
            is_call=np.array([q.is_call for q in quotes], np.bool_),
            strike_int=np.array([q.strike for q in quotes], np.int64),
            bid_int=_prices([q.bid for q in quotes]),
            ask_int=_prices([q.ask for q in quotes]),
            underlying_int=np.array(price, np.int64),
        )
    )


def _prices(values: Sequence[int | None]) -> NDArray[np.int64]:
    return np.array([UNDEF_PRICE if v is None else v for v in values], np.int64)


def premium(is_call: bool, forward: float, strike: float, years: float, sigma: float) -> float:
    deviation = sigma * math.sqrt(years)
    d = math.log(forward / strike) / deviation + deviation / 2
    call = forward * norm.cdf(d) - strike * norm.cdf(d - deviation)
    return float(call if is_call else call - forward + strike)


@given(
    st.booleans(),
    st.integers(90, 110),
    st.floats(0.001, 8.0),
    st.integers(0, 29_000),
)
@settings(max_examples=150, deadline=None)
def test_a_volatility_outside_of_its_bounds_is_what_a_solver_says(
    is_call: bool, strike: int, sigma: float, window: int
) -> None:
    forward = 100.0
    years = (SETTLEMENT - window * SECOND_NS) / YEAR_NS
    price = premium(is_call, forward, strike, years, sigma)
    # as narrow a quote as there is, so that nothing but the tick is uncertain
    mid = round(price * DOLLAR)
    quote = Quote(0, 0, strike * DOLLAR, mid, mid, is_call)
    rules = OptionRules(SETTLEMENT - window * SECOND_NS, 1, underlying_share=0.0)
    found = flags(OptionFlagger(rules), [quote], [round(forward * DOLLAR)])
    bounds = [premium(is_call, forward, strike, years, s) for s in (0.01, 5.0)]
    slack = 3e-9  # the mid was rounded to 1e-9 dollars and has a tick of tolerance
    if bounds[0] + slack < price < bounds[1] - slack:
        solved = brentq(lambda s: premium(is_call, forward, strike, years, s) - price, 0.009, 5.1)
        assert solved + 1e-6 >= 0.01
        assert not found[0, 0]
    elif price < bounds[0] - slack or price > bounds[1] + slack:
        assert found[0, 0]
    assert not found[2, 0]


UNDERLYING = st.lists(st.integers(95, 105).map(lambda p: p * DOLLAR), min_size=12, max_size=12)
SIDES = st.lists(
    st.tuples(st.sampled_from([4, 5, 6, 10]), st.sampled_from([0, 1, 2])), min_size=12, max_size=12
)


@given(UNDERLYING, SIDES, st.booleans(), st.integers(1, 5))
@settings(max_examples=100, deadline=None)
def test_a_quote_is_judged_by_the_prices_since_it_came_to_stand(
    underlying: list[int], sides: list[tuple[int, int]], is_call: bool, step: int
) -> None:
    quotes = [
        Quote(0, w, 95 * DOLLAR, bid * DOLLAR, (bid + width) * DOLLAR, is_call)
        for w, (bid, width) in enumerate(sides)
    ]
    flagger = OptionFlagger(RULES)
    parts = [flags(flagger, quotes[i : i + step], underlying) for i in range(0, 12, step)]
    found = np.concatenate(parts, axis=1)
    for w, quote in enumerate(quotes):
        prices = {underlying[w]}
        for side in ("bid", "ask"):
            since = w
            while since > 0 and getattr(quotes[since - 1], side) == getattr(quote, side):
                since -= 1
            if w - since <= RULES.quote_windows:
                prices |= set(underlying[max(since - 1, 0) : w + 1])
        assert quote.bid is not None
        assert quote.ask is not None
        mid, tolerance = (quote.bid + quote.ask) / 2, max((quote.ask - quote.bid) / 2, TICK)
        worth = [max(p - quote.strike if is_call else quote.strike - p, 0) for p in prices]
        roof = max(prices) if is_call else quote.strike
        assert found[2, w] == (mid < min(worth) - tolerance or mid > roof + tolerance)


@pytest.mark.parametrize(
    ("bid", "ask", "is_call", "expected"),
    [
        (9, 11, True, False),
        (5, 6, True, True),  # ten dollars in the money
        (106, 107, True, True),  # worth more than the ticker itself
        (91, 92, False, True),  # worth more than its strike
        (0.05, 0.1, False, False),
        (11, 10, True, True),  # crossed
        (187_187, 187_187, True, True),
    ],
)
def test_what_no_market_can_mean(bid: float, ask: float, is_call: bool, expected: bool) -> None:
    quote = Quote(0, 0, 90 * DOLLAR, int(bid * DOLLAR), int(ask * DOLLAR), is_call)
    assert flags(OptionFlagger(RULES), [quote], [100 * DOLLAR])[2, 0] == expected


def test_one_side_says_nothing_of_volatility() -> None:
    one_sided = [Quote(0, 0, 90 * DOLLAR, None, DOLLAR), Quote(1, 0, 90 * DOLLAR, DOLLAR, None)]
    assert not flags(OptionFlagger(RULES), one_sided, [100 * DOLLAR]).any()
    without_underlying = flags(
        OptionFlagger(RULES), [Quote(0, 0, 90 * DOLLAR, DOLLAR, 2 * DOLLAR)], [None]
    )
    assert not without_underlying.any()
