"""The truth files against an independent replay of the records, cell by cell."""

from __future__ import annotations

import databento
import numpy as np
import pyarrow.parquet as pq

from spymaster_resources.simulator.futures import FuturesDay
from spymaster_resources.simulator.truth import DEPTH_SCHEMA, truth_files
from tests.spymaster_resources.simulator.replay import Cell, Replay, Top

TICK = 250_000_000


def test_truth_equals_a_replay_of_the_records_in_every_cell(tiny_day: FuturesDay) -> None:
    store = databento.DBNStore.from_bytes(tiny_day.path.read_bytes())
    records = store.to_ndarray()
    ids = {symbol: int(store.metadata.mappings[symbol][0]["symbol"]) for symbol in tiny_day.symbols}
    for symbol in tiny_day.symbols:
        snapshot_file, depth_file = truth_files(tiny_day.path, symbol)
        snapshot, depth = pq.read_table(snapshot_file), pq.read_table(depth_file)
        ends = snapshot["window_end_ts_ns"].to_pylist()
        assert len(ends) == tiny_day.windows
        replay = Replay(ends[0], ends[-1], 200 * TICK)
        replay.run(records[records["instrument_id"] == ids[symbol]])
        tops = {
            row["window_end_ts_ns"]: Top(
                row["best_bid_price_int"],
                row["best_bid_qty"],
                row["best_ask_price_int"],
                row["best_ask_qty"],
                row["last_trade_price_int"],
                row["spot_ref_price_int"],
                row["trade_qty_buy"],
                row["trade_qty_sell"],
                row["trade_count"],
            )
            for row in snapshot.to_pylist()
        }
        assert tops == replay.tops
        cells: dict[int, dict[tuple[int, str], Cell]] = {end: {} for end in ends}
        for row in depth.to_pylist():
            cells[row["window_end_ts_ns"]][row["price_int"], row["side"]] = Cell(
                row["depth_qty_start"],
                row["depth_qty_end"],
                row["add_qty"],
                row["pull_qty"],
                row["fill_qty"],
                row["depth_qty_rest"],
                row["pull_qty_rest"],
            )
        for end in ends:
            assert cells[end] == replay.cells[end]


def test_truth_holds_flow_of_every_kind(tiny_day: FuturesDay) -> None:
    """An empty column would make the comparison above worthless."""
    depth = pq.read_table(truth_files(tiny_day.path, tiny_day.symbols[0])[1])
    for name in ("add_qty", "pull_qty", "fill_qty", "pull_qty_rest"):
        assert np.count_nonzero(depth[name].to_numpy()) > 20, name
    rest, end = depth["depth_qty_rest"].to_numpy(), depth["depth_qty_end"].to_numpy()
    assert np.count_nonzero(rest < end) > 20


def test_rows_are_sorted_and_keep_the_identity(tiny_day: FuturesDay) -> None:
    for symbol in tiny_day.symbols:
        depth = pq.read_table(truth_files(tiny_day.path, symbol)[1])
        assert depth.schema.equals(DEPTH_SCHEMA)
        column = {name: depth[name].to_numpy() for name in depth.column_names}
        order = np.lexsort((column["side"], column["price_int"], column["window_end_ts_ns"]))
        assert np.array_equal(order, np.arange(depth.num_rows))
        assert np.array_equal(
            column["depth_qty_start"] + column["add_qty"] - column["pull_qty"] - column["fill_qty"],
            column["depth_qty_end"],
        )
        distance = column["price_int"] - column["spot_ref_price_int"]
        assert np.array_equal(column["rel_ticks"].astype(np.int64) * TICK, distance)
        assert np.abs(column["rel_ticks"]).max() <= 200
