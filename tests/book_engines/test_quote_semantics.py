"""The rules of the consolidated quote, one by one, in numbers."""

from __future__ import annotations

from typing import Any

import pytest

from book_engines.errors import QuoteIntegrityError
from tests.book_engines.feeds import START
from tests.book_engines.quote_feeds import SPOT, QuoteSession, replayed
from tests.naive.consolidated import LAST, MAYBE_BAD, NULL, SECOND, SNAPSHOT, Quote

HALF = SECOND // 2


def quote(bid: tuple[int, int] | None, ask: tuple[int, int] | None, at: int, **more: Any) -> Quote:
    """Return a quote of (price, quantity) a side, `at` ns into the session."""
    (bid_price, bid_qty), (ask_price, ask_qty) = bid or (NULL, 0), ask or (NULL, 0)
    fields = {"action": "A", "strike": SPOT, "flags": 194, **more}
    return Quote(
        bid=bid_price, bid_qty=bid_qty, ask=ask_price, ask_qty=ask_qty, ts=START + at, **fields
    )


def trade(price: int, size: int, met: Quote, side: str = "N", at: int | None = None) -> Quote:
    """Return a trade with the quote that it met."""
    ts = met.ts if at is None else START + at
    return met._replace(action="T", side=side, price=price, size=size, ts=ts)


OPEN = quote((41, 10), (43, 20), -SECOND)


def test_sides_that_appear_are_added() -> None:
    session = replayed([quote((41, 10), None, 5), quote((41, 10), (43, 20), 6)])
    assert session.cell(0, "B") == {"end": 10, "add": 10, "rest": 10}
    assert session.cell(0, "A") == {"end": 20, "add": 20, "rest": 20}


def test_a_size_difference_is_add_or_pull_and_does_not_reset_the_age() -> None:
    session = replayed([OPEN, quote((41, 14), (43, 20), 900), quote((41, 3), (43, 20), SECOND - 1)])
    assert session.cell(0, "B") == {
        "start": 10, "end": 3, "add": 4, "pull": 11, "pull_rest": 11, "rest": 3,
    }  # fmt: skip
    assert session.cell(0, "A") == {"start": 20, "end": 20, "rest": 20}


def test_a_new_price_pulls_the_old_size_adds_the_new_and_resets_the_age() -> None:
    moved = quote((40, 7), (43, 20), HALF)
    back = quote((41, 9), (43, 20), HALF + 1)
    session = replayed([OPEN, moved, back])
    assert session.cell(0, "B") == {
        "start": 10, "end": 9, "add": 16, "pull": 17, "pull_rest": 10, "add_reprice": 16,
        "pull_reprice": 17,
    }  # fmt: skip
    assert session.cell(1, "B") == {"start": 9, "end": 9, "rest": 9}


def test_rested_means_half_a_second() -> None:
    for age, rested in ((HALF - 1, {}), (HALF, {"pull_rest": 10})):
        session = replayed([quote((41, 10), None, 0), quote((41, 0), None, age)])
        assert session.cell(0, "B") == {"add": 10, "pull": 10, **rested}
    for entered, rest in ((HALF, {"rest": 10}), (HALF + 1, {})):
        session = replayed([quote((41, 10), None, entered)])
        assert session.cell(0, "B") == {"end": 10, "add": 10, **rest}


def test_a_side_goes_without_a_price_or_without_a_size() -> None:
    for gone in (None, (41, 0)):
        session = replayed([OPEN, quote(gone, (43, 20), 5)])
        assert session.cell(0, "B") == {"start": 10, "pull": 10, "pull_rest": 10}
        assert session.quotes[0]["bid_price_int"] is None
        assert session.quotes[0]["bid_qty"] is None
        assert not session.quotes[0]["book_valid"]


