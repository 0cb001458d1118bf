"""Bronze of equities holds the ticker's records of all publishers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from contracts.errors import UnknownSymbolError, WrongDayError
from spymaster_assets.stages.bronze import build_bronze, current_bronze
from spymaster_assets.stages.context import StageContext
from spymaster_resources.dbn.header import encode_metadata
from spymaster_resources.dbn.stream import open_dbn
from tests.spymaster_assets.stages.option_days import context, put
from tests.spymaster_assets.stages.test_bronze import assert_holds
from tests.spymaster_resources.dbn.dbn_records import DAY, some_records

MBO = "bronze.equity_mbo.mbo"
MAPPINGS = {"QQQ": 13_340, "QQQX": 13_341, "SPY": 16_000}


@pytest.fixture
def ctx(tmp_path: Path) -> StageContext:
    return context(tmp_path, "QQQ", "equity_mbo")


def records_of(rows: int) -> NDArray[np.void]:
    records = some_records(rows)
    records["instrument_id"] = np.array(list(MAPPINGS.values()))[np.arange(rows) % 3]
    records["publisher_id"] = np.array([2, 88, 43, 81])[np.arange(rows) % 4]
    return records


def test_the_ticker_gets_its_records_and_others_are_counted(ctx: StageContext) -> None:
    records = records_of(1_000)
    put(ctx, "mbo", records, MAPPINGS)
    (manifest,) = build_bronze(ctx, DAY)
    place = np.flatnonzero(records["instrument_id"] == MAPPINGS["QQQ"])
    table = ctx.lake.read(MBO, "QQQ", DAY)
    assert (manifest.symbol, manifest.row_count) == ("QQQ", len(place))
    assert table["feed_seq"].to_pylist() == place.tolist()
    assert_holds(table, records[place], "QQQ")
    assert set(table["publisher_id"].to_pylist()) == {2, 88, 43, 81}
    assert manifest.counters["left_out_records"] == 1_000 - len(place)
    assert manifest.counters["left_out_instruments"] == 2
    assert current_bronze(ctx, DAY) == [manifest]
    assert build_bronze(ctx, DAY) == [manifest]


@pytest.mark.parametrize("said", [{"symbols": ("QQQ",)}, {"not_found": ("QQQ",)}])
def test_a_day_on_which_the_ticker_is_not_listed_is_empty(
    ctx: StageContext, said: dict[str, tuple[str, ...]]
) -> None:
    path = put(ctx, "mbo", some_records(0), {}, name="xnas-itch-20240312.mbo.dbn")
    metadata = replace(open_dbn(path).metadata, symbols=())
    path.write_bytes(encode_metadata(replace(metadata, **said)))  # type: ignore[arg-type]
    (manifest,) = build_bronze(ctx, DAY)
    assert (manifest.symbol, manifest.row_count) == ("QQQ", 0)
    assert current_bronze(ctx, DAY) == [manifest]


def test_a_listed_ticker_without_records_is_empty(ctx: StageContext) -> None:
    put(ctx, "mbo", some_records(0), MAPPINGS)
    assert [m.row_count for m in build_bronze(ctx, DAY)] == [0]


def test_a_file_of_other_tickers_is_refused(ctx: StageContext) -> None:
    put(ctx, "mbo", records_of(3), {"QQQX": 13_341}, symbols=["QQQX"])
    with pytest.raises(UnknownSymbolError, match="the ticker QQQ on 2024-03-12, found none among"):
        build_bronze(ctx, DAY)


def test_a_record_of_another_day_is_named(ctx: StageContext) -> None:
    records = records_of(10)
    records["ts_recv"][4] = 0
    put(ctx, "mbo", records, MAPPINGS)
    with pytest.raises(WrongDayError, match="record 4: expected a ts_recv"):
        build_bronze(ctx, DAY)
