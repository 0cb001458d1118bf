"""Silver of quotes from a lake: the simulated tape from raw to both tables, and their manifests."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import ContractError, PartitionMissingError
from contracts.registry import dataset
from spymaster_assets.stages import quote_bronze, quote_silver
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.quote_tables import DEPTH, SNAPSHOT
from spymaster_assets.stages.raw import raw_folder
from spymaster_resources.instruments import instrument
from spymaster_resources.lake import Lake
from spymaster_resources.simulator.equities import equity_prices
from spymaster_resources.simulator.equity_options import simulate_equity_options_day
from spymaster_resources.simulator.futures import future_prices
from spymaster_resources.simulator.path import PricePath
from spymaster_resources.simulator.sizes import EQUITY_OPTION_SIZES, EQUITY_SIZES, SIZES
from spymaster_resources.simulator.truth import truth_file
from spymaster_resources.trading_calendar import SECOND_NS, TradingCalendar

DT = date(2026, 1, 6)
SEED = 11
UNDERLYING = "silver.equity_mbo.book_snapshot_1s"
BUCKET = 500_000_000


@pytest.fixture(scope="module")
def equity() -> PricePath:
    future = future_prices(instrument("ES", "future_mbo"), DT, SIZES["tiny"], seed=SEED)
    return equity_prices(DT, EQUITY_SIZES["tiny"], future, seed=SEED)


@pytest.fixture(scope="module")
def raw(equity: PricePath, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    size = EQUITY_OPTION_SIZES["tiny"]
    return simulate_equity_options_day("QQQ", DT, size, folder, equity, seed=SEED).path


@pytest.fixture
def ctx(tmp_path: Path, raw: Path) -> StageContext:
    """Return a context on a lake with the simulated day in bronze."""
    ctx = StageContext(
        Lake(str(tmp_path)),
        instrument("QQQ", "equity_option_cmbp_1"),
        TradingCalendar("XNYS"),
        EQUITY_OPTION_SIZES["tiny"].session,
    )
    folder = tmp_path / raw_folder("equity_option_cmbp_1", "QQQ", "cmbp-1")
    folder.mkdir(parents=True)
    (folder / raw.name).hardlink_to(raw)
    quote_bronze.build_bronze(ctx, DT)
    return ctx


def put_underlying(ctx: StageContext, equity: PricePath, *, without: int | None = None) -> None:
    """Publish the ticker's snapshots; `without`: the window to leave out."""
    spots = (2 * equity.spot_int + BUCKET) // (2 * BUCKET) * BUCKET
    rows = [n for n in range(spots.size) if n != without]
    columns = {
        "window_start_ts_ns": equity.window_end_ns[rows] - SECOND_NS,
        "window_end_ts_ns": equity.window_end_ns[rows],
        "spot_ref_price_int": spots[rows],
    }
    schema = dataset(UNDERLYING).schema
    arrays = []
    for field in schema:
        empty = pa.array([None if field.nullable else 0] * len(rows)).cast(field.type)
        arrays.append(pa.array(columns[field.name]) if field.name in columns else empty)
    with ctx.lake.writer(
        UNDERLYING, "QQQ", DT, parameters={}, inputs=[], code_version="1"
    ) as writer:
        writer.write(pa.Table.from_arrays(arrays, schema=schema))
        writer.publish()


def test_the_simulated_tape_gives_its_truth_from_raw_to_silver(
    ctx: StageContext, equity: PricePath, raw: Path
) -> None:
    put_underlying(ctx, equity)
    manifests = quote_silver.build_silver(ctx, "QQQ", DT)
    assert [m.dataset for m in manifests] == [SNAPSHOT, DEPTH]
    for name, table in (("snapshot", SNAPSHOT), ("depth", DEPTH)):
        truth = pq.read_table(truth_file(raw, "QQQ", name))
        found = ctx.lake.read(table, "QQQ", DT, truth.column_names)
        if name == "snapshot":
            truth = truth.sort_by(
                [("window_end_ts_ns", "ascending"), ("instrument_id", "ascending")]
            )
        for column in truth.column_names:
            assert found[column].to_pylist() == truth[column].to_pylist(), column


def test_manifests_carry_counters_inputs_and_the_session(
    ctx: StageContext, equity: PricePath
) -> None:
    put_underlying(ctx, equity)
    for manifest in quote_silver.build_silver(ctx, "QQQ", DT):
        counters = manifest.counters
        bronze = ctx.lake.manifest(quote_bronze.DATASET, "QQQ", DT)
        assert bronze is not None
        assert counters["records"] == bronze.row_count == counters["events"]
        assert counters["trades"] == bronze.counters["action_T"]
        assert counters["instruments"] == bronze.counters["instruments"]
        assert counters["windows"] == equity.window_end_ns.size
        assert counters["late_records"] == counters["fills_unknown_order"] == 0
        assert [ref.dataset for ref in manifest.inputs] == [quote_bronze.DATASET, UNDERLYING]
        assert manifest.parameters["strike_step_int"] == 1_000_000_000
        assert manifest.parameters["session"] == str(ctx.session)


def test_again_gives_the_same_bytes_and_another_spot_makes_it_stale(
    ctx: StageContext, equity: PricePath
) -> None:
    put_underlying(ctx, equity)
    first = quote_silver.build_silver(ctx, "QQQ", DT)
    assert quote_silver.recipe(ctx, "QQQ", DT).current(ctx.lake, "QQQ", DT) == first
    assert [m.sha256 for m in quote_silver.build_silver(ctx, "QQQ", DT)] == [
        m.sha256 for m in first
    ]
    put_underlying(ctx, replace(equity, spot_int=equity.spot_int + 3 * BUCKET))
    assert quote_silver.recipe(ctx, "QQQ", DT).current(ctx.lake, "QQQ", DT) is None


def test_progress_counts_the_windows(ctx: StageContext, equity: PricePath) -> None:
    told: list[tuple[str, int, int | None]] = []
    put_underlying(ctx, equity)
    quote_silver.build_silver(replace(ctx, progress=lambda *step: told.append(step)), "QQQ", DT)
    total = equity.window_end_ns.size
    assert told[-1] == ("silver", total, total)


def test_without_the_tickers_snapshots_there_is_no_silver(
    ctx: StageContext, equity: PricePath
) -> None:
    with pytest.raises(PartitionMissingError, match="book_snapshot_1s"):
        quote_silver.build_silver(ctx, "QQQ", DT)
    put_underlying(ctx, equity, without=7)
    end = int(equity.window_end_ns[7])
    when = np.datetime64(end, "ns")
    with pytest.raises(ContractError, match=f"window ending at {end} \\({when}Z\\), found none"):
        quote_silver.build_silver(ctx, "QQQ", DT)
    assert ctx.lake.manifest(SNAPSHOT, "QQQ", DT) is None
