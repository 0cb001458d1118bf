"""Expiries, their shares of the activity, and the course of the day."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest

from spymaster_resources.instruments import instrument
from spymaster_resources.simulator.intraday import activity
from spymaster_resources.simulator.quarterlies import (
    Roll,
    activity_shares,
    carry_between,
    nearest_quarterlies,
    reference_price,
)

ES = instrument("ES", "future_mbo")


@pytest.mark.parametrize(
    ("dt", "symbols"),
    [
        (date(2026, 1, 6), ("ESH6", "ESM6")),
        (date(2026, 3, 19), ("ESH6", "ESM6")),
        (date(2026, 3, 20), ("ESM6", "ESU6")),  # expiry day itself
        (date(2026, 10, 1), ("ESZ6", "ESH7")),
        (date(2029, 12, 31), ("ESH0", "ESM0")),
    ],
)
def test_two_nearest_expiries_trade(dt: date, symbols: tuple[str, str]) -> None:
    pair = nearest_quarterlies(ES, dt)
    assert (pair[0].symbol, pair[1].symbol) == symbols
    assert all(ES.expiry_date(row.symbol, dt) == row.expiry for row in pair)


def test_instrument_ids_stay_with_a_contract_and_differ_between_contracts() -> None:
    seen = {
        row.symbol + str(row.expiry.year): row.instrument_id
        for n in range(0, 1_500, 5)
        for row in nearest_quarterlies(ES, date(2024, 1, 1) + timedelta(days=n))
    }
    assert len(set(seen.values())) == len(seen)


def test_activity_moves_to_the_next_expiry_before_the_roll() -> None:
    shares = []
    for n in range(60):
        dt = date(2026, 1, 20) + timedelta(days=n)
        pair = nearest_quarterlies(ES, dt)
        if pair[0].symbol == "ESH6":
            shares.append(activity_shares(pair, dt)[1])
            assert sum(activity_shares(pair, dt)) == pytest.approx(1.0)
    assert shares == sorted(shares)
    assert shares[0] < 0.1
    assert shares[-1] > 0.9


def test_crossing_roll_changes_the_busier_expiry_with_every_session() -> None:
    sessions = [dt for n in range(12) if (dt := date(2026, 3, 6) + timedelta(days=n)).weekday() < 5]
    second = [
        activity_shares(nearest_quarterlies(ES, dt), dt, Roll.CROSSING)[1] > 0.5 for dt in sessions
    ]
    crossings = sum(a != b for a, b in pairwise(second))
    assert crossings >= 5
    assert (second[0], second[-1]) == (False, True)


def test_later_expiry_costs_more() -> None:
    pair = nearest_quarterlies(ES, date(2026, 1, 6))
    assert 0.005 < carry_between(pair, 1.0) < 0.02


def test_prices_of_neighbouring_days_are_near_and_depend_on_the_seed() -> None:
    one, two = (reference_price(date(2026, 1, n), 1) for n in (6, 7))
    assert 0.9 < one / two < 1.1
    assert one != two
    assert reference_price(date(2026, 1, 6), 2) != one


@pytest.mark.parametrize(("dt", "open_hour"), [(date(2026, 1, 6), 14), (date(2026, 7, 7), 13)])
def test_open_is_the_busiest_minute_in_new_york_time(dt: date, open_hour: int) -> None:
    curve = activity(dt)
    assert curve.shape == (86_400,)
    open_second = open_hour * 3_600 + 1_800
    assert open_second <= int(np.argmax(curve)) < open_second + 60
    assert curve[open_second] > 3 * curve[open_second - 60]
    halt = curve[(open_hour + 8) * 3_600 + 60 : (open_hour + 8) * 3_600 + 3_500]
    assert halt.max() == 0.0
