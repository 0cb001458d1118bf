"""The options on the future: their file, and their truth by an independent replay."""

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

from spymaster_resources.instruments import instrument
from spymaster_resources.simulator.chains import future_chain
from spymaster_resources.simulator.future_options import OptionsDay, simulate_future_options_day
from spymaster_resources.simulator.futures import FuturesDay, simulate_day
from spymaster_resources.simulator.option_truth import (
    OPTION_SNAPSHOT_SCHEMA,
    option_depth_schema,
)
from spymaster_resources.simulator.quarterlies import reference_price
from spymaster_resources.simulator.reference import write_future_options_reference
from spymaster_resources.simulator.sizes import FUTURE_OPTION_SIZES, SIZES
from spymaster_resources.simulator.truth import truth_file, truth_files
from tests.spymaster_resources.simulator.replay import REST, Key, Replay

ES = instrument("ES", "future_mbo")
DT = date(2026, 1, 30)  # the month's last business day: two families expire
DOLLAR = 1_000_000_000
SIZE = FUTURE_OPTION_SIZES["tiny"]
SEED = 11


class SideReplay(Replay):
    """Windows of one option: sums of each side over all premiums, and best prices."""

    def __init__(self, first_end: int, last_end: int) -> None:
        super().__init__(first_end, last_end, 0)
        self.sums: dict[int, dict[str, list[int]]] = {}
        self.best: dict[int, tuple[int | None, int | None, int | None, int | None]] = {}

    def _emit(self, depth: dict[Key, int]) -> None:
        sums = {side: [0] * 7 for side in "AB"}
        for (side, _), qty in self.start.items():
            sums[side][0] += qty
        for (side, _), qty in depth.items():
            sums[side][1] += qty
        for (side, _), (add, pull, fill, pull_rest) in self.flows.items():
            for n, value in ((2, add), (3, pull), (4, fill), (6, pull_rest)):
                sums[side][n] += value
        for (side, _), qty, entry in self.orders.values():
            sums[side][5] += qty if self.end - entry >= REST else 0
        self.sums[self.end] = sums
        bid = max((price for side, price in depth if side == "B"), default=None)
        ask = min((price for side, price in depth if side == "A"), default=None)
        self.best[self.end] = (
            bid,
            None if bid is None else depth["B", bid],
            ask,
            None if ask is None else depth["A", ask],
        )


@pytest.fixture(scope="module")
def future(tmp_path_factory: pytest.TempPathFactory) -> FuturesDay:
    return simulate_day(ES, DT, SIZES["tiny"], tmp_path_factory.mktemp("future"), seed=SEED)


@pytest.fixture(scope="module")
def day(future: FuturesDay, tmp_path_factory: pytest.TempPathFactory) -> OptionsDay:
    folder = tmp_path_factory.mktemp("options")
    return simulate_future_options_day(ES, DT, SIZE, folder, future.prices, seed=SEED)


@pytest.fixture(scope="module")
def records(day: OptionsDay) -> npt.NDArray[np.void]:
    return np.asarray(databento.DBNStore.from_bytes(day.path.read_bytes()).to_ndarray())


@pytest.fixture(scope="module")
def replays(day: OptionsDay, records: npt.NDArray[np.void]) -> dict[int, SideReplay]:
    ends = pq.read_table(truth_file(day.path, "ESH6", "depth"))["window_end_ts_ns"]
    first, last = ends[0].as_py(), ends[-1].as_py()
    found = {}
    for number in np.unique(records["instrument_id"]).tolist():
        found[number] = SideReplay(first, last)
        found[number].run(records[records["instrument_id"] == number])
    return found


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # pandas, of the client's own code
def test_vendor_client_names_file_and_symbols(day: OptionsDay) -> None:
    assert day.path.name == "glbx-mdp3-20260130.mbo.dbn.zst"
    store = databento.DBNStore.from_bytes(day.path.read_bytes())
    assert sorted(store.mappings) == sorted(day.symbols)
    assert {symbol.split()[0] for symbol in day.symbols} == {"EW5F6", "EWF6"}
    assert len(day.symbols) == 2 * 2 * (2 * SIZE.half_width + 1)
    assert set(store.to_df(count=1_000).__next__()["symbol"]) <= set(day.symbols)