def test_a_trade_at_the_touch_makes_the_next_decrease_a_fill() -> None:
    session = replayed([OPEN, trade(41, 4, OPEN, at=5), quote((41, 3), (43, 20), 5)])
    assert session.cell(0, "B") == {
        "start": 10, "end": 3, "pull": 3, "pull_rest": 3, "fill": 4, "rest": 3,
    }  # fmt: skip
    assert session.engine.counters.trade_volume == 4


def test_trades_add_up_and_a_fill_spans_decreases() -> None:
    records = [OPEN, trade(41, 4, OPEN, at=5), trade(41, 3, OPEN, at=6)]
    records += [
        quote((41, 8), (43, 20), 7),
        quote((41, 9), (43, 20), 8),
        quote((41, 2), (43, 20), 9),
    ]
    assert replayed(records).cell(0, "B") == {
        "start": 10, "end": 2, "add": 1, "pull": 2, "pull_rest": 2, "fill": 7, "rest": 2,
    }  # fmt: skip


def test_a_trade_that_takes_the_touch_is_fill_and_only_the_rest_is_repriced() -> None:
    session = replayed([OPEN, trade(43, 15, OPEN, at=5), quote((41, 10), (44, 6), 5)])
    assert session.cell(0, "A") == {
        "start": 20, "end": 6, "add": 6, "pull": 5, "pull_rest": 5, "fill": 15, "add_reprice": 6,
        "pull_reprice": 5, "rest": 6,
    }  # fmt: skip


def test_a_trade_whose_quote_shows_its_effect_is_settled_at_once() -> None:
    after = quote((41, 6), (43, 20), 5)
    assert replayed([OPEN, trade(41, 4, after)]).cell(0, "B")["fill"] == 4


def test_a_trade_at_a_touch_that_only_its_own_quote_shows_waits_there() -> None:
    met = quote((42, 5), (43, 20), 5)
    session = replayed([OPEN, trade(42, 5, met), quote((41, 8), (43, 20), 6)])
    assert session.cell(0, "B")["fill"] == 5


def test_what_a_trade_took_beyond_the_display_is_hidden_and_does_not_outlive_its_price() -> None:
    records = [OPEN, trade(41, 25, OPEN, at=5), quote((40, 8), (43, 20), 6)]
    records += [quote((41, 5), (43, 20), 7), quote((41, 1), (43, 20), 8)]
    session = replayed(records)
    assert session.cell(0, "B")["fill"] == 10
    counters = session.engine.counters
    assert (counters.hidden_fills, counters.hidden_fill_qty, counters.expired_fills) == (1, 15, 0)


def test_a_trade_off_the_touch_changes_nothing_and_is_counted() -> None:
    session = replayed([OPEN, trade(42, 4, OPEN, at=5), quote((41, 3), (43, 20), 6)])
    assert session.cell(0, "B")["pull"] == 7
    assert session.engine.counters.fills_unknown_order == 1


def test_a_trade_that_nothing_settles_expires() -> None:
    session = replayed([OPEN, trade(41, 4, OPEN, at=5)])
    assert session.cell(0, "B") == {"start": 10, "end": 10, "rest": 10}
    assert session.engine.counters.expired_fills == 1


def test_at_a_locked_quote_the_aggressor_tells_the_side_and_no_quantity_is_filled_twice() -> None:
    locked = quote((43, 10), (43, 20), 1)
    both = quote((43, 6), (43, 16), 3)
    for side, filled in (("B", (0, 4)), ("A", (4, 0)), ("N", (4, 0))):
        session = replayed([OPEN, locked, trade(43, 4, locked, side, at=2), both])
        found = [session.cell(0, name).get("fill", 0) for name in "BA"]
        assert tuple(found) == filled
    assert session.engine.counters.locked_events == 3


