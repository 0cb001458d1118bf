"""One example a rule of the book, with numbers worked out by hand."""

from __future__ import annotations

import pytest

from book_engines.cell_engine import CellBookEngine
from book_engines.cells import Grid
from book_engines.errors import BookIntegrityError, OffGridPriceError
from book_engines.tops import TopsEngine
from tests.book_engines.feeds import START, TICK, Session, columns, opening, replayed
from tests.naive.book import LAST, MAYBE_BAD, NULL, SECOND, SNAPSHOT, TOB, Record

BID, ASK = 1_000, 1_025
BOOK = list(opening(("B", BID, 10, 1), ("A", ASK, 8, 2), ("B", BID - TICK, 5, 3)))
T0 = START + SECOND // 10


def at(seconds: float) -> int:
    """Return the time so many seconds into the session."""
    return START + round(seconds * SECOND)


def test_an_add_is_booked_at_its_price() -> None:
    session = replayed([*BOOK, Record("A", "B", BID, 3, 9, T0)])
    assert session.cell(0, "B", BID) == {
        "start": 10, "add": 3, "pull": 0, "fill": 0, "end": 13, "pull_rest": 0, "rest": 13,
    }  # fmt: skip
    assert session.cell(1, "B", BID)["start"] == 13


def test_a_duplicate_id_is_counted_and_replaces() -> None:
    session = replayed([*BOOK, Record("A", "B", BID, 4, 1, T0)])
    assert session.cell(0, "B", BID) == {
        "start": 10, "add": 4, "pull": 10, "fill": 0, "end": 4, "pull_rest": 10, "rest": 4,
    }  # fmt: skip
    assert session.engine.counters.duplicate_adds == 1


def test_a_cancel_reduces_by_its_size() -> None:
    session = replayed([*BOOK, Record("C", "B", BID, 4, 1, T0)])
    cell = session.cell(0, "B", BID)
    assert (cell["pull"], cell["end"]) == (4, 6)
    assert session.engine.counters.resting_orders == 3


def test_a_cancel_of_more_than_is_left_is_counted_and_removes() -> None:
    session = replayed([*BOOK, Record("C", "B", BID, 11, 1, T0)])
    cell = session.cell(0, "B", BID)
    assert (cell["pull"], cell["end"]) == (10, 0)
    assert session.engine.counters.over_cancels == 1
    assert session.engine.counters.resting_orders == 2


def test_a_cancel_of_an_unknown_id_is_counted_and_ignored() -> None:
    session = replayed([*BOOK, Record("C", "B", BID, 4, 77, T0)])
    assert session.cell(0, "B", BID)["pull"] == 0
    assert session.engine.counters.unknown_cancels == 1


def test_a_modify_at_the_same_price_books_the_difference_and_keeps_the_age() -> None:
    up = replayed([*BOOK, Record("M", "B", BID, 13, 1, at(0.9))])
    assert up.cell(0, "B", BID) == {
        "start": 10, "add": 3, "pull": 0, "fill": 0, "end": 13, "pull_rest": 0, "rest": 13,
    }  # fmt: skip
    down = replayed([*BOOK, Record("M", "B", BID, 6, 1, at(0.9))])
    assert down.cell(0, "B", BID) == {
        "start": 10, "add": 0, "pull": 4, "fill": 0, "end": 6, "pull_rest": 4, "rest": 6,
    }  # fmt: skip


def test_a_modify_to_another_price_pulls_the_old_and_adds_the_new_with_a_new_age() -> None:
    session = replayed([*BOOK, Record("M", "B", BID - TICK, 7, 1, at(0.9))])
    assert session.cell(0, "B", BID) == {
        "start": 10, "add": 0, "pull": 10, "fill": 0, "end": 0, "pull_rest": 10, "rest": 0,
    }  # fmt: skip
    assert session.cell(0, "B", BID - TICK) == {
        "start": 5, "add": 7, "pull": 0, "fill": 0, "end": 12, "pull_rest": 0, "rest": 5,
    }  # fmt: skip


