"""The engines on real exchange files, decoded by the vendor's own client."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from book_engines.cell_engine import CellBookEngine, WindowBlock
from book_engines.cells import (
    ADDED,
    ADDED_MAX,
    END,
    FILLED,
    PULLED,
    PULLED_REST,
    REST,
    START,
    Grid,
)
from book_engines.records import SECOND_NS, MboColumns, mbo_columns
from book_engines.tops import TopsEngine
from tests.book_engines.feeds import part

DAY = "esh4-glbx-mdp3-20231225.mbo.dbn.zst"
SNAPSHOT = "esh4-glbx-mdp3-20231224.mbo.dbn.zst"
HAND_OVER = "orderbooks_mbo_2024-05-08T00-00-00_2024-05-08T00-00-02.dbn.zst"
OPEN_NS = 1_703_545_200 * SECOND_NS  # 2023-12-25 23:00 UTC
TICK_INT = 250_000_000


def decode(path: Path) -> MboColumns:
    """Return a file's records by `DBNStore.to_ndarray`, an independent decoder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import databento

        table: NDArray[Any] = databento.DBNStore.from_file(path).to_ndarray()
    sources = {"ts_event_ns": "ts_event", "price_int": "price"}
    columns = {}
    for name in MboColumns._fields:
        column = table[sources.get(name, name)].copy()
        columns[name] = column.view(np.uint8) if column.dtype.kind == "S" else column
    columns["ts_event_ns"] = columns["ts_event_ns"].astype(np.int64)
    return mbo_columns(**columns)


@pytest.fixture(scope="module")
def day(real_data: Path) -> MboColumns:
    return decode(real_data / "glbx-mbo" / DAY)


@pytest.mark.parametrize(
    ("name", "records", "events", "crossed", "resting", "bid", "ask", "volume"),
    [
        (DAY, 68_792, 47_022, 891, 11_217, 4_810_000, 4_810_250, 9_892),
        (SNAPSHOT, 8_725, 1, 0, 8_725, 4_799_000, 4_799_500, 0),
        (HAND_OVER, 13_796, 185, 0, 13_598, 5_214_000, 5_214_250, 6),
    ],
)
def test_known_good_results_of_an_independent_book(
    real_data: Path,
    name: str,
    records: int,
    events: int,
    crossed: int,
    resting: int,
    bid: int,
    ask: int,
    volume: int,
) -> None:
    engine = TopsEngine()
    list(engine.feed(decode(real_data / "glbx-mbo" / name)))
    engine.finish()
    counted, (book,) = engine.counters, engine.books()
    assert (counted.records, counted.events, counted.crossed_events) == (records, events, crossed)
    assert (counted.unknown_cancels, counted.unknown_modifies) == (0, 0)
    assert (counted.duplicate_adds, counted.over_cancels, counted.late_records) == (0, 0, 0)
    assert counted.expired_fills == 0
    assert (counted.resting_orders, counted.trade_volume) == (resting, volume)
    assert book.best_bid_price_int == bid * 1_000_000
    assert book.best_ask_price_int == ask * 1_000_000


def test_the_snapshot_of_one_file_is_the_start_of_the_next(
    real_data: Path, day: MboColumns
) -> None:
    alone, first = TopsEngine(10), TopsEngine(10)
    snapshot = decode(real_data / "glbx-mbo" / SNAPSHOT)
    (tops,) = alone.feed(snapshot)
    start = part(day, 0, 8_725)
    start.flags[-1] = 168  # this file's last snapshot record lacks F_LAST
    (same,) = first.feed(start)
    assert all(np.array_equal(a, b) for a, b in zip(tops, same, strict=True))


def replay_hour(day: MboColumns, chunk: int) -> tuple[CellBookEngine, list[WindowBlock]]:
    engine = CellBookEngine(TICK_INT, [Grid(TICK_INT, 200)], OPEN_NS, OPEN_NS + 3600 * SECOND_NS)
    blocks = []
    for start in range(0, day.size.size, chunk):
        blocks += list(engine.feed(part(day, start, start + chunk)))
    blocks += list(engine.finish())
    return engine, blocks


def test_a_real_hour_keeps_every_identity(day: MboColumns) -> None:
    engine, blocks = replay_hour(day, 1 << 20)
    windows = np.concatenate([b.windows for b in blocks])
    cells = np.concatenate([b.tables[0].cells for b in blocks], axis=1)
    assert windows.size == 3_601
    assert windows["window_valid"].all()
    flow = cells[ADDED] - cells[PULLED] - cells[FILLED]
    assert np.array_equal(cells[START] + flow, cells[END])
    assert (cells[REST] <= cells[END]).all()
    assert (cells[PULLED_REST] <= cells[PULLED]).all()
    assert (cells[ADDED_MAX] <= cells[ADDED]).all()
    assert cells.min(axis=1)[START:].min() == 0
    in_session = (day.action == ord("T")) & (day.ts_event_ns >= OPEN_NS - SECOND_NS)
    in_session &= (day.ts_event_ns < OPEN_NS + 3600 * SECOND_NS) & (day.side != ord("N"))
    traded = int(windows["trade_qty_buy"].sum() + windows["trade_qty_sell"].sum())
    assert traded == int(day.size[in_session].sum())
    assert engine.counters.opening == "snapshot"


@pytest.mark.parametrize("chunk", [997, 20_011])
def test_a_real_hour_does_not_depend_on_the_chunks(day: MboColumns, chunk: int) -> None:
    engine, blocks = replay_hour(day, 1 << 20)
    other_engine, other = replay_hour(day, chunk)
    for whole, pieces in (
        ([b.windows for b in blocks], [b.windows for b in other]),
        ([b.tables[0].cells.T for b in blocks], [b.tables[0].cells.T for b in other]),
    ):
        assert np.array_equal(np.concatenate(whole), np.concatenate(pieces))
    assert engine.counters == other_engine.counters
