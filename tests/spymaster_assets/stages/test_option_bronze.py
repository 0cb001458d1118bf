"""Bronze of options on futures holds the day's expiring options, filed under their future."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from contracts.errors import (
    PartitionMissingError,
    SpymasterError,
    TruncatedFileError,
    UnknownSymbolError,
)
from contracts.registry import datasets
from spymaster_assets.stages.bronze import build_bronze, current_bronze
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.reference import build_reference
from spymaster_resources.lake import Lake
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
)
from tests.spymaster_assets.stages.test_bronze import assert_holds
from tests.spymaster_resources.dbn.dbn_records import DAY, DAY_START_NS, some_records

MBO = "bronze.future_option_mbo.mbo"
GROUP_ROWS = 64


@pytest.fixture
def ctx(tmp_path: Path) -> StageContext:
    """Return a context on a lake whose row groups hold 64 rows, the day's definitions built."""
    tables = dict(datasets())
    table = tables[MBO]
    tables[MBO] = replace(table, parquet=replace(table.parquet, row_group_rows=GROUP_ROWS))
    ctx = context(tmp_path, "ES", "future_option_mbo")
    ctx = replace(ctx, lake=Lake(ctx.lake.root, tables))
    put_definitions(ctx)
    build_reference(ctx, DAY)
    return ctx


def mixed_records(rows: int, instruments: tuple[Defined, ...] = MARKET) -> NDArray[np.void]:
    records = some_records(rows)
    numbers = np.array([row.number for row in instruments])
    records["instrument_id"] = numbers[np.arange(rows) * 5 % 11 % len(numbers)]
    return records


def of(records: NDArray[np.void], *rows: Defined) -> NDArray[np.intp]:
    """Return the places of the records of some options."""
    return np.flatnonzero(np.isin(records["instrument_id"], [row.number for row in rows]))


def assert_option_columns(table: pa.Table) -> None:
    terms = {row.number: row for row in MARKET}
    rows = [terms[number] for number in table["instrument_id"].to_pylist()]
    assert table["symbol"].to_pylist() == [row.symbol for row in rows]
    assert table["underlying"].to_pylist() == [row.underlying for row in rows]
    assert table["right"].to_pylist() == [row.kind for row in rows]
    assert table["strike"].to_pylist() == [row.strike * 10**9 for row in rows]
    assert set(table["expiration"].to_pylist()) <= {DAY}


@pytest.mark.parametrize("rows", [7, GROUP_ROWS, 1_000])
def test_each_future_gets_the_records_of_its_expiring_options(ctx: StageContext, rows: int) -> None:
    records = mixed_records(rows)
    put(ctx, "mbo", records, mappings_of(MARKET))
    manifests = build_bronze(ctx, DAY)
    assert [m.symbol for m in manifests] == ["ESH4", "ESM4"]
    for symbol, kept in (("ESH4", of(records, CALL, PUT)), ("ESM4", of(records, OTHER_FUTURE))):
        table = ctx.lake.read(MBO, symbol, DAY)
        assert table["feed_seq"].to_pylist() == kept.tolist()
        assert_option_columns(table)
        without_symbol = table.set_column(
            table.schema.get_field_index("symbol"), "symbol", table["underlying"]
        )
        assert_holds(without_symbol, records[kept], symbol)
    left_out = of(records, TOMORROW, STRANGER, SPREAD, FUTURE)
    assert manifests[0].counters["left_out_records"] == len(left_out)
    assert manifests[0].counters["left_out_instruments"] == 4
    assert current_bronze(ctx, DAY) == manifests
    assert build_bronze(ctx, DAY) == manifests
    assert {ref.dataset for ref in manifests[0].inputs} == {"bronze.future_option_mbo.definition"}


def test_the_latest_definition_counts(ctx: StageContext) -> None:
    moved = CALL._replace(strike=5_250, underlying="ESM4")
    put_definitions(ctx, [CALL, moved])
    build_reference(ctx, DAY)
    put(ctx, "mbo", mixed_records(20, (CALL,)), mappings_of([CALL]))
    manifests = build_bronze(ctx, DAY)
    assert [(m.symbol, m.row_count) for m in manifests] == [("ESM4", 20)]
    assert set(ctx.lake.read(MBO, "ESM4", DAY)["strike"].to_pylist()) == {5_250 * 10**9}