def test_a_modify_of_an_unknown_id_is_counted_and_becomes_an_add() -> None:
    session = replayed([*BOOK, Record("M", "A", ASK, 2, 77, T0)])
    assert session.cell(0, "A", ASK)["add"] == 2
    assert session.engine.counters.unknown_modifies == 1


def test_a_modify_to_the_other_side_is_counted_and_is_cancel_and_add() -> None:
    session = replayed([*BOOK, Record("M", "A", ASK, 6, 1, T0)])
    assert session.cell(0, "B", BID)["pull"] == 10
    assert session.cell(0, "A", ASK)["add"] == 6
    assert session.engine.counters.side_changes == 1


def test_a_clear_empties_the_book_books_nothing_and_makes_the_window_invalid() -> None:
    session = replayed(
        [
            *BOOK,
            Record("A", "B", BID, 3, 9, T0),
            Record("R", ts=at(1.5)),
            Record("A", "B", BID, 2, 10, at(1.6)),
            Record("A", "A", ASK, 1, 11, at(1.7)),
        ],
        n_windows=3,
    )
    assert session.cell(1, "B", BID) == {
        "start": 0, "add": 2, "pull": 0, "fill": 0, "end": 2, "pull_rest": 0, "rest": 0,
    }  # fmt: skip
    assert session.cell(1, "A", ASK)["add"] == 1
    valid = {row["window_end_ts_ns"]: row["window_valid"] for row in session.cells}
    assert list(valid.values()) == [True, False, True]
    assert [row["book_valid"] for row in session.snapshots] == [True, True, True]


def test_trades_and_fills_never_change_the_book() -> None:
    session = replayed(
        [
            *BOOK,
            Record("T", "B", ASK, 3, 0, T0, 0),
            Record("F", "A", ASK, 3, 2, T0, 0),
            Record("N", ts=T0),
        ]
    )
    row = session.snapshots[0]
    assert (row["best_ask_qty"], row["last_trade_price_int"]) == (8, ASK)
    assert (row["trade_qty_buy"], row["trade_qty_sell"], row["trade_count"]) == (3, 0, 1)
    assert session.engine.counters.expired_fills == 1
    assert session.engine.counters.events == 2  # the snapshot's last record and N


def test_traded_quantity_goes_to_the_aggressors_side_and_resets_each_window() -> None:
    session = replayed(
        [
            *BOOK,
            Record("T", "B", ASK, 3, 0, at(0.1)),
            Record("T", "A", BID, 2, 0, at(0.2)),
            Record("T", "N", BID, 4, 0, at(0.3)),
            Record("T", "B", ASK, 1, 0, at(1.3)),
        ],
        n_windows=3,
    )
    traded = [
        (r["trade_qty_buy"], r["trade_qty_sell"], r["trade_count"]) for r in session.snapshots
    ]
    assert traded == [(3, 2, 3), (1, 0, 1), (0, 0, 0)]
    assert session.engine.counters.trade_volume == 10


def test_a_fill_is_settled_by_the_cancel_of_the_same_time() -> None:
    session = replayed([*BOOK, Record("F", "A", ASK, 3, 2, T0, 0), Record("C", "A", ASK, 3, 2, T0)])
    assert session.cell(0, "A", ASK) == {
        "start": 8, "add": 0, "pull": 0, "fill": 3, "end": 5, "pull_rest": 0, "rest": 5,
    }  # fmt: skip
    assert session.engine.counters.expired_fills == 0


def test_several_fills_add_up_until_the_modify_that_settles_them() -> None:
    session = replayed(
        [
            *BOOK,
            Record("F", "A", ASK, 2, 2, T0, 0),
            Record("F", "A", ASK, 3, 2, T0, 0),
            Record("M", "A", ASK, 3, 2, T0),
        ]
    )
    cell = session.cell(0, "A", ASK)
    assert (cell["fill"], cell["pull"], cell["add"], cell["end"]) == (5, 0, 0, 3)


