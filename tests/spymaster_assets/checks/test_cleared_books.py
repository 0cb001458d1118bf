"""A book that its venue clears in mid-session: invalid windows, and no check that stops the day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from spymaster_assets.checks.check import run_checks
from spymaster_assets.checks.subject import published
from spymaster_assets.checks.tables import checks_of
from spymaster_assets.products import PIPELINES
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.raw import raw_folder
from spymaster_resources.dbn.stream import open_dbn
from spymaster_resources.instruments import EQUITY, EQUITY_OPTION, FUTURE, FUTURE_OPTION, instrument
from spymaster_resources.lake import Lake
from spymaster_resources.simulator.rewriting import writer_like
from spymaster_resources.simulator.session import Scale, Session
from spymaster_resources.trading_calendar import TradingCalendar

DT = date(2026, 1, 6)
SCALE = Scale.named("tiny")
NULL_PRICE = np.iinfo(np.int64).max
F_LAST = 128
ROOTS = {FUTURE: "ES", FUTURE_OPTION: "ES", EQUITY: "QQQ", EQUITY_OPTION: "QQQ"}
DEPTHS = [
    f"silver.{FUTURE}.depth_and_flow_1s",
    f"silver.{FUTURE_OPTION}.depth_and_flow_1s",
    f"silver.{EQUITY}.depth_and_flow_1s",
    f"silver.{EQUITY}.depth_and_flow_tick_1s",
    f"silver.{EQUITY_OPTION}.depth_and_flow_1s",
]


def clear_some_books(path: Path) -> None:
    """Turn some of the last twentieth of the file's records into clears of their instruments.

    Until then trades met a whole book: orders that a clear forgot are filled as unknown ones.
    """
    whole = path.rename(path.with_name(f"{path.name}.whole"))
    dbn = open_dbn(whole)
    with writer_like(dbn, path) as writer:
        for chunk in dbn.records(schema=str(dbn.metadata.schema)):
            records = chunk.copy()
            live = np.arange(len(records) * 19 // 20, len(records), 100)
            records["action"][live], records["side"][live] = ord("R"), ord("N")
            records["price"][live], records["size"][live] = NULL_PRICE, 0
            records["flags"][live] |= F_LAST
            writer.write(records)
    whole.unlink()


@pytest.fixture(scope="module")
def cleared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, StageContext]:
    """Return the surroundings of each product of a lake with silver of such a day."""
    root = tmp_path_factory.mktemp("lake")

    def folder_of(product: str, schema: str) -> Path:
        folder = root / raw_folder(product, ROOTS[product], schema)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    Session(instrument("ES", FUTURE), "QQQ", DT, SCALE, seed=11).write(list(ROOTS), folder_of)
    for path in [*root.rglob("*.mbo.dbn.zst"), *root.rglob("*.cmbp-1.dbn.zst")]:
        clear_some_books(path)
    contexts = {}
    for product, name in ROOTS.items():
        row = instrument(name, product)
        session = SCALE.equity.session if name == "QQQ" else SCALE.future.session
        ctx = StageContext(Lake(str(root)), row, TradingCalendar(row.calendar), session)
        for stage in PIPELINES[product].stages:
            if stage.layer.value in ("bronze", "silver"):
                stage.build(
                    ctx, "ESH6" if stage.layer.value == "silver" and name == "ES" else name, DT
                )
        contexts[product] = ctx
    return contexts


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_clear_in_mid_session_stops_nobody(cleared: dict[str, StageContext], depth: str) -> None:
    product = depth.split(".")[1]
    ctx = cleared[product]
    manifest = ctx.lake.manifest(depth, "ESH6" if ROOTS[product] == "ES" else "QQQ", DT)
    assert manifest is not None
    outcomes = run_checks(checks_of(depth), published(ctx.lake, manifest), ctx=ctx)
    assert [o.sentence for o in outcomes if o.check.blocking and o.finding.offending] == []
    assert restarted(ctx, depth) > 0


def restarted(ctx: StageContext, depth: str) -> int:
    """Return how many accounts do not begin where the second before ended; all are invalid."""
    table = ctx.lake.read(depth, "ESH6" if ROOTS[depth.split(".")[1]] == "ES" else "QQQ", DT)
    keys = [
        n for n in ("price_int", "strike_price_int", "right", "side") if n in table.column_names
    ]
    ends = {(r["window_end_ts_ns"], *(r[k] for k in keys)): r for r in table.to_pylist()}
    count = 0
    for row in ends.values():
        before = ends.get((row["window_start_ts_ns"], *(row[k] for k in keys)))
        if before is not None and before["depth_qty_end"] != row["depth_qty_start"]:
            assert not row["window_valid"]
            count += 1
    return count
