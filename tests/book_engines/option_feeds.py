"""A replay of the tests' session over a chain of options, and feeds of several of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from book_engines.option_engine import OptionBookEngine, option_chain
from book_engines.quote_windows import LARGEST
from book_engines.records import UNDEF_PRICE, MboColumns
from book_engines.strike_output import QuoteBlock
from spymaster_assets.stages.quote_tables import depth_batch, snapshot_batch
from spymaster_resources.instruments import instrument
from tests.book_engines.feeds import START, any_feed, columns, rows
from tests.book_engines.unflagged import book_schema, no_flags
from tests.naive.book import SECOND, Record
from tests.naive.strikes import Terms

SNAPSHOT = "silver.future_option_mbo.book_snapshot_1s"
DEPTH = "silver.future_option_mbo.depth_and_flow_1s"
STEP, QUARTER, HALF_WIDTH = 20, 5, 2
SPOT = 100
# two options at one strike, one off the grid's steps, one far away, one without a record
CHAIN = {
    3: Terms(SPOT, "C"),
    1: Terms(SPOT, "C"),
    2: Terms(SPOT, "P"),
    4: Terms(SPOT + 9 * STEP, "P"),
    5: Terms(SPOT + STEP // 2, "C"),
    6: Terms(SPOT - STEP, "C"),
    4_000_000_000: Terms(SPOT + STEP, "P"),
}
ES = replace(
    instrument("ES", "future_option_mbo"),
    cell_int=STEP,
    rel_tick_int=QUARTER,
    grid_half_width=HALF_WIDTH,
)
Spots = Sequence[int | None]


class OptionSession:
    """A replay of the tests' session, its blocks gathered as rows of the two tables."""

    def __init__(self, spots: Spots = (SPOT,) * 6) -> None:
        self.spots = list(spots)
        self.engine = OptionBookEngine(
            option_chain(
                np.array(list(CHAIN)),
                np.array([terms.strike for terms in CHAIN.values()]),
                np.array([ord(terms.right) for terms in CHAIN.values()]),
            ),
            np.array([UNDEF_PRICE if s is None else s for s in spots], np.int64),
            START + SECOND,
            strike_step_int=STEP,
            rel_tick_int=QUARTER,
            half_width=HALF_WIDTH,
        )
        self.quotes: list[dict[str, Any]] = []
        self.cells: list[dict[str, Any]] = []
        self.sizes: list[dict[int, int]] = []

    def take(self, blocks: Iterable[QuoteBlock]) -> None:
        for block in blocks:
            found = self.engine.instruments
            self.quotes += rows(snapshot_batch(block, found, {}, book_schema(SNAPSHOT)))
            cells = rows(depth_batch(block, ES, no_flags(block.cells), book_schema(DEPTH)))
            for row, largest in zip(cells, block.cells[LARGEST].tolist(), strict=True):
                row["added_max"] = largest
            self.cells += cells
            self.sizes += [{n: int(s[n]) for n in np.flatnonzero(s).tolist()} for s in block.sizes]

    def feed(self, records: Sequence[Record]) -> OptionSession:
        return self.feed_columns(columns(records))

    def feed_columns(self, records: MboColumns) -> OptionSession:
        self.take(self.engine.feed(records))
        return self

    def finish(self) -> OptionSession:
        self.take(self.engine.finish())
        return self

    def cell(self, window: int, side: str, strike: int = SPOT, right: str = "C") -> dict[str, Any]:
        """Return the row of one cell in the n-th window."""
        key = (START + (window + 1) * SECOND, strike, right, side)
        names = ("window_end_ts_ns", "strike_price_int", "right", "side")
        (found,) = [row for row in self.cells if tuple(row[n] for n in names) == key]
        return found


def replayed(records: Sequence[Record], spots: Spots = (SPOT,) * 6) -> OptionSession:
    """Return the whole session after `records`."""
    return OptionSession(spots).feed(records).finish()


def option_records() -> SearchStrategy[list[Record]]:
    """Return a strategy of feeds of five options by two publishers."""
    return any_feed(publishers=2, instruments=5)


def wandering_spots() -> SearchStrategy[list[int | None]]:
    """Return a strategy of spots that leave and come back, tie between strikes, or are missing."""
    step = st.sampled_from([None, -SPOT, 0, *range(SPOT - 50, SPOT + 60, QUARTER)])
    return st.lists(step, min_size=1, max_size=6)
