"""Bronze of quotes holds every record of the ticker's expiring options, in feed order, no other."""

from __future__ import annotations

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
    PartitionMissingError,
    SpymasterError,
    TruncatedFileError,
    UnknownSymbolError,
    WrongDayError,
    WrongSchemaError,
)
from contracts.registry import datasets
from spymaster_assets.stages import quote_bronze
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.quote_bronze import DATASET, build_bronze, current_bronze
from spymaster_assets.stages.raw import raw_folder
from spymaster_assets.stages.rejects import REASONS
from spymaster_resources.dbn.layouts import (
    CMBP1_DTYPE,
    UNDEFINED_PRICE,
    UNDEFINED_TIMESTAMP,
    layout_of,
    new_records,
)
from spymaster_resources.lake import Lake
from spymaster_resources.settings import Settings
from tests.spymaster_assets.stages.raw_days import NEXT_DAY, write_day
from tests.spymaster_resources.dbn.dbn_records import DAY, DAY_NS, DAY_START_NS

NAME = "opra-pillar-20240312.cmbp-1.dbn.zst"
GROUP_ROWS = 64
CALL, PUT = "QQQ   240312C00441000", "QQQ   240312P00441500"
KEPT = {CALL: 9, PUT: 7}
LEFT_OUT = {
    "QQQ   240313C00441000": 4_000_000_001,  # expires the next day
    "QQQ1  240312C00441000": 2,  # an adjusted contract
    "QQQM  240312P00181000": 3,
    "QQQ": 5,
}
MAPPINGS = KEPT | LEFT_OUT


@pytest.fixture
def ctx(tmp_path: Path) -> StageContext:
    """Return a context on a lake whose row groups hold 64 rows."""
    tables = dict(datasets())
    table = tables[DATASET]
    tables[DATASET] = replace(table, parquet=replace(table.parquet, row_group_rows=GROUP_ROWS))
    lake = Lake(str(tmp_path / "lake"), tables)
    return StageContext.from_settings(Settings(), "QQQ", "equity_option_cmbp_1", lake=lake)


def some_quotes(rows: int, *, version: int = 3, ts_out: bool = False) -> NDArray[np.void]:
    """Return plausible quotes of all mapped instruments, each field unlike its neighbours'."""
    records = new_records(layout_of("cmbp-1", version, ts_out=ts_out), rows)
    place = np.arange(rows)
    numbers = np.array(list(MAPPINGS.values()), np.uint32)
    records["publisher_id"] = 20 + place % 5
    records["instrument_id"] = numbers[place * 7 % 11 % 6]
    records["ts_event"] = DAY_START_NS + 1_000 * place
    records["ts_recv"] = DAY_START_NS + 1_000 * place + 160
    records["price"] = np.where(place % 5 == 0, UNDEFINED_PRICE, 10_000_000 * (place % 9))
    records["size"] = place % 7
    records["action"] = np.frombuffer(b"AAAT", np.uint8)[place % 4]
    records["side"] = np.frombuffer(b"ABN", np.uint8)[place % 3]
    records["flags"] = 194
    records["bid_px_00"] = np.where(place % 6 == 0, UNDEFINED_PRICE, 10_000_000 * (place % 13))
    records["ask_px_00"] = np.where(place % 8 == 0, UNDEFINED_PRICE, 10_000_000 * (place % 17))
    records["bid_sz_00"] = place % 19
    records["ask_sz_00"] = 2_000_000_000 + place % 23
    records["bid_pb_00"] = place % 29
    records["ask_pb_00"] = place % 31
    return records


def put(ctx: StageContext, records: NDArray[np.void], name: str = NAME, **options: object) -> Path:
    folder = Path(ctx.lake.root) / raw_folder("equity_option_cmbp_1", "QQQ", "cmbp-1")
    settings = {
        "dataset": "OPRA.PILLAR", "schema": "cmbp-1", "symbols": list(KEPT), "mappings": MAPPINGS,
        "stype_in": "raw_symbol",
    }  # fmt: skip
    return write_day(folder / name, records, **(settings | options))  # type: ignore[arg-type]


def kept(records: NDArray[np.void]) -> NDArray[np.int64]:
    return np.flatnonzero(np.isin(records["instrument_id"], list(KEPT.values())))


def assert_holds(table: pa.Table, records: NDArray[np.void], symbols: dict[int, str]) -> None:
    """Hold every column of a bronze table against the records, null for what is undefined."""
    undefined = {
        "ts_recv": UNDEFINED_TIMESTAMP,
        "ts_event": UNDEFINED_TIMESTAMP,
        **dict.fromkeys(("price", "bid_px_00", "ask_px_00"), UNDEFINED_PRICE),
    }
    for name in (
        *("ts_recv", "ts_event", "publisher_id", "instrument_id", "price", "size", "flags"),
        *("bid_px_00", "ask_px_00", "bid_sz_00", "ask_sz_00", "bid_pb_00", "ask_pb_00"),
    ):
        null = undefined.get(name)
        expected = [None if value == null else value for value in records[name].tolist()]
        assert table[name].to_pylist() == expected, name
    for name in ("action", "side"):
        assert table[name].to_pylist() == [chr(code) for code in records[name]]
    named = [symbols[number] for number in records["instrument_id"].tolist()]
    assert table["symbol"].to_pylist() == named
    assert table["underlying"].to_pylist() == [name[:6].strip() for name in named]
    assert table["right"].to_pylist() == [name[12] for name in named]
    assert table["strike"].to_pylist() == [int(name[13:]) * 1_000_000 for name in named]
    dates = [f"{day:%y%m%d}" for day in table["expiration"].to_pylist()]
    assert dates == [name[6:12] for name in named]


