"""Silver of the simulated market from its raw files: a ticker's three tables, a chain's two."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from contracts.errors import PartitionMissingError
from spymaster_assets.stages import bronze, option_silver, reference, silver
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.raw import raw_folder
from spymaster_resources.instruments import EQUITY, FUTURE, FUTURE_OPTION, instrument
from spymaster_resources.lake import Lake, Manifest
from spymaster_resources.simulator.session import ProductDay, Scale, Session
from spymaster_resources.simulator.truth import truth_file
from spymaster_resources.trading_calendar import TradingCalendar

DT = date(2026, 1, 6)
SCALE = Scale.named("tiny")
EQUITY_TABLES = {
    "snapshot": "silver.equity_mbo.book_snapshot_1s",
    "depth": "silver.equity_mbo.depth_and_flow_1s",
    "fine": "silver.equity_mbo.depth_and_flow_tick_1s",
}
OPTION_TABLES = {"snapshot": option_silver.SNAPSHOT, "depth": option_silver.DEPTH}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lake")


@pytest.fixture(scope="module")
def days(root: Path) -> dict[str, ProductDay]:
    """Write the raw files of a small market into a lake, each product's truth beside them."""
    roots = {EQUITY: "QQQ"}

    def folder_of(product: str, schema: str) -> Path:
        folder = root / raw_folder(product, roots.get(product, "ES"), schema)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    session = Session(instrument("ES", FUTURE), "QQQ", DT, SCALE, seed=11)
    written = session.write([FUTURE, FUTURE_OPTION, EQUITY], folder_of)
    return {day.product_type: day for day in written}


def context(root: Path, ticker: str, product: str) -> StageContext:
    row = instrument(ticker, product)
    session = SCALE.equity.session if product == EQUITY else SCALE.future.session
    return StageContext(Lake(str(root)), row, TradingCalendar(row.calendar), session)


@pytest.fixture(scope="module")
def ticker(root: Path, days: dict[str, ProductDay]) -> StageContext:
    ctx = context(root, "QQQ", EQUITY)
    bronze.build_bronze(ctx, DT)
    return ctx


@pytest.fixture(scope="module")
def options(root: Path, days: dict[str, ProductDay]) -> StageContext:
    """Return the context of the options, with all that their silver needs but the future's."""
    bronze.build_bronze(context(root, "ES", FUTURE), DT)
    ctx = context(root, "ES", FUTURE_OPTION)
    reference.build_reference(ctx, DT)
    bronze.build_bronze(ctx, DT)
    return ctx


def underlying(days: dict[str, ProductDay]) -> str:
    """Return the future that has options."""
    stem = days[FUTURE_OPTION].path.name.removesuffix(".dbn.zst")
    (found,) = days[FUTURE_OPTION].path.parent.glob(f"{stem}.truth.*.depth.parquet")
    return found.name.split(".")[-3]


def assert_truth(ctx: StageContext, symbol: str, raw: Path, tables: dict[str, str]) -> None:
    for name, table in tables.items():
        truth = pq.read_table(truth_file(raw, symbol, name))
        if table == option_silver.SNAPSHOT:
            keys = ("window_end_ts_ns", "instrument_id")
            truth = truth.sort_by([(key, "ascending") for key in keys])
        found = ctx.lake.read(table, symbol, DT, truth.column_names)
        assert found.num_rows == truth.num_rows > 0
        for column in truth.column_names:
            assert found[column].to_pylist() == truth[column].to_pylist(), (table, column)


def again(first: list[Manifest], second: list[Manifest]) -> None:
    assert [m.sha256 for m in first] == [m.sha256 for m in second]


def test_a_tickers_three_tables_are_the_truth_of_the_exchange(
    ticker: StageContext, days: dict[str, ProductDay]
) -> None:
    manifests = silver.build_silver(ticker, "QQQ", DT)
    assert [m.dataset for m in manifests] == list(EQUITY_TABLES.values())
    assert_truth(ticker, "QQQ", days[EQUITY].path, EQUITY_TABLES)
    for manifest in manifests:
        assert manifest.counters["opening"] == "clear"
        assert manifest.counters["windows"] == days[EQUITY].windows
        assert manifest.parameters["cell_int"] == 500_000_000
        assert manifest.parameters["fine_cell_int"] == 50_000_000
    again(manifests, silver.build_silver(ticker, "QQQ", DT))
    assert silver.recipe(ticker, "QQQ", DT).current(ticker.lake, "QQQ", DT) is not None


def test_a_chains_two_tables_are_the_truth_of_the_exchange(
    root: Path, options: StageContext, days: dict[str, ProductDay]
) -> None:
    symbol = underlying(days)
    with pytest.raises(PartitionMissingError, match=r"silver\.future_mbo\.book_snapshot_1s"):
        option_silver.build_silver(options, symbol, DT)
    silver.build_silver(context(root, "ES", FUTURE), symbol, DT)
    told: list[tuple[str, int, int | None]] = []
    manifests = option_silver.build_silver(
        replace(options, progress=lambda *step: told.append(step)), symbol, DT
    )
    windows = days[FUTURE_OPTION].windows
    assert told[-1] == ("silver", windows, windows)
    assert [m.dataset for m in manifests] == list(OPTION_TABLES.values())
    assert_truth(options, symbol, days[FUTURE_OPTION].path, OPTION_TABLES)
    bronze_of = options.lake.manifest("bronze.future_option_mbo.mbo", symbol, DT)
    assert bronze_of is not None
    for manifest in manifests:
        counters = manifest.counters
        assert counters["records"] == bronze_of.row_count
        assert (
            counters["instruments"]
            == counters["instruments_seen"]
            == len(days[FUTURE_OPTION].symbols)
        )
        assert counters["windows_without_spot"] == counters["unknown_cancels"] == 0
        assert [ref.dataset for ref in manifest.inputs] == [
            "bronze.future_option_mbo.definition",
            "bronze.future_option_mbo.mbo",
            "silver.future_mbo.book_snapshot_1s",
        ]
    again(manifests, option_silver.build_silver(options, symbol, DT))
    assert option_silver.recipe(options, symbol, DT).current(options.lake, symbol, DT) is not None
