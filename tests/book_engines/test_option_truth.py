"""The engine of a chain's books against the simulated exchange: every row of both silver tables."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from book_engines.option_engine import OptionBookEngine, option_chain
from book_engines.records import MboColumns, mbo_columns
from book_engines.strike_output import QuoteBlock
from spymaster_assets.stages.quote_tables import depth_batch, snapshot_batch
from spymaster_resources.dbn.stream import open_dbn
from spymaster_resources.instruments import instrument
from spymaster_resources.simulator.chains import future_chain
from spymaster_resources.simulator.future_options import simulate_future_options_day
from spymaster_resources.simulator.futures import future_prices
from spymaster_resources.simulator.glbx import Conventions
from spymaster_resources.simulator.quarterlies import reference_price
from spymaster_resources.simulator.sizes import FUTURE_OPTION_SIZES, SIZES
from spymaster_resources.simulator.truth import truth_file
from tests.book_engines.option_feeds import DEPTH, SNAPSHOT
from tests.book_engines.unflagged import book_schema, no_flags

ES = instrument("ES", "future_mbo")
ES_OPTIONS = instrument("ES", "future_option_mbo")
DT = date(2026, 1, 6)
SEED = 11


@pytest.mark.parametrize(
    ("chunk", "conventions"), [(1 << 17, Conventions()), (97, Conventions(closing_records=True))]
)
def test_engine_equals_the_truth_in_every_cell(
    chunk: int, conventions: Conventions, tmp_path: Path
) -> None:
    compare("tiny", chunk, conventions, tmp_path)


def compare(size: str, chunk: int, conventions: Conventions, folder: Path) -> None:
    """Hold both tables of a simulated day against its truth."""
    future = future_prices(ES, DT, SIZES[size], seed=SEED)
    options = FUTURE_OPTION_SIZES[size]
    day = simulate_future_options_day(
        ES, DT, options, folder, future, seed=SEED, conventions=conventions
    )
    chain = future_chain(ES, DT, reference_price(DT, SEED), options.half_width)
    engine = OptionBookEngine(
        option_chain(
            np.array([row.instrument_id for row in chain]),
            np.array([row.strike_int for row in chain]),
            np.array([b"PC"[row.is_call] for row in chain]),
        ),
        future.spot_int,
        int(future.window_end_ns[0]),
        strike_step_int=ES_OPTIONS.cell_int,
        rel_tick_int=ES_OPTIONS.rel_tick_int,
        half_width=ES_OPTIONS.grid_half_width,
    )
    blocks: list[QuoteBlock] = []
    for records in open_dbn(day.path).records(chunk):
        sources = {"ts_event_ns": "ts_event", "price_int": "price"}
        columns = {n: records[sources.get(n, n)].copy() for n in MboColumns._fields}
        blocks.extend(engine.feed(mbo_columns(**columns)))
    blocks.extend(engine.finish())
    quotes = pa.Table.from_batches(
        [snapshot_batch(b, engine.instruments, {}, book_schema(SNAPSHOT)) for b in blocks]
    )
    by_id = [("window_end_ts_ns", "ascending"), ("instrument_id", "ascending")]
    truth = pq.read_table(truth_file(day.path, day.underlying, "snapshot")).sort_by(by_id)
    _assert_equal(quotes, truth)
    cells = pa.Table.from_batches(
        [depth_batch(b, ES_OPTIONS, no_flags(b.cells), book_schema(DEPTH)) for b in blocks]
    )
    _assert_equal(cells, pq.read_table(truth_file(day.path, day.underlying, "depth")))
    for counter in ("unknown_cancels", "unknown_modifies", "over_cancels", "late_records"):
        assert getattr(engine.counters, counter) == 0, counter


def _assert_equal(found: pa.Table, truth: pa.Table) -> None:
    assert found.column_names == truth.column_names
    assert found.num_rows == truth.num_rows > 0
    for name in truth.column_names:
        expected = truth[name].combine_chunks()
        if pa.types.is_dictionary(expected.type):
            assert found[name].to_pylist() == expected.to_pylist(), name
        else:
            assert found[name].combine_chunks().equals(expected), name
