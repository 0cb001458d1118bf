"""The options on the ticker: the consolidated file, and its truth by an independent replay."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import date
from pathlib import Path

import databento
import databento_dbn
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest

from spymaster_resources.instruments import instrument
from spymaster_resources.simulator import opra
from spymaster_resources.simulator.chains import equity_chain, equity_price
from spymaster_resources.simulator.equities import equity_prices
from spymaster_resources.simulator.equity_options import simulate_equity_options_day
from spymaster_resources.simulator.future_options import OptionsDay
from spymaster_resources.simulator.futures import future_prices
from spymaster_resources.simulator.option_truth import (
    OPTION_SNAPSHOT_SCHEMA,
    option_depth_schema,
)
from spymaster_resources.simulator.path import PricePath
from spymaster_resources.simulator.reference import write_equity_options_reference
from spymaster_resources.simulator.sizes import EQUITY_OPTION_SIZES, EQUITY_SIZES, SIZES
from spymaster_resources.simulator.truth import truth_file
from tests.naive.consolidated import Flow, windows

DT = date(2026, 1, 6)
DOLLAR = 1_000_000_000
SIZE = EQUITY_OPTION_SIZES["tiny"]
SEED = 11


@pytest.fixture(scope="module")
def equity() -> PricePath:
    future = future_prices(instrument("ES", "future_mbo"), DT, SIZES["tiny"], seed=SEED)
    return equity_prices(DT, EQUITY_SIZES["tiny"], future, seed=SEED)


@pytest.fixture(scope="module")
def day(equity: PricePath, tmp_path_factory: pytest.TempPathFactory) -> OptionsDay:
    folder = tmp_path_factory.mktemp("equity_options")
    return simulate_equity_options_day("QQQ", DT, SIZE, folder, equity, seed=SEED)


@pytest.fixture(scope="module")
def records(day: OptionsDay) -> npt.NDArray[np.void]:
    return np.asarray(databento.DBNStore.from_bytes(day.path.read_bytes()).to_ndarray())


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # pandas, of the client's own code
@pytest.mark.parametrize("version", [1, 2, 3])
def test_vendor_client_reads_every_version(
    version: int, equity: PricePath, tmp_path: Path, records: npt.NDArray[np.void]
) -> None:
    day = simulate_equity_options_day(
        "QQQ", DT, SIZE, tmp_path, equity, seed=SEED, dbn_version=version, with_truth=False
    )
    assert day.path.name == "opra-pillar-20260106.cmbp-1.dbn.zst"
    store = databento.DBNStore.from_bytes(day.path.read_bytes())
    assert store.metadata.version == version
    assert store.dataset == "OPRA.PILLAR"
    assert str(store.schema) == "cmbp-1"
    assert sorted(store.mappings) == sorted(day.symbols)
    assert np.array_equal(store.to_ndarray(), records)
    frame = store.to_df(count=500).__next__()
    assert set(frame["symbol"]) <= set(day.symbols)
    assert [path.name for path in tmp_path.iterdir()] == [day.path.name]


def test_records_have_the_tapes_form(records: npt.NDArray[np.void]) -> None:
    assert set(records["action"].tolist()) == {b"A", b"T"}
    assert set(records["flags"].tolist()) == {opra.FLAGS}
    last, tob, specific = (
        int(getattr(databento_dbn, name)) for name in ("F_LAST", "F_TOB", "F_PUBLISHER_SPECIFIC")
    )
    assert last | tob | specific == opra.FLAGS
    assert np.all(np.diff(records["ts_event"].astype(np.int64)) >= 0)
    both = (records["bid_px_00"] != databento_dbn.UNDEF_PRICE) & (
        records["ask_px_00"] != databento_dbn.UNDEF_PRICE
    )
    assert np.all(records["bid_px_00"][both] < records["ask_px_00"][both])
    for side, price, size in (("B", "bid_px_00", "bid_sz_00"), ("A", "ask_px_00", "ask_sz_00")):
        changed = records[(records["action"] == b"A") & (records["side"] == side.encode())]
        assert len(changed) > 100
        assert np.array_equal(changed["price"], changed[price])
        assert np.array_equal(changed["size"], changed[size])
        empty = records[price] == databento_dbn.UNDEF_PRICE
        assert np.array_equal(records[size] == 0, empty)


def test_a_trade_meets_the_quote_and_the_rest_follows(records: npt.NDArray[np.void]) -> None:
    at = np.flatnonzero(records["action"] == b"T")
    assert len(at) > 50
    trades, after = records[at], records[at + 1]
    assert np.all(trades["side"] == b"N")
    assert np.array_equal(trades["instrument_id"], after["instrument_id"])
    assert np.array_equal(trades["ts_event"], after["ts_event"])
    on_bid = trades["price"] == trades["bid_px_00"]
    assert np.all(on_bid | (trades["price"] == trades["ask_px_00"]))
    shown = np.where(on_bid, trades["bid_sz_00"], trades["ask_sz_00"])
    left_price = np.where(on_bid, after["bid_px_00"], after["ask_px_00"])
    left = np.where(on_bid, after["bid_sz_00"], after["ask_sz_00"])
    stays = left_price == trades["price"]
    assert np.array_equal(left[stays], (shown - trades["size"])[stays])
    assert np.array_equal(stays, trades["size"] < shown)


def test_every_option_is_quoted_at_once_and_defined(
    day: OptionsDay, records: npt.NDArray[np.void], tmp_path: Path
) -> None:
    count = len(day.symbols)
    assert len(np.unique(records["instrument_id"][:count])) == count
    path = write_equity_options_reference(
        "QQQ", DT, tmp_path, seed=SEED, half_width=SIZE.half_width, schemas=["definition"]
    )[0]
    defined = databento.DBNStore.from_bytes(path.read_bytes()).mappings
    traded = databento.DBNStore.from_bytes(day.path.read_bytes()).mappings
    assert all(traded[symbol] == defined[symbol] for symbol in traded)


def test_volume_is_what_the_size_says(day: OptionsDay) -> None:
    assert 0.75 < day.records / SIZE.records < 1.25


def test_truth_equals_a_replay(
    day: OptionsDay, equity: PricePath, records: npt.NDArray[np.void]
) -> None:
    ends = equity.window_end_ns.tolist()
    half = DOLLAR // 2
    spots = {
        end: (spot + half // 2) // half * half
        for end, spot in zip(ends, equity.spot_int.tolist(), strict=True)
    }
    chain = equity_chain("QQQ", DT, equity_price(DT, SEED), SIZE.half_width)
    replays = {
        option.instrument_id: windows(
            records[records["instrument_id"] == option.instrument_id], ends
        )
        for option in chain
    }
    snapshot = pq.read_table(truth_file(day.path, "QQQ", "snapshot"))
    assert snapshot.schema.equals(OPTION_SNAPSHOT_SCHEMA)
    for row in snapshot.to_pylist():
        sides = replays[row["instrument_id"]][row["window_end_ts_ns"]]
        for side, name in (("B", "bid"), ("A", "ask")):
            _, price, size = sides[side][0]
            assert row[f"{name}_price_int"] == price
            assert (row[f"{name}_qty"] or 0) == size
        assert row["spot_ref_price_int"] == spots[row["window_end_ts_ns"]]
    assert snapshot.num_rows == (len(ends) - 1) * len(chain)  # none before the opening
    expected: dict[tuple[int, int, str, str], list[int]] = defaultdict(lambda: [0] * 9)
    for option in chain:
        for end, sides in replays[option.instrument_id].items():
            for side in "AB":
                key = (end, option.strike_int, "C" if option.is_call else "P", side)
                for n, value in enumerate(sides[side][0][0]):
                    expected[key][n] += value
    depth = pq.read_table(truth_file(day.path, "QQQ", "depth"))
    assert depth.schema.equals(option_depth_schema(reprice=True))
    assert depth.num_rows == len(ends) * 51 * 4
    for row in depth.to_pylist():
        key = (row["window_end_ts_ns"], row["strike_price_int"], row["right"], row["side"])
        found = Flow(
            row["depth_qty_start"], row["depth_qty_end"], row["add_qty"], row["pull_qty"],
            row["fill_qty"], row["depth_qty_rest"], row["pull_qty_rest"], row["add_reprice_qty"],
            row["pull_reprice_qty"],
        )  # fmt: skip
        assert found == Flow(*expected[key]), key
        assert found.start + found.add - found.pull - found.fill == found.end
        spot = row["spot_ref_price_int"]
        assert spot == spots[key[0]]
        centre = (spot + DOLLAR // 2) // DOLLAR * DOLLAR
        assert abs(key[1] - centre) <= 25 * DOLLAR
        assert row["rel_ticks"] * half == key[1] - spot
    for name in ("fill_qty", "pull_qty_rest", "add_reprice_qty", "pull_reprice_qty"):
        assert np.count_nonzero(depth[name].to_numpy()) > 20, name


def test_same_seed_gives_the_same_bytes(day: OptionsDay, equity: PricePath, tmp_path: Path) -> None:
    again = simulate_equity_options_day("QQQ", DT, SIZE, tmp_path, equity, seed=SEED)
    first, second = (
        [hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(made.path.parent.iterdir())]
        for made in (day, again)
    )
    assert len(first) == 3
    assert first == second
