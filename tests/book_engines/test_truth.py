"""The cell engine against the simulated exchange: every cell and column of the silver tables.

The truth comes from the matching engine's own state as orders happen, never from the records, and
shares no code with the engine.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from book_engines import cells as c
from book_engines.cell_engine import CellBookEngine, CellRows, WindowBlock
from book_engines.cells import Grid
from book_engines.records import UNDEF_PRICE, MboColumns, mbo_columns
from spymaster_resources.dbn.stream import open_dbn
from spymaster_resources.instruments import instrument
from spymaster_resources.simulator.equities import simulate_equity_day
from spymaster_resources.simulator.futures import Law, future_prices, simulate_day
from spymaster_resources.simulator.glbx import Conventions
from spymaster_resources.simulator.sizes import EQUITY_SIZES, SIZES, Size
from spymaster_resources.simulator.truth import truth_file
from spymaster_resources.trading_calendar import SessionWindow

ES = instrument("ES", "future_mbo")
DT = date(2026, 3, 10)  # around the roll: both expiries are busy
LONG = Size(
    "long",
    (SessionWindow.parse("08:00-08:30"), SessionWindow.parse("09:25-09:50")),
    SessionWindow.parse("09:30-09:55"),
    400_000,
    0.6,
)
CENT = 10_000_000
QQQ_GRIDS = {"depth": Grid(50 * CENT, 100), "fine": Grid(5 * CENT, 200)}


class Case(NamedTuple):
    size: Size
    chunk: int
    conventions: Conventions = Conventions()
    law: Law = Law.CROWD


CASES = {
    "tiny": Case(SIZES["tiny"], 1 << 17),
    "tiny, small chunks": Case(SIZES["tiny"], 97),
    "tiny, closing records": Case(SIZES["tiny"], 4_096, Conventions(closing_records=True)),
    "tiny, no clear": Case(SIZES["tiny"], 4_096, Conventions(clear_before_snapshot=False)),
    "long": Case(LONG, 1 << 15),
    "long, no signal": Case(LONG, 1 << 15, law=Law.NONE),
}


@pytest.mark.parametrize("name", CASES)
def test_futures_equal_the_truth_in_every_cell(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    day = simulate_day(
        ES, DT, case.size, tmp_path, seed=3, conventions=case.conventions, law=case.law
    )
    numbers = {text: n for n, text in open_dbn(day.path).metadata.instruments(DT).items()}
    for symbol in day.symbols:
        grids = {"depth": Grid(ES.tick_int, ES.grid_half_width)}
        engine = _engine(ES.tick_int, grids, case.size)
        _compare(engine, day.path, symbol, numbers[symbol], grids, case.chunk)


@pytest.mark.parametrize("chunk", [1 << 17, 97])
def test_an_equity_equals_the_truth_in_every_cell_of_all_its_grids(
    chunk: int, tmp_path: Path
) -> None:
    size = EQUITY_SIZES["tiny"]
    future = future_prices(ES, DT, SIZES["tiny"], seed=3)
    day = simulate_equity_day("QQQ", DT, size, tmp_path, future, seed=3)
    (number,) = open_dbn(day.path).metadata.instruments(DT)
    _compare(_engine(CENT, QQQ_GRIDS, size), day.path, "QQQ", number, QQQ_GRIDS, chunk)


def test_an_equity_equals_the_truth_at_the_raw_cent(tmp_path: Path) -> None:
    size = EQUITY_SIZES["tiny"]
    future = future_prices(ES, DT, SIZES["tiny"], seed=4)
    day = simulate_equity_day("QQQ", DT, size, tmp_path, future, seed=4)
    (number,) = open_dbn(day.path).metadata.instruments(DT)
    grids = {"tick": Grid(CENT, 200)}
    engine = _engine(CENT, grids, size)
    _compare(engine, day.path, "QQQ", number, grids, 1 << 17, snapshot=False)


def _engine(tick_int: int, grids: dict[str, Grid], size: Size) -> CellBookEngine:
    session = size.session.window_ends_ns(DT)
    return CellBookEngine(tick_int, list(grids.values()), session.first_ns, session.last_ns)


def _compare(
    engine: CellBookEngine,
    path: Path,
    symbol: str,
    number: int,
    grids: dict[str, Grid],
    chunk: int,
    *,
    snapshot: bool = True,
) -> None:
    """Replay one instrument of a file and compare it with its truth.

    The snapshot's spot reference is that of the buckets: at another grid it is another number.
    """
    blocks: list[WindowBlock] = []
    for records in open_dbn(path).records(chunk):
        mine = records[records["instrument_id"] == number]
        blocks.extend(engine.feed(_columns(mine)))
    blocks.extend(engine.finish())
    windows = np.concatenate([block.windows for block in blocks])
    for t, name in enumerate(grids):
        rows = CellRows(
            np.concatenate([block.tables[t].spans for block in blocks]),
            np.concatenate([block.tables[t].cells for block in blocks], axis=1),
        )
        if snapshot and t == 0:
            _compare_windows(windows, rows, pq.read_table(truth_file(path, symbol, "snapshot")))
        _compare_cells(windows, rows, pq.read_table(truth_file(path, symbol, name)))
    for counter in ("unknown_cancels", "unknown_modifies", "over_cancels", "late_records"):
        assert getattr(engine.counters, counter) == 0, counter


def _columns(records: npt.NDArray[np.void]) -> MboColumns:
    sources = {"ts_event_ns": "ts_event", "price_int": "price"}
    return mbo_columns(
        **{name: records[sources.get(name, name)].copy() for name in MboColumns._fields}
    )


def _compare_windows(windows: npt.NDArray[np.void], rows: CellRows, truth: pa.Table) -> None:
    np.testing.assert_array_equal(
        rows.spans["spot"], truth["spot_ref_price_int"].fill_null(UNDEF_PRICE).to_numpy()
    )
    for found, name in (
        ("end", "window_end_ts_ns"),
        ("best_bid", "best_bid_price_int"),
        ("best_bid_qty", "best_bid_qty"),
        ("best_ask", "best_ask_price_int"),
        ("best_ask_qty", "best_ask_qty"),
        ("last_trade", "last_trade_price_int"),
        ("trade_qty_buy", "trade_qty_buy"),
        ("trade_qty_sell", "trade_qty_sell"),
        ("trade_count", "trade_count"),
        ("book_valid", "book_valid"),
    ):
        absent = UNDEF_PRICE if name.endswith("price_int") else 0
        expected = truth[name].fill_null(absent) if truth[name].null_count else truth[name]
        np.testing.assert_array_equal(windows[found], expected.to_numpy(), err_msg=name)


def _compare_cells(windows: npt.NDArray[np.void], rows: CellRows, truth: pa.Table) -> None:
    spans, cells = rows
    ends = np.repeat(windows["end"], spans["cells"])
    np.testing.assert_array_equal(ends, truth["window_end_ts_ns"].to_numpy())
    spots = np.repeat(spans["spot"], spans["cells"])
    np.testing.assert_array_equal(spots, truth["spot_ref_price_int"].to_numpy())
    valid = np.repeat(windows["window_valid"], spans["cells"])
    np.testing.assert_array_equal(valid, truth["window_valid"].to_numpy())
    sides = truth["side"].combine_chunks().cast(pa.string()).to_numpy(zero_copy_only=False) == "B"
    np.testing.assert_array_equal(cells[c.SIDE], sides.astype(np.int64))
    own = (
        truth["rel_ticks_side"].fill_null(c.NO_REL)
        if truth["rel_ticks_side"].null_count
        else (truth["rel_ticks_side"])
    )
    np.testing.assert_array_equal(cells[c.REL_SIDE], own.to_numpy())
    for row, name in (
        (c.PRICE, "price_int"),
        (c.REL, "rel_ticks"),
        (c.START, "depth_qty_start"),
        (c.END, "depth_qty_end"),
        (c.ADDED, "add_qty"),
        (c.PULLED, "pull_qty"),
        (c.REST, "depth_qty_rest"),
        (c.PULLED_REST, "pull_qty_rest"),
        (c.FILLED, "fill_qty"),
    ):
        np.testing.assert_array_equal(cells[row], truth[name].to_numpy(), err_msg=name)