def test_a_clear_books_nothing_and_makes_the_window_of_its_options_invalid() -> None:
    records = [OPEN, OPEN._replace(instrument=2, right="P")]
    session = replayed([*records, quote(None, None, 5, action="R"), quote((41, 4), (43, 2), 6)])
    assert session.cell(0, "B") == {"end": 4, "add": 4, "rest": 4}
    valid = {row["right"]: row["window_valid"] for row in session.cells[:20]}
    assert {row["window_valid"] for row in session.cells[20:]} == {True}
    at_spot = {
        (row["right"], row["window_valid"])
        for row in session.cells[:20]
        if row["strike_price_int"] == SPOT
    }
    assert at_spot == {("C", False), ("P", True)}
    assert valid == {"C": True, "P": True}  # of the last strike


def test_a_snapshot_sets_the_quote_without_flow_and_keeps_its_time() -> None:
    built = quote((41, 10), (43, 20), -60 * SECOND, flags=SNAPSHOT | LAST)
    session = replayed([built, quote((41, 10), (43, 5), 5)])
    assert session.cell(0, "A") == {
        "start": 20, "end": 5, "pull": 15, "pull_rest": 15, "rest": 5,
    }  # fmt: skip
    assert session.engine.counters.opening == "snapshot"
    assert session.quotes[0]["book_valid"]


def test_a_quote_is_doubtful_until_the_next_sound_one() -> None:
    bad = quote((41, 9), (43, 20), 5, flags=LAST | MAYBE_BAD)
    closer = quote(None, None, SECOND, action="N", flags=LAST)
    session = replayed([OPEN, bad, closer, quote((41, 8), (43, 20), 2 * SECOND)])
    assert [row["book_valid"] for row in session.quotes] == [False, False, True, True, True, True]
    valid = [r["window_valid"] for r in session.cells if r["strike_price_int"] == SPOT][::4]
    assert valid == [False, False, True, True, True, True]


def test_a_late_record_is_applied_in_the_open_window() -> None:
    session = replayed([OPEN, quote((41, 12), (43, 20), SECOND), quote((41, 5), (43, 20), 3)])
    assert session.cell(0, "B") == {"start": 10, "end": 10, "rest": 10}
    assert session.cell(1, "B") == {
        "start": 10, "end": 5, "add": 2, "pull": 7, "pull_rest": 7, "rest": 5,
    }  # fmt: skip
    assert session.engine.counters.late_records == 1


def test_the_grid_is_centred_on_the_nearest_strike_ties_upward() -> None:
    session = replayed([OPEN], [SPOT + 5, SPOT - 5, None])
    strikes = [row["strike_price_int"] for row in session.cells]
    assert strikes[:20:4] == [SPOT + k for k in (-10, 0, 10, 20, 30)]
    assert strikes[20::4] == [SPOT + k for k in (-20, -10, 0, 10, 20)]
    assert [row["rel_ticks"] for row in session.cells[:20:4]] == [-3, -1, 1, 3, 5]
    assert [row["spot_ref_price_int"] for row in session.quotes] == [SPOT + 5, SPOT - 5, None]


def test_strikes_outside_are_dropped_and_counted() -> None:
    far = OPEN._replace(strike=SPOT + 90, ts=START + 5)
    between = OPEN._replace(strike=SPOT + 5, ts=START + 6, instrument=2)
    session = replayed([far, between])
    assert all(row["depth_qty_end"] == 0 for row in session.cells)
    assert session.engine.window_counters["strikes_outside_grid"] == 4
    assert len(session.quotes) == 12


def test_an_account_that_does_not_add_up_is_an_error_that_names_the_instrument() -> None:
    session = QuoteSession().feed([OPEN, quote((41, 14), (43, 20), 900, instrument=8)])
    saved = session.engine.save()
    saved["shown"]["qty"][3] += 1  # the bid of the second instrument
    damaged = QuoteSession()
    damaged.engine.load(saved)
    with pytest.raises(QuoteIntegrityError, match="quantity shown") as caught:
        damaged.finish()
    assert (caught.value.instrument_id, caught.value.ts_event) == (8, START + 900)
