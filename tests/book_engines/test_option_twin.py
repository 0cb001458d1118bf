"""The engine of a chain's books against its naive twin, and by hand where the chain matters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from book_engines.errors import BookIntegrityError
from book_engines.option_engine import OptionBookEngine, option_chain
from tests.book_engines.feeds import START, columns, part
from tests.book_engines.option_feeds import (
    CHAIN,
    HALF_WIDTH,
    QUARTER,
    SPOT,
    STEP,
    OptionSession,
    Spots,
    option_records,
    replayed,
    wandering_spots,
)
from tests.book_engines.test_book_twin import counted, naive_counted
from tests.naive.book import LAST, SECOND, SNAPSHOT, Record
from tests.naive.strikes import naive_strikes

EXAMPLES = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@EXAMPLES
@given(option_records(), wandering_spots())
def test_quotes_and_strikes_equal_those_of_the_twin(records: list[Record], spots: Spots) -> None:
    session = replayed(records, spots)
    quotes, cells, sizes, outside, replay = naive_strikes(
        records, CHAIN, spots, START + SECOND, STEP, QUARTER, HALF_WIDTH
    )
    assert session.quotes == quotes
    assert session.cells == cells
    assert session.sizes == sizes
    assert counted(session.engine.counters) == naive_counted(replay)
    windows = session.engine.window_counters
    assert windows["windows"] == len(spots)
    assert windows["windows_without_spot"] == list(spots).count(None)
    assert windows["strikes_outside_grid"] == outside
    spreads = [
        q["ask_price_int"] - q["bid_price_int"] for q in quotes if q["mid_price_int"] is not None
    ]
    assert windows["crossed_quotes"] == sum(spread < 0 for spread in spreads)
    assert windows["locked_quotes"] == spreads.count(0)


@EXAMPLES
@given(option_records())
def test_every_row_keeps_the_identity_and_its_bounds(records: list[Record]) -> None:
    session = replayed(records)
    assert len(session.cells) == 6 * 4 * (2 * HALF_WIDTH + 1)
    for row in session.cells:
        flow = row["add_qty"] - row["pull_qty"] - row["fill_qty"]
        assert row["depth_qty_start"] + flow == row["depth_qty_end"]
        assert 0 <= row["depth_qty_rest"] <= row["depth_qty_end"]
        assert 0 <= row["pull_qty_rest"] <= row["pull_qty"]
        assert row["added_max"] <= row["add_qty"]


@settings(EXAMPLES, max_examples=25)
@given(option_records(), wandering_spots())
def test_any_split_with_saving_and_resuming_gives_the_same(
    records: list[Record], spots: Spots
) -> None:
    records = records[:60]
    whole = replayed(records, spots)
    table = columns(records)
    pieces = OptionSession(spots)
    for start in range(0, len(records), 3):
        resumed = OptionSession(spots)
        resumed.engine.load(pieces.engine.save())
        resumed.quotes, resumed.cells, resumed.sizes = pieces.quotes, pieces.cells, pieces.sizes
        pieces = resumed.feed_columns(part(table, start, start + 3))
    pieces.finish()
    assert (pieces.quotes, pieces.cells, pieces.sizes) == (whole.quotes, whole.cells, whole.sizes)
    assert pieces.engine.counters == whole.engine.counters
    assert pieces.engine.window_counters == whole.engine.window_counters


def opened(number: int, *orders: tuple[str, int, int, int]) -> list[Record]:
    """Return a snapshot of (side, price, size, order id) of one option, long rested."""
    old = START - 60 * SECOND
    return [
        Record("A", side, price, size, order_id, old, SNAPSHOT | LAST, instrument=number)
        for side, price, size, order_id in orders
    ]


BOOKS = [*opened(1, ("B", 7, 10, 1), ("A", 9, 5, 2)), *opened(3, ("B", 6, 4, 1), ("A", 9, 1, 2))]


def test_a_strike_sums_its_options_and_their_premiums() -> None:
    session = replayed([*BOOKS, Record("A", "B", 5, 3, 7, START + 1, instrument=3)])
    bid = session.cell(0, "B")
    assert (bid["depth_qty_start"], bid["add_qty"], bid["depth_qty_end"]) == (14, 3, 17)
    assert session.cell(0, "A")["depth_qty_end"] == 6
    assert session.cell(0, "B", right="P")["depth_qty_end"] == 0


def test_a_strike_that_leaves_the_grid_and_comes_back_has_kept_its_account() -> None:
    away = SPOT + 4 * STEP
    session = replayed(
        [*BOOKS, Record("A", "B", 7, 3, 7, START + 3 * SECOND // 2, instrument=1)],
        spots=[SPOT, away, SPOT],
    )
    ends = [(r["window_end_ts_ns"] - START) // SECOND for r in session.cells
            if (r["strike_price_int"], r["right"], r["side"]) == (SPOT, "C", "B")]  # fmt: skip
    assert ends == [1, 3]
    back = session.cell(2, "B")
    assert (back["depth_qty_start"], back["depth_qty_end"], back["depth_qty_rest"]) == (17, 17, 17)
    assert session.engine.window_counters["strikes_outside_grid"] == 1


def test_the_grid_is_centred_on_the_nearest_strike_and_ties_go_upward() -> None:
    session = replayed([], spots=[SPOT + STEP // 2, SPOT + STEP // 2 - QUARTER])
    strikes = [row["strike_price_int"] for row in session.cells]
    middle = 2 * (2 * HALF_WIDTH + 1)
    assert (strikes[middle], strikes[-middle]) == (SPOT + STEP, SPOT)
    assert session.cells[middle]["rel_ticks"] == 2


def test_a_clear_of_one_option_invalidates_its_strike_and_right_alone() -> None:
    books = [*BOOKS, *opened(2, ("B", 7, 1, 1)), *opened(6, ("A", 9, 1, 1))]
    session = replayed([*books, Record("R", ts=START + SECOND + 1, instrument=3)], (SPOT,) * 3)
    invalid = {
        ((row["window_end_ts_ns"] - START) // SECOND, row["strike_price_int"], row["right"])
        for row in session.cells
        if not row["window_valid"]
    }
    assert invalid == {(2, SPOT, "C")}


def test_an_empty_book_opened_by_the_clear_of_its_snapshot_alone_is_valid() -> None:
    clear = Record("R", ts=START - 60 * SECOND, flags=SNAPSHOT, instrument=2)
    session = replayed([*BOOKS, clear, Record("N", ts=START, instrument=1)], (SPOT,) * 2)
    assert all(row["window_valid"] for row in session.cells if row["strike_price_int"] == SPOT)
    added = Record("A", "A", 9, 1, 1, START - 60 * SECOND, SNAPSHOT, instrument=2)
    session = replayed([*BOOKS, clear, added, Record("N", ts=START, instrument=1)], (SPOT,) * 2)
    assert not session.cell(1, "A", right="P")["window_valid"]  # the snapshot did not end


def test_a_side_without_orders_is_no_fault_of_a_strike_but_no_valid_quote() -> None:
    session = replayed(opened(2, ("A", 9, 1, 1)), (SPOT,))
    assert session.cell(0, "A", right="P")["window_valid"]
    assert [row["book_valid"] for row in session.quotes] == [False]


def test_a_record_of_an_option_that_is_not_listed_is_refused_and_named() -> None:
    with pytest.raises(ValueError, match="instrument 77"):
        replayed([Record("A", "B", 7, 1, 1, START, instrument=77)])


def test_an_option_listed_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="instrument 4 twice"):
        option_chain(np.array([4, 5, 4]), np.zeros(3), np.full(3, ord("C")))


@pytest.mark.parametrize(("spot", "step"), [(SPOT + 1, STEP), (SPOT, STEP + 1)])
def test_a_spot_or_step_off_the_tick_is_refused(spot: int, step: int) -> None:
    with pytest.raises(ValueError, match="multiples of 5"):
        OptionBookEngine(
            option_chain(*np.zeros((3, 0))),
            np.array([spot]),
            START + SECOND,
            strike_step_int=step,
            rel_tick_int=QUARTER,
            half_width=2,
        )


def test_an_account_that_is_not_the_sum_of_its_levels_is_refused() -> None:
    session = OptionSession().feed([*BOOKS, Record("A", "B", 7, 3, 9, START + SECOND + 1)])
    saved = session.engine.save()
    saved["accounts_levels"]["depth"][0] += 1
    session.engine.load(saved)
    with pytest.raises(BookIntegrityError, match="account holds 18, its levels sum to 17"):
        session.finish()
