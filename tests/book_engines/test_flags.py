"""The snapshot flags: against their naive twin, causal, and silent on a market that only moves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from book_engines.flags import SnapshotFlagger, SnapshotFlags
from book_engines.records import SECOND_NS, UNDEF_PRICE
from book_engines.snapshot_rules import PriceTier, SnapshotRules
from tests.naive.flags import Row
from tests.naive.flags import snapshot_flags as naive_flags

TICK = 250_000_000
ALL = UNDEF_PRICE
RULES = SnapshotRules(
    tick_int=TICK,
    tiers=(PriceTier(40 * TICK, 0.10), PriceTier(ALL, 0.05)),
    outside_tiers=(PriceTier(ALL, 0.03),),
    regular_ns=(20 * SECOND_NS, 60 * SECOND_NS),
    price_windows=8,
    spread_windows=12,
    min_samples=3,
)
FUTURE = SnapshotRules(TICK, (PriceTier(ALL, 0.07),), (PriceTier(ALL, 0.035),))


def flagged(flagger: SnapshotFlagger, rows: Sequence[Row]) -> NDArray[np.bool_]:
    """Return the three flags of each row, (3, R)."""
    flags = flagger.flag(
        np.array([r.series for r in rows], np.int32),
        np.array([r.window for r in rows], np.int64) * SECOND_NS,
        *(
            np.array([UNDEF_PRICE if p is None else p for p in prices], np.int64)
            for prices in ([r.bid for r in rows], [r.ask for r in rows])
        ),
    )
    return np.array(flags)


@st.composite
def histories(draw: st.DrawFn) -> list[Row]:
    """Draw windows of up to three series with jumps, gaps, empty sides and quotes that stand."""
    rows: list[Row] = []
    stands = draw(st.sampled_from([0, 8]))
    latest: dict[int, Row] = {}
    window = draw(st.integers(0, 30))
    for _ in range(draw(st.integers(0, 45))):
        window += draw(st.sampled_from([1, 1, 1, 1, 2, 9, 14]))
        for series in range(3):
            if draw(st.integers(0, 9)) == 0:
                continue
            if series in latest and draw(st.integers(0, 9)) < stands:
                rows.append(latest[series]._replace(window=window))
                continue
            middle = draw(st.sampled_from([38, 40, 40, 40, 41, 41, 42, 45, 60]))
            width = draw(st.sampled_from([-2, 0, 1, 1, 1, 2, 11, 12, 30]))
            bid = None if draw(st.integers(0, 19)) == 0 else middle * TICK
            ask = None if draw(st.integers(0, 19)) == 0 else (middle + width) * TICK
            latest[series] = Row(series, window, bid, ask)
            rows.append(latest[series])
    return rows


@given(histories(), st.sampled_from([1, 2, 5, 7, 40, 200]))
@settings(max_examples=120, deadline=None)
def test_flags_equal_the_naive_twin_whatever_the_split(rows: list[Row], step: int) -> None:
    flagger = SnapshotFlagger(RULES)
    parts = [flagged(flagger, rows[i : i + step]) for i in range(0, len(rows), step)]
    expected = np.array(naive_flags(RULES, rows), bool).reshape(-1, 3).T
    found = np.concatenate([np.empty((3, 0), bool), *parts], axis=1)
    assert np.array_equal(found, expected)
    names = SnapshotFlags._fields
    counts = dict(zip((f"flag_{name}" for name in names), expected.sum(axis=1), strict=True))
    assert flagger.counters == counts


@given(histories(), st.data())
@settings(max_examples=40, deadline=None)
def test_what_comes_later_changes_nothing_before_it(rows: list[Row], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(rows)))
    noise = [
        row._replace(bid=data.draw(st.integers(1, 10**12)), ask=data.draw(st.integers(1, 10**12)))
        for row in rows[cut:]
    ]
    before = flagged(SnapshotFlagger(RULES), rows)[:, :cut]
    assert np.array_equal(flagged(SnapshotFlagger(RULES), rows[:cut] + noise)[:, :cut], before)


@given(histories(), st.data())
@settings(max_examples=20, deadline=None)
def test_a_saved_flagger_goes_on_as_if_nothing_had_happened(
    rows: list[Row], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(rows)))
    first, second = SnapshotFlagger(RULES), SnapshotFlagger(RULES)
    head = flagged(first, rows[:cut])
    saved = first.save()
    flagged(first, rows[cut:])  # must not touch what was saved
    second.load(saved)
    whole = SnapshotFlagger(RULES)
    parts = np.concatenate([head, flagged(second, rows[cut:])], axis=1)
    assert np.array_equal(parts, flagged(whole, rows))
    assert second.counters == whole.counters


def quotes(mids: NDArray[np.float64], width: int = 1) -> list[Row]:
    """Return rows of one series whose mid, in ticks, is rounded to half ticks."""
    bids = np.round(mids * 2).astype(int) * (TICK // 2) - width * TICK // 2
    return [Row(0, k, int(bid), int(bid) + width * TICK) for k, bid in enumerate(bids)]


@pytest.mark.parametrize("step", [0.05, 0.2, 0.7, 3.0])
def test_a_market_that_only_walks_is_not_flagged(step: float) -> None:
    walk = 20_000 + np.cumsum(np.random.default_rng(5).normal(0, step, 20_000))
    assert flagged(SnapshotFlagger(FUTURE), quotes(walk)).mean(axis=1).max() < 1e-3


def test_a_step_of_a_tick_or_a_steady_run_is_not_flagged() -> None:
    still, run = np.full(100, 20_000.0), 20_000 + np.arange(100.0)
    for mids in (np.append(still, 20_001), np.append(still, 20_003), np.append(still, run)):
        assert not flagged(SnapshotFlagger(FUTURE), quotes(mids)).any()


def test_a_bad_print_is_flagged_as_long_as_it_stands_and_nothing_behind_it() -> None:
    mids = 20_000 + np.random.default_rng(6).choice([0.0, 0.5, 1.0], 200)
    mids[120:125] += 40
    outlier, crossed, wide = flagged(SnapshotFlagger(FUTURE), quotes(mids))
    assert np.flatnonzero(outlier).tolist() == [120, 121, 122, 123, 124]
    assert not crossed.any()
    assert not wide.any()


def test_a_level_that_stays_is_taken_for_the_price_within_a_minute() -> None:
    mids = np.append(np.full(100, 20_000.0), np.full(100, 20_040.0))
    outlier = flagged(SnapshotFlagger(FUTURE), quotes(mids))[0]
    assert np.flatnonzero(outlier).tolist() == list(range(100, 130))


def test_beyond_the_tier_no_deviation_excuses() -> None:
    wild = np.tile([18_000.0, 22_000.0], 50)  # the median absolute deviation is 10 % of the price
    rows = quotes(np.append(wild, 20_000 * 1.075))
    assert flagged(SnapshotFlagger(FUTURE), rows)[0][-1]
    inside = quotes(np.append(wild, 20_000 * 1.065))
    assert not flagged(SnapshotFlagger(FUTURE), inside)[0][-1]
    night = SnapshotRules(TICK, FUTURE.tiers, FUTURE.outside_tiers, regular_ns=(0, 0))
    assert flagged(SnapshotFlagger(night), inside)[0][-1]


def test_the_spread_is_compared_with_its_own_half_hour() -> None:
    rows = [Row(0, k, 20_000 * TICK, 20_001 * TICK) for k in range(50)]
    for width, expected in ((10, False), (11, True)):
        last = Row(0, 50, 20_000 * TICK, (20_000 + width) * TICK)
        assert flagged(SnapshotFlagger(FUTURE), [*rows, last])[2][-1] == expected


def test_a_locked_book_is_flagged_as_crossed_and_teaches_no_spread() -> None:
    locked = [Row(0, k, 20_000 * TICK, 20_000 * TICK) for k in range(50)]
    _, crossed, wide = flagged(
        SnapshotFlagger(FUTURE), [*locked, Row(0, 50, 20_000 * TICK, 20_002 * TICK)]
    )
    assert crossed.tolist() == [True] * 50 + [False]
    assert not wide.any()
