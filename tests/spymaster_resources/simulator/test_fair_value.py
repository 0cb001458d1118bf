"""A day without a signal: its price is a walk drawn beforehand, whatever happens in the book."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow.parquet as pq
import pytest

from spymaster_resources.instruments import instrument
from spymaster_resources.simulator.fair_value import random_walk
from spymaster_resources.simulator.futures import FuturesDay, Law, fair_value, simulate_day
from spymaster_resources.simulator.sizes import SIZES
from spymaster_resources.simulator.truth import truth_files
from spymaster_resources.simulator.volume import segments
from spymaster_resources.trading_calendar import SessionWindow

ES = instrument("ES", "future_mbo")
DT = date(2026, 3, 10)  # around the roll: both expiries are busy
SIZE = replace(
    SIZES["demo"],
    trading=(SessionWindow.parse("05:00-09:22"), SessionWindow.parse("09:29-09:40")),
    session=SessionWindow.parse("09:30-09:40"),
    records=150_000,
)
SECOND_NS = 1_000_000_000


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> FuturesDay:
    return simulate_day(ES, DT, SIZE, tmp_path_factory.mktemp("none"), seed=2, law=Law.NONE)


def test_the_mid_is_the_walk_whenever_it_moves(day: FuturesDay) -> None:
    walk = fair_value(DT, 2, segments(SIZE, DT))
    found_ns, mid = day.prices.ts_ns, day.prices.mid / (ES.tick_int / 1e9)
    at = np.searchsorted(walk.ts_ns, found_ns, "right") - 1
    moved = walk.fair_ticks[at] - walk.fair_ticks[0]
    np.testing.assert_array_equal(mid - mid[0], moved)
    # Moves wait for the next action: in the quiet hours some of them come, or cancel, together.
    assert np.abs(np.diff(moved)).sum() > 0.75 * len(walk.ts_ns) > 1_000


def test_the_spread_is_one_tick_at_the_end_of_every_window(day: FuturesDay) -> None:
    mids = []
    for symbol in day.symbols:
        snapshot = pq.read_table(truth_files(day.path, symbol)[0])
        bid, ask = (snapshot[f"best_{s}_price_int"].to_numpy() for s in ("bid", "ask"))
        assert set(ask - bid) == {ES.tick_int}
        mids.append(bid)
    # Both expiries move at once: neither leads the other.
    assert len(set(mids[1] - mids[0])) == 1


def test_a_price_that_wanders_for_hours_sweeps_no_orders_along(day: FuturesDay) -> None:
    for symbol in day.symbols:
        snapshot = pq.read_table(truth_files(day.path, symbol)[0])
        for side in ("bid", "ask"):
            assert 3 < np.median(snapshot[f"best_{side}_qty"].to_numpy()) < 80


def test_trades_eat_the_touch_and_do_not_move_it(day: FuturesDay) -> None:
    """What would move the price of any other market: a touch that is taken whole."""
    snapshot = pq.read_table(truth_files(day.path, day.symbols[0])[0])
    bid, qty = snapshot["best_bid_price_int"].to_numpy(), snapshot["best_bid_qty"].to_numpy()
    sold = snapshot["trade_qty_sell"].to_numpy()
    stayed = (bid[1:] == bid[:-1]) & (sold[1:] > qty[:-1])
    assert stayed.sum() > 0


def test_the_walk_is_fair_and_moves_only_while_there_is_trading() -> None:
    parts = [(100 * SECOND_NS, 4_000 * SECOND_NS), (9_000 * SECOND_NS, 90_000 * SECOND_NS)]
    ts_ns, ticks = random_walk(np.random.default_rng(1), 8_192.5, parts)
    steps = np.diff(ticks)
    assert (ts_ns[0], ticks[0]) == (parts[0][0], 8_192.5)
    assert (np.diff(ts_ns) >= 0).all()
    assert all(any(a <= ts < b for a, b in parts) for ts in ts_ns.tolist())
    assert set(steps) == {-1.0, 1.0}
    n = len(steps)
    assert abs(steps.sum()) < 4 * np.sqrt(n)
    assert abs((steps[1:] * steps[:-1]).sum()) < 4 * np.sqrt(n)
    assert n == pytest.approx(84_900 / 3, abs=4 * np.sqrt(84_900 / 3))