def test_other_definitions_make_bronze_stale(ctx: StageContext) -> None:
    put(ctx, "mbo", mixed_records(100), mappings_of(MARKET))
    build_bronze(ctx, DAY)
    put_definitions(ctx, [*MARKET, TOMORROW])
    build_reference(ctx, DAY)
    assert current_bronze(ctx, DAY) is None


def test_a_file_without_records_gives_empty_partitions(ctx: StageContext) -> None:
    put(ctx, "mbo", some_records(0), mappings_of(MARKET))
    assert [(m.symbol, m.row_count) for m in build_bronze(ctx, DAY)] == [("ESH4", 0), ("ESM4", 0)]


@pytest.mark.parametrize("rows", [[TOMORROW], [STRANGER, SPREAD, FUTURE]])
def test_a_day_on_which_nothing_expires_has_no_bronze(
    tmp_path: Path, rows: list[Defined], caplog: pytest.LogCaptureFixture
) -> None:
    ctx = context(tmp_path / "other", "ES", "future_option_mbo")
    put_definitions(ctx, rows)
    build_reference(ctx, DAY)
    with caplog.at_level(logging.INFO):
        assert build_bronze(ctx, DAY) == []
    assert "no option on ES expires on 2024-03-12" in caplog.text
    assert current_bronze(ctx, DAY) == []


def test_options_that_no_definition_lets_expire_any_more_vanish(ctx: StageContext) -> None:
    put(ctx, "mbo", mixed_records(100), mappings_of(MARKET))
    build_bronze(ctx, DAY)
    put_definitions(ctx, [TOMORROW])
    build_reference(ctx, DAY)
    assert [(m.symbol, m.row_count) for m in build_bronze(ctx, DAY)] == [("ESH4", 0), ("ESM4", 0)]


def test_bronze_without_definitions_says_what_to_build(tmp_path: Path) -> None:
    ctx = context(tmp_path / "other", "ES", "future_option_mbo")
    put(ctx, "mbo", mixed_records(10), mappings_of(MARKET))
    for attempt in (build_bronze, current_bronze):
        with pytest.raises(PartitionMissingError, match="build the reference tables first"):
            attempt(ctx, DAY)


def test_a_missing_mbo_file_is_named(ctx: StageContext) -> None:
    with pytest.raises(PartitionMissingError, match=r"20240312\.mbo\.dbn"):
        build_bronze(ctx, DAY)


def break_instrument(records: NDArray[np.void]) -> dict[str, int]:
    records["instrument_id"][77] = 4_711
    return mappings_of(MARKET)


def break_name(records: NDArray[np.void]) -> dict[str, int]:
    return mappings_of([*MARKET[1:], CALL._replace(symbol="E2BH4 C9999")])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (break_instrument, "record 77: the file maps no symbol to instrument 4711"),
        (break_name, "instrument 101 is E2BH4 C9999 by the file and E2BH4 C5200 by the day's"),
    ],
)
def test_instruments_that_nobody_knows_are_refused(
    ctx: StageContext, damage: object, message: str
) -> None:
    records = mixed_records(100)
    assert callable(damage)
    put(ctx, "mbo", records, damage(records))
    with pytest.raises(UnknownSymbolError, match=message):
        build_bronze(ctx, DAY)
    assert {key.dataset for key in ctx.lake.partitions()} == {"bronze.future_option_mbo.definition"}


def test_definitions_name_what_the_file_maps_not(ctx: StageContext) -> None:
    records = mixed_records(50, (CALL, PUT))
    put(ctx, "mbo", records, {})
    (manifest,) = build_bronze(ctx, DAY)
    assert manifest.row_count == 50
    assert_option_columns(ctx.lake.read(MBO, "ESH4", DAY))


def test_a_file_cut_anywhere_publishes_nothing(ctx: StageContext) -> None:
    path = put(ctx, "mbo", mixed_records(3_000), mappings_of(MARKET))
    whole = path.read_bytes()
    for size in np.linspace(1, len(whole) - 1, 7).astype(int).tolist():
        path.write_bytes(whole[:size])
        with pytest.raises(SpymasterError) as error:
            build_bronze(ctx, DAY)
        assert size < 200 or isinstance(error.value, TruncatedFileError)
    assert {key.dataset for key in ctx.lake.partitions()} == {"bronze.future_option_mbo.definition"}


def test_definitions_of_another_day_do_not_serve(ctx: StageContext) -> None:
    records = definitions(MARKET)
    assert int(records["ts_recv"][0]) == DAY_START_NS
    with pytest.raises(PartitionMissingError, match="definition ES 2024-03-13"):
        build_bronze(ctx, DAY.replace(day=13))
