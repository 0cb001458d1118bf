"""The ticker's files: Nasdaq's conventions, its truth by an independent replay, its company."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import date
from pathlib import Path

import databento
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest

from contracts.errors import ConfigurationError
from spymaster_resources.instruments import instrument
from spymaster_resources.simulator.equities import (
    TICK_INT,
    EquityDay,
    equity_prices,
    simulate_equity_day,
)
from spymaster_resources.simulator.futures import future_prices
from spymaster_resources.simulator.path import PricePath
from spymaster_resources.simulator.sizes import EQUITY_SIZES, SIZES
from spymaster_resources.simulator.truth import DEPTH_SCHEMA, truth_file
from spymaster_resources.trading_calendar import midnight_ns
from tests.spymaster_resources.simulator.replay import Cell, Replay, Top

DT = date(2026, 1, 6)
CENT = 10_000_000


@pytest.fixture(scope="module")
def future() -> PricePath:
    return future_prices(instrument("ES", "future_mbo"), DT, SIZES["tiny"], seed=11)


@pytest.fixture(scope="module")
def day(future: PricePath, tmp_path_factory: pytest.TempPathFactory) -> EquityDay:
    folder = tmp_path_factory.mktemp("equity")
    return simulate_equity_day("QQQ", DT, EQUITY_SIZES["tiny"], folder, future, seed=11)


@pytest.fixture(scope="module")
def records(day: EquityDay) -> npt.NDArray[np.void]:
    return np.asarray(databento.DBNStore.from_bytes(day.path.read_bytes()).to_ndarray())


@pytest.fixture(scope="module")
def replayed(day: EquityDay, records: npt.NDArray[np.void]) -> Replay:
    ends = pq.read_table(truth_file(day.path, "QQQ", "snapshot"))["window_end_ts_ns"].to_pylist()
    assert len(ends) == day.windows
    replay = Replay(ends[0], ends[-1], 60_000_000_000)
    replay.run(records)
    return replay


def nearest(price: int, cell: int) -> int:
    """Return the multiple of a cell that is nearest, ties upward."""
    return (price + cell // 2) // cell * cell


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # pandas, of the client's own code
def test_vendor_client_names_file_and_symbol(day: EquityDay) -> None:
    assert day.path.name == "xnas-itch-20260106.mbo.dbn.zst"
    store = databento.DBNStore.from_bytes(day.path.read_bytes())
    assert store.dataset == "XNAS.ITCH"
    assert str(store.stype_in) == "raw_symbol"
    assert set(store.to_df(count=100).__next__()["symbol"]) == {"QQQ"}


def test_day_opens_with_a_clear_and_live_orders(records: npt.NDArray[np.void]) -> None:
    assert records["action"][0] == b"R"
    opening = records[1:500]
    assert np.all(opening["action"] == b"A")
    assert np.all(opening["flags"] == 130)
    assert np.all(np.diff(opening["order_id"].astype(np.int64)) > 0)
    assert np.all(records["ts_event"].astype(np.int64) > midnight_ns(DT))
    assert np.all(np.diff(records["ts_event"].astype(np.int64)) >= 0)


def test_every_record_ends_an_event_and_none_is_a_modify(records: npt.NDArray[np.void]) -> None:
    assert set(records["flags"][1:].tolist()) == {130}
    assert set(records["action"].tolist()) == {b"R", b"A", b"C", b"T", b"F"}
    assert set(records["publisher_id"].tolist()) == {2}


def test_executions_are_triples_and_hidden_ones_trades_alone(
    records: npt.NDArray[np.void],
) -> None:
    fills = np.flatnonzero(records["action"] == b"F")
    assert len(fills) > 100
    before, fill, after = records[fills - 1], records[fills], records[fills + 1]
    assert np.all(before["action"] == b"T")
    assert np.all(after["action"] == b"C")
    for field in ("size", "price", "ts_event", "sequence"):
        assert np.array_equal(before[field], fill[field])
        assert np.array_equal(after[field], fill[field])
    assert np.array_equal(after["order_id"], fill["order_id"])
    assert not np.any(before["order_id"])
    assert not np.any(before["side"] == fill["side"])
    trades = records[records["action"] == b"T"]
    hidden = trades[trades["side"] == b"N"]
    assert len(trades) == len(fills) + len(hidden)
    assert len(hidden) > 10


def test_cancels_may_be_of_a_part_and_replacements_take_new_ids(
    records: npt.NDArray[np.void],
) -> None:
    size: dict[int, int] = {}
    partial = added = 0
    for record in records:
        order_id = int(record["order_id"])
        if record["action"] == b"A":
            assert order_id not in size
            size[order_id] = int(record["size"])
            added += 1
        elif record["action"] == b"C":
            size[order_id] -= int(record["size"])
            assert size[order_id] >= 0
            partial += size[order_id] > 0
    assert partial > 100
    assert len(size) == added
    same = (records["action"][:-1] == b"C") & (records["action"][1:] == b"A")
    replaced = same & (records["ts_event"][:-1] == records["ts_event"][1:])
    assert np.count_nonzero(replaced) > 100


def test_snapshot_truth_equals_a_replay(day: EquityDay, replayed: Replay) -> None:
    rows = pq.read_table(truth_file(day.path, "QQQ", "snapshot")).to_pylist()
    for row in rows:
        top = replayed.tops[row["window_end_ts_ns"]]
        assert top.spot is not None
        assert row["spot_ref_price_int"] == nearest(top.spot, 50 * CENT)
        assert (
            Top(
                row["best_bid_price_int"],
                row["best_bid_qty"],
                row["best_ask_price_int"],
                row["best_ask_qty"],
                row["last_trade_price_int"],
                top.spot,
                row["trade_qty_buy"],
                row["trade_qty_sell"],
                row["trade_count"],
            )
            == top
        )
    assert sum(row["trade_count"] for row in rows) > 50


@pytest.mark.parametrize(
    ("table", "cell", "half"),
    [("depth", 50 * CENT, 100), ("fine", 5 * CENT, 200), ("tick", CENT, 200)],
)
def test_depth_truth_equals_a_replay_in_every_cell(
    day: EquityDay, replayed: Replay, table: str, cell: int, half: int
) -> None:
    found: dict[int, dict[tuple[int, str], Cell]] = defaultdict(dict)
    truth = pq.read_table(truth_file(day.path, "QQQ", table))
    assert truth.schema.equals(DEPTH_SCHEMA)
    for row in truth.to_pylist():
        top = replayed.tops[row["window_end_ts_ns"]]
        assert top.spot is not None
        assert top.bid is not None
        assert top.ask is not None
        assert row["spot_ref_price_int"] == nearest(top.spot, cell)
        assert row["rel_ticks"] * cell == row["price_int"] - row["spot_ref_price_int"]
        best = nearest(top.ask if row["side"] == "A" else top.bid, cell)
        assert row["rel_ticks_side"] * cell == row["price_int"] - best
        found[row["window_end_ts_ns"]][row["price_int"], row["side"]] = Cell(
            row["depth_qty_start"],
            row["depth_qty_end"],
            row["add_qty"],
            row["pull_qty"],
            row["fill_qty"],
            row["depth_qty_rest"],
            row["pull_qty_rest"],
        )
    assert len(found) == len(replayed.tops)
    for end, cells in replayed.cells.items():
        spot = replayed.tops[end].spot
        assert spot is not None
        expected: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0] * 7)
        for (price, side), values in cells.items():
            bucket = nearest(price, cell)
            if abs(bucket - nearest(spot, cell)) <= half * cell:
                sums = expected[bucket, side]
                for n, value in enumerate(values):
                    sums[n] += value
        assert found[end] == {key: Cell(*sums) for key, sums in expected.items()}


def test_same_seed_gives_the_same_bytes(day: EquityDay, future: PricePath, tmp_path: Path) -> None:
    again = simulate_equity_day("QQQ", DT, EQUITY_SIZES["tiny"], tmp_path, future, seed=11)
    first, second = (
        [
            hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(made.path.parent.iterdir())
        ]
        for made in (day, again)
    )
    assert len(first) == 5
    assert first == second


def test_price_follows_the_future_and_its_path_is_the_files(
    day: EquityDay, future: PricePath, records: npt.NDArray[np.void]
) -> None:
    move = future.mid[-1] / future.mid[0] - 1
    own = day.prices.mid[-1] / day.prices.mid[0] - 1
    assert own == pytest.approx(1.2 * move, abs=4e-4)
    assert np.all(day.prices.spot_int % TICK_INT == 0)
    path = equity_prices(DT, EQUITY_SIZES["tiny"], future, seed=11)
    assert np.array_equal(path.mid, day.prices.mid)


def test_day_without_session_is_refused(future: PricePath, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no trading day"):
        simulate_equity_day("QQQ", date(2026, 1, 3), EQUITY_SIZES["tiny"], tmp_path, future, seed=1)
