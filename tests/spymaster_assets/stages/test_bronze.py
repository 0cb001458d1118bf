"""Bronze holds every record of the day's outrights, in feed order, and nothing else."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import databento
import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from contracts.errors import (
    CorruptFileError,
    DataQualityError,
    SpymasterError,
    StorageError,
    TruncatedFileError,
    UnknownSymbolError,
    WrongDayError,
    WrongSchemaError,
)
from contracts.registry import datasets
from spymaster_assets.stages import bronze, raw
from spymaster_assets.stages.bronze import build_bronze, current_bronze
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.raw import adopt_raw_file, raw_folder
from spymaster_assets.stages.rejects import REASONS
from spymaster_resources.dbn.layouts import MBO_DTYPE, UNDEFINED_PRICE, UNDEFINED_TIMESTAMP
from spymaster_resources.lake import Lake, RawInput, StagedPartition, hashing_sink
from spymaster_resources.lake.hashing_sink import HashingSink
from spymaster_resources.lake.verify import Verdict
from spymaster_resources.settings import Settings
from tests.spymaster_assets.stages.raw_days import MAPPINGS, NEXT_DAY, write_day
from tests.spymaster_resources.dbn.dbn_records import (
    DAY,
    DAY_NS,
    DAY_START_NS,
    FRONT,
    some_records,
)

DATASET = "bronze.future_mbo.mbo"
NAME = "glbx-mdp3-20240312.mbo.dbn.zst"
GROUP_ROWS = 64


@pytest.fixture
def ctx(tmp_path: Path) -> StageContext:
    """Return a context on a lake whose row groups hold 64 rows."""
    tables = dict(datasets())
    table = tables[DATASET]
    tables[DATASET] = replace(table, parquet=replace(table.parquet, row_group_rows=GROUP_ROWS))
    lake = Lake(str(tmp_path / "lake"), tables)
    return StageContext.from_settings(Settings(), "ES", "future_mbo", lake=lake)


def put(ctx: StageContext, records: NDArray[np.void], name: str = NAME, **options: object) -> Path:
    folder = Path(ctx.lake.root) / raw_folder("future_mbo", "ES")
    return write_day(folder / name, records, **options)  # type: ignore[arg-type]


def mixed_records(rows: int) -> NDArray[np.void]:
    records = some_records(rows)
    records["instrument_id"] = np.array(list(MAPPINGS.values()))[np.arange(rows) * 7 % 11 % 4]
    return records


def assert_holds(table: pa.Table, records: NDArray[np.void], symbol: str) -> None:
    """Hold every column of a bronze table against the records, null for what is undefined."""
    for name in MBO_DTYPE.names or ():
        if name in ("length", "action", "side", "price", "ts_recv", "ts_event"):
            continue
        assert table[name].to_pylist() == records[name].tolist(), name
    for name in ("action", "side"):
        assert table[name].to_pylist() == [chr(code) for code in records[name]]
    for name, undefined in (
        ("price", UNDEFINED_PRICE),
        ("ts_recv", UNDEFINED_TIMESTAMP),
        ("ts_event", UNDEFINED_TIMESTAMP),
    ):
        expected = [None if value == undefined else value for value in records[name].tolist()]
        assert table[name].to_pylist() == expected
    assert set(table["symbol"].to_pylist()) == ({symbol} if len(records) else set())


@pytest.mark.parametrize("rows", [1, GROUP_ROWS - 1, GROUP_ROWS, 1_000])
def test_each_outright_gets_its_records_in_feed_order(ctx: StageContext, rows: int) -> None:
    records = mixed_records(rows)
    put(ctx, records)
    manifests = build_bronze(ctx, DAY)
    present = set(records["instrument_id"].tolist())
    outrights = [name for name in ("ESH4", "ESM4") if MAPPINGS[name] in present]
    assert [manifest.symbol for manifest in manifests] == outrights
    for manifest in manifests:
        assert manifest.symbol is not None
        place = np.flatnonzero(records["instrument_id"] == MAPPINGS[manifest.symbol])
        table = ctx.lake.read(DATASET, manifest.symbol, DAY)
        assert table["feed_seq"].to_pylist() == place.tolist()
        assert_holds(table, records[place], manifest.symbol)
        assert manifest.row_count == len(place)


def test_counters_and_inputs_are_in_the_manifest(ctx: StageContext) -> None:
    records = mixed_records(1_000)
    path = put(ctx, records)
    front, _ = build_bronze(ctx, DAY)
    mine = records[records["instrument_id"] == FRONT]
    left_out = ~np.isin(records["instrument_id"], [MAPPINGS["ESH4"], MAPPINGS["ESM4"]])
    assert front.counters == {
        **{f"action_{a}": int((mine["action"] == ord(a)).sum()) for a in "ACMRTFN"},
        **{f"rejected_{reason}": 0 for reason in REASONS},
        "file_records": 1_000,
        "gateway_records": 0,
        "left_out_instruments": 2,
        "left_out_records": int(left_out.sum()),
        "partitions": 2,
    }
    (source,) = front.raw_inputs
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (source.name, source.size, source.sha256) == (NAME, path.stat().st_size, digest)


def test_undefined_prices_are_null(ctx: StageContext) -> None:
    records = some_records(200)
    records["price"][[0, 63, 64, 199]] = UNDEFINED_PRICE
    records["action"][[0, 63, 64, 199]] = np.frombuffer(b"TCRN", np.uint8)
    put(ctx, records)
    build_bronze(ctx, DAY)
    table = ctx.lake.read(DATASET, "ESH4", DAY)
    assert table["price"].null_count == 4
    assert_holds(table, records, "ESH4")


def test_records_that_mean_nothing_lie_beside_with_their_reason(ctx: StageContext) -> None:
    records = some_records(200)
    records["action"] = ord("A")
    records["flags"] = 128
    records["price"], records["size"] = 4_800_000_000_000, 3
    records["ts_recv"][5] = records["ts_event"][150] = UNDEFINED_TIMESTAMP
    records["price"][[10, 11, 12, 13]] = (UNDEFINED_PRICE, 0, -250_000_000, UNDEFINED_PRICE)
    records["flags"][13] |= 64  # a top of the book without a price empties the side
    records["size"][[20, 21]] = 0
    records["action"][21] = ord("C")  # only adds and modifies must have a size
    records["size"][[13, 22, 23]] = (2**32 - 1, 4_000_000_000, 2**31 - 1)  # two are below 0
    put(ctx, records)
    front, *_ = build_bronze(ctx, DAY)
    rejected = [5, 10, 11, 12, 20, 22, 150]
    table = ctx.lake.read("bronze.future_mbo.rejects", "ESH4", DAY)
    assert table["feed_seq"].to_pylist() == rejected
    assert table["reason"].to_pylist() == [
        "null_timestamp", "price", "price", "price", "size", "size", "null_timestamp"
    ]  # fmt: skip
    assert_holds(table, records[rejected], "ESH4")
    sound = np.delete(np.arange(200), rejected)
    kept = ctx.lake.read(DATASET, "ESH4", DAY)
    assert kept["feed_seq"].to_pylist() == sound.tolist()
    assert_holds(kept, records[sound], "ESH4")
    counted = {n: c for n, c in front.counters.items() if n.startswith("rejected_") and c}
    assert counted == {
        "rejected_null_timestamp": 2,
        "rejected_price": 3,
        "rejected_size": 2,
    }
    assert front.counters["action_A"] == 192
    assert front.counters["action_C"] == 1


def test_rejects_that_a_better_file_no_longer_has_are_emptied(ctx: StageContext) -> None:
    records = some_records(200)
    records["action"][3], records["price"][3] = ord("A"), -1
    put(ctx, records)
    build_bronze(ctx, DAY)
    assert ctx.lake.read("bronze.future_mbo.rejects", "ESH4", DAY).num_rows >= 1
    records["action"] = ord("T")
    put(ctx, records)
    build_bronze(ctx, DAY)
    assert ctx.lake.read("bronze.future_mbo.rejects", "ESH4", DAY).num_rows == 0


def test_again_gives_the_same_bytes(ctx: StageContext) -> None:
    put(ctx, mixed_records(1_000))
    first = build_bronze(ctx, DAY)
    assert build_bronze(ctx, DAY) == first


def test_plain_and_ts_out_files_give_the_same_table(ctx: StageContext) -> None:
    records = some_records(200, ts_out=True)
    put(ctx, records, NAME.removesuffix(".zst"), ts_out=True)
    build_bronze(ctx, DAY)
    assert_holds(ctx.lake.read(DATASET, "ESH4", DAY), records, "ESH4")


def test_of_two_raw_forms_one_is_read_and_the_other_reported(
    ctx: StageContext, caplog: pytest.LogCaptureFixture
) -> None:
    put(ctx, some_records(9))
    put(ctx, some_records(3), NAME.removesuffix(".zst"))
    (manifest,) = build_bronze(ctx, DAY)
    assert manifest.row_count == 9
    assert f"its other form {NAME.removesuffix('.zst')} is not" in caplog.text


def test_a_day_in_parts_gives_the_table_of_the_whole(ctx: StageContext) -> None:
    records = mixed_records(1_000)
    whole = put(ctx, records)
    expected = build_bronze(ctx, DAY)
    tables = [ctx.lake.read(DATASET, m.symbol, DAY) for m in expected]
    whole.unlink()
    for part, names in (("", ["ESH4", "UD:1V: VT 2838"]), ("-part2", ["ESM4", "ESH4-ESM4"])):
        mappings = {name: MAPPINGS[name] for name in names}
        mine = records[np.isin(records["instrument_id"], list(mappings.values()))]
        put(ctx, mine, f"glbx-mdp3{part}-20240312.mbo.dbn.zst", mappings=mappings)
    assert current_bronze(ctx, DAY) is None
    built = build_bronze(ctx, DAY)
    assert [ctx.lake.read(DATASET, m.symbol, DAY) for m in built] == tables
    assert [len(m.raw_inputs) for m in built] == [2, 2]
    assert current_bronze(ctx, DAY) == built


def test_a_day_without_records_gives_empty_partitions(ctx: StageContext) -> None:
    put(ctx, some_records(0))
    manifests = build_bronze(ctx, DAY)
    assert [(m.symbol, m.row_count) for m in manifests] == [("ESH4", 0), ("ESM4", 0)]
    assert ctx.lake.read(DATASET, "ESM4", DAY).num_rows == 0


def test_an_outright_that_a_replaced_file_no_longer_holds_becomes_empty(ctx: StageContext) -> None:
    path = put(ctx, mixed_records(300))
    build_bronze(ctx, DAY)
    path.unlink()
    put(ctx, some_records(100))
    assert current_bronze(ctx, DAY) is None
    front, second = build_bronze(ctx, DAY)
    assert (front.symbol, front.row_count) == ("ESH4", 100)
    assert (second.symbol, second.row_count) == ("ESM4", 0)
    assert second.raw_inputs == front.raw_inputs
    assert current_bronze(ctx, DAY) == [front, second]
    assert [m.sha256 for m in build_bronze(ctx, DAY)] == [front.sha256, second.sha256]


def test_bronze_is_current_until_file_or_code_change(
    ctx: StageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(ctx, mixed_records(300))
    assert current_bronze(ctx, DAY) is None
    built = build_bronze(ctx, DAY)
    assert current_bronze(ctx, DAY) == built
    with monkeypatch.context() as patch:
        patch.setattr(bronze, "CODE_VERSION", "newer")
        assert current_bronze(ctx, DAY) is None
    path.unlink()
    put(ctx, mixed_records(301))
    assert current_bronze(ctx, DAY) is None


def test_bronze_of_a_run_killed_between_two_outrights_is_not_current(ctx: StageContext) -> None:
    put(ctx, mixed_records(300))
    front, second = build_bronze(ctx, DAY)
    shutil.rmtree(Path(ctx.lake.files(DATASET, "ESM4", DAY)[0]).parent)
    assert current_bronze(ctx, DAY) is None
    assert build_bronze(ctx, DAY) == [front, second]


def test_snapshot_records_may_carry_older_times(ctx: StageContext) -> None:
    records = some_records(10)
    records["ts_event"] -= 3 * DAY_NS
    records["ts_recv"][:5] -= DAY_NS
    records["flags"][:4] = 32
    records["flags"][4] = 8
    put(ctx, records)
    (manifest,) = build_bronze(ctx, DAY)
    assert manifest.row_count == 10


def break_day(records: NDArray[np.void]) -> None:
    records["ts_recv"][777] = DAY_START_NS + DAY_NS


def break_early(records: NDArray[np.void]) -> None:
    records["ts_recv"][777] = DAY_START_NS - 1


def break_instrument(records: NDArray[np.void]) -> None:
    records["instrument_id"][777] = 4_711


def break_action(records: NDArray[np.void]) -> None:
    records["action"][777] = ord("X")


def break_side(records: NDArray[np.void]) -> None:
    records["side"][777] = 0


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (break_day, WrongDayError, "ts_recv in the UTC day 2024-03-12, found 2024-03-13T00"),
        (break_early, WrongDayError, "found 2024-03-11T23:59:59"),
        (break_instrument, UnknownSymbolError, "maps no symbol to instrument 4711"),
        (break_action, CorruptFileError, "unknown action b'X'"),
        (break_side, CorruptFileError, r"unknown side b'\\x00'"),
    ],
)
def test_a_bad_record_is_named_and_the_lake_stays(
    ctx: StageContext,
    damage: Callable[[NDArray[np.void]], None],
    error: type[SpymasterError],
    message: str,
) -> None:
    good = mixed_records(1_000)
    put(ctx, good)
    before = build_bronze(ctx, DAY)
    bad = good.copy()
    damage(bad)
    put(ctx, bad)
    with pytest.raises(error, match=f"record 777: .*{message}"):
        build_bronze(ctx, DAY)
    assert [ctx.lake.manifest(DATASET, m.symbol, DAY) for m in before] == before
    assert {finding.verdict for finding in ctx.lake.verify(DATASET)} == {Verdict.OK}
    put(ctx, good)
    assert build_bronze(ctx, DAY) == before


def test_a_cut_file_publishes_nothing(ctx: StageContext) -> None:
    path = put(ctx, some_records(1_000))
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(TruncatedFileError, match="the zstd frame"):
        build_bronze(ctx, DAY)
    assert list(ctx.lake.partitions()) == []


def test_a_disk_that_fills_up_while_a_row_group_is_encoded(
    ctx: StageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ctx, mixed_records(1_000))
    threads = set()
    left = [60]
    write = HashingSink.write

    def full(sink: HashingSink, data: bytes) -> int:
        threads.add(threading.current_thread().name)
        left[0] -= 1
        if left[0] < 0 and not sink.closed:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(sink, data)

    with monkeypatch.context() as patch:
        patch.setattr(hashing_sink, "CHUNK_BYTES", 1)
        patch.setattr(HashingSink, "write", full)
        with pytest.raises(StorageError, match="No space left"):
            build_bronze(ctx, DAY)
    assert any(name.startswith("lake-write") for name in threads)
    assert list(ctx.lake.partitions()) == []
    assert list(Path(ctx.lake.root).rglob(".staging-*")) == []


def test_a_raw_file_that_cannot_be_hashed_publishes_nothing(
    ctx: StageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ctx, mixed_records(1_000))

    def refuse(*_: object) -> list[RawInput]:
        raise StorageError(NAME, "Input/output error")

    monkeypatch.setattr(raw, "raw_inputs", refuse)
    with pytest.raises(StorageError, match="Input/output error"):
        build_bronze(ctx, DAY)
    assert list(ctx.lake.partitions()) == []
    assert list(Path(ctx.lake.root).rglob(".staging-*")) == []


def test_a_file_of_another_day_is_refused(ctx: StageContext) -> None:
    put(ctx, some_records(3), NAME.replace("0312", "0313"))
    with pytest.raises(WrongDayError, match="expected the UTC day 2024-03-13"):
        build_bronze(ctx, NEXT_DAY)


def test_a_file_of_another_schema_is_refused(ctx: StageContext) -> None:
    put(ctx, some_records(3), schema="trades")
    with pytest.raises(WrongSchemaError, match="expected schema mbo, found trades"):
        build_bronze(ctx, DAY)


def test_a_file_without_an_outright_of_the_root_is_refused(ctx: StageContext) -> None:
    put(ctx, some_records(0), mappings={"NQH4": 3, "ESH4-ESM4": 4})
    with pytest.raises(UnknownSymbolError, match=r"outright futures of ES .* none among 2"):
        build_bronze(ctx, DAY)


def test_an_audit_that_raises_keeps_everything_unpublished(ctx: StageContext) -> None:
    seen: list[str] = []

    def refuse(staged: object) -> None:
        assert isinstance(staged, list)
        assert all(isinstance(part, StagedPartition) for part in staged)
        seen.extend(part.symbol for part in staged)
        raise DataQualityError(DATASET, ["red"])

    put(ctx, mixed_records(1_000))
    with pytest.raises(DataQualityError):
        build_bronze(replace(ctx, audit=refuse), DAY)
    assert seen == ["ESH4", "ESM4"]
    assert list(ctx.lake.partitions()) == []


def test_progress_is_told_to_the_last_record(ctx: StageContext) -> None:
    told: list[tuple[str, int, int | None]] = []
    put(ctx, some_records(70_000))
    build_bronze(replace(ctx, progress=lambda *step: told.append(step)), DAY)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert told[-1] == ("bronze", 70_000, None)
    assert len(told) == 2


def test_a_real_day_equals_the_vendors_decoder(real_data: Path, tmp_path: Path) -> None:
    path = real_data / "glbx-mbo" / "esh4-glbx-mdp3-20231225.mbo.dbn.zst"
    ctx = StageContext.from_settings(Settings(lake=str(tmp_path / "lake")), "ES", "future_mbo")
    _, file = adopt_raw_file(ctx.lake, path)
    (manifest,) = build_bronze(ctx, file.dt)
    vendor = databento.DBNStore.from_bytes(path.read_bytes()).to_ndarray()
    assert (manifest.symbol, manifest.row_count) == ("ESH4", 68_792)
    assert_holds(ctx.lake.read(DATASET, "ESH4", file.dt), vendor.view(MBO_DTYPE), "ESH4")
    assert manifest.size / manifest.row_count < 12