@pytest.mark.parametrize("rows", [1, GROUP_ROWS, 7 * GROUP_ROWS, 70_000])
def test_the_expiring_options_get_their_records_in_feed_order(ctx: StageContext, rows: int) -> None:
    records = some_quotes(rows)
    put(ctx, records)
    (manifest,) = build_bronze(ctx, DAY)
    assert manifest.symbol == "QQQ"
    table = ctx.lake.read(DATASET, "QQQ", DAY)
    place = kept(records)
    assert table["feed_seq"].to_pylist() == place.tolist()
    assert_holds(table, records[place], {number: name for name, number in KEPT.items()})


def test_counters_and_inputs_are_in_the_manifest(ctx: StageContext) -> None:
    records = some_quotes(1_000)
    put(ctx, records)
    (manifest,) = build_bronze(ctx, DAY)
    mine = records[kept(records)]
    assert manifest.counters == {
        **{f"action_{a}": int((mine["action"] == ord(a)).sum()) for a in "ACMRTFN"},
        "file_records": 1_000,
        "gateway_records": 0,
        "instruments": 2,
        "left_out_instruments": 4,
        **{f"rejected_{reason}": 0 for reason in REASONS},
        "left_out_records": 1_000 - len(mine),
    }
    assert [raw.name for raw in manifest.raw_inputs] == [NAME]