def test_an_iceberg_refill_is_add_and_what_was_hidden_is_counted() -> None:
    session = replayed(
        [*BOOK, Record("F", "A", ASK, 11, 2, T0, 0), Record("M", "A", ASK, 8, 2, T0)]
    )
    cell = session.cell(0, "A", ASK)
    assert (cell["fill"], cell["add"], cell["pull"], cell["end"]) == (8, 8, 0, 8)
    counters = session.engine.counters
    assert (counters.hidden_fills, counters.hidden_fill_qty) == (1, 3)


def test_a_modify_to_another_price_settles_its_fill_at_the_old_price() -> None:
    session = replayed(
        [*BOOK, Record("F", "A", ASK, 3, 2, T0, 0), Record("M", "A", ASK + TICK, 5, 2, T0)]
    )
    old, new = session.cell(0, "A", ASK), session.cell(0, "A", ASK + TICK)
    assert (old["fill"], old["pull"], old["end"]) == (3, 5, 0)
    assert (new["add"], new["end"]) == (5, 5)


def test_a_fill_is_not_settled_by_a_record_of_another_time() -> None:
    session = replayed(
        [*BOOK, Record("F", "A", ASK, 3, 2, T0, 0), Record("C", "A", ASK, 3, 2, T0 + 1)]
    )
    cell = session.cell(0, "A", ASK)
    assert (cell["fill"], cell["pull"]) == (0, 3)
    assert session.engine.counters.expired_fills == 1


def test_a_fill_of_an_order_that_was_never_shown_is_counted() -> None:
    session = replayed([*BOOK, Record("F", "A", ASK, 3, 77, T0)])
    assert session.engine.counters.fills_unknown_order == 1
    assert session.engine.counters.expired_fills == 0


def test_a_record_without_a_side_is_counted_and_ignored() -> None:
    session = replayed([*BOOK, *(Record(a, "N", BID, 1, 1, T0) for a in "ACM")])
    assert session.cell(0, "B", BID)["end"] == 10
    assert session.engine.counters.sideless_ignored == 3


def test_an_add_or_modify_without_a_price_is_counted_and_ignored() -> None:
    session = replayed([*BOOK, *(Record(a, "B", NULL, 1, 1, T0) for a in "AM")])
    assert session.cell(0, "B", BID)["end"] == 10
    assert session.engine.counters.null_price_ignored == 2


def test_a_tob_record_replaces_its_publishers_side_and_books_the_differences() -> None:
    session = replayed(
        [
            *BOOK,
            Record("A", "B", BID, 4, 0, at(0.1), LAST | TOB, publisher=2),
            Record("A", "B", BID, 6, 0, at(0.2), LAST | TOB, publisher=2),
            Record("A", "B", BID - TICK, 7, 0, at(0.3), LAST | TOB, publisher=2),
            Record("A", "B", NULL, 0, 0, at(1.1), LAST | TOB, publisher=2),
        ]
    )
    top, below = session.cell(0, "B", BID), session.cell(0, "B", BID - TICK)
    assert (top["add"], top["pull"], top["end"]) == (6, 6, 10)
    assert (below["add"], below["pull"], below["end"]) == (7, 0, 12)
    emptied = session.cell(1, "B", BID - TICK)
    assert (emptied["pull"], emptied["pull_rest"], emptied["end"]) == (7, 7, 5)
    assert session.engine.counters.resting_orders == 3


def test_snapshot_records_build_state_and_never_flow() -> None:
    session = replayed(
        [
            *BOOK,
            Record("A", "B", BID, 3, 9, at(0.1)),
            Record("A", "B", BID, 2, 10, START, SNAPSHOT | LAST),
            Record("A", "B", BID, 1, 11, at(0.2)),
        ]
    )
    cell = session.cell(0, "B", BID)
    assert (cell["start"], cell["add"], cell["end"]) == (15, 1, 16)
    assert not session.cells[0]["window_valid"]
    assert session.cell(1, "B", BID)["start"] == 16


