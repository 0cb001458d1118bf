"""The quote engine against its naive twin, on feeds in which every rule may come up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from book_engines.quote_records import QuoteColumns
from book_engines.quote_state import allocate_quotes
from book_engines.quotes import QuoteBookEngine
from book_engines.sizes import SIZE_BINS, bin_floors, size_bin
from tests.book_engines.quote_feeds import (
    BUCKET,
    HALF_WIDTH,
    SPOT,
    STEP,
    QuoteSession,
    Spots,
    any_quotes,
    any_spots,
    busy_quotes,
    columns,
    quotes,
    replayed,
)
from tests.naive.consolidated import SECOND, NaiveQuotes, Quote, Windows, quote_windows

EXAMPLES = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])

_ACTIONS = {
    "A": "adds", "C": "cancels", "M": "modifies", "R": "clears", "T": "trades", "F": "fills",
    "N": "nones",
}  # fmt: skip
_NAMES = (
    "records", "snapshot_records", "snapshot_changes", "events", "crossed_events",
    "locked_events", "one_sided_events", "late_records", "expired_fills", "hidden_fills",
    "hidden_fill_qty", "fills_unknown_order", "trade_volume",
)  # fmt: skip
_TIMES = ("crossed_first_ts", "crossed_last_ts", "one_sided_first_ts", "one_sided_last_ts")


def twin(records: list[Quote], session: QuoteSession) -> tuple[Windows, NaiveQuotes]:
    return quote_windows(records, session.ends, step=STEP, rel_tick=BUCKET, half_width=HALF_WIDTH)


def binned(additions: list[int]) -> list[int]:
    counts = [0] * SIZE_BINS
    floors = bin_floors().tolist()
    for size in additions:
        counts[max(n for n, floor in enumerate(floors) if floor <= size)] += 1
    return counts


@EXAMPLES
@given(any_quotes(), any_spots())
def test_windows_equal_those_of_the_twin(records: list[Quote], spots: Spots) -> None:
    session = replayed(records, spots)
    expected, replay = twin(records, session)
    assert session.quotes == expected.quotes
    assert session.cells == expected.cells
    assert session.sizes.tolist() == [binned(sizes) for sizes in expected.additions]
    counters, total = session.engine.counters, replay.total()
    assert {name: getattr(counters, name) for name in _NAMES} == {n: total[n] for n in _NAMES}
    for action, name in _ACTIONS.items():
        assert getattr(counters, name) == total["action_" + action]
    for name in _TIMES:
        assert getattr(counters, name) == dict(replay.tally.total).get(name)
    openings = {"_and_".join(sorted(o.opening)) or "none" for o in replay.options.values()}
    assert counters.opening == (openings.pop() if len(openings) == 1 else "mixed")


@EXAMPLES
@given(any_quotes(), any_spots())
def test_every_cell_keeps_the_identity_and_its_bounds(records: list[Quote], spots: Spots) -> None:
    session = replayed(records, spots)
    for row, largest in zip(session.cells, session.largest, strict=True):
        flow = row["add_qty"] - row["pull_qty"] - row["fill_qty"]
        assert row["depth_qty_start"] + flow == row["depth_qty_end"]
        assert 0 <= row["depth_qty_rest"] <= row["depth_qty_end"]
        assert 0 <= row["pull_qty_rest"] <= row["pull_qty"]
        assert 0 <= row["pull_reprice_qty"] <= row["pull_qty"]
        assert 0 <= row["add_reprice_qty"] <= row["add_qty"]
        assert min(row["depth_qty_start"], row["fill_qty"]) >= 0
        assert (largest > 0) == (row["add_qty"] > 0)
        assert largest <= row["add_qty"]


@EXAMPLES
@given(any_quotes())
def test_a_strike_that_leaves_the_grid_returns_with_its_history(records: list[Quote]) -> None:
    away = SPOT + 40 * STEP
    steady = replayed(records)
    moved = replayed(records, [SPOT, away, away, SPOT, away, SPOT])
    shown = {SECOND * k for k in (1_001, 1_004, 1_006)}
    assert [row for row in moved.cells if row["spot_ref_price_int"] == SPOT] == [
        row for row in steady.cells if row["window_end_ts_ns"] in shown
    ]


@settings(EXAMPLES, max_examples=40)
@given(quotes(max_size=20), any_spots())
def test_any_split_with_saving_and_resuming_gives_the_same(
    records: list[Quote], spots: Spots
) -> None:
    whole = replayed(records, spots)
    table = columns(records)
    pieces = QuoteSession(spots)
    for i in range(len(records)):
        resumed = QuoteSession(spots)
        resumed.engine.load(pieces.engine.save())
        for name in ("quotes", "cells", "largest", "sizes"):
            setattr(resumed, name, getattr(pieces, name))
        one = QuoteColumns._make(column[i : i + 1].copy() for column in table)
        resumed.take(resumed.engine.feed(one))
        pieces = resumed
    pieces.finish()
    assert pieces.quotes == whole.quotes
    assert pieces.cells == whole.cells
    assert pieces.largest == whole.largest
    assert np.array_equal(pieces.sizes, whole.sizes)
    assert pieces.engine.counters == whole.engine.counters
    assert pieces.engine.window_counters == whole.engine.window_counters


def test_more_instruments_than_there_is_room_for() -> None:
    n = 2 * allocate_quotes().instruments.size + 100
    records = [
        Quote(
            bid=41,
            bid_qty=1 + k % 7,
            ask=43,
            ask_qty=2,
            ts=1_000 * SECOND + k,
            instrument=(k * 7_919) % 1_000_003,
            strike=SPOT + STEP * (k % 9),
            right="CP"[k % 2],
        )
        for k in range(n)
    ]
    session = replayed(records, [SPOT, SPOT])
    ids = [row["instrument_id"] for row in session.quotes]
    assert ids == 2 * sorted(r.instrument for r in records)
    inside = [r for r in records if r.strike <= SPOT + HALF_WIDTH * STEP]
    assert sum(row["depth_qty_end"] for row in session.cells[20:]) == sum(
        r.bid_qty + 2 for r in inside
    )


def test_a_session_longer_than_a_block_has_every_window() -> None:
    session = replayed(busy_quotes(1, 50), [SPOT] * 300)
    expected, _ = twin(busy_quotes(1, 50), session)
    assert session.quotes == expected.quotes
    assert session.cells == expected.cells
    assert len(session.cells) == 300 * 20


@pytest.mark.parametrize("size", [0, 1, 63, 64, 71, 72, 127, 128, 1_000, 65_535, 2**32 - 1])
def test_bins_hold_their_sizes(size: int) -> None:
    floors = bin_floors()
    place = int(getattr(size_bin, "py_func", size_bin)(size))  # a helper has no wrapper
    assert floors[place] <= size
    assert place == SIZE_BINS - 1 or size < floors[place + 1]


def test_bins_rise_and_are_an_eighth_wide_at_most() -> None:
    floors = bin_floors()
    assert floors.size == SIZE_BINS
    assert floors[:64].tolist() == list(range(64))
    assert (np.diff(floors[64:]) * 8 <= floors[64:-1]).all()


def test_a_spot_that_is_no_bucket_is_refused() -> None:
    with pytest.raises(ValueError, match="in multiples of 5, found 103"):
        QuoteSession([SPOT, 103])


def test_a_state_of_another_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="state of grid"):
        QuoteSession([SPOT]).engine.load(QuoteSession([SPOT, SPOT]).engine.save())


def test_steps_must_be_above_zero() -> None:
    with pytest.raises(ValueError, match="steps above 0"):
        QuoteBookEngine(
            np.zeros(1, np.int64), SECOND, strike_step_int=0, rel_tick_int=1, half_width=1
        )
