"""The files as the vendor's client and its conventions want them, the same from the same seed."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import databento
import databento_dbn
import numpy as np
import numpy.typing as npt
import pytest

from contracts.errors import ConfigurationError
from spymaster_resources.instruments import instrument
from spymaster_resources.simulator import glbx
from spymaster_resources.simulator.futures import FuturesDay, simulate_day
from spymaster_resources.simulator.glbx import Conventions
from spymaster_resources.simulator.sizes import SIZES
from spymaster_resources.trading_calendar import midnight_ns

ES = instrument("ES", "future_mbo")
DT = date(2026, 1, 6)


def load(path: Path) -> databento.DBNStore:
    return databento.DBNStore.from_bytes(path.read_bytes())


def simulate(folder: Path, seed: int = 11, **options: object) -> FuturesDay:
    return simulate_day(ES, DT, SIZES["tiny"], folder, seed=seed, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def records(tiny_day: FuturesDay) -> npt.NDArray[np.void]:
    return np.asarray(load(tiny_day.path).to_ndarray())


@pytest.fixture(scope="module")
def live(records: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    kept: npt.NDArray[np.void] = records[(records["flags"] & 32) == 0]
    return kept


def events(live: npt.NDArray[np.void]) -> list[npt.NDArray[np.void]]:
    ends = np.flatnonzero(live["flags"] & 128) + 1
    assert ends[-1] == len(live)
    return np.split(live, ends[:-1])


def test_same_seed_gives_the_same_bytes_and_another_does_not(
    tiny_day: FuturesDay, tmp_path: Path
) -> None:
    def digests(folder: Path) -> dict[str, str]:
        return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.iterdir()}

    simulate(tmp_path / "again")
    simulate(tmp_path / "other", seed=12)
    first, again, other = (
        digests(folder) for folder in (tiny_day.path.parent, tmp_path / "again", tmp_path / "other")
    )
    assert len(first) == 5
    assert first == again
    assert set(other.values()).isdisjoint(first.values())


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # pandas, of the client's own code
@pytest.mark.parametrize("version", [1, 2, 3])
def test_vendor_client_reads_every_version(
    version: int, tmp_path: Path, records: npt.NDArray[np.void]
) -> None:
    store = load(simulate(tmp_path, dbn_version=version).path)
    assert store.metadata.version == version
    assert store.dataset == "GLBX.MDP3"
    assert str(store.schema) == "mbo"
    assert store.symbols == ["ES.FUT"]
    assert str(store.stype_in) == "parent"
    assert sorted(store.mappings) == ["ESH6", "ESM6"]
    assert np.array_equal(store.to_ndarray(), records)
    assert set(store.to_df(count=100).__next__()["symbol"]) <= {"ESH6", "ESM6"}


def test_snapshot_opens_the_file_with_original_order_times(records: npt.NDArray[np.void]) -> None:
    midnight = midnight_ns(DT)
    count = int(np.count_nonzero(records["flags"] & 32))
    snapshot = records[:count]
    assert np.all(snapshot["flags"] & 32)
    assert np.all(snapshot["ts_recv"] == midnight)
    assert np.all(snapshot["ts_event"] < midnight)
    blocks = np.split(snapshot, np.flatnonzero(snapshot["flags"] == 168)[:-1] + 1)
    assert len(blocks) == 2
    for block in blocks:
        assert len(set(block["instrument_id"].tolist())) == 1
        assert block["action"][0] == b"R"
        assert block["side"][0] == b"N"
        assert block["price"][0] == databento_dbn.UNDEF_PRICE
        assert np.all(block["action"][1:] == b"A")
        assert np.all(block["flags"][:-1] == 40)
        assert np.all(np.diff(block["ts_event"].astype(np.int64)) >= 0)
        assert len(set(block["order_id"][1:].tolist())) == len(block) - 1
        bids = block["price"][block["side"] == b"B"].max()
        asks = block["price"][1:][block["side"][1:] == b"A"].min()
        assert bids < asks
    assert np.any(np.diff(snapshot["sequence"].astype(np.int64)) < 0)


def test_flags_are_the_vendors() -> None:
    for name in ("F_LAST", "F_SNAPSHOT", "F_BAD_TS_RECV", "F_PUBLISHER_SPECIFIC"):
        assert int(getattr(databento_dbn, name)) == getattr(glbx, f"_{name}")


def test_only_the_last_record_of_an_event_is_flagged_and_its_times_agree(
    live: npt.NDArray[np.void],
) -> None:
    assert set(live["flags"].tolist()) == {0, 130}
    for event in events(live):
        assert len(set(event["ts_event"].tolist())) == 1
        assert len(set(event["instrument_id"].tolist())) == 1


def test_trades_are_followed_by_fills_and_by_what_became_of_the_orders(
    live: npt.NDArray[np.void],
) -> None:
    with_trades = [event for event in events(live) if event["action"][0] == b"T"]
    assert len(with_trades) > 100
    letters = {b"".join(event["action"].tolist()) for event in with_trades}
    assert {b"TFC", b"TFM", b"TFFCC"} <= letters
    for event in with_trades:
        trades, fills = event[event["action"] == b"T"], event[event["action"] == b"F"]
        assert trades["size"].sum() == fills["size"].sum()
        assert set(trades["side"].tolist()).isdisjoint(fills["side"].tolist())
        assert len(set(trades["order_id"].tolist())) == 1
        settled = event[len(trades) + len(fills) :]
        assert set(fills["order_id"].tolist()) <= set(settled["order_id"].tolist())
        assert set(settled["action"].tolist()) <= {b"C", b"M", b"A"}
        assert settled["sequence"][0] > fills["sequence"][-1]
    assert all(len(event) == 1 for event in events(live) if event["action"][0] != b"T")


def test_feed_order_is_the_order_of_sequence_and_time(live: npt.NDArray[np.void]) -> None:
    for name in ("ts_event", "ts_recv", "sequence"):
        assert np.all(np.diff(live[name].astype(np.int64)) >= 0), name
    latency = live["ts_recv"].astype(np.int64) - live["ts_event"].astype(np.int64)
    assert latency.min() > 50_000
    assert np.median(latency) < 200_000
    assert live["ts_in_delta"].min() > 0
    packets = np.stack([live[name].astype(np.int64) for name in ("sequence", "ts_recv")])
    assert len(np.unique(packets, axis=1).T) == len(np.unique(live["sequence"]))


def test_hidden_orders_are_refilled(live: npt.NDArray[np.void]) -> None:
    """A fill of all that was shown, then a modify instead of a cancel."""
    refills = sum(
        int(modify["size"]) >= 1 and int(fill["size"]) > 0 and int(fill["size"]) == shown
        for event in events(live)
        for fill in event[event["action"] == b"F"]
        for modify in event[(event["action"] == b"M") & (event["order_id"] == fill["order_id"])]
        for shown in [_shown_before(live, event, int(fill["order_id"]))]
    )
    assert refills > 0


def _shown_before(
    live: npt.NDArray[np.void], event: npt.NDArray[np.void], order_id: int
) -> int | None:
    earlier = live[
        (live["order_id"] == order_id)
        & (live["ts_event"] < event["ts_event"][0])
        & np.isin(live["action"], [b"A", b"M"])
    ]
    return int(earlier["size"][-1]) if len(earlier) else None


def test_closing_records_alone_end_the_events(tmp_path: Path, live: npt.NDArray[np.void]) -> None:
    path = simulate(tmp_path, conventions=Conventions(closing_records=True)).path
    found = np.asarray(load(path).to_ndarray())
    found = found[(found["flags"] & 32) == 0]
    closing = found["action"] == b"N"
    assert np.array_equal(closing, (found["flags"] & 128) != 0)
    assert np.all(found["side"][closing] == b"N")
    names = ["ts_event", "order_id", "price", "size", "action", "side", "sequence"]
    assert np.array_equal(found[~closing][names], live[names])


def test_older_snapshots_have_no_clear(tmp_path: Path, records: npt.NDArray[np.void]) -> None:
    path = simulate(tmp_path, conventions=Conventions(clear_before_snapshot=False)).path
    assert np.array_equal(load(path).to_ndarray(), records[records["action"] != b"R"])


def test_trades_before_the_open_let_both_expiries_be_selected(live: npt.NDArray[np.void]) -> None:
    open_ns = midnight_ns(DT) + 13 * 3_600 * 10**9  # 08:00 New York in winter
    early = live[(live["action"] == b"T") & (live["ts_event"] < open_ns + 1_800 * 10**9)]
    assert len(np.unique(early["instrument_id"])) == 2


def test_date_without_session_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no trading day"):
        simulate_day(ES, date(2026, 1, 3), SIZES["tiny"], tmp_path, seed=1)
    assert list(tmp_path.iterdir()) == []


def test_early_close_ends_the_market(tmp_path: Path) -> None:
    day = simulate_day(ES, date(2025, 11, 28), SIZES["demo"], tmp_path, seed=1, with_truth=False)
    times = load(day.path).to_ndarray()["ts_event"].astype(np.int64)
    assert times.max() < midnight_ns(day.dt) + 18 * 3_600 * 10**9 + 900 * 10**9
