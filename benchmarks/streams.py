"""Synthetic market-by-order streams for the benchmarks: busy books, uncrossed, seeded."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from book_engines.records import DTYPES, F_LAST, F_SNAPSHOT, SECOND_NS, MboColumns

TICK_INT = 250_000_000
SESSION_START_NS = 1_767_623_400 * SECOND_NS  # Monday 2026-01-05, 09:30 New York
SESSION_SECONDS = 10_800

_TICKS = 16_384
_MIDDLE = 8_192
_ORDINARY_CLOSE = F_LAST | 2


class Market(NamedTuple):
    """What the orders of a book are like."""

    tick_int: int
    price_int: int
    """Where the book stands at first."""
    resting: int
    """Live orders: those of the opening snapshot, and about as many ever after."""
    far: float
    """Orders far from the touch lie 1 / far ticks behind it, on average."""
    lot: int


FUTURE = Market(TICK_INT, 6_000_000_000_000, resting=20_000, far=0.02, lot=1)
EQUITY = Market(10_000_000, 600_000_000_000, resting=190_000, far=0.005, lot=100)
OPTION = Market(50_000_000, 400_000_000_000, resting=60, far=0.1, lot=1)


def busy_book(
    market: Market,
    n: int,
    *,
    instrument_id: int = 4916,
    seconds: int = SESSION_SECONDS,
    seed: int = 1,
) -> MboColumns:
    """Return n records: a snapshot of the resting orders, then a session of so many seconds.

    Of the live events 46 % are adds, 42 % cancels, 9 % modifies and 3 % trades (T, F, C with one
    ts_event); prices lie geometrically behind the opposite touch, most cancels hit young orders.
    """
    columns = MboColumns._make(np.zeros(n, dtype) for dtype in DTYPES)
    columns.publisher_id[:] = 1
    columns.instrument_id[:] = instrument_id
    columns.sequence[:] = np.arange(n)
    _generate(columns, market.resting, market.far, seconds, seed)
    columns.price_int[:] = market.price_int + (columns.price_int - _MIDDLE) * market.tick_int
    columns.size[:] *= market.lot
    return columns


def busy_chain(
    n: int, *, instruments: int = 300, seconds: int = SESSION_SECONDS, seed: int = 1
) -> MboColumns:
    """Return about n records of so many options: their snapshots, then their sessions as one."""
    each = n // instruments
    books = [
        busy_book(OPTION, each, instrument_id=1000 + k, seconds=seconds, seed=seed + k)
        for k in range(instruments)
    ]
    merged = MboColumns._make(np.concatenate(parts) for parts in zip(*books, strict=True))
    live = (merged.flags & F_SNAPSHOT) == 0
    order = np.argsort(np.where(live, merged.ts_event_ns, 0), kind="stable")
    return MboColumns._make(column[order] for column in merged)


@njit(cache=True)
def _generate(out, resting, far, seconds, seed):  # type: ignore[no-untyped-def]
    np.random.seed(seed)
    n = out.ts_event_ns.size
    room = 4 * resting + 1024
    tick_of = np.zeros(room, np.int64)
    size_of = np.zeros(room, np.int64)
    side_of = np.zeros(room, np.int64)  # 0 ask, 1 bid
    id_of = np.zeros(room, np.int64)
    before = np.full(room, -1, np.int64)  # queue neighbours at the same price
    behind = np.full(room, -1, np.int64)
    head = np.full((2, _TICKS), -1, np.int64)
    tail = np.full((2, _TICKS), -1, np.int64)
    alive = np.zeros(room, np.int64)  # slots of live orders, youngest last
    place = np.zeros(room, np.int64)
    free = np.arange(room)[::-1].copy()
    n_free = room
    n_alive = 0
    best = np.array([_MIDDLE, _MIDDLE - 1])
    ts = SESSION_START_NS - 3600 * SECOND_NS
    mean_gap = seconds * SECOND_NS / max(1, n - resting) * 1.15
    next_id = 6_413_000_000_000
    i = 0
    while i < n:
        opening = i < resting
        if i == resting:
            ts = SESSION_START_NS
        kind = np.random.random()
        if not opening:
            ts += int(np.random.exponential(mean_gap))
        adds = 0.46 if n_alive < resting else 0.44
        if opening or kind < adds or n_alive < 64:
            side = np.random.randint(2)
            depth = np.random.geometric(far if opening or np.random.random() < 0.15 else 0.3) - 1
            tick = best[0] - 1 - depth if side == 1 else best[1] + 1 + depth
            if tick < 1 or tick > _TICKS - 2:
                continue
            n_free -= 1
            slot = free[n_free]
            next_id += 1 + np.random.randint(3)
            tick_of[slot] = tick
            side_of[slot] = side
            id_of[slot] = next_id
            size_of[slot] = np.random.geometric(0.4)
            _append(slot, side, tick, head, tail, before, behind)
            alive[n_alive] = slot
            place[slot] = n_alive
            n_alive += 1
            if side == 1:
                best[1] = max(best[1], tick)
            else:
                best[0] = min(best[0], tick)
            flags = F_SNAPSHOT | 8 if opening else _ORDINARY_CLOSE
            if i == resting - 1:
                flags |= F_LAST
            _put(out, i, ts, 65, slot, size_of[slot], flags, tick_of, side_of, id_of)
            i += 1
            continue
        side = np.random.randint(2)
        if kind >= 0.97 and i + 3 <= n and head[side, best[side]] >= 0:
            slot = head[side, best[side]]
            filled = min(size_of[slot], np.random.geometric(0.5))
            _put(out, i, ts, 84, slot, filled, 0, tick_of, side_of, id_of)
            out.side[i] = 65 if side == 1 else 66  # the aggressor's
            out.order_id[i] = 0
            _put(out, i + 1, ts, 70, slot, filled, 0, tick_of, side_of, id_of)
            _put(out, i + 2, ts, 67, slot, filled, _ORDINARY_CLOSE, tick_of, side_of, id_of)
            i += 3
            size_of[slot] -= filled
            if size_of[slot] > 0:
                continue
        else:
            span = 256 if np.random.random() < 0.7 else n_alive
            slot = alive[n_alive - 1 - np.random.randint(min(span, n_alive))]
            side = side_of[slot]
            if kind < 0.88:
                _put(out, i, ts, 67, slot, size_of[slot], _ORDINARY_CLOSE, tick_of, side_of, id_of)
                i += 1
            else:
                tick = tick_of[slot] + np.random.randint(-2, 3)
                if tick < 1 or tick > _TICKS - 2 or np.random.random() < 0.3:
                    tick = tick_of[slot]
                tick = min(tick, best[0] - 1) if side == 1 else max(tick, best[1] + 1)
                if tick == tick_of[slot]:
                    size_of[slot] = max(1, size_of[slot] + np.random.randint(-2, 3))
                else:
                    _remove(slot, side, tick_of[slot], head, tail, before, behind)
                    tick_of[slot] = tick
                    _append(slot, side, tick, head, tail, before, behind)
                    _settle(best, side, tick, head)
                _put(out, i, ts, 77, slot, size_of[slot], _ORDINARY_CLOSE, tick_of, side_of, id_of)
                i += 1
                continue
        _remove(slot, side, tick_of[slot], head, tail, before, behind)
        _settle(best, side, tick_of[slot], head)
        n_alive -= 1
        last = alive[n_alive]
        alive[place[slot]] = last
        place[last] = place[slot]
        free[n_free] = slot
        n_free += 1


@njit(cache=True)
def _put(out, i, ts, action, slot, size, flags, tick_of, side_of, id_of):  # type: ignore[no-untyped-def]
    out.ts_event_ns[i] = ts
    out.order_id[i] = id_of[slot]
    out.price_int[i] = tick_of[slot]
    out.size[i] = size
    out.action[i] = action
    out.side[i] = 66 if side_of[slot] == 1 else 65
    out.flags[i] = flags


@njit(cache=True)
def _append(slot, side, tick, head, tail, before, behind):  # type: ignore[no-untyped-def]
    before[slot] = tail[side, tick]
    behind[slot] = -1
    if tail[side, tick] >= 0:
        behind[tail[side, tick]] = slot
    else:
        head[side, tick] = slot
    tail[side, tick] = slot


@njit(cache=True)
def _remove(slot, side, tick, head, tail, before, behind):  # type: ignore[no-untyped-def]
    if before[slot] >= 0:
        behind[before[slot]] = behind[slot]
    else:
        head[side, tick] = behind[slot]
    if behind[slot] >= 0:
        before[behind[slot]] = before[slot]
    else:
        tail[side, tick] = before[slot]


@njit(cache=True)
def _settle(best, side, tick, head):  # type: ignore[no-untyped-def]
    """Keep the best tick of a side after a change at `tick`."""
    if head[side, tick] >= 0:
        best[side] = max(best[1], tick) if side == 1 else min(best[0], tick)
    step = -1 if side == 1 else 1
    while 0 < best[side] < _TICKS - 1 and head[side, best[side]] < 0:
        best[side] += step