def test_snapshot_records_do_not_move_the_clock() -> None:
    late_snapshot = Record("A", "B", BID, 2, 10, at(3.5), SNAPSHOT | LAST)
    session = replayed(
        [*BOOK, Record("A", "B", BID, 3, 9, T0), late_snapshot, Record("A", "B", BID, 1, 11, T0)]
    )
    assert session.cell(0, "B", BID)["add"] == 1
    assert session.engine.counters.late_records == 0


def test_a_snapshot_order_dated_ahead_of_the_clock_rests_only_when_its_time_has_come() -> None:
    ahead = Record("A", "B", BID, 2, 10, at(1.5) + 1, SNAPSHOT | LAST)
    session = replayed([*BOOK, Record("A", "B", BID, 3, 9, T0), ahead], n_windows=4)
    rests = [session.cell(w, "B", BID)["rest"] for w in range(4)]
    assert rests == [13, 13, 15, 15]
    in_time = replayed([*BOOK, ahead._replace(ts=at(1.5))], n_windows=4)
    assert in_time.cell(1, "B", BID)["rest"] == 12


@pytest.mark.parametrize("first", [[], [Record("R", ts=START - SECOND, flags=SNAPSHOT)]])
def test_a_book_is_not_known_before_the_snapshot_that_a_file_begins_with(
    first: list[Record],
) -> None:
    *older, last = BOOK
    records = [*first, *older, last._replace(ts=at(1.5)), Record("A", "B", BID, 3, 9, at(2.5))]
    session = replayed(records, n_windows=4)
    assert [row["book_valid"] for row in session.snapshots] == [False, True, True, True]
    assert {row["window_end_ts_ns"]: row["window_valid"] for row in session.cells} == {
        at(1): False, at(2): True, at(3): True, at(4): True
    }  # fmt: skip


@pytest.mark.parametrize(("seconds", "rest"), [(0.5, 13), (0.500000001, 10)])
def test_depth_rests_from_half_a_second_on(seconds: float, rest: int) -> None:
    session = replayed([*BOOK, Record("A", "B", BID, 3, 9, at(seconds))])
    assert session.cell(0, "B", BID)["rest"] == rest
    assert session.cell(1, "B", BID)["rest"] == 13


