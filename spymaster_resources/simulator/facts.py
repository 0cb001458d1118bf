"""Stylised facts of a market-by-order file: what a simulated market must share with a real one.

The file is replayed by a small dictionary book of its own, not by the book engines: these figures
are also there to judge files that the engines have not seen.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from contracts.errors import ConfigurationError
from spymaster_resources.dbn.layouts import UNDEFINED_PRICE
from spymaster_resources.dbn.stream import open_dbn
from spymaster_resources.simulator.exchange import I64

_F_LAST: Final = 128
_F_SNAPSHOT: Final = 32
_ASK, _BID = ord("A"), ord("B")
_SECOND_NS: Final = 1_000_000_000
_DEPTH_DISTANCES: Final = (0, 1, 2, 4, 9, 19, 49)
_FIELDS: Final = (
    "ts_event", "order_id", "price", "size", "flags", "action", "side",
)  # fmt: skip


class Fact(NamedTuple):
    """One figure: what it is and its value."""

    name: str
    value: float
    unit: str


@dataclass
class _Replay:
    """What a replay collects; all live records, after the first trade."""

    actions: Counter[int] = field(default_factory=Counter)
    spreads: Counter[int] = field(default_factory=Counter)
    event_times_ns: list[int] = field(default_factory=list)
    lifetimes_ns: list[int] = field(default_factory=list)
    order_sizes: list[int] = field(default_factory=list)
    added: int = 0
    filled: int = 0
    trade_sizes: list[int] = field(default_factory=list)
    trade_signs: list[int] = field(default_factory=list)
    mids: list[float] = field(default_factory=list)
    depths: list[list[int]] = field(default_factory=list)


class _Book:
    """Orders and levels in dictionaries; the best prices walk the tick grid."""

    def __init__(self, tick_int: int) -> None:
        self.tick_int = tick_int
        self.orders: dict[int, tuple[int, int, int, int]] = {}
        self.levels: dict[int, dict[int, int]] = {_ASK: {}, _BID: {}}
        self.best: dict[int, int | None] = {_ASK: None, _BID: None}

    def put(self, order_id: int, side: int, price: int, size: int, ts: int) -> None:
        self.orders[order_id] = (side, price, size, ts)
        levels = self.levels[side]
        levels[price] = levels.get(price, 0) + size
        best = self.best[side]
        if best is None or (price < best if side == _ASK else price > best):
            self.best[side] = price

    def drop(self, order_id: int) -> tuple[int, int, int, int] | None:
        order = self.orders.pop(order_id, None)
        if order is not None:
            side, price, size, _ = order
            levels = self.levels[side]
            levels[price] = levels.get(price, 0) - size  # a level of size 0 may be gone already
            if levels[price] == 0:
                del levels[price]
                if price == self.best[side]:
                    self._walk(side, price)
        return order

    def spread_ticks(self) -> int | None:
        ask, bid = self.best[_ASK], self.best[_BID]
        return None if ask is None or bid is None else (ask - bid) // self.tick_int

    def _walk(self, side: int, price: int) -> None:
        levels = self.levels[side]
        if not levels:
            self.best[side] = None
            return
        step = self.tick_int if side == _ASK else -self.tick_int
        for _ in range(200):
            price += step
            if price in levels:
                self.best[side] = price
                return
        self.best[side] = min(levels) if side == _ASK else max(levels)


def measure(
    path: Path, *, tick_int: int, from_ns: int = 0, max_records: int = 400_000
) -> list[Fact]:
    """Return the stylised facts of the busiest instrument of a market-by-order file.

    tick_int: price step, 1e-9 dollars. The first `max_records` live records from the first trade at
    or after `from_ns` are measured; the book is replayed from the start of the file. Raises
    ConfigurationError where there is no trade from then on.
    """
    columns = _busiest(path, from_ns)
    seen = _replay(columns, tick_int, from_ns, max_records)
    if not seen.actions:
        raise ConfigurationError(
            f"{path}: facts are measured from the first trade on, and there is none in "
            f"{columns['size'].size:,} records of the busiest instrument; give a file of a session"
        )
    return _facts(seen)


def _busiest(path: Path, from_ns: int) -> dict[str, I64]:
    """Return the columns of the instrument with the most records from `from_ns` on."""
    counts: Counter[int] = Counter()
    for chunk in open_dbn(path).records():
        ids, numbers = np.unique(
            chunk["instrument_id"][chunk["ts_event"] >= from_ns], return_counts=True
        )
        counts.update(dict(zip(ids.tolist(), numbers.tolist(), strict=True)))
    busiest = counts.most_common(1)[0][0] if counts else None
    columns: dict[str, list[npt.NDArray[np.int64]]] = {
        name: [np.empty(0, np.int64)] for name in _FIELDS
    }
    for chunk in open_dbn(path).records():
        mine = chunk[chunk["instrument_id"] == busiest]
        for name in _FIELDS:
            columns[name].append(mine[name].astype(np.int64))
    return {name: np.concatenate(parts) for name, parts in columns.items()}


def _replay(columns: dict[str, I64], tick_int: int, from_ns: int, max_records: int) -> _Replay:
    book, seen = _Book(tick_int), _Replay()
    measured, measuring, next_second = 0, False, 0
    for ts, order_id, price, size, flags, action, side in zip(
        *(columns[name].tolist() for name in _FIELDS), strict=True
    ):
        letter = chr(action)
        if letter == "T" and ts >= from_ns and not flags & _F_SNAPSHOT:
            measuring = True
        if measuring:
            if measured == max_records:
                break
            measured += 1
            seen.actions[action] += 1
            if ts >= next_second:
                _sample(book, seen)
                next_second = ts // _SECOND_NS * _SECOND_NS + _SECOND_NS
        means_nothing = side not in book.levels or price == UNDEFINED_PRICE
        if letter in "AM" and means_nothing:
            pass
        elif letter == "A" or (letter == "M" and order_id not in book.orders):
            book.drop(order_id)
            book.put(order_id, side, price, size, ts)
            if measuring:
                seen.order_sizes.append(size)
                seen.added += size
        elif letter == "M":
            old = book.drop(order_id)
            born = old[3] if old else ts
            book.put(order_id, side, price, size, born)
        elif letter == "C":
            old = book.drop(order_id)
            if old and old[2] > size:
                book.put(order_id, old[0], old[1], old[2] - size, old[3])
            elif old and measuring:
                seen.lifetimes_ns.append(ts - old[3])
        elif letter == "R":
            book = _Book(tick_int)
        elif letter == "T" and measuring and price != UNDEFINED_PRICE:
            seen.trade_sizes.append(size)
            seen.trade_signs.append({_BID: 1, _ASK: -1}.get(side, 0))
        elif letter == "F" and measuring:
            seen.filled += size
        if measuring and flags & _F_LAST:
            seen.event_times_ns.append(ts)
            spread = book.spread_ticks()
            if spread is not None:
                seen.spreads[spread] += 1
    return seen


def _sample(book: _Book, seen: _Replay) -> None:
    ask, bid = book.best[_ASK], book.best[_BID]
    if ask is None or bid is None:
        return
    seen.mids.append((ask + bid) / 2 / book.tick_int)
    seen.depths.append(
        [
            book.levels[_ASK].get(ask + n * book.tick_int, 0)
            + book.levels[_BID].get(bid - n * book.tick_int, 0)
            for n in _DEPTH_DISTANCES
        ]
    )


def _facts(seen: _Replay) -> list[Fact]:
    records = max(1, sum(seen.actions.values()))
    events = max(1, sum(seen.spreads.values()))
    facts = [
        Fact(f"share of {name}", seen.actions[ord(letter)] / records, "")
        for letter, name in zip("ACMTF", ("A", "C", "M", "T", "F"), strict=True)
    ]
    facts += [
        Fact("spread of 1 tick, share of events", seen.spreads[1] / events, ""),
        Fact("spread of 2 ticks", seen.spreads[2] / events, ""),
        Fact("spread of 3 ticks and more", _share_from(seen.spreads, 3) / events, ""),
        Fact("crossed or locked", sum(n for s, n in seen.spreads.items() if s <= 0) / events, ""),
        *_quantiles("order lifetime", np.array(seen.lifetimes_ns) / 1e9, (10, 50, 90), "s"),
        *_sizes("order size", seen.order_sizes),
        Fact("filled of added quantity", seen.filled / max(1, seen.added), ""),
        *_sizes("trade size", seen.trade_sizes),
    ]
    gaps = np.diff(np.array(seen.event_times_ns)) / 1e6
    facts += _quantiles("time between events", gaps, (10, 50, 90), "ms")
    if seen.depths:
        depths = np.array(seen.depths, float).mean(0) / 2
        facts += [
            Fact(f"depth {n} ticks behind the touch", value, "lots")
            for n, value in zip(_DEPTH_DISTANCES, depths.tolist(), strict=True)
        ]
    signs = np.array(seen.trade_signs, float)
    facts += [
        Fact(f"autocorrelation of trade signs, lag {lag}", _autocorrelation(signs, lag), "")
        for lag in (1, 5, 20)
    ]
    mids = np.array(seen.mids)
    facts.append(Fact("mid change over 1 s, standard deviation", _deviation(mids, 1), "ticks"))
    facts += [
        Fact(f"variance over {n} samples relative to {n} times 1", _variance_ratio(mids, n), "")
        for n in (5, 30, 120)
    ]
    return facts


def _share_from(counts: Counter[int], lowest: int) -> int:
    return sum(n for value, n in counts.items() if value >= lowest)


def _quantiles(
    name: str, values: npt.NDArray[np.float64], percents: tuple[int, ...], unit: str
) -> list[Fact]:
    if len(values) == 0:
        return []
    found = np.percentile(values, percents).tolist()
    return [
        Fact(f"{name}, {p} % quantile", value, unit)
        for p, value in zip(percents, found, strict=True)
    ]


def _sizes(name: str, sizes: list[int]) -> list[Fact]:
    if not sizes:
        return []
    values = np.array(sizes)
    return [
        Fact(f"{name}, share of 1 lot", float((values == 1).mean()), ""),
        Fact(f"{name}, mean", float(values.mean()), "lots"),
        Fact(f"{name}, 99 % quantile", float(np.percentile(values, 99)), "lots"),
    ]


def _autocorrelation(values: npt.NDArray[np.float64], lag: int) -> float:
    if len(values) <= lag + 1 or values.std() == 0.0:
        return 0.0
    centred = values - values.mean()
    return float((centred[lag:] * centred[:-lag]).mean() / centred.var())


def _deviation(mids: npt.NDArray[np.float64], lag: int) -> float:
    return float((mids[lag:] - mids[:-lag]).std()) if len(mids) > lag else 0.0


def _variance_ratio(mids: npt.NDArray[np.float64], lag: int) -> float:
    one = _deviation(mids, 1)
    return _deviation(mids, lag) ** 2 / (lag * one**2) if one > 0.0 else 0.0
