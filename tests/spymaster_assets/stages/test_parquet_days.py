"""A raw day as the vendor client's Parquet gives the same bytes of bronze as its DBN file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from contracts.errors import TruncatedFileError, UnknownSymbolError, WrongDayError
from spymaster_assets.stages import bronze, quote_bronze, reference
from spymaster_assets.stages.context import StageContext
from spymaster_resources.dbn.layouts import UNDEFINED_PRICE
from spymaster_resources.lake import Manifest
from tests.spymaster_assets.stages.option_days import (
    CALL,
    MARKET,
    OTHER_FUTURE,
    PUT,
    TOMORROW,
    Defined,
    context,
    definitions,
    mappings_of,
    put,
    put_definitions,
    statistics,
)
from tests.spymaster_assets.stages.raw_days import MAPPINGS
from tests.spymaster_resources.dbn.client_parquet import PRICE_TYPES, write_client_parquet
from tests.spymaster_resources.dbn.dbn_records import DAY, some_quotes, some_records

Build = Callable[[StageContext, date], Sequence[Manifest]]
QQQ_CALL = Defined(7, "QQQ   240312C00440000", "QQQ")
QQQ_LATER = Defined(8, "QQQ   240315P00445500", "QQQ", "P")


def orders(numbers: Sequence[int], rows: int = 500) -> NDArray[np.void]:
    records = some_records(rows)
    records["instrument_id"] = np.array(numbers)[np.arange(rows) * 5 % 11 % len(numbers)]
    records["price"][[3, 99]] = UNDEFINED_PRICE
    records["price"][7:30] = 100_000_001 + 10_000_000 * np.arange(23)
    return records


def future(ctx: StageContext) -> tuple[Path, Build]:
    return put(ctx, "mbo", orders(list(MAPPINGS.values())), MAPPINGS), bronze.build_bronze


def future_option(ctx: StageContext) -> tuple[Path, Build]:
    put_definitions(ctx)
    reference.build_reference(ctx, DAY)
    numbers = [row.number for row in (CALL, PUT, OTHER_FUTURE, TOMORROW)]
    return put(ctx, "mbo", orders(numbers), mappings_of(MARKET)), bronze.build_bronze


def option_definitions(ctx: StageContext) -> tuple[Path, Build]:
    records = definitions(MARKET)
    records["unit_of_measure_qty"] = 50 * 10**9
    records["min_price_increment"][::2] = UNDEFINED_PRICE
    return put(ctx, "definition", records, mappings_of(MARKET)), reference.build_reference


def option_statistics(ctx: StageContext) -> tuple[Path, Build]:
    put_definitions(ctx)
    records = statistics([row.number for row in (CALL, PUT, CALL, OTHER_FUTURE)])
    return put(ctx, "statistics", records, mappings_of(MARKET)), reference.build_reference


def equity(ctx: StageContext) -> tuple[Path, Build]:
    return put(ctx, "mbo", orders([5, 6]), {"QQQ": 5, "SPY": 6}), bronze.build_bronze


def equity_option(ctx: StageContext) -> tuple[Path, Build]:
    mappings = mappings_of([QQQ_CALL, QQQ_LATER])
    return put(
        ctx, "cmbp-1", some_quotes(300, list(mappings.values())), mappings
    ), quote_bronze.build_bronze


CASES = [
    ("ES", "future_mbo", future),
    ("ES", "future_option_mbo", future_option),
    ("ES", "future_option_mbo", option_definitions),
    ("ES", "future_option_mbo", option_statistics),
    ("QQQ", "equity_mbo", equity),
    ("QQQ", "equity_option_cmbp_1", equity_option),
]


def as_parquet(path: Path, **options: object) -> Path:
    """Put Parquet in the place of a DBN file."""
    target = path.with_name(path.name.removesuffix(".dbn.zst") + ".parquet")
    write_client_parquet(path, target, **options)  # type: ignore[arg-type]
    path.unlink()
    return target


def contents(manifests: Sequence[Manifest]) -> list[tuple[str, str | None, list[str]]]:
    return [(m.dataset, m.symbol, [file.sha256 for file in m.files]) for m in manifests]


@pytest.mark.parametrize(("root", "product_type", "case"), CASES)
@pytest.mark.parametrize("price_type", PRICE_TYPES)
def test_bronze_has_the_same_bytes(
    tmp_path: Path,
    root: str,
    product_type: str,
    case: Callable[[StageContext], tuple[Path, Build]],
    price_type: str,
) -> None:
    ctx = context(tmp_path, root, product_type)
    path, build = case(ctx)
    expected = build(ctx, DAY)
    assert sum(m.row_count for m in expected) > 0
    target = as_parquet(path, price_type=price_type)
    found = build(ctx, DAY)
    assert contents(found) == contents(expected)
    assert [m.row_count for m in found] == [m.row_count for m in expected]
    assert target.name in {raw.name for m in found for raw in m.raw_inputs}


def test_a_dbn_file_of_the_day_is_preferred_and_the_parquet_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ctx = context(tmp_path, "QQQ", "equity_mbo")
    path, build = equity(ctx)
    write_client_parquet(path, path.with_name("xnas-itch-20240312.mbo.parquet"))
    (manifest,) = build(ctx, DAY)
    assert [raw.name for raw in manifest.raw_inputs] == [path.name]
    assert "its other form xnas-itch-20240312.mbo.parquet is not" in caplog.text


def test_options_on_futures_need_no_symbol_column(tmp_path: Path) -> None:
    ctx = context(tmp_path, "ES", "future_option_mbo")
    put_definitions(ctx)
    reference.build_reference(ctx, DAY)
    path = put(ctx, "mbo", orders([CALL.number, PUT.number]), mappings_of([CALL, PUT]))
    expected = bronze.build_bronze(ctx, DAY)
    as_parquet(path, map_symbols=False)
    assert contents(bronze.build_bronze(ctx, DAY)) == contents(expected)


def equity_option_statistics(ctx: StageContext) -> tuple[Path, Build]:
    listed = [QQQ_CALL, QQQ_LATER]
    put(ctx, "definition", definitions(listed), mappings_of(listed))
    records = statistics([row.number for row in listed])
    return put(ctx, "statistics", records, mappings_of(listed)), reference.build_reference


OTHERS = [CASES[0], CASES[4], CASES[5]]
NAMED = {
    "future_mbo": [Defined(number, name, "") for name, number in MAPPINGS.items()],
    "equity_mbo": [Defined(5, "QQQ", ""), Defined(6, "SPY", "")],
    "equity_option_cmbp_1": [QQQ_CALL, QQQ_LATER],
}


@pytest.mark.parametrize(
    ("root", "product_type", "case"),
    [*OTHERS, ("QQQ", "equity_option_cmbp_1", equity_option_statistics)],
)
def test_the_days_definitions_name_what_a_file_without_symbols_does_not(
    tmp_path: Path,
    root: str,
    product_type: str,
    case: Callable[[StageContext], tuple[Path, Build]],
) -> None:
    ctx = context(tmp_path, root, product_type)
    path, build = case(ctx)
    expected = build(ctx, DAY)
    named = put(ctx, "definition", definitions(NAMED[product_type]), {})
    as_parquet(path, map_symbols=False)
    found = build(ctx, DAY)
    assert contents(found) == contents(expected)
    # The names are part of what bronze is made of: other definitions make it stale.
    parameter = "named_by_definitions_sha256"
    told = [m for m in found if not m.dataset.endswith(".definition")]
    assert told
    assert all(parameter in m.parameters for m in told)
    as_parquet(named, map_symbols=False)  # which names itself
    again = build(ctx, DAY)
    assert contents(again) == contents(expected)
    assert told[0].parameters[parameter] != again[-1].parameters[parameter]


@pytest.mark.parametrize(("root", "product_type", "case"), OTHERS)
def test_others_say_how_to_write_the_symbols(
    tmp_path: Path,
    root: str,
    product_type: str,
    case: Callable[[StageContext], tuple[Path, Build]],
) -> None:
    ctx = context(tmp_path, root, product_type)
    path, build = case(ctx)
    as_parquet(path, map_symbols=False)
    with pytest.raises(UnknownSymbolError, match="with map_symbols, or the day's definitions do"):
        build(ctx, DAY)


def test_bad_parquet_is_named_and_publishes_nothing(tmp_path: Path) -> None:
    ctx = context(tmp_path, "QQQ", "equity_mbo")
    path, build = equity(ctx)
    target = as_parquet(path)
    whole = target.read_bytes()
    target.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TruncatedFileError, match=r"20240312\.mbo\.parquet"):
        build(ctx, DAY)
    target.write_bytes(whole)
    other = target.with_name("xnas-itch-20240313.mbo.parquet")
    target.rename(other)
    with pytest.raises(WrongDayError, match="record 0: expected a ts_recv in the UTC day"):
        build(ctx, DAY.replace(day=13))
    assert list(ctx.lake.partitions()) == []


def test_a_day_of_many_row_groups_is_streamed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ctx = context(tmp_path, "QQQ", "equity_mbo")
    path = put(ctx, "mbo", orders([5], 150_000), {"QQQ": 5})
    expected = bronze.build_bronze(ctx, DAY)
    target = as_parquet(path)
    table = pq.read_table(target)
    told: list[int] = []
    for rows in (7_000, 150_000):
        pq.write_table(table, target, row_group_size=rows)
        found = bronze.build_bronze(ctx, DAY)
        assert contents(found) == contents(expected)
        told.append(found[0].row_count)
    assert told == [150_000, 150_000]
