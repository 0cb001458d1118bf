"""Naive twin of the matching engine: lists of orders by price, searched from the front."""

from __future__ import annotations

from dataclasses import dataclass

ASK, BID = 0, 1


@dataclass
class Order:
    order_id: int
    side: int
    tick: int
    shown: int
    reserve: int
    peak: int


Row = tuple[str, int, int, int, int]
"""(kind, order id, side, tick, quantity)"""


class NaiveExchange:
    """Price-time priority by looking at every order there is."""

    def __init__(self) -> None:
        self.queue: list[Order] = []  # in order of priority at equal price
        self.next_id = 1

    def submit(self, side: int, tick: int, qty: int, peak: int, may_rest: bool) -> list[Row]:
        order_id = self.next_id
        self.next_id += 1
        rows, left = self._match(order_id, side, tick, qty)
        if left and may_rest:
            shown = min(peak, left) if peak else left
            self.queue.append(Order(order_id, side, tick, shown, left - shown, peak))
            rows.append(("add", order_id, side, tick, shown))
        return rows

    def cancel(self, order_id: int, qty: int) -> list[Row]:
        order = self.find(order_id)
        off = min(qty, order.shown)
        order.shown -= off
        if order.shown == 0:
            self.queue.remove(order)
        return [("cancel", order_id, order.side, order.tick, off)]

    def modify(self, order_id: int, tick: int, qty: int) -> list[Row]:
        order = self.find(order_id)
        old_tick, old_shown = order.tick, order.shown
        if tick == old_tick:
            if qty > order.shown:
                self.queue.remove(order)
                self.queue.append(order)
            order.shown = qty
            return [("modify", order_id, order.side, tick, qty)]
        self.queue.remove(order)
        rows, left = self._match(order_id, order.side, tick, qty)
        if left == 0:
            return [*rows, ("cancel", order_id, order.side, old_tick, old_shown)]
        order.tick, order.shown = tick, left
        self.queue.append(order)
        return [*rows, ("modify", order_id, order.side, tick, left)]

    def find(self, order_id: int) -> Order:
        return next(order for order in self.queue if order.order_id == order_id)

    def best(self, side: int) -> int | None:
        ticks = [order.tick for order in self.queue if order.side == side]
        return (min(ticks) if side == ASK else max(ticks)) if ticks else None

    def level(self, side: int, tick: int) -> list[tuple[int, int]]:
        return [
            (order.order_id, order.shown)
            for order in self.queue
            if (order.side, order.tick) == (side, tick)
        ]

    def _match(self, order_id: int, side: int, tick: int, qty: int) -> tuple[list[Row], int]:
        rows: list[Row] = []
        before: dict[int, int] = {}
        touched: list[Order] = []
        left = qty
        while left:
            price = self.best(1 - side)
            if price is None or (price < tick if side == ASK else price > tick):
                break
            fills: list[Row] = []
            start = left
            while left and self.level(1 - side, price):
                order = self.find(self.level(1 - side, price)[0][0])
                if order.order_id not in before:
                    before[order.order_id] = order.shown
                    touched.append(order)
                take = min(left, order.shown)
                left -= take
                order.shown -= take
                fills.append(("fill", order.order_id, order.side, price, take))
                if order.shown == 0:
                    self.queue.remove(order)
                    if order.reserve:
                        order.shown = min(order.peak, order.reserve)
                        order.reserve -= order.shown
                        self.queue.append(order)
            rows += [("trade", order_id, side, price, start - left), *fills]
        for order in touched:
            kind, qty_left = (
                ("remains", order.shown) if order.shown else ("done", before[order.order_id])
            )
            rows.append((kind, order.order_id, order.side, order.tick, qty_left))
        return rows, left
