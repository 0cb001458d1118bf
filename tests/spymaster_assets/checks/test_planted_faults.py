"""Days with a fault of the simulated exchange: it shows in its check, with its count."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from spymaster_assets.checks.check import run_checks
from spymaster_assets.checks.subject import published
from spymaster_assets.checks.tables import checks_of
from spymaster_assets.stages.bronze import build_bronze
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.raw import raw_folder
from spymaster_assets.stages.silver import build_silver
from spymaster_resources.settings import Settings
from spymaster_resources.simulator.faults import plant_faults, spread
from spymaster_resources.simulator.planter import FaultKind
from tests.spymaster_assets.conftest import MONDAY, TINY

MBO = "bronze.future_mbo.mbo"
SNAPSHOT = "silver.future_mbo.book_snapshot_1s"
DEPTH = "silver.future_mbo.depth_and_flow_1s"
SYMBOL = "ESH6"
TICK = 250_000_000
SHOWN = {
    FaultKind.DUPLICATE_ID: (SNAPSHOT, "replay_counters", "duplicate_adds"),
    FaultKind.UNKNOWN_CANCEL: (SNAPSHOT, "replay_counters", "unknown_cancels"),
    FaultKind.UNKNOWN_MODIFY: (SNAPSHOT, "replay_counters", "unknown_modifies"),
    FaultKind.LATE: (SNAPSHOT, "replay_counters", "late_records"),
    FaultKind.NULL_PRICE: (MBO, "rejected_share", "rejected"),
    FaultKind.FAT_FINGER: (MBO, "far_prices", ""),
}
"""The table and check in which a fault shows, and the number that counts it."""
COUNTED_WITHOUT_A_LIMIT = {"rejected_share"}
"""Fewer than one in a thousand is not red, but told."""


def damaged(folder: Path, source: Path, kind: FaultKind) -> StageContext:
    """Return the surroundings of a lake with bronze and silver of a day with one fault."""
    settings = Settings(lake=str(folder / "lake"), session=TINY.session)
    raw = Path(settings.lake) / raw_folder("future_mbo", "ES")
    raw.mkdir(parents=True)
    faults = spread([kind], 12_000, seed=3, count=40)
    (planted,) = plant_faults(source, raw / source.name, faults, tick_int=TICK)
    assert planted.kind is kind
    ctx = StageContext.from_settings(settings, "ES", "future_mbo")
    build_bronze(ctx, MONDAY)
    build_silver(ctx, SYMBOL, MONDAY)
    return ctx


@pytest.mark.parametrize("kind", SHOWN)
def test_a_fault_shows_once_in_its_check_and_nowhere_else(
    kind: FaultKind, tiny_days: dict[date, Path], tmp_path: Path
) -> None:
    ctx = damaged(tmp_path, tiny_days[MONDAY], kind)
    dataset, name, number = SHOWN[kind]
    red = set()
    for key in (MBO, SNAPSHOT, DEPTH):
        manifest = ctx.lake.manifest(key, SYMBOL, MONDAY)
        assert manifest is not None
        for outcome in run_checks(checks_of(key), published(ctx.lake, manifest), ctx=ctx):
            if not outcome.passed:
                red.add((key, outcome.check.name))
                assert not outcome.check.blocking
            if (key, outcome.check.name) == (dataset, name):
                finding = outcome.finding
                assert (finding.numbers[number] if number else finding.offending) == 1
    expected = set() if name in COUNTED_WITHOUT_A_LIMIT else {(dataset, name)}
    assert red == expected
