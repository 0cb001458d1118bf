"""Days larger than what was first reserved: nothing is lost, and nothing is cut off."""

from __future__ import annotations

import numpy as np
import pytest

from book_engines.cell_engine import BLOCK_CELLS, CellBookEngine
from book_engines.cells import Grid
from book_engines.records import DTYPES, F_LAST, SECOND_NS, MboColumns
from book_engines.state import BLOCK
from book_engines.tops import TopsEngine
from tests.book_engines.feeds import START

N = 90_000


def adds(n: int) -> MboColumns:
    """Return n adds of one lot by ids 1 to n, one a microsecond."""
    columns = MboColumns._make(np.zeros(n, dtype) for dtype in DTYPES)
    columns.ts_event_ns[:] = START + np.arange(n) * 1_000
    columns.order_id[:] = np.arange(1, n + 1)
    columns.price_int[:] = 1_000
    columns.size[:] = 1
    columns.action[:] = ord("A")
    columns.side[:] = ord("B")
    columns.flags[:] = F_LAST
    columns.publisher_id[:] = 1
    columns.instrument_id[:] = 1
    return columns


def run(records: MboColumns) -> TopsEngine:
    engine = TopsEngine()
    list(engine.feed(records))
    engine.finish()
    return engine


@pytest.mark.parametrize("spacing", [1, 2**20, 2**40 + 1])
def test_every_order_is_found_again_after_the_table_has_grown(spacing: int) -> None:
    records = adds(2 * N)
    records.order_id[:N] *= np.uint64(spacing)
    records.order_id[N:] = np.random.default_rng(5).permutation(records.order_id[:N])
    records.action[N:] = ord("C")
    counters = run(records).counters
    assert counters.unknown_cancels == 0
    assert counters.resting_orders == 0
    assert run(adds(N)).counters.resting_orders == N


def test_every_price_may_be_a_level_of_its_own() -> None:
    records = adds(2 * N)
    prices = np.random.default_rng(6).permutation(N)
    records.price_int[:N] = prices
    records.price_int[N:] = prices[::-1]
    records.order_id[N:] = records.order_id[:N][::-1]
    records.action[N:] = ord("C")
    records.size[-1] = 0  # the last cancel takes nothing: the first add stays
    engine = run(records)
    (book,) = engine.books()
    assert (book.best_bid_price_int, book.best_bid_qty) == (prices[0], 1)
    assert book.counters.resting_orders == 1


def visited(n: int) -> MboColumns:
    """Return an add and its cancel, a millisecond apart, at each of n prices."""
    records = adds(2 * n)
    records.ts_event_ns[:] = START + np.arange(2 * n) * 1_000_000
    records.order_id[:] = np.repeat(np.arange(1, n + 1), 2)
    records.price_int[:] = 1_000 + 25 * np.random.default_rng(8).permutation(n).repeat(2)
    records.action[1::2] = ord("C")
    return records


def test_levels_that_stand_empty_are_kept_no_longer_than_their_room_is_wanted() -> None:
    engine = run(visited(N))
    assert engine.state.levels.size == 4 * BLOCK
    assert engine.counters.unknown_cancels == engine.counters.resting_orders == 0


def test_accounts_are_found_again_after_levels_and_accounts_were_freed() -> None:
    records = visited(N)
    last = START + 2 * N // 1_000 * SECOND_NS
    engine = CellBookEngine(25, (Grid(50, 5), Grid(100, 5)), START + SECOND_NS, last)
    list(engine.feed(records))
    list(engine.finish())  # audits every account
    saved = engine.save()
    assert saved["levels"].size == 4 * BLOCK
    assert saved["accounts_0_levels"].size <= 4 * BLOCK


def test_every_record_may_be_of_a_book_of_its_own() -> None:
    records = adds(30_000)
    records.instrument_id[:] = np.arange(30_000) // 2
    records.publisher_id[:] = np.arange(30_000) % 2
    engine = run(records)
    assert len(engine.books()) == 30_000
    assert engine.counters.resting_orders == 30_000


def test_every_order_may_hold_a_pending_fill() -> None:
    records = adds(3 * N)
    records.ts_event_ns[N:] = START + SECOND_NS
    records.order_id[N : 2 * N] = records.order_id[:N]
    records.order_id[2 * N :] = records.order_id[:N]
    records.action[N : 2 * N] = ord("F")
    records.action[2 * N :] = ord("C")
    half = N // 2
    records.ts_event_ns[2 * N + half :] += 1  # too late to settle
    counters = run(records).counters
    assert (counters.fills, counters.expired_fills) == (N, N - half)


def test_no_cell_is_cut_off_however_many_there_are() -> None:
    n = 20_001
    records = adds(n)
    records.price_int[:] = 1_000_000 - np.arange(n)
    records.ts_event_ns[:] = START
    engine = CellBookEngine(1, [Grid(1, n - 1)], START + SECOND_NS, START + 3 * SECOND_NS)
    blocks = [*engine.feed(records), *engine.finish()]
    assert 2 * (2 * n - 1) > BLOCK_CELLS  # a window may need more than a usual block holds
    assert [block.tables[0].spans["cells"].tolist() for block in blocks] == [[n], [n], [n]]
    assert [block.tables[0].cells.shape[1] for block in blocks] == [n, n, n]
