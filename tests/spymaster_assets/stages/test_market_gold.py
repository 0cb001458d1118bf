"""Gold of the simulated market: from the exchange's own truth, every surface of every product."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from contracts.registry import dataset
from spymaster_assets.stages import gold, option_gold
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.gold_batches import option_column
from spymaster_assets.stages.gold_input import QUANTITIES
from spymaster_assets.stages.surface_tables import SurfaceTable, surface_tables
from spymaster_resources.instruments import (
    EQUITY,
    EQUITY_OPTION,
    FUTURE,
    FUTURE_OPTION,
    instrument,
)
from spymaster_resources.lake import Lake
from spymaster_resources.simulator.session import Scale, Session
from spymaster_resources.trading_calendar import SessionWindow, TradingCalendar
from tests.book_engines.surface_cases import dense
from tests.naive.surface import NaiveCell, NaiveWindow, surfaces

DT = date(2026, 1, 6)
WINDOWS = 6
PRODUCTS = {FUTURE: "ES", FUTURE_OPTION: "ES", EQUITY: "QQQ", EQUITY_OPTION: "QQQ"}
SYMBOL = "ESH6"
REPRICES = ("add_reprice_qty", "pull_reprice_qty")


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small market's raw files and their truth."""
    root = tmp_path_factory.mktemp("market")

    def folder_of(product: str, schema: str) -> Path:
        folder = root / product / schema
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    session = Session(instrument("ES", FUTURE), "QQQ", DT, Scale.named("tiny"), seed=11)
    session.write(list(PRODUCTS), folder_of)
    return root


def truth(market: Path, product: str, name: str) -> pa.Table:
    """Return the first windows of the truth of a table, with most rows where there are several."""
    found = market.glob(f"{product}/*/*.truth.*.{name}.parquet")
    table = max((pq.read_table(path) for path in found), key=len)
    first = pc.min(table["window_end_ts_ns"]).as_py()
    kept = table.filter(pc.less(table["window_end_ts_ns"], first + WINDOWS * 1_000_000_000))
    if "instrument_id" in kept.column_names:
        kept = kept.sort_by([(n, "ascending") for n in ("window_end_ts_ns", "instrument_id")])
    return kept


def publish(ctx: StageContext, key: str, table: pa.Table) -> None:
    """Publish the truth as silver; nothing in it is flagged."""
    schema = dataset(key).schema
    columns = [
        table[field.name].cast(field.type)
        if field.name in table.column_names
        else pa.array(np.zeros(len(table), np.bool_)).cast(field.type)
        for field in schema
    ]
    with ctx.lake.writer(key, SYMBOL, DT, parameters={}, inputs=[], code_version="1") as writer:
        writer.write(pa.table(columns, schema=schema))
        writer.publish()


def naive_windows(
    table: SurfaceTable, depth: pa.Table, snapshot: pa.Table | None
) -> list[NaiveWindow]:
    """Return the windows of a depth table, with the best prices of the snapshots if any."""
    params = table.params
    windows: dict[int, NaiveWindow] = {}
    for row in depth.to_pylist():
        spot = row["spot_ref_price_int"] // params.rel_tick_int
        end = row["window_end_ts_ns"]
        window = windows.setdefault(end, NaiveWindow(spot, None, None, row["window_valid"]))
        price = row.get("price_int", row.get("strike_price_int"))
        quantities = {name: row.get(name, 0) for name in (*QUANTITIES, *REPRICES)}
        lane = row.get("right", "") + row["side"]
        window.cells[price // params.cell_int, lane] = NaiveCell(**quantities)
    for row in snapshot.to_pylist() if snapshot else []:
        window = windows[row["window_end_ts_ns"]]
        window.best_bid, window.best_ask = (
            None if price is None else price // params.tick_int
            for price in (row["best_bid_price_int"], row["best_ask_price_int"])
        )
    return [windows[end] for end in sorted(windows)]


def context(root: Path, product: str) -> StageContext:
    window = SessionWindow.parse("09:30-09:31")
    row = instrument(PRODUCTS[product], product)
    return StageContext(Lake(str(root)), row, TradingCalendar("any"), window)


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_surface_is_the_naive_one_of_the_truth(
    product: str, market: Path, tmp_path: Path
) -> None:
    ctx = context(tmp_path, product)
    is_option = product in {FUTURE_OPTION, EQUITY_OPTION}
    build: Callable[..., Any] = option_gold.build_gold if is_option else gold.build_gold
    name: Callable[[str], str] = option_column if is_option else str
    tables = dict(zip(("depth", "fine"), surface_tables(ctx.instrument), strict=False))
    depths = {kind: truth(market, product, kind) for kind in tables}
    snapshot = truth(market, product, "snapshot")
    publish(ctx, tables["depth"].snapshot, snapshot)
    for kind, table in tables.items():
        publish(ctx, table.depth, depths[kind])
    build(ctx, SYMBOL, DT)
    for kind, table in tables.items():
        windows = naive_windows(table, depths[kind], None if is_option else snapshot)
        assert len(windows) == WINDOWS
        found = ctx.lake.read(table.gold, SYMBOL, DT)
        for column, expected in dense(table.params, surfaces(table.params, windows)).items():
            values = found[name(column)].to_numpy().reshape(expected.shape)
            np.testing.assert_allclose(values, expected, rtol=1e-7, atol=1e-11, err_msg=column)
        velocity = found[name("liquidity_velocity")].to_numpy()
        assert np.count_nonzero(velocity) > 10 * WINDOWS
