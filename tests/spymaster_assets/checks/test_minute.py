"""The minute that is replayed order by order, where a snapshot says what no order's life does."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np

from spymaster_assets.checks.check import run_checks
from spymaster_assets.checks.subject import published
from spymaster_assets.checks.tables import checks_of
from spymaster_assets.stages.bronze import build_bronze
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.raw import raw_folder
from spymaster_assets.stages.silver import build_silver
from spymaster_resources.dbn.stream import open_dbn
from spymaster_resources.settings import Settings
from spymaster_resources.simulator.rewriting import writer_like
from spymaster_resources.trading_calendar import SECOND_NS
from tests.spymaster_assets.conftest import MONDAY, TINY

F_SNAPSHOT = 32


def test_orders_that_a_snapshot_dates_ahead_are_not_called_wrong(
    tiny_days: dict[date, Path], tmp_path: Path
) -> None:
    source = tiny_days[MONDAY]
    folder = tmp_path / "lake" / raw_folder("future_mbo", "ES")
    folder.mkdir(parents=True)
    dbn = open_dbn(source)
    with writer_like(dbn, folder / source.name) as writer:
        for chunk in dbn.records():
            records = chunk.copy()
            live = records["flags"] & F_SNAPSHOT == 0
            records["ts_event"][~live] = np.max(records["ts_event"]) + 3600 * SECOND_NS
            writer.write(records)
    ctx = StageContext.from_settings(
        Settings(lake=str(tmp_path / "lake"), session=TINY.session), "ES", "future_mbo"
    )
    build_bronze(ctx, MONDAY)
    _, depth = build_silver(ctx, "ESH6", MONDAY)
    outcomes = run_checks(checks_of(depth.dataset), published(ctx.lake, depth), ctx=ctx)
    assert [o.sentence for o in outcomes if not o.passed] == []
    (minute,) = (o for o in outcomes if o.check.name == "minute_replay")
    assert minute.finding.not_run.endswith("snapshot records are dated after it began")
