"""The quote engine against the simulated tape: every row and column of both silver tables."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from book_engines.quote_records import QuoteColumns, quote_columns
from book_engines.quotes import QuoteBookEngine
from spymaster_assets.stages.quote_tables import DEPTH, SNAPSHOT, depth_batch, snapshot_batch
from spymaster_resources.dbn.quote_layouts import QUOTE_FIELD_OF
from spymaster_resources.dbn.stream import open_dbn
from spymaster_resources.instruments import instrument
from spymaster_resources.simulator.chains import equity_chain, equity_price
from spymaster_resources.simulator.equities import equity_prices
from spymaster_resources.simulator.equity_options import simulate_equity_options_day
from spymaster_resources.simulator.futures import future_prices
from spymaster_resources.simulator.sizes import EQUITY_OPTION_SIZES, EQUITY_SIZES, SIZES
from spymaster_resources.simulator.truth import truth_file
from tests.book_engines.unflagged import book_schema, no_flags

QQQ = instrument("QQQ", "equity_option_cmbp_1")
DT = date(2026, 1, 6)
SEED = 11


@pytest.mark.parametrize(("size", "chunk"), [("tiny", 1 << 16), ("tiny", 97)])
def test_engine_equals_the_truth_in_every_cell(size: str, chunk: int, tmp_path: Path) -> None:
    compare(size, chunk, tmp_path)


def compare(size: str, chunk: int, folder: Path) -> None:
    """Hold both tables of a simulated day against its truth."""
    future = future_prices(instrument("ES", "future_mbo"), DT, SIZES[size], seed=SEED)
    equity = equity_prices(DT, EQUITY_SIZES[size], future, seed=SEED)
    options = EQUITY_OPTION_SIZES[size]
    day = simulate_equity_options_day("QQQ", DT, options, folder, equity, seed=SEED)
    bucket = QQQ.rel_tick_int
    engine = QuoteBookEngine(
        (2 * equity.spot_int + bucket) // (2 * bucket) * bucket,
        int(equity.window_end_ns[0]),
        strike_step_int=QQQ.cell_int,
        rel_tick_int=bucket,
        half_width=QQQ.grid_half_width,
    )
    chain = equity_chain("QQQ", DT, equity_price(DT, SEED), options.half_width)
    terms = {row.instrument_id: (row.strike_int, b"PC"[row.is_call]) for row in chain}
    blocks = [
        block
        for records in open_dbn(day.path).records(chunk, schema="cmbp-1")
        for block in engine.feed(_columns(records, terms))
    ]
    blocks += engine.finish()
    snapshot, depth = (pq.read_table(truth_file(day.path, "QQQ", n)) for n in ("snapshot", "depth"))
    quotes = pa.Table.from_batches(
        [snapshot_batch(b, engine.instruments, {}, book_schema(SNAPSHOT)) for b in blocks]
    )
    _assert_equal(
        quotes, snapshot.sort_by([(n, "ascending") for n in ("window_end_ts_ns", "instrument_id")])
    )
    cells = pa.Table.from_batches(
        [depth_batch(b, QQQ, no_flags(b.cells), book_schema(DEPTH)) for b in blocks]
    )
    _assert_equal(cells, depth)
    counters = engine.counters
    assert (counters.late_records, counters.expired_fills, counters.hidden_fills) == (0, 0, 0)


def _columns(records: npt.NDArray[np.void], terms: dict[int, tuple[int, int]]) -> QuoteColumns:
    numbers = records["instrument_id"].tolist()
    columns = {
        name: records[QUOTE_FIELD_OF.get(name, name)].copy()
        for name in QuoteColumns._fields
        if name not in ("strike_price_int", "right")
    }
    columns["ts_event_ns"] = columns["ts_event_ns"].astype(np.int64)
    columns["strike_price_int"] = np.array([terms[n][0] for n in numbers], np.int64)
    columns["right"] = np.array([terms[n][1] for n in numbers], np.uint8)
    return quote_columns(**columns)


def _assert_equal(found: pa.Table, truth: pa.Table) -> None:
    assert set(found.column_names) == set(truth.column_names)
    assert found.num_rows == truth.num_rows > 0
    for name in truth.column_names:
        expected = truth[name].combine_chunks()
        if pa.types.is_dictionary(expected.type):
            assert found[name].to_pylist() == expected.to_pylist(), name
        else:
            assert found[name].combine_chunks().equals(expected), name
