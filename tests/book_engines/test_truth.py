"""The futures engine against the simulated exchange: every cell and column of both silver tables.

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

from book_engines import windows as w
from book_engines.futures import FutureBookEngine, WindowBlock
from book_engines.records import UNDEF_PRICE, MboColumns, mbo_columns
from spymaster_resources.dbn.stream import open_dbn
from spymaster_resources.instruments import instrument
from spymaster_resources.simulator.futures import simulate_day
from spymaster_resources.simulator.glbx import Conventions
from spymaster_resources.simulator.sizes import SIZES, Size
from spymaster_resources.simulator.truth import truth_files
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


class Case(NamedTuple):
    size: Size
    chunk: int
    conventions: Conventions = Conventions()


CASES = {
    "tiny": Case(SIZES["tiny"], 1 << 17),
    "tiny, small chunks": Case(SIZES["tiny"], 97),
    "tiny, closing records": Case(SIZES["tiny"], 4_096, Conventions(closing_records=True)),
    "tiny, no clear": Case(SIZES["tiny"], 4_096, Conventions(clear_before_snapshot=False)),
    "long": Case(LONG, 1 << 15),
}


@pytest.mark.parametrize("name", CASES)
def test_engine_equals_the_truth_in_every_cell(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    day = simulate_day(ES, DT, case.size, tmp_path, seed=3, conventions=case.conventions)
    numbers = {text: n for n, text in open_dbn(day.path).metadata.instruments(DT).items()}
    for symbol in day.symbols:
        engine, blocks = _replay(day.path, numbers[symbol], case)
        windows = np.concatenate([block.windows for block in blocks])
        cells = np.concatenate([block.cells for block in blocks], axis=1)
        snapshot_file, depth_file = truth_files(day.path, symbol)
        _compare_windows(windows, pq.read_table(snapshot_file))
        _compare_cells(windows, cells, pq.read_table(depth_file))
        for counter in ("unknown_cancels", "unknown_modifies", "over_cancels", "late_records"):
            assert getattr(engine.counters, counter) == 0, counter


def _replay(path: Path, number: int, case: Case) -> tuple[FutureBookEngine, list[WindowBlock]]:
    session = case.size.session.window_ends_ns(DT)
    engine = FutureBookEngine(ES.tick_int, ES.grid_half_width, session.first_ns, session.last_ns)
    blocks: list[WindowBlock] = []
    for chunk in open_dbn(path).records(case.chunk):
        mine = chunk[chunk["instrument_id"] == number]
        blocks.extend(engine.feed(_columns(mine)))
    blocks.extend(engine.finish())
    return engine, blocks


def _columns(records: npt.NDArray[np.void]) -> MboColumns:
    sources = {"ts_event_ns": "ts_event", "price_int": "price"}
    return mbo_columns(
        **{name: records[sources.get(name, name)].copy() for name in MboColumns._fields}
    )


def _compare_windows(windows: npt.NDArray[np.void], truth: pa.Table) -> None:
    for found, name in (
        ("end", "window_end_ts_ns"),
        ("best_bid", "best_bid_price_int"),
        ("best_bid_qty", "best_bid_qty"),
        ("best_ask", "best_ask_price_int"),
        ("best_ask_qty", "best_ask_qty"),
        ("last_trade", "last_trade_price_int"),
        ("spot", "spot_ref_price_int"),
        ("trade_qty_buy", "trade_qty_buy"),
        ("trade_qty_sell", "trade_qty_sell"),
        ("trade_count", "trade_count"),
        ("book_valid", "book_valid"),
    ):
        absent = UNDEF_PRICE if name.endswith("price_int") else 0
        expected = truth[name].fill_null(absent) if truth[name].null_count else truth[name]
        np.testing.assert_array_equal(windows[found], expected.to_numpy(), err_msg=name)


def _compare_cells(
    windows: npt.NDArray[np.void], cells: npt.NDArray[np.int64], truth: pa.Table
) -> None:
    ends = np.repeat(windows["end"], windows["cells"])
    np.testing.assert_array_equal(ends, truth["window_end_ts_ns"].to_numpy())
    spots = np.repeat(windows["spot"], windows["cells"])
    np.testing.assert_array_equal(spots, truth["spot_ref_price_int"].to_numpy())
    valid = np.repeat(windows["window_valid"], windows["cells"])
    np.testing.assert_array_equal(valid, truth["window_valid"].to_numpy())
    sides = truth["side"].combine_chunks().cast(pa.string()).to_numpy(zero_copy_only=False) == "B"
    np.testing.assert_array_equal(cells[w.SIDE], sides.astype(np.int64))
    own = (
        truth["rel_ticks_side"].fill_null(w.NO_REL)
        if truth["rel_ticks_side"].null_count
        else (truth["rel_ticks_side"])
    )
    np.testing.assert_array_equal(cells[w.REL_SIDE], own.to_numpy())
    for row, name in (
        (w.PRICE, "price_int"),
        (w.REL, "rel_ticks"),
        (w.START, "depth_qty_start"),
        (w.END, "depth_qty_end"),
        (w.ADDED, "add_qty"),
        (w.PULLED, "pull_qty"),
        (w.REST, "depth_qty_rest"),
        (w.PULLED_REST, "pull_qty_rest"),
        (w.FILLED, "fill_qty"),
    ):
        np.testing.assert_array_equal(cells[row], truth[name].to_numpy(), err_msg=name)
