"""Option premiums: Black's formula for options on a forward, with a smile.

Source: F. Black, "The pricing of commodity contracts", Journal of Financial Economics 3 (1976).
"""

from __future__ import annotations

from math import erf, log, sqrt
from typing import Final

from book_engines.kernel import helper

YEAR_NS: Final = 365 * 86_400 * 1_000_000_000

# The smile of an expiring index option: higher volatility below the forward, both wings up.
AT_THE_MONEY_VOLATILITY: Final = 0.18  # a year
_SKEW: Final = -0.09  # relative, a standard deviation of moneyness
_CURVATURE: Final = 0.025
_WING: Final = 4.0  # standard deviations from which the smile is flat
_SHORTEST_YEARS: Final = 60e9 / YEAR_NS  # makers quote the last minute as if it lasted


@helper
def premium(is_call: bool, forward: float, strike: float, years: float) -> float:
    """Return the premium of an option in the currency of forward and strike.

    C = F N(d1) − K N(d2), P = K N(−d2) − F N(−d1), d1,2 = ln(F/K)/s ± s/2, s = σ(K) √T; no
    discounting over hours. years: T, time to expiration.
    """
    deviation = AT_THE_MONEY_VOLATILITY * sqrt(max(years, _SHORTEST_YEARS))
    moneyness = log(strike / forward) / deviation
    x = min(max(moneyness, -_WING), _WING)
    s = deviation * (1.0 + _SKEW * x + _CURVATURE * x * x)
    d1 = -log(strike / forward) / s + 0.5 * s
    call = forward * _normal(d1) - strike * _normal(d1 - s)
    return float(call if is_call else call + strike - forward)


@helper
def _normal(x: float) -> float:
    """Return the standard normal distribution function."""
    return 0.5 * (1.0 + erf(x * 0.7071067811865476))
