"""The simulated market beside a real one: each fact within a sane band."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from spymaster_resources.instruments import instrument
from spymaster_resources.simulator.facts import Fact, measure
from spymaster_resources.simulator.futures import Law, simulate_day
from spymaster_resources.simulator.participants import RESPONSE_TICKS
from spymaster_resources.simulator.sizes import SIZES
from spymaster_resources.simulator.truth import truth_files
from spymaster_resources.trading_calendar import SessionWindow, utc_ns

ES = instrument("ES", "future_mbo")
DT = date(2026, 1, 6)
SIZE = replace(
    SIZES["demo"], trading=(SessionWindow.parse("10:00-10:30"),), records=200_000, name="facts"
)


def by_name(facts: list[Fact]) -> dict[str, float]:
    return {fact.name: fact.value for fact in facts}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    folder = tmp_path_factory.mktemp("facts")
    day = simulate_day(ES, DT, SIZE, folder, seed=5, with_truth=False)
    start = utc_ns(DT, time(10, 1))
    return by_name(measure(day.path, tick_int=ES.tick_int, from_ns=start, max_records=120_000))


def test_volume_is_what_the_size_says(tmp_path: Path) -> None:
    day = simulate_day(ES, DT, SIZE, tmp_path, seed=6, with_truth=False)
    assert 0.8 < day.records / SIZE.records < 1.25


def test_spread_is_mostly_one_tick_and_never_locked(simulated: dict[str, float]) -> None:
    assert simulated["spread of 1 tick, share of events"] > 0.8
    assert simulated["crossed or locked"] == 0.0


def test_depth_grows_away_from_the_touch(simulated: dict[str, float]) -> None:
    touch, behind = (simulated[f"depth {n} ticks behind the touch"] for n in (0, 1))
    assert 5 < touch < behind < 400


def test_order_flow_has_memory_that_fades(simulated: dict[str, float]) -> None:
    near, far = (simulated[f"autocorrelation of trade signs, lag {lag}"] for lag in (1, 20))
    assert near > 0.15
    assert near > far > -0.05


def test_price_moves_and_moves_on(simulated: dict[str, float]) -> None:
    """Neither a bounce between two walls nor a runaway."""
    assert 0.1 < simulated["mid change over 1 s, standard deviation"] < 3.0
    assert 0.3 < simulated["variance over 30 samples relative to 30 times 1"] < 3.5


def test_shares_of_actions_and_sizes_are_near_the_real_ones(
    simulated: dict[str, float], real_data: Path
) -> None:
    real = by_name(
        measure(
            real_data / "glbx-mbo" / "esh4-glbx-mdp3-20231225.mbo.dbn.zst", tick_int=ES.tick_int
        )
    )
    for name, band in (
        ("share of A", 0.05),
        ("share of C", 0.05),
        ("share of M", 0.05),
        ("share of T", 0.02),
        ("share of F", 0.04),
        ("spread of 1 tick, share of events", 0.08),
        ("order size, share of 1 lot", 0.15),
        ("trade size, share of 1 lot", 0.1),
        ("filled of added quantity", 0.12),
    ):
        assert simulated[name] == pytest.approx(real[name], abs=band), name
    for name in (
        "order size, mean",
        "trade size, mean",
        "depth 0 ticks behind the touch",
        "depth 9 ticks behind the touch",
        "depth 49 ticks behind the touch",
        "time between events, 50 % quantile",
    ):
        assert real[name] / 3 < simulated[name] < real[name] * 3, name


def test_real_sample_is_measured_as_its_reference_book_says(real_data: Path) -> None:
    """Figures of the data's README, by the action mix of the trading hour."""
    path = real_data / "glbx-mbo" / "esh4-glbx-mdp3-20231225.mbo.dbn.zst"
    facts = by_name(measure(path, tick_int=ES.tick_int))
    mean, share = facts["trade size, mean"], facts["share of T"]
    records = 2_973 / share
    assert records == pytest.approx(round(records), abs=1e-6)
    assert mean * 2_973 == pytest.approx(9_892)


def response(folder: Path, law: Law) -> float:
    """Return the correlation of the imbalance of depth with the mid's change over 5 s after it."""
    size = replace(SIZE, session=SessionWindow.parse("10:01-10:30"))
    day = simulate_day(ES, DT, size, folder / law, seed=5, law=law)
    snapshot, depth = (pq.read_table(file) for file in truth_files(day.path, day.symbols[0]))
    mid = snapshot["mid_price"].to_numpy()
    rows = depth.filter(pc.less(pc.abs(depth["rel_ticks_side"]), RESPONSE_TICKS))
    window = np.searchsorted(
        snapshot["window_end_ts_ns"].to_numpy(), rows["window_end_ts_ns"].to_numpy()
    )
    signed = np.where(np.array(rows["side"].to_pylist()) == "B", 1, -1)
    qty = rows["depth_qty_end"].to_numpy()
    imbalance = np.bincount(window, qty * signed) / np.bincount(window, qty)
    return float(np.corrcoef(imbalance[:-5], mid[5:] - mid[:-5])[0, 1])


def test_planted_forecast_can_be_found_and_other_markets_are_without_it(tmp_path: Path) -> None:
    assert response(tmp_path, Law.PLANTED) > 0.15
    assert abs(response(tmp_path, Law.CROWD)) < 0.12
    assert abs(response(tmp_path, Law.NONE)) < 0.12
