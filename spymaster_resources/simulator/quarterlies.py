"""Which expiries trade on a date, and how the activity is shared between them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np

from contracts.errors import ConfigurationError
from spymaster_resources.instruments import MONTH_CODES, Instrument, third_friday
from spymaster_resources.simulator.day_files import Named

# Volume moves to the next expiry around the Thursday eight days before expiry.
_ROLL_DAYS: Final = 8.0
_ROLL_WIDTH_DAYS: Final = 0.7
_SPREAD_IDS: Final = 100_000
_CROSSING_DAYS: Final = 4
_CROSSING_SHARES: Final = (0.35, 0.65)
_BACK_SHARE: Final = 0.06  # of the market's activity, far from the roll
_ANCHOR: Final = date(2010, 1, 1)  # where the path of reference prices starts
_ANCHOR_PRICE: Final = 1_100.0
_DAILY_DRIFT: Final = 0.00028
_DAILY_VOLATILITY: Final = 0.004
_CARRY_PER_YEAR: Final = 0.045  # what the later expiry costs more


class Roll(StrEnum):
    """How the volume moves from one expiry to the next."""

    CLEAN = "clean"
    """Once, over two or three sessions."""
    CROSSING = "crossing"
    """To and fro: around the roll the busier expiry changes with every session."""


class Quarterly(NamedTuple):
    """One expiry of the simulated future."""

    symbol: str
    instrument_id: int
    expiry: date


def nearest_quarterlies(instrument: Instrument, dt: date) -> tuple[Quarterly, Quarterly]:
    """Return the two nearest expiries after `dt`, nearest first.

    Raises ConfigurationError for a row that is no future's.
    """
    if instrument.contract_months is None:
        raise ConfigurationError(f"{instrument.root} as {instrument.product_type} never expires")
    found: list[Quarterly] = []
    year = dt.year
    while len(found) < 2:
        for code in instrument.contract_months:
            month = MONTH_CODES.index(code) + 1
            expiry = third_friday(year, month)
            if expiry > dt:
                # The id stays with the contract, as the venue's does while a contract is listed.
                number = 10_000 + (year - 2000) * 100 + month * 8
                found.append(Quarterly(f"{instrument.root}{code}{year % 10}", number, expiry))
        year += 1
    return found[0], found[1]


def calendar_spread(pair: Sequence[Quarterly]) -> Named:
    """Return the spread of two expiries, as ESH6-ESM6."""
    return Named(f"{pair[0].symbol}-{pair[1].symbol}", _SPREAD_IDS + pair[0].instrument_id)


def activity_shares(
    pair: tuple[Quarterly, Quarterly], dt: date, roll: Roll = Roll.CLEAN
) -> tuple[float, float]:
    """Return the shares of the two expiries in the day's activity; they cross at the roll."""
    days = (pair[0].expiry - dt).days
    rolled = 1.0 / (1.0 + np.exp((days - _ROLL_DAYS) / _ROLL_WIDTH_DAYS))
    if roll is Roll.CROSSING and abs(days - _ROLL_DAYS) <= _CROSSING_DAYS:
        rolled = _CROSSING_SHARES[dt.toordinal() % 2]  # a weekend has an odd number of nights too
    second = float(_BACK_SHARE + (1.0 - 2.0 * _BACK_SHARE) * rolled)
    return 1.0 - second, second


def reference_price(dt: date, seed: int) -> float:
    """Return the price in dollars around which the day starts: a seeded walk over the dates."""
    days = max(0, (dt - _ANCHOR).days)
    steps = np.random.default_rng([seed, 0]).standard_normal(days)
    return float(_ANCHOR_PRICE * np.exp(_DAILY_DRIFT * days + _DAILY_VOLATILITY * steps.sum()))


def carry_between(pair: tuple[Quarterly, Quarterly], price: float) -> float:
    """Return by how many dollars the second expiry trades above the first."""
    return price * _CARRY_PER_YEAR * (pair[1].expiry - pair[0].expiry).days / 365.0
