"""The tape engine against its naive twin: quotes at events, counts per publisher and instrument."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from book_engines.quote_tape import QuoteTapeEngine
from book_engines.records import UNDEF_PRICE
from tests.book_engines.quote_feeds import any_quotes, columns
from tests.naive.consolidated import LAST, SECOND, NaiveQuotes, Quote

EXAMPLES = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])

_COUNTS = {
    "records": "records", "events": "events", "late_records": "late_records", "adds": "action_A",
    "trades": "action_T", "clears": "action_R", "nones": "action_N",
    "crossed_events": "crossed_events", "locked_events": "locked_events",
    "one_sided_events": "one_sided_events", "trade_volume": "trade_volume",
    "hidden_fills": "hidden_fills", "hidden_fill_qty": "hidden_fill_qty",
    "fills_unknown_order": "fills_unknown_order", "snapshot_records": "snapshot_records",
}  # fmt: skip
_TIMES = ("crossed_first_ts", "crossed_last_ts", "one_sided_first_ts", "one_sided_last_ts")


def replayed(records: list[Quote], chunk: int) -> tuple[QuoteTapeEngine, list[tuple[Any, ...]]]:
    """Return the engine and (record, bid, ask) of every event."""
    engine, rows = QuoteTapeEngine(), []
    for start in range(0, len(records), chunk):
        piece = records[start : start + chunk]
        publishers = np.array([r.publisher for r in piece], np.uint16)
        for tops in engine.feed(columns(piece), publishers):
            assert not tops.orders.any()
            for n, index in enumerate(tops.record.tolist()):
                shown = np.stack([tops.price[:, n], tops.qty[:, n]], axis=1).tolist()
                sides = [(None if price == UNDEF_PRICE else price, qty) for price, qty in shown]
                rows.append((start + index, *sides))
    engine.finish()
    return engine, rows


@EXAMPLES
@given(any_quotes(), st.data(), st.sampled_from([7, 1_000]))
def test_quotes_and_counts_equal_those_of_the_twin(
    records: list[Quote], data: st.DataObject, chunk: int
) -> None:
    publisher = st.sampled_from([20, 30, 65_535])
    publishers = data.draw(st.lists(publisher, min_size=len(records), max_size=len(records)))
    records = [r._replace(publisher=p) for r, p in zip(records, publishers, strict=True)]
    engine, rows = replayed(records, chunk)
    replay, expected = NaiveQuotes(), []
    for index, record in enumerate(records):
        replay.apply(record)
        if record.flags & LAST:
            sides = replay.options[record.instrument].sides
            expected.append((index, *((sides[n].price, sides[n].size) for n in "BA")))
    assert rows == expected
    books = engine.books()
    assert [(b.publisher_id, b.instrument_id) for b in books] == sorted(replay.tally.books)
    for book in books:
        count = replay.tally.books[book.publisher_id, book.instrument_id]
        sides = replay.options[book.instrument_id].sides
        for name, counted in _COUNTS.items():
            assert getattr(book.counters, name) == count[counted], name
        for name in _TIMES:
            assert getattr(book.counters, name) == dict(count).get(name)
        assert (book.best_bid_price_int, book.best_bid_qty or 0) == (
            sides["B"].price, sides["B"].size,
        )  # fmt: skip
        assert (book.best_ask_price_int, book.best_ask_qty or 0) == (
            sides["A"].price, sides["A"].size,
        )  # fmt: skip
    total = replay.total()
    for name, counted in (*_COUNTS.items(), ("expired_fills", "expired_fills")):
        assert getattr(engine.counters, name) == total[counted], name
    assert sum(b.counters.expired_fills for b in books) == total["expired_fills"]


def test_more_instruments_and_publishers_than_there_is_room_for() -> None:
    records = [
        Quote(bid=41, bid_qty=1 + k % 5, ask=43, ask_qty=2, ts=SECOND, instrument=k // 2,
              publisher=20 + k % 2)
        for k in range(12_000)
    ]  # fmt: skip
    engine, rows = replayed(records, 5_000)
    assert len(rows) == 12_000
    books = engine.books()
    assert [(b.publisher_id, b.instrument_id) for b in books] == [
        (publisher, instrument) for publisher in (20, 21) for instrument in range(6_000)
    ]
    assert all(b.counters.records == 1 for b in books)
    assert engine.counters.records == 12_000
