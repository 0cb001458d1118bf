"""What is measured is what is verified: the benchmark's streams, small, against the naive twins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from benchmarks.book_streams import (
    DOLLAR_INT,
    EQUITY_GRIDS,
    FUTURE_GRIDS,
    OPTION_HALF_WIDTH,
    STREAMS,
    STRIKE_STEP_INT,
    blocks,
    chain_of,
    spots_of,
)
from benchmarks.streams import SESSION_START_NS
from book_engines import cells as c
from book_engines import quote_windows as q
from book_engines.records import SECOND_NS, MboColumns
from tests.naive.book import Record, naive_windows
from tests.naive.strikes import Terms, naive_strikes

N, SECONDS = 1_200, 2


def as_records(columns: MboColumns) -> Iterator[Record]:
    for ts, order, price, size, action, side, flags, publisher, instrument, sequence in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        yield Record(
            chr(action), chr(side), price, size, order, ts, flags, publisher, instrument, sequence
        )


@pytest.mark.parametrize(("name", "grids"), [("future", FUTURE_GRIDS), ("equity", EQUITY_GRIDS)])
def test_cells_of_a_stream_equal_those_of_the_twin(name: str, grids: tuple[c.Grid, ...]) -> None:
    stream = STREAMS[name]
    records = stream.records(N, SECONDS)
    found: list[list[list[int]]] = [[] for _ in grids]
    for block in blocks(stream.engine(records, SECONDS), records):
        for rows, table in zip(found, block.tables, strict=True):
            rows += table.cells.T.tolist()
    last = SESSION_START_NS + SECONDS * SECOND_NS
    _, tables, _ = naive_windows(as_records(records), grids, SESSION_START_NS, last)
    names = (
        "price_int", "side", "rel_ticks", "rel_ticks_side", "depth_qty_start", "depth_qty_end",
        "add_qty", "pull_qty", "depth_qty_rest", "pull_qty_rest", "fill_qty", "added_max",
    )  # fmt: skip
    for rows, table in zip(found, tables, strict=True):
        assert rows == [[numeric(row[n]) for n in names] for row in table]
        assert len(rows) > 100


def test_strikes_of_a_stream_equal_those_of_the_twin() -> None:
    stream = STREAMS["options"]
    records = stream.records(N, SECONDS)
    chain = chain_of(records)
    columns = (q.START, q.END, q.ADDED, q.PULLED, q.PULLED_REST, q.FILLED, q.REST, q.LARGEST)
    found: list[list[int]] = []
    quotes: list[list[int]] = []
    for block in blocks(stream.engine(records, SECONDS), records):
        found += block.cells[list(columns)].T.tolist()
        quotes += block.quotes[[q.BID, q.BID_QTY, q.ASK, q.ASK_QTY, q.VALID]].T.tolist()
    options = {
        int(row["instrument_id"]): Terms(int(row["strike"]), chr(row["right"])) for row in chain
    }
    twin_quotes, cells, *_ = naive_strikes(
        as_records(records),
        options,
        spots_of(SECONDS).tolist(),
        SESSION_START_NS,
        STRIKE_STEP_INT,
        DOLLAR_INT // 4,
        OPTION_HALF_WIDTH,
    )
    names = (
        "depth_qty_start", "depth_qty_end", "add_qty", "pull_qty", "pull_qty_rest", "fill_qty",
        "depth_qty_rest", "added_max",
    )  # fmt: skip
    assert found == [[row[n] for n in names] for row in cells]
    assert np.sum(found) > 0
    best = ("bid_price_int", "bid_qty", "ask_price_int", "ask_qty", "book_valid")
    assert quotes == [[numeric(row[n]) for n in best] for row in twin_quotes]


def numeric(value: Any) -> int:
    """Return a twin's value as the engine's columns hold it; every side of a stream has orders."""
    return {"A": 0, "B": 1}[value] if isinstance(value, str) else int(value)
