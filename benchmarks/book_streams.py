"""The streams on which the book engines are measured and held against their naive twins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.streams import (
    EQUITY,
    FUTURE,
    SESSION_START_NS,
    Market,
    busy_book,
    busy_chain,
)
from book_engines.cell_engine import CellBookEngine
from book_engines.cells import Grid
from book_engines.option_engine import OptionBookEngine, option_chain
from book_engines.records import SECOND_NS, MboColumns
from book_engines.window_engine import WindowEngine

CHUNK = 1 << 20

DOLLAR_INT = 1_000_000_000
STRIKE_STEP_INT = 5 * DOLLAR_INT
OPTION_HALF_WIDTH = 10
FUTURE_GRIDS = (Grid(FUTURE.tick_int, 200),)
EQUITY_GRIDS = (Grid(DOLLAR_INT // 2, 100), Grid(DOLLAR_INT // 20, 200))


class Stream(NamedTuple):
    """A kind of day: its records, n of them in so many seconds, and what replays them."""

    name: str
    records: Callable[[int, int], MboColumns]
    engine: Callable[[MboColumns, int], WindowEngine[Any]]
    per_second: int
    """Records a second of the session, as on a day of the real product: ES 10 M in three hours,
    QQQ 20 M (of 10 to 29), ES options 54 M (of 34 to 108)."""
    target: float
    """M events/s with emission that are wanted where the peer's rate is `PEER_FUTURE_RATE`."""


def part(records: MboColumns, start: int, stop: int) -> MboColumns:
    """Return a slice of every column."""
    return MboColumns._make(column[start:stop] for column in records)


def blocks(engine: WindowEngine[Any], records: MboColumns) -> Iterator[Any]:
    """Yield every block of a day that is fed in chunks."""
    for start in range(0, records.size.size, CHUNK):
        yield from engine.feed(part(records, start, start + CHUNK))
    yield from engine.finish()


def chain_of(records: MboColumns) -> NDArray[Any]:
    """Return the chain of a stream's options: a call and a put each $5 around $6,000."""
    numbers = np.unique(records.instrument_id).astype(np.int64)
    place = np.arange(numbers.size)
    strikes = 6_000 * DOLLAR_INT + (place // 2 - numbers.size // 4) * STRIKE_STEP_INT
    return option_chain(numbers, strikes, np.where(place % 2, ord("P"), ord("C")))


def spots_of(seconds: int) -> NDArray[np.int64]:
    """Return a walk of the underlying by quarters of a dollar, one value a window."""
    steps = np.random.default_rng(3).integers(-2, 3, seconds + 1)
    spots: NDArray[np.int64] = 6_000 * DOLLAR_INT + np.cumsum(steps) * (DOLLAR_INT // 4)
    return spots


def _cells(market: Market, grids: tuple[Grid, ...], seconds: int) -> CellBookEngine:
    last = SESSION_START_NS + seconds * SECOND_NS
    return CellBookEngine(market.tick_int, grids, SESSION_START_NS, last, reuse_blocks=True)


def _options(records: MboColumns, seconds: int) -> OptionBookEngine:
    return OptionBookEngine(
        chain_of(records),
        spots_of(seconds),
        SESSION_START_NS,
        strike_step_int=STRIKE_STEP_INT,
        rel_tick_int=DOLLAR_INT // 4,
        half_width=OPTION_HALF_WIDTH,
        reuse_blocks=True,
    )


STREAMS = {
    stream.name: stream
    for stream in (
        Stream(
            "future",
            lambda n, seconds: busy_book(_fitting(FUTURE, n), n, seconds=seconds),
            lambda _, seconds: _cells(FUTURE, FUTURE_GRIDS, seconds),
            926,
            28.0,
        ),
        Stream(
            "equity",
            lambda n, seconds: busy_book(_fitting(EQUITY, n), n, seconds=seconds),
            lambda _, seconds: _cells(EQUITY, EQUITY_GRIDS, seconds),
            1_852,
            20.0,
        ),
        Stream(
            "options",
            lambda n, seconds: busy_chain(n, instruments=min(300, n // 300), seconds=seconds),
            _options,
            5_000,
            20.0,
        ),
    )
}


def _fitting(market: Market, n: int) -> Market:
    """Return the market with no more resting orders than a third of the records."""
    return market._replace(resting=min(market.resting, n // 3))
