"""Definitions and statistics of options are in bronze as the vendor sent them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import (
    ConfigurationError,
    CorruptFileError,
    DataQualityError,
    PartitionMissingError,
    SpymasterError,
    TruncatedFileError,
    UnknownSymbolError,
    WrongDayError,
    WrongSchemaError,
)
from contracts.registry import dataset
from spymaster_assets.stages import reference
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.raw import raw_folder
from spymaster_assets.stages.reference import build_reference, current_reference
from spymaster_resources.dbn.layouts import KNOWN_VERSIONS, layout_of
from spymaster_resources.dbn.stream import open_dbn
from spymaster_resources.trading_calendar import DAY_NS
from tests.spymaster_assets.stages.option_days import (
    CALL,
    FUTURE,
    MARKET,
    OTHER_FUTURE,
    PUT,
    SPREAD,
    STRANGER,
    TOMORROW,
    Defined,
    context,
    definitions,
    mappings_of,
    put,
    put_definitions,
    statistics,
)
from tests.spymaster_resources.dbn.dbn_records import DAY, DAY_START_NS

DEFINITION = "bronze.future_option_mbo.definition"
STATISTICS = "bronze.future_option_mbo.statistics"
QQQ_DEFINITION = "bronze.equity_option_cmbp_1.definition"
QQQ_STATISTICS = "bronze.equity_option_cmbp_1.statistics"
QQQ_CALL = Defined(7, "QQQ   240312C00440000", "QQQ", "C", 440, DAY_START_NS)
QQQ_PUT = Defined(8, "QQQ   240315P00445500", "QQQ", "P", 445, DAY_START_NS + 3 * DAY_NS)
QQQX = Defined(9, "QQQX  240312C00440000", "QQQX", "C", 440, DAY_START_NS)


@pytest.fixture
def es(tmp_path: Path) -> StageContext:
    return context(tmp_path, "ES", "future_option_mbo")


@pytest.fixture
def qqq(tmp_path: Path) -> StageContext:
    return context(tmp_path, "QQQ", "equity_option_cmbp_1")


@pytest.mark.parametrize("version", KNOWN_VERSIONS)
def test_definitions_lie_under_the_future_of_their_options(es: StageContext, version: int) -> None:
    put_definitions(es, version=version)
    front, second = build_reference(es, DAY)
    assert [m.symbol for m in (front, second)] == ["ESH4", "ESM4"]
    table = es.lake.read(DEFINITION, "ESH4", DAY)
    assert table["raw_symbol"].to_pylist() == [CALL.symbol, PUT.symbol, TOMORROW.symbol]
    assert table["feed_seq"].to_pylist() == [MARKET.index(r) for r in (CALL, PUT, TOMORROW)]
    assert table["strike_price"].to_pylist() == [r.strike * 10**9 for r in (CALL, PUT, TOMORROW)]
    assert table["expiration"].to_pylist() == [r.expiration_ns for r in (CALL, PUT, TOMORROW)]
    assert table["instrument_class"].to_pylist() == ["C", "P", "C"]
    assert set(table["underlying"].to_pylist()) == {"ESH4"}
    assert es.lake.read(DEFINITION, "ESM4", DAY)["raw_symbol"].to_pylist() == [OTHER_FUTURE.symbol]
    assert front.counters == {
        "file_records": len(MARKET),
        "gateway_records": 0,
        "left_out_records": len([STRANGER, SPREAD, FUTURE]),
        "partitions": 2,
    }


@pytest.mark.parametrize("table", ["definition", "statistics"])
@pytest.mark.parametrize("version", KNOWN_VERSIONS)
def test_columns_are_fields_of_every_version(table: str, version: int) -> None:
    fields = set(layout_of(table, version).dtype.names or ())
    for product in ("future_option_mbo", "equity_option_cmbp_1"):
        columns = set(dataset(f"bronze.{product}.{table}").schema.names)
        assert columns - {"feed_seq", "symbol"} <= fields


def test_undefined_numbers_are_null(es: StageContext) -> None:
    records = definitions([CALL, PUT])
    for name in ("strike_price", "expiration", "activation", "underlying_id", "channel_id"):
        records[name][1] = np.iinfo(records.dtype[name]).max
    records["contract_multiplier"] = 2**31 - 1
    put(es, "definition", records, mappings_of([CALL, PUT]))
    build_reference(es, DAY)
    call, other = es.lake.read(DEFINITION, "ESH4", DAY).to_pylist()
    for name in ("strike_price", "expiration", "activation", "underlying_id", "channel_id"):
        assert (call[name] is None, other[name] is None) == (False, True), name
    assert call["contract_multiplier"] is None


@pytest.mark.parametrize("version", KNOWN_VERSIONS)
def test_statistics_follow_their_instruments_definition(es: StageContext, version: int) -> None:
    put_definitions(es)
    numbers = [row.number for row in (CALL, OTHER_FUTURE, FUTURE, PUT, CALL)]
    records = statistics(numbers, version)
    put(es, "statistics", records, mappings_of(MARKET), version=version)
    manifests = build_reference(es, DAY)
    assert [(m.dataset, m.symbol) for m in manifests] == [
        (DEFINITION, "ESH4"), (DEFINITION, "ESM4"), (STATISTICS, "ESH4"), (STATISTICS, "ESM4"),
    ]  # fmt: skip
    table = es.lake.read(STATISTICS, "ESH4", DAY)
    assert table["feed_seq"].to_pylist() == [0, 3, 4]
    assert table["symbol"].to_pylist() == [CALL.symbol, PUT.symbol, CALL.symbol]
    assert table["price"].to_pylist() == [1_250_000_000, None, 1_250_000_004]
    assert table["quantity"].to_pylist() == [None, 43, None]
    assert table["ts_ref"].to_pylist() == [None, None, DAY_START_NS]
    assert manifests[2].counters["left_out_records"] == 1
    assert {ref.dataset for ref in manifests[2].inputs} == {DEFINITION}


def test_a_day_without_statistics_has_none(es: StageContext) -> None:
    put_definitions(es)
    assert {m.dataset for m in build_reference(es, DAY)} == {DEFINITION}
    assert current_reference(es, DAY) is not None


def test_files_that_dispute_the_day_of_the_statistics_are_not_taken_for_none(
    es: StageContext,
) -> None:
    put_definitions(es)
    for name in ("a-20240312.statistics.dbn", "b-20240312.statistics.dbn"):
        put(es, "statistics", statistics([101]), mappings_of(MARKET), name=name)
    with pytest.raises(ConfigurationError, match="found a-20240312"):
        build_reference(es, DAY)


def test_equity_options_lie_under_the_ticker(qqq: StageContext) -> None:
    rows = [QQQ_CALL, QQQ_PUT, QQQX]
    put_definitions(qqq, rows)
    put(qqq, "statistics", statistics([8, 9, 7]), mappings_of(rows))
    definition, statistic = build_reference(qqq, DAY)
    assert (definition.dataset, definition.symbol) == (QQQ_DEFINITION, "QQQ")
    table = qqq.lake.read(QQQ_DEFINITION, "QQQ", DAY)
    assert table["raw_symbol"].to_pylist() == [QQQ_CALL.symbol, QQQ_PUT.symbol]
    assert (statistic.dataset, statistic.row_count) == (QQQ_STATISTICS, 2)
    table = qqq.lake.read(QQQ_STATISTICS, "QQQ", DAY)
    assert table["symbol"].to_pylist() == [QQQ_PUT.symbol, QQQ_CALL.symbol]


def test_equity_options_can_do_without_definitions(qqq: StageContext) -> None:
    put(qqq, "statistics", statistics([7]), mappings_of([QQQ_CALL]))
    assert [m.dataset for m in build_reference(qqq, DAY)] == [QQQ_STATISTICS]


def test_options_on_futures_cannot_do_without_definitions(es: StageContext) -> None:
    put(es, "statistics", statistics([101]), mappings_of(MARKET))
    with pytest.raises(PartitionMissingError, match=r"20240312\.definition\.dbn"):
        build_reference(es, DAY)


def test_reference_is_current_until_a_file_or_the_code_changes(
    es: StageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put_definitions(es)
    put(es, "statistics", statistics([101, 102]), mappings_of(MARKET))
    assert current_reference(es, DAY) is None
    built = build_reference(es, DAY)
    assert current_reference(es, DAY) == built
    assert build_reference(es, DAY) == built
    with monkeypatch.context() as patch:
        patch.setattr(reference, "CODE_VERSION", "newer")
        assert current_reference(es, DAY) is None
    path.unlink()
    put_definitions(es, [CALL])
    assert current_reference(es, DAY) is None
    definition, vanished, *_ = build_reference(es, DAY)
    assert (definition.row_count, vanished.symbol, vanished.row_count) == (1, "ESM4", 0)


def test_a_file_without_an_option_of_the_root_publishes_nothing(es: StageContext) -> None:
    put_definitions(es, [STRANGER, SPREAD, FUTURE])
    assert build_reference(es, DAY) == []
    assert current_reference(es, DAY) == []


def test_an_audit_that_raises_keeps_the_table_unpublished(es: StageContext) -> None:
    def refuse(staged: object) -> None:
        raise DataQualityError(DEFINITION, ["red"])

    put_definitions(es)
    with pytest.raises(DataQualityError):
        build_reference(replace(es, audit=refuse), DAY)
    assert list(es.lake.partitions()) == []


def test_bad_files_are_named_and_publish_nothing(es: StageContext) -> None:
    records = definitions(MARKET)
    records["ts_recv"][3] = DAY_START_NS + DAY_NS
    put(es, "definition", records, mappings_of(MARKET))
    with pytest.raises(WrongDayError, match="record 3: expected a ts_recv in the UTC day"):
        build_reference(es, DAY)
    records = definitions(MARKET)
    records["raw_symbol"][0] = b"E2B\xff"
    put(es, "definition", records, mappings_of(MARKET))
    with pytest.raises(CorruptFileError, match="field raw_symbol: expected text"):
        build_reference(es, DAY)
    path = put_definitions(es)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(TruncatedFileError):
        build_reference(es, DAY)
    put(es, "definition", definitions(MARKET), mappings_of(MARKET), days=2)
    with pytest.raises(WrongDayError, match="expected one UTC day"):
        build_reference(es, DAY)
    put(es, "definition", statistics([1]), mappings_of(MARKET), schema="statistics")
    with pytest.raises(WrongSchemaError, match="expected schema definition, found statistics"):
        build_reference(es, DAY)
    assert list(es.lake.partitions()) == []


def test_a_statistic_of_an_unknown_instrument_is_named(es: StageContext) -> None:
    put_definitions(es)
    put(es, "statistics", statistics([101, 4_711]), mappings_of(MARKET))
    with pytest.raises(UnknownSymbolError, match="no symbol to instrument 4711"):
        build_reference(es, DAY)


@pytest.mark.parametrize("table", ["definition", "statistics"])
def test_any_flipped_bits_give_tables_or_a_named_error(
    tmp_path_factory: pytest.TempPathFactory, table: str
) -> None:
    """What is flipped may still be sound; nothing else than a named error may come of it."""
    es = context(tmp_path_factory.mktemp("fuzz"), "ES", "future_option_mbo")
    paths = {
        "definition": put_definitions(es, name="x-20240312.definition.dbn"),
        "statistics": put(
            es,
            "statistics",
            statistics([101, 102, 103]),
            mappings_of(MARKET),
            name="x-20240312.statistics.dbn",
        ),
    }
    whole = paths[table].read_bytes()

    @settings(max_examples=30, deadline=None)
    @given(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(1, 255)), min_size=1))
    def flip(flips: list[tuple[int, int]]) -> None:
        content = bytearray(whole)
        for place, mask in flips:
            content[place] ^= mask
        paths[table].write_bytes(bytes(content))
        try:
            manifests = build_reference(es, DAY)
        except SpymasterError:
            return
        assert all(m.row_count <= len(MARKET) for m in manifests)

    flip()


def test_a_time_beyond_64_signed_bits_is_refused(es: StageContext) -> None:
    records = definitions([CALL, PUT])
    records["expiration"][1] = 2**63
    put(es, "definition", records, mappings_of([CALL, PUT]))
    with pytest.raises(CorruptFileError, match=r"field expiration: .* found 9223372036854775808"):
        build_reference(es, DAY)


@pytest.mark.parametrize("case", ["options_catalog", "options_exercise"])
def test_real_definitions_of_options(real_data: Path, tmp_path: Path, case: str) -> None:
    path = real_data / "glbx-options" / case / "options_definition.dbn.zst"
    file = open_dbn(path)
    (records,) = file.records(schema="definition")
    ctx = context(tmp_path, "ES", "future_option_mbo")
    dt = file.metadata.start_date
    folder = tmp_path / "lake" / raw_folder("future_option_mbo", "ES", "definition")
    folder.mkdir(parents=True)
    (folder / f"glbx-mdp3-{dt:%Y%m%d}.definition.dbn.zst").symlink_to(path)
    (manifest,) = build_reference(ctx, dt)
    assert manifest.symbol == records["underlying"][0].decode()
    table = ctx.lake.read(DEFINITION, manifest.symbol, dt)
    assert table.num_rows == len(records)
    assert table["min_price_increment"].null_count == table.num_rows  # it varies with the premium
    for name in ("instrument_id", "strike_price", "expiration", "activation"):
        assert table[name].to_pylist() == records[name].tolist()
    assert table["raw_symbol"].to_pylist() == [s.decode() for s in records["raw_symbol"]]
