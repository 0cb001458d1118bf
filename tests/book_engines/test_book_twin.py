"""The engines against the naive twin, on feeds in which every rule may come up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from book_engines.cells import Grid
from book_engines.counters import BookCounters
from book_engines.records import UNDEF_PRICE
from book_engines.tops import TopsEngine
from tests.book_engines.feeds import TICK, Session, any_feed, columns, feeds, part, replayed
from tests.naive.book import NaiveReplay, Record, naive_tops, naive_windows

EXAMPLES = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Ties go upward at even widths; several tables come out of one pass.
GRIDS = [
    (Grid(4 * TICK, 2), Grid(2 * TICK, 3)),
    (Grid(2 * TICK, 20), Grid(TICK, 5)),
    (Grid(3 * TICK, 1),),
]

_ACTIONS = {
    "A": "adds", "C": "cancels", "M": "modifies", "R": "clears", "T": "trades", "F": "fills",
    "N": "nones",
}  # fmt: skip
_NAMES = (
    "records", "snapshot_records", "snapshot_changes", "tob_records", "events", "crossed_events",
    "locked_events", "one_sided_events", "unknown_cancels", "unknown_modifies", "duplicate_adds",
    "over_cancels", "late_records", "expired_fills", "hidden_fills", "hidden_fill_qty",
    "fills_unknown_order", "side_changes", "sideless_ignored", "null_price_ignored",
    "trade_volume", "resting_orders",
)  # fmt: skip


def counted(counters: BookCounters) -> dict[str, Any]:
    return {name: getattr(counters, name) for name in (*_NAMES, *_ACTIONS.values())}


def naive_counted(replay: NaiveReplay) -> dict[str, Any]:
    total = replay.total()
    return {name: total[name] for name in _NAMES} | {
        name: total["action_" + action] for action, name in _ACTIONS.items()
    }


@EXAMPLES
@given(any_feed())
def test_windows_equal_those_of_the_twin(records: list[Record]) -> None:
    session = replayed(records)
    snapshots, tables, replay = naive_windows(records, *session.bounds)
    assert session.snapshots == snapshots
    assert session.tables == tables
    assert counted(session.engine.counters) == naive_counted(replay)


@EXAMPLES
@given(any_feed(), st.sampled_from(GRIDS))
def test_windows_of_wide_cells_equal_those_of_the_twin(
    records: list[Record], grids: tuple[Grid, ...]
) -> None:
    session = replayed(records, grids=grids)
    snapshots, tables, replay = naive_windows(records, *session.bounds)
    assert session.snapshots == snapshots
    assert session.tables == tables
    assert counted(session.engine.counters) == naive_counted(replay)


@EXAMPLES
@given(any_feed(publishers=2, instruments=3))
def test_levels_at_events_equal_those_of_the_twin(records: list[Record]) -> None:
    engine = TopsEngine(3)
    rows = []
    for tops in engine.feed(columns(records)):
        for n, index in enumerate(tops.record.tolist()):
            found: list[tuple[int, int, int] | None] = []
            for row in range(6):
                price, qty, orders = (int(t[row, n]) for t in tops[1:])
                found.append(None if price == UNDEF_PRICE else (price, qty, orders))
            rows.append((index, found))
    engine.finish()
    expected, replay = naive_tops(records, 3)
    assert rows == expected
    assert counted(engine.counters) == naive_counted(replay)
    books = engine.books()
    assert [(b.publisher_id, b.instrument_id) for b in books] == sorted(replay.books)
    for book in books:
        book_id = (book.publisher_id, book.instrument_id)
        count = replay.counters[book_id]
        for side, best_price, best_qty in (
            ("B", book.best_bid_price_int, book.best_bid_qty),
            ("A", book.best_ask_price_int, book.best_ask_qty),
        ):
            levels = replay.levels(book_id, side)
            found_best = [] if best_price is None else [(best_price, best_qty)]
            assert found_best == [(p, n) for p, (n, _) in levels.items()][:1]
        assert book.counters.events == count["events"]
        for name in ("crossed", "one_sided"):
            for edge in ("first", "last"):
                key = f"{name}_{edge}_ts"
                assert getattr(book.counters, key) == dict(count).get(key)
        opening = replay.books[book_id].opening
        assert set(book.counters.opening.split("_and_")) == (opening or {"none"})


@EXAMPLES
@given(any_feed())
def test_every_row_keeps_the_identity_and_its_bounds(records: list[Record]) -> None:
    session = replayed(records, grids=(Grid(TICK, 6), Grid(4 * TICK, 2)))
    for row in (row for table in session.tables for row in table):
        flow = row["add_qty"] - row["pull_qty"] - row["fill_qty"]
        assert row["depth_qty_start"] + flow == row["depth_qty_end"]
        assert 0 <= row["depth_qty_rest"] <= row["depth_qty_end"]
        assert 0 <= row["pull_qty_rest"] <= row["pull_qty"]
        assert min(row["depth_qty_start"], row["add_qty"], row["fill_qty"]) >= 0
        assert row["added_max"] <= row["add_qty"]


@EXAMPLES
@given(any_feed(), st.sampled_from([1, 2, 3, 4]))
def test_a_valid_window_starts_where_the_one_before_ended(
    records: list[Record], ticks: int
) -> None:
    session = replayed(records, grids=[Grid(ticks * TICK, 100)])
    disturbed = disturbed_windows(records)
    ends: dict[int, dict[tuple[str, int], int]] = {
        s["window_end_ts_ns"]: {} for s in session.snapshots
    }
    for row in session.cells:
        key = (row["side"], row["price_int"])
        ends[row["window_end_ts_ns"]][key] = row["depth_qty_end"]
    first = session.snapshots[0]["window_end_ts_ns"]
    for row in session.cells:
        window = row["window_start_ts_ns"]
        if row["window_end_ts_ns"] == first or window // 10**9 in disturbed:
            continue
        if session.snapshots[(window - first) // 10**9]["spot_ref_price_int"] is None:
            continue  # nothing was emitted, the book was empty
        before = ends[window].get((row["side"], row["price_int"]), 0)
        assert row["depth_qty_start"] == before


def disturbed_windows(records: list[Record]) -> set[int]:
    """Return the windows in which a clear or snapshot record was applied."""
    found: set[int] = set()
    window = -1
    for record in records:
        if not record.flags & 32:
            window = max(window, record.ts // 10**9)
        if record.flags & 32 or record.action == "R":
            found.add(window)
    return found


@settings(EXAMPLES, max_examples=40)
@given(feeds(max_size=20), st.sampled_from([*GRIDS, (Grid(TICK, 6),)]))
def test_any_split_with_saving_and_resuming_gives_the_same(
    records: list[Record], grids: tuple[Grid, ...]
) -> None:
    whole = replayed(records, grids=grids)
    table = columns(records)
    pieces = Session(grids=grids)
    for i in range(len(records)):
        saved = pieces.engine.save()
        resumed = Session(grids=grids)
        resumed.engine.load(saved)
        resumed.snapshots, resumed.tables = pieces.snapshots, pieces.tables
        resumed.take(resumed.engine.feed(part(table, i, i + 1)))
        pieces = resumed
    pieces.finish()
    assert pieces.snapshots == whole.snapshots
    assert pieces.tables == whole.tables
    assert pieces.engine.counters == whole.engine.counters
    assert pieces.engine.window_counters == whole.engine.window_counters


@EXAMPLES
@given(any_feed())
def test_mirrored_feed_gives_mirrored_cells(records: list[Record]) -> None:
    """Swap the sides and flip the prices: flows and depths mirror.

    Around spot the tie goes to the bid on both sides of the mirror, so the grid must hold it all.
    """
    centre = 2 * 1_000
    swap = {"A": "B", "B": "A", "N": "N"}
    mirrored = [
        r._replace(side=swap[r.side], price=r.price if r.price == UNDEF_PRICE else centre - r.price)
        for r in records
    ]
    plain = replayed(records, half_width=100)
    flipped = replayed(mirrored, half_width=100)
    quantities = [
        "window_end_ts_ns", "depth_qty_start", "depth_qty_end", "add_qty", "pull_qty", "fill_qty",
        "depth_qty_rest", "pull_qty_rest", "rel_ticks_side", "window_valid", "added_max",
    ]  # fmt: skip

    def key(row: dict[str, Any], *, flip: bool) -> tuple[Any, ...]:
        sign = -1 if flip else 1
        side = swap[row["side"]] if flip else row["side"]
        price = centre - row["price_int"] if flip else row["price_int"]
        values = [row[name] for name in quantities]
        if values[8] is not None:
            values[8] *= sign
        return (price, side, *((v is None, v or 0) for v in values))

    assert sorted(key(r, flip=False) for r in plain.cells) == sorted(
        key(r, flip=True) for r in flipped.cells
    )


@pytest.mark.parametrize("n_windows", [1, 2, 5, 3_000])
def test_a_session_has_every_window_even_without_records(n_windows: int) -> None:
    session = replayed([], n_windows=n_windows)
    ends = [row["window_end_ts_ns"] for row in session.snapshots]
    assert ends == [session.bounds[1] + k * 10**9 for k in range(n_windows)]
    assert not any(row["book_valid"] for row in session.snapshots)
    assert session.cells == []
