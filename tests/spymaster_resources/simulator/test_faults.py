"""What is planted is what the list says, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from book_engines.records import MboColumns, mbo_columns
from book_engines.tops import TopsEngine
from contracts.errors import (
    ConfigurationError,
    CorruptFileError,
    TruncatedFileError,
    WrongSchemaError,
)
from spymaster_resources.dbn.layouts import UNDEFINED_PRICE
from spymaster_resources.dbn.stream import open_dbn
from spymaster_resources.simulator.faults import (
    cut_start,
    fault_kinds,
    flip_bits,
    plant_faults,
    spread,
    truncate,
)
from spymaster_resources.simulator.futures import FuturesDay
from spymaster_resources.simulator.planter import Fault, FaultKind, Planted

TICK = 250_000_000
UNUSED = 9_000_000_000_000_000
Records = npt.NDArray[np.void]


def read(path: Path) -> Records:
    return np.concatenate([chunk.copy() for chunk in open_dbn(path).records(997)])


def columns(records: Records) -> MboColumns:
    names = {"ts_event_ns": "ts_event", "price_int": "price"}
    return mbo_columns(**{n: records[names.get(n, n)].copy() for n in MboColumns._fields})


def planted_one(
    day: FuturesDay, folder: Path, kind: FaultKind, count: int = 30
) -> tuple[Records, Records, Planted]:
    target = folder / day.path.name
    planted = plant_faults(day.path, target, [Fault(kind, 5_000, count)], tick_int=TICK)
    assert len(planted) == 1
    return read(day.path), read(target), planted[0]


def test_all_kinds_together_leave_the_rest_as_it_was(tiny_day: FuturesDay, tmp_path: Path) -> None:
    source = read(tiny_day.path)
    live = int(np.count_nonzero((source["flags"] & 32) == 0))
    target = tmp_path / tiny_day.path.name
    planted = plant_faults(tiny_day.path, target, spread(FaultKind, live, seed=3), tick_int=TICK)
    assert [row.kind for row in planted] == list(FaultKind)
    listed = json.loads(target.with_name(f"{target.name}.faults.json").read_text("utf-8"))
    assert [row["record"] for row in listed] == [row.record for row in planted]
    written = read(target)
    missing = sum(row.records for row in planted if row.kind in (FaultKind.GAP, FaultKind.HALTED))
    duplicates = [row.record for row in planted if row.kind is FaultKind.DUPLICATE_ID]
    own = np.delete(written, duplicates)
    own = own[own["order_id"] < UNUSED]
    assert len(own) == len(source) - missing
    kept = iter([record.tobytes() for record in source])
    for record in own:  # what is left is the source in its order
        assert record.tobytes() in kept


def test_what_is_taken_back_is_of_the_same_instrument(tiny_day: FuturesDay, tmp_path: Path) -> None:
    target = tmp_path / tiny_day.path.name
    wishes = [Fault(FaultKind.CROSSED, at, 7) for at in range(2_000, 8_000, 150)]
    planted = plant_faults(tiny_day.path, target, wishes, tick_int=TICK)
    written = read(target)
    for row in planted:
        mine = written[written["order_id"] == row.order_id]
        assert mine["instrument_id"].tolist() == [row.instrument_id] * 2
    others = written["instrument_id"] != planted[0].instrument_id
    assert others.any()


def test_same_wishes_give_the_same_bytes(tiny_day: FuturesDay, tmp_path: Path) -> None:
    wishes = spread(FaultKind, 12_000, seed=8)
    first, second = (tmp_path / f"{name}.mbo.dbn.zst" for name in ("a", "b"))
    for target in (first, second):
        plant_faults(tiny_day.path, target, wishes, tick_int=TICK)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("kind", [FaultKind.GAP, FaultKind.HALTED])
def test_missing_records_are_as_many_as_told(
    kind: FaultKind, tiny_day: FuturesDay, tmp_path: Path
) -> None:
    source, written, planted = planted_one(tiny_day, tmp_path, kind)
    assert len(source) - len(written) == planted.records == 30
    at = planted.record
    assert np.array_equal(written[:at], source[:at])
    if kind is FaultKind.GAP:
        assert np.array_equal(written[at:], source[at + 30 :])
    else:
        mine = source["instrument_id"] == planted.instrument_id
        others = source[at:][~mine[at:]]
        kept = written[at:][written["instrument_id"][at:] != planted.instrument_id]
        assert np.array_equal(kept, others)


@pytest.mark.parametrize("kind", [FaultKind.CROSSED, FaultKind.FAT_FINGER])
def test_wrong_order_rests_and_is_taken_back(
    kind: FaultKind, tiny_day: FuturesDay, tmp_path: Path
) -> None:
    source, written, planted = planted_one(tiny_day, tmp_path, kind)
    mine = np.flatnonzero(written["order_id"] == planted.order_id)
    assert len(mine) == planted.records == 2
    add, cancel = written[mine]
    assert mine[0] == planted.record
    assert 30 <= mine[1] - mine[0] < 60
    assert (chr(add["action"]), chr(cancel["action"])) == ("A", "C")
    assert add["price"] == cancel["price"]
    trades = source[: planted.record]
    trades = trades[
        (trades["action"] == ord("T")) & (trades["instrument_id"] == planted.instrument_id)
    ]
    last = int(trades["price"][-1])
    assert add["price"] == (last + 40 * TICK if kind is FaultKind.CROSSED else last * 100)
    assert np.array_equal(np.delete(written, mine), source)


@pytest.mark.parametrize(
    ("kind", "action"), [(FaultKind.UNKNOWN_CANCEL, "C"), (FaultKind.UNKNOWN_MODIFY, "M")]
)
def test_unknown_orders_are_named_by_ids_of_no_order(
    kind: FaultKind, action: str, tiny_day: FuturesDay, tmp_path: Path
) -> None:
    source, written, planted = planted_one(tiny_day, tmp_path, kind)
    record = written[planted.record]
    assert chr(record["action"]) == action
    assert record["order_id"] == planted.order_id
    assert planted.order_id not in source["order_id"]


def test_duplicate_is_of_a_live_order(tiny_day: FuturesDay, tmp_path: Path) -> None:
    source, written, planted = planted_one(tiny_day, tmp_path, FaultKind.DUPLICATE_ID)
    assert np.array_equal(np.delete(written, planted.record), source)
    before = written[: planted.record]
    mine = before[before["order_id"] == planted.order_id]
    assert [chr(action) for action in mine["action"]] == ["A"]


def test_late_and_priceless_records(tiny_day: FuturesDay, tmp_path: Path) -> None:
    _, written, planted = planted_one(tiny_day, tmp_path, FaultKind.LATE)
    at = planted.record
    assert int(written["ts_event"][at - 1]) - int(written["ts_event"][at]) == 2_000_000_000
    _, written, planted = planted_one(tiny_day, tmp_path, FaultKind.NULL_PRICE)
    assert written["price"][planted.record] == UNDEFINED_PRICE


def test_faults_that_find_no_place_are_refused(tiny_day: FuturesDay, tmp_path: Path) -> None:
    target = tmp_path / "x.mbo.dbn.zst"
    with pytest.raises(ConfigurationError, match="earlier records"):
        plant_faults(tiny_day.path, target, [Fault(FaultKind.GAP, 10**9)], tick_int=TICK)
    assert not target.exists()
    with pytest.raises(ConfigurationError, match="too few"):
        spread(FaultKind, 100, seed=1)


def test_cut_and_flipped_files_are_noticed(tiny_day: FuturesDay, tmp_path: Path) -> None:
    size = tiny_day.path.stat().st_size
    cut, flipped = tmp_path / "cut.dbn.zst", tmp_path / "flipped.dbn.zst"
    truncate(tiny_day.path, cut, size - 1_000)
    assert cut.stat().st_size == size - 1_000
    with pytest.raises(TruncatedFileError):
        read(cut)
    flip_bits(tiny_day.path, flipped, [size // 2])
    with pytest.raises(CorruptFileError):
        read(flipped)
    with pytest.raises(ConfigurationError, match="behind the end"):
        flip_bits(tiny_day.path, flipped, [size])


def read_quotes(path: Path) -> Records:
    return np.concatenate([chunk.copy() for chunk in open_dbn(path).records(997, schema="cmbp-1")])


def test_quotes_have_faults_of_their_own(tiny_quotes: Path, tmp_path: Path) -> None:
    kinds = fault_kinds("cmbp-1", tiny_quotes)
    source = read_quotes(tiny_quotes)
    target = tmp_path / tiny_quotes.name
    wishes = spread(kinds, len(source), seed=3)
    planted = plant_faults(tiny_quotes, target, wishes, tick_int=TICK)
    assert [row.kind for row in planted] == list(kinds)
    written = read_quotes(target)
    by_kind = {row.kind: row for row in planted}
    missing = sum(by_kind[kind].records for kind in (FaultKind.GAP, FaultKind.HALTED))
    inserted = [row.record for row in planted if row.kind not in (FaultKind.GAP, FaultKind.HALTED)]
    assert len(written) == len(source) - missing + len(inserted)
    late, crossed, empty, fat = written[inserted]
    assert late["ts_event"] < written[inserted[0] - 1]["ts_event"]
    assert crossed["bid_px_00"] > crossed["ask_px_00"]
    assert empty["bid_px_00"] == UNDEFINED_PRICE
    assert empty["bid_sz_00"] == 1
    assert fat["ask_px_00"] == 187_187 * 10**9
    kept = iter([record.tobytes() for record in source])
    for record in np.delete(written, inserted):
        assert record.tobytes() in kept


def test_what_a_schema_cannot_have_is_refused(tiny_quotes: Path, tmp_path: Path) -> None:
    target = tmp_path / "x.dbn"
    with pytest.raises(ConfigurationError, match="duplicate_id: this schema can have gap, halted"):
        plant_faults(tiny_quotes, target, [Fault(FaultKind.DUPLICATE_ID, 10)], tick_int=TICK)
    with pytest.raises(WrongSchemaError, match="expected schema mbo or cmbp-1, found trades"):
        fault_kinds("trades", target)
    assert not target.exists()


def test_capture_that_starts_in_mid_day_knows_no_earlier_order(
    tiny_day: FuturesDay, tmp_path: Path
) -> None:
    source = read(tiny_day.path)
    live = source[(source["flags"] & 32) == 0]
    from_ns = int(live["ts_recv"][len(live) // 2])
    target = tmp_path / tiny_day.path.name
    count = cut_start(tiny_day.path, target, from_ns)
    written = read(target)
    assert np.array_equal(written, live[live["ts_recv"] >= from_ns])
    assert count == len(written) < len(live)
    engine = TopsEngine()
    for _ in engine.feed(columns(written)):
        pass
    engine.finish()
    counters = engine.counters
    assert 0 < counters.unknown_cancels < counters.cancels
    assert 0 < counters.unknown_modifies < counters.modifies
    assert counters.snapshot_records == 0