@pytest.mark.parametrize(("after", "rest"), [(SECOND // 2, 3), (SECOND // 2 - 1, 0)])
def test_a_pull_counts_as_rested_from_half_a_second_on(after: int, rest: int) -> None:
    session = replayed(
        [*BOOK, Record("A", "B", BID, 3, 9, T0), Record("C", "B", BID, 3, 9, T0 + after)]
    )
    cell = session.cell(0, "B", BID)
    assert (cell["pull"], cell["pull_rest"]) == (3, rest)


def test_a_late_record_is_applied_now_and_counted_and_reopens_nothing() -> None:
    session = replayed(
        [*BOOK, Record("A", "B", BID, 3, 9, at(2.2)), Record("A", "B", BID, 4, 10, at(0.4))]
    )
    assert session.cell(0, "B", BID)["end"] == 10
    cell = session.cell(2, "B", BID)
    assert (cell["add"], cell["end"], cell["rest"]) == (7, 17, 17)
    assert session.engine.counters.late_records == 1


def test_empty_seconds_carry_the_state_with_no_flow() -> None:
    session = replayed([*BOOK, Record("A", "B", BID, 3, 9, T0)], n_windows=4)
    for window in range(1, 4):
        assert session.cell(window, "B", BID) == {
            "start": 13, "add": 0, "pull": 0, "fill": 0, "end": 13, "pull_rest": 0, "rest": 13,
        }  # fmt: skip
    assert [row["best_bid_qty"] for row in session.snapshots] == [13] * 4


def test_records_around_the_session_build_the_book_and_are_counted_but_emit_nothing() -> None:
    session = replayed(
        [
            *BOOK,
            Record("A", "B", BID, 3, 9, START - 90 * SECOND),
            Record("C", "B", BID, 1, 9, START + 90 * SECOND),
        ],
        n_windows=2,
    )
    assert len(session.snapshots) == 2
    assert session.cell(1, "B", BID)["end"] == 13
    assert session.engine.counters.cancels == 1


@pytest.mark.parametrize(
    ("records", "valid"),
    [
        ([*BOOK], True),
        ([r._replace(flags=LAST) for r in BOOK], False),  # nobody told the opening state
        ([Record("R", ts=START - SECOND), *(r._replace(flags=LAST) for r in BOOK)], True),
        ([*BOOK, Record("A", "B", BID, 1, 9, START, SNAPSHOT)], False),  # still in progress
        ([*BOOK, Record("N", ts=START - SECOND, flags=LAST | MAYBE_BAD)], False),
        ([*BOOK, Record("C", "A", ASK, 8, 2, START - SECOND)], False),  # one side
    ],
)
def test_book_valid_at_window_end(records: list[Record], valid: bool) -> None:
    assert replayed(records, n_windows=1).snapshots[0]["book_valid"] is valid


def test_a_clear_makes_a_doubtful_book_valid_again() -> None:
    doubtful = Record("N", ts=at(0.1), flags=LAST | MAYBE_BAD)
    rebuilt = [r._replace(flags=LAST, ts=at(1.2)) for r in BOOK]
    session = replayed([*BOOK, doubtful, Record("R", ts=at(1.1)), *rebuilt], n_windows=3)
    assert [row["book_valid"] for row in session.snapshots] == [False, True, True]
    assert [row["window_valid"] for row in session.cells if row["side"] == "A"] == [
        False,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("trade", "extra", "spot"),
    [
        (None, [], BID),  # no trade yet: best bid
        (ASK, [], ASK),  # the last trade is a live level
        (BID - TICK, [], BID - TICK),  # also behind the touch
        (ASK + 4 * TICK, [], ASK),  # no live level: the nearer side
        (BID - 4 * TICK, [], BID),
        (ASK, [Record("M", "A", ASK + TICK, 8, 2, T0)], BID),  # tie: bid
        (ASK + TICK, [Record("C", "A", ASK, 8, 2, T0)], BID),  # one side
        (None, [Record("R", ts=T0), Record("A", "A", ASK, 1, 9, T0)], ASK),
    ],
)
def test_spot_reference(trade: int | None, extra: list[Record], spot: int) -> None:
    traded = [] if trade is None else [Record("T", "B", trade, 1, 0, T0)]
    assert replayed([*BOOK, *traded, *extra]).snapshots[0]["spot_ref_price_int"] == spot


def test_relative_ticks_are_taken_from_spot_and_from_the_sides_best_at_window_end() -> None:
    session = replayed([*BOOK, Record("T", "B", ASK, 1, 0, T0)], n_windows=1)
    found = [(r["side"], r["rel_ticks"], r["rel_ticks_side"]) for r in session.cells]
    assert found == [("B", -2, -1), ("B", -1, 0), ("A", 0, 0)]


def test_a_side_that_is_empty_at_window_end_has_no_relative_ticks_of_its_own() -> None:
    session = replayed([*BOOK, Record("C", "A", ASK, 8, 2, T0)], n_windows=1)
    assert [r["rel_ticks_side"] for r in session.cells if r["side"] == "A"] == [None]


def test_mid_price_is_rounded_half_up() -> None:
    odd = list(opening(("B", 1_000, 1, 1), ("A", 1_001, 1, 2)))
    session = Session(n_windows=1)
    session.engine = CellBookEngine(1, [Grid(1, 6)], START + SECOND, START + SECOND)
    row = session.feed(odd).finish().snapshots[0]
    assert (row["mid_price_int"], row["mid_price"]) == (1_001, 2_001 / 2e9)


def test_cells_outside_of_the_grid_are_counted_and_their_state_is_kept() -> None:
    far = BID - 7 * TICK
    session = replayed(
        [
            *BOOK,
            Record("A", "B", far, 3, 9, at(0.1)),
            Record("C", "B", BID, 10, 1, at(1.1)),
        ],
        n_windows=2,
    )
    assert session.engine.window_counters["cells_outside_grid"] == 1
    assert session.cell(1, "B", far)["start"] == 3


def test_a_price_off_the_tick_in_the_grid_is_refused_and_named() -> None:
    odd = Record("A", "B", BID - TICK - 1, 3, 9, T0, sequence=55)
    with pytest.raises(OffGridPriceError, match="bid level 974") as caught:
        replayed([*BOOK, odd])
    assert (caught.value.order_id, caught.value.sequence, caught.value.ts_event) == (9, 55, T0)


def test_a_price_off_the_tick_outside_of_the_grid_does_no_harm() -> None:
    session = replayed([*BOOK, Record("A", "A", 199_999_990_000_001, 3, 9, T0)])
    assert session.cell(0, "B", BID)["end"] == 10


def test_an_account_that_does_not_add_up_is_refused_with_order_sequence_and_time() -> None:
    session = Session()
    session.feed([*BOOK, Record("A", "B", BID, 3, 9, T0, sequence=7)])
    saved = session.engine.save()
    saved["levels"]["depth"][0] += 1  # type: ignore[index]
    session.engine.load(saved)
    with pytest.raises(BookIntegrityError, match="sequence 7") as caught:
        session.finish()
    assert (caught.value.order_id, caught.value.ts_event) == (9, T0)


def test_a_level_that_is_not_the_sum_of_its_orders_is_refused() -> None:
    engine = TopsEngine()
    list(engine.feed(columns([*BOOK, Record("A", "B", BID, 3, 9, T0, sequence=7)])))
    engine.state.levels["depth"][0] += 1
    with pytest.raises(BookIntegrityError, match="its orders sum to 13 in 2"):
        engine.finish()


def test_a_second_instrument_is_refused() -> None:
    with pytest.raises(ValueError, match="instruments 1 and 2"):
        replayed([*BOOK, Record("A", "B", BID, 3, 9, T0, instrument=2)])


def test_several_publishers_are_summed_and_keep_their_own_orders() -> None:
    session = replayed(
        [
            *BOOK,
            Record("A", "B", BID, 4, 1, at(0.1), publisher=2),
            Record("C", "B", BID, 1, 1, at(0.2), publisher=2),
            Record("R", ts=at(1.1), publisher=2),
        ]
    )
    assert session.cell(0, "B", BID)["end"] == 13
    assert session.cell(1, "B", BID)["end"] == 10


def test_zero_quantity_orders_rest_without_making_a_level() -> None:
    engine = TopsEngine(1)
    records = [
        Record("A", "B", BID, 0, 1, T0),
        Record("M", "B", BID, 2, 1, T0),
        Record("M", "B", BID, 0, 1, T0),
    ]
    tops = [t.qty[0].tolist() for t in engine.feed(columns(records))]
    assert tops == [[0, 2, 0]]
    assert engine.counters.resting_orders == 1


def test_the_largest_added_order_and_the_sizes_leave_out_snapshots_and_changes_in_place() -> None:
    session = replayed(
        [
            *BOOK,
            Record("A", "B", BID, 300, 9, at(0.1)),
            Record("A", "B", BID, 2, 10, at(0.2)),
            Record("M", "B", BID, 900, 10, at(0.3)),  # stays at its price
            Record("M", "A", ASK + TICK, 70, 2, at(0.4)),
            Record("A", "A", ASK, 2**32 - 1, 11, at(1.1)),
        ],
        n_windows=2,
    )
    largest = {(r["window_start_ts_ns"], r["price_int"]): r["added_max"] for r in session.cells}
    assert (largest[START, BID], largest[START, ASK + TICK], largest[START, ASK]) == (300, 70, 0)
    assert largest[START + SECOND, BID] == 0
    assert [row["added_sizes"] for row in session.snapshots] == [
        {2: 1, 64: 1, 64 + 2 * 8 + 1: 1},
        {64 + 26 * 8 - 1: 1},
    ]
