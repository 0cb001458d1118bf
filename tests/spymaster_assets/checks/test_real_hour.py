"""A real hour of trading passes every check of bronze and silver, and nothing of it is rejected."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from spymaster_assets.checks.check import run_checks
from spymaster_assets.checks.subject import published
from spymaster_assets.checks.tables import checks_of
from spymaster_assets.stages.bronze import build_bronze
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.raw import raw_folder
from spymaster_assets.stages.silver import build_silver
from spymaster_resources.settings import Settings
from spymaster_resources.trading_calendar import SessionWindow

FILE = "esh4-glbx-mdp3-20231225.mbo.dbn.zst"
DAY = date(2023, 12, 25)


def test_a_real_hour_is_green_and_complete(real_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "lake" / raw_folder("future_mbo", "ES")
    folder.mkdir(parents=True)
    (folder / FILE).symlink_to(real_data / "glbx-mbo" / FILE)
    settings = Settings(
        lake=str(tmp_path / "lake"), calendar="any", session=SessionWindow.parse("18:00-18:59")
    )
    ctx = StageContext.from_settings(settings, "ES", "future_mbo")
    (records,) = build_bronze(ctx, DAY)
    assert records.row_count == 68_792
    assert not any(records.counters[n] for n in records.counters if n.startswith("rejected_"))
    for manifest in (records, *build_silver(ctx, "ESH4", DAY)):
        partition = published(ctx.lake, manifest)
        outcomes = run_checks(checks_of(manifest.dataset), partition, ctx=ctx)
        assert [o.sentence for o in outcomes if not o.passed or o.finding.not_run] == []