def test_again_gives_the_same_bytes_and_is_current_until_something_changes(
    ctx: StageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(ctx, some_quotes(300))
    assert current_bronze(ctx, DAY) is None
    built = build_bronze(ctx, DAY)
    assert build_bronze(ctx, DAY) == built == current_bronze(ctx, DAY)
    with monkeypatch.context() as patch:
        patch.setattr(quote_bronze, "CODE_VERSION", "newer")
        assert current_bronze(ctx, DAY) is None
    path.unlink()
    put(ctx, some_quotes(301))
    assert current_bronze(ctx, DAY) is None


@pytest.mark.parametrize("version", [1, 2, 3])
def test_every_version_plain_or_with_ts_out_gives_the_same_table(
    ctx: StageContext, version: int
) -> None:
    records = some_quotes(200, version=version, ts_out=True)
    put(ctx, records, NAME.removesuffix(".zst"), ts_out=True, version=version)
    build_bronze(ctx, DAY)
    place = kept(records)
    symbols = {number: name for name, number in KEPT.items()}
    assert_holds(ctx.lake.read(DATASET, "QQQ", DAY), records[place], symbols)


def test_parts_of_a_day_make_one_partition_in_the_order_of_capture(ctx: StageContext) -> None:
    records = some_quotes(2_000)
    records = records[kept(records)]
    for part, (name, number) in enumerate(KEPT.items(), 1):
        mine = records[records["instrument_id"] == number]
        file = NAME if part == 1 else NAME.replace("-2024", f"-part{part}-2024")
        put(ctx, mine, file, mappings={name: number}, symbols=[name])
    (manifest,) = build_bronze(ctx, DAY)
    table = ctx.lake.read(DATASET, "QQQ", DAY)
    assert table["feed_seq"].to_pylist() == list(range(len(records)))
    assert_holds(table, records, {number: name for name, number in KEPT.items()})
    assert len(manifest.raw_inputs) == 2
    assert current_bronze(ctx, DAY) == [manifest]


def test_a_day_without_records_or_without_expiring_options_is_empty(ctx: StageContext) -> None:
    put(ctx, some_quotes(0))
    (manifest,) = build_bronze(ctx, DAY)
    assert (manifest.row_count, manifest.counters["instruments"]) == (0, 2)
    put(ctx, some_quotes(0), mappings=LEFT_OUT)
    (manifest,) = build_bronze(ctx, DAY)
    assert (manifest.row_count, manifest.counters["instruments"]) == (0, 0)
    assert ctx.lake.read(DATASET, "QQQ", DAY).num_rows == 0


def break_day(records: NDArray[np.void]) -> None:
    records["ts_recv"][777] = DAY_START_NS + DAY_NS


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
    good = some_quotes(1_000)
    put(ctx, good)
    before = build_bronze(ctx, DAY)
    bad = good.copy()
    damage(bad)
    put(ctx, bad)
    with pytest.raises(error, match=f"record 777: .*{message}"):
        build_bronze(ctx, DAY)
    assert [ctx.lake.manifest(DATASET, "QQQ", DAY)] == before


def test_a_snapshot_or_flagged_record_may_carry_another_capture_time(ctx: StageContext) -> None:
    records = some_quotes(10)
    records["ts_recv"][:5] -= DAY_NS
    records["flags"][:4] = 32
    records["flags"][4] = 8
    records["ts_recv"][5] = UNDEFINED_TIMESTAMP
    records["ts_event"][6] = UNDEFINED_TIMESTAMP
    put(ctx, records)
    build_bronze(ctx, DAY)
    place = kept(records)
    symbols = {number: name for name, number in KEPT.items()}
    assert_holds(ctx.lake.read(DATASET, "QQQ", DAY), records[place], symbols)


def test_fat_fingers_and_negative_sizes_lie_beside_with_their_reason(ctx: StageContext) -> None:
    records = some_quotes(100)
    place = kept(records)
    records["ask_px_00"][place[3]] = 187_187 * 10**9
    records["bid_px_00"][place[5]] = 100_000 * 10**9  # the largest that is believed
    records["bid_sz_00"][place[7]] = 2**32 - 1
    put(ctx, records)
    (manifest,) = build_bronze(ctx, DAY)
    table = ctx.lake.read("bronze.equity_option_cmbp_1.rejects", "QQQ", DAY)
    assert table["feed_seq"].to_pylist() == [place[3], place[7]]
    assert table["reason"].to_pylist() == ["premium", "negative_size"]
    assert manifest.row_count == len(place) - 2
    assert manifest.counters["rejected_premium"] == 1
    assert manifest.parameters == {"max_premium_int": 100_000 * 10**9}


def test_a_cut_file_publishes_nothing(ctx: StageContext) -> None:
    path = put(ctx, some_quotes(1_000))
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(TruncatedFileError, match="the zstd frame"):
        build_bronze(ctx, DAY)
    assert list(ctx.lake.partitions()) == []


def test_files_of_another_day_schema_or_ticker_are_refused(ctx: StageContext) -> None:
    with pytest.raises(PartitionMissingError, match="found none"):
        build_bronze(ctx, DAY)
    put(ctx, some_quotes(3), NAME.replace("0312", "0313"))
    with pytest.raises(WrongDayError, match="expected the UTC day 2024-03-13"):
        build_bronze(ctx, NEXT_DAY)
    put(ctx, some_quotes(0), schema="mbp-1")
    with pytest.raises(WrongSchemaError, match="expected schema cmbp-1, found mbp-1"):
        build_bronze(ctx, DAY)
    spy = {"SPY   240312C00511000": 9}
    put(ctx, some_quotes(0), mappings=spy, symbols=list(spy))
    with pytest.raises(UnknownSymbolError, match="expected options on QQQ, found SPY"):
        build_bronze(ctx, DAY)


def test_an_audit_that_raises_keeps_everything_unpublished(ctx: StageContext) -> None:
    def refuse(staged: object) -> None:
        raise DataQualityError(DATASET, ["red"])

    put(ctx, some_quotes(100))
    with pytest.raises(DataQualityError):
        build_bronze(replace(ctx, audit=refuse), DAY)
    assert list(ctx.lake.partitions()) == []


def test_progress_is_told_to_the_last_record(ctx: StageContext) -> None:
    told: list[tuple[str, int, int | None]] = []
    put(ctx, some_quotes(70_000))
    build_bronze(replace(ctx, progress=lambda *step: told.append(step)), DAY)
    assert [done for _, done, _ in told] == [65_536, 70_000]


@pytest.mark.parametrize(
    "name", ["test_data.cmbp-1.dbn", "test_data.cmbp-1.v2.dbn.zst", "test_data.cmbp-1.v3.dbn.zst"]
)
def test_the_vendors_records_of_every_version_lie_in_bronze(
    real_data: Path, ctx: StageContext, name: str
) -> None:
    """The vendor's fixtures name a future; here its records are an option's."""
    store = databento.DBNStore.from_bytes((real_data / "fixtures" / "dbn" / name).read_bytes())
    records = store.to_ndarray().view(CMBP1_DTYPE).copy()
    records["instrument_id"] = KEPT[CALL]
    shift = np.uint64(DAY_START_NS - int(records["ts_recv"][0]))
    for field in ("ts_recv", "ts_event"):
        records[field] = records[field] + shift
    put(ctx, records, version=store.metadata.version)
    build_bronze(ctx, DAY)
    table = ctx.lake.read(DATASET, "QQQ", DAY)
    assert table.num_rows == 2
    assert_holds(table, records, {KEPT[CALL]: CALL})


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # pandas, of the client's own code
@pytest.mark.parametrize("price_type", ["fixed", "float"])
def test_what_the_vendors_client_wrote_as_parquet_gives_the_same_rows(
    ctx: StageContext, price_type: str
) -> None:
    path = put(ctx, some_quotes(500))
    build_bronze(ctx, DAY)
    expected = ctx.lake.read(DATASET, "QQQ", DAY)
    store = databento.DBNStore.from_bytes(path.read_bytes())
    store.to_parquet(path.with_name(NAME.replace(".dbn.zst", ".parquet")), price_type=price_type)
    path.unlink()
    build_bronze(ctx, DAY)
    assert ctx.lake.read(DATASET, "QQQ", DAY).equals(expected)