def test_conventions_are_the_venues(records: npt.NDArray[np.void]) -> None:
    live = records[(records["flags"] & 32) == 0]
    assert set(live["publisher_id"].tolist()) == {1}
    assert set(live["action"].tolist()) == {b"A", b"C", b"M", b"T", b"F"}
    assert np.all(live["price"] % (DOLLAR // 20) == 0)
    assert np.all(live["price"] > 0)
    assert np.all(np.diff(live["ts_event"].astype(np.int64)) >= 0)
    snapshot = records[(records["flags"] & 32) != 0]
    clears = snapshot["instrument_id"][snapshot["action"] == b"R"]
    assert sorted(clears.tolist()) == sorted(np.unique(records["instrument_id"]).tolist())


def test_volume_is_what_the_size_says(day: OptionsDay) -> None:
    assert 0.6 < day.records / SIZE.records < 1.8


def test_every_instrument_is_defined(day: OptionsDay, tmp_path: Path) -> None:
    path = write_future_options_reference(
        ES, DT, tmp_path, seed=SEED, half_width=SIZE.half_width, schemas=["definition"]
    )[0]
    defined = databento.DBNStore.from_bytes(path.read_bytes()).mappings
    traded = databento.DBNStore.from_bytes(day.path.read_bytes()).mappings
    assert set(traded) < set(defined)
    assert all(traded[symbol] == defined[symbol] for symbol in traded)


def test_best_prices_of_the_truth_equal_a_replay(
    day: OptionsDay, future: FuturesDay, replays: dict[int, SideReplay]
) -> None:
    table = pq.read_table(truth_file(day.path, "ESH6", "snapshot"))
    assert table.schema.equals(OPTION_SNAPSHOT_SCHEMA)
    spots = {
        row["window_end_ts_ns"]: row["spot_ref_price_int"]
        for row in pq.read_table(truth_files(future.path, "ESH6")[0]).to_pylist()
    }
    found = 0
    for row in table.to_pylist():
        end = row["window_end_ts_ns"]
        best = (row["bid_price_int"], row["bid_qty"], row["ask_price_int"], row["ask_qty"])
        assert best == replays[row["instrument_id"]].best[end]
        assert row["spot_ref_price_int"] == spots[end]
        assert row["book_valid"] == (None not in best)
        found += 1
    quoted = sum(
        best[0] is not None or best[2] is not None
        for replay in replays.values()
        for best in replay.best.values()
    )
    assert found == quoted


def test_flows_of_the_truth_equal_a_replay_at_every_strike(
    day: OptionsDay, future: FuturesDay, replays: dict[int, SideReplay]
) -> None:
    table = pq.read_table(truth_file(day.path, "ESH6", "depth"))
    assert table.schema.equals(option_depth_schema(reprice=False))
    chain = future_chain(ES, DT, reference_price(DT, SEED), SIZE.half_width)
    expected: dict[tuple[int, int, str, str], list[int]] = defaultdict(lambda: [0] * 7)
    for option in chain:
        for end, sides in replays[option.instrument_id].sums.items():
            for side, values in sides.items():
                key = (end, option.strike_int, "C" if option.is_call else "P", side)
                for n, value in enumerate(values):
                    expected[key][n] += value
    assert table.num_rows == len(future.prices.window_end_ns) * 21 * 4
    keys = []
    for row in table.to_pylist():
        key = (row["window_end_ts_ns"], row["strike_price_int"], row["right"], row["side"])
        keys.append(key)
        assert [
            row["depth_qty_start"],
            row["depth_qty_end"],
            row["add_qty"],
            row["pull_qty"],
            row["fill_qty"],
            row["depth_qty_rest"],
            row["pull_qty_rest"],
        ] == expected[key], key
        spot = row["spot_ref_price_int"]
        centre = (spot + 5 * DOLLAR // 2) // (5 * DOLLAR) * 5 * DOLLAR
        assert abs(row["strike_price_int"] - centre) <= 50 * DOLLAR
        assert row["rel_ticks"] * ES.tick_int == row["strike_price_int"] - spot
        assert row["strike_points"] * DOLLAR == row["strike_price_int"]
    assert keys == sorted(keys)
    for name in ("add_qty", "pull_qty", "fill_qty", "pull_qty_rest"):
        assert np.count_nonzero(table[name].to_numpy()) > 20, name


def test_quotes_follow_the_future(day: OptionsDay, future: FuturesDay) -> None:
    """Call minus put at a strike near the money is future minus strike, within the spreads."""
    mids: dict[tuple[int, int], dict[str, float]] = defaultdict(dict)
    chain = future_chain(ES, DT, reference_price(DT, SEED), SIZE.half_width)
    first = {row.instrument_id for row in chain if row.asset == "EW5"}
    for row in pq.read_table(truth_file(day.path, "ESH6", "snapshot")).to_pylist():
        if row["book_valid"] and row["instrument_id"] in first:
            key = (row["window_end_ts_ns"], row["strike_price_int"])
            mids[key][row["right"]] = row["mid_price"]
    settled = int(future.prices.window_end_ns[10])
    gaps = []
    for (end, strike), pair in mids.items():
        forward = future.prices.mid_at(end) - strike / DOLLAR
        if len(pair) == 2 and end > settled and abs(forward) < 15:
            gaps.append(pair["C"] - pair["P"] - forward)
    assert len(gaps) > 60
    assert np.mean(np.abs(gaps)) < 0.5


def test_same_seed_gives_the_same_bytes(
    day: OptionsDay, future: FuturesDay, tmp_path: Path
) -> None:
    again = simulate_future_options_day(ES, DT, SIZE, tmp_path, future.prices, seed=SEED)
    first, second = (
        [hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(made.path.parent.iterdir())]
        for made in (day, again)
    )
    assert len(first) == 3
    assert first == second
