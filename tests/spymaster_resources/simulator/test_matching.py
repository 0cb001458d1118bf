"""The matching engine against its naive twin, order by order, and the rules it must keep."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spymaster_resources.simulator import exchange as x
from tests.naive.matching import NaiveExchange, Row
from tests.spymaster_resources.simulator.jitted import jitted_cancel, jitted_modify, jitted_submit

KINDS = ("add", "cancel", "modify", "trade", "fill", "done", "remains")
TICKS = 24


class Pair:
    """Both engines, given the same orders; every step is compared."""

    def __init__(self) -> None:
        self.ex = x.new_exchange(1, ticks=TICKS, slots=256, log_rows=4096, young_rows=4096)
        self.naive = NaiveExchange()
        self.ts = 0

    def submit(self, side: int, tick: int, qty: int, peak: int = 0, may_rest: bool = True) -> None:
        self.ts += 1
        jitted_submit(self.ex, self.ts, 0, side, tick, qty, peak, may_rest, 0)
        self._compare(self.naive.submit(side, tick, qty, peak, may_rest))

    def cancel(self, nth: int, qty: int) -> None:
        order = self._nth(nth)
        if order is not None:
            jitted_cancel(self.ex, self.ts, order[0], qty)
            self._compare(self.naive.cancel(order[1], qty))

    def modify(self, nth: int, tick: int, qty: int) -> None:
        order = self._nth(nth)
        if order is not None:
            naive_rows = self.naive.modify(order[1], tick, qty)
            rests = jitted_modify(self.ex, self.ts, order[0], tick, qty)
            assert rests == any(row.order_id == order[1] for row in self.naive.queue)
            self._compare(naive_rows)

    def level(self, side: int, tick: int) -> list[tuple[int, int]]:
        cell = x.cells_view(self.ex)[0, side, tick]
        found, order = [], int(cell[x.HEAD])
        while order != x.NONE:
            found.append((int(self.ex[order + x.ORDER_ID]), int(self.ex[order + x.QTY])))
            order = int(self.ex[order + x.NEXT])
        assert cell[x.DEPTH] == sum(qty for _, qty in found)
        assert cell[x.COUNT] == len(found)
        return found

    def _nth(self, nth: int) -> tuple[int, int] | None:
        """Return (address, id) of one of the live orders, None when there are none."""
        self.ts += 1
        if not self.naive.queue:
            return None
        order_id = self.naive.queue[nth % len(self.naive.queue)].order_id
        start = int(self.ex[x.AT_ORDERS])
        for order in range(start, start + 256 * x.ORDER_FIELDS, x.ORDER_FIELDS):
            if self.ex[order + x.ORDER_ID] == order_id and self.ex[order + x.QTY] > 0:
                return order, order_id
        raise AssertionError(f"order {order_id} rests in the naive book only")

    def _compare(self, expected: list[Row]) -> None:
        rows = x.log_view(self.ex)
        columns = (x.LOG_ORDER_ID, x.LOG_SIDE, x.LOG_TICK, x.LOG_QTY)
        assert [
            (KINDS[row[x.LOG_KIND]], *(int(row[column]) for column in columns)) for row in rows
        ] == expected
        assert rows[:, x.LOG_LAST].tolist() == [0] * (len(rows) - 1) + [1] * bool(len(rows))
        assert set(rows[:, x.LOG_NS].tolist()) <= {self.ts}
        self.ex[x.LOG_COUNT] = 0
        for side in (x.ASK, x.BID):
            empty = TICKS if side == x.ASK else x.NONE
            best = self.naive.best(side)
            assert x.books_view(self.ex)[0, side] == (empty if best is None else best)
            for tick in range(TICKS):
                assert self.level(side, tick) == self.naive.level(side, tick)
        live = x.live_orders(self.ex, 0)
        assert sorted(live[:, x.ORDER_ID].tolist()) == sorted(
            order.order_id for order in self.naive.queue
        )


side_st = st.integers(0, 1)
tick_st = st.integers(4, 19)
qty_st = st.integers(1, 12)
orders_st = st.lists(
    st.one_of(
        st.tuples(
            st.just("submit"),
            side_st,
            tick_st,
            qty_st,
            st.sampled_from([0, 0, 1, 3]),
            st.booleans(),
        ),
        st.tuples(st.just("cancel"), st.integers(0, 40), qty_st),
        st.tuples(st.just("modify"), st.integers(0, 40), tick_st, qty_st),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(orders_st)
def test_engine_does_what_the_naive_one_does(orders: list[tuple[object, ...]]) -> None:
    pair = Pair()
    for name, *arguments in orders:
        getattr(pair, str(name))(*arguments)


def test_smaller_size_keeps_the_place_and_larger_size_loses_it() -> None:
    pair = Pair()
    for _ in range(3):
        pair.submit(x.BID, 10, 5)
    pair.modify(0, 10, 2)
    assert [order_id for order_id, _ in pair.level(x.BID, 10)] == [1, 2, 3]
    pair.modify(0, 10, 4)
    assert [order_id for order_id, _ in pair.level(x.BID, 10)] == [2, 3, 1]


def test_refill_of_a_hidden_order_goes_to_the_end_of_the_queue() -> None:
    pair = Pair()
    pair.submit(x.ASK, 10, 9, peak=3)
    pair.submit(x.ASK, 10, 4)
    pair.submit(x.BID, 10, 3, may_rest=False)
    assert pair.level(x.ASK, 10) == [(2, 4), (1, 3)]


def test_order_that_sweeps_hits_a_refill_again_and_settles_it_once() -> None:
    pair = Pair()
    pair.submit(x.ASK, 10, 9, peak=3)
    pair.submit(x.ASK, 11, 2)
    pair.submit(x.BID, 11, 10)  # the comparison with the naive twin is the test
    assert pair.level(x.ASK, 11) == [(2, 1)]


def test_what_does_not_trade_of_an_order_that_may_not_rest_leaves_no_trace() -> None:
    pair = Pair()
    pair.submit(x.BID, 10, 5, may_rest=False)
    assert len(x.log_view(pair.ex)) == 0


def test_price_outside_of_the_ladder_is_refused() -> None:
    ex = x.new_exchange(1, ticks=TICKS, slots=4, log_rows=64, young_rows=64)
    with pytest.raises(IndexError, match="ladder"):
        jitted_submit(ex, 1, 0, x.ASK, TICKS, 1, 0, True, 0)


def test_full_exchange_and_full_log_are_errors() -> None:
    ex = x.new_exchange(1, ticks=TICKS, slots=1, log_rows=1, young_rows=64)
    jitted_submit(ex, 1, 0, x.BID, 5, 1, 0, True, 0)
    with pytest.raises(OverflowError, match="log"):
        jitted_cancel(ex, 2, int(ex[x.AT_ORDERS]), 1)
    with pytest.raises(MemoryError, match="slot"):
        jitted_submit(ex, 2, 0, x.BID, 5, 1, 0, True, 0)
