"""Days with a fault of the simulated exchange: it shows in its check, with its count."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from spymaster_assets.checks.check import Finding, run_checks
from spymaster_assets.checks.subject import published
from spymaster_assets.checks.tables import checks_of
from spymaster_assets.stages.bronze import build_bronze
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.raw import raw_folder
from spymaster_assets.stages.silver import build_silver
from spymaster_resources.dbn.stream import open_dbn
from spymaster_resources.settings import Settings
from spymaster_resources.simulator.faults import plant_faults, spread
from spymaster_resources.simulator.planter import Fault, FaultKind
from tests.spymaster_assets.conftest import MONDAY, TINY

MBO = "bronze.future_mbo.mbo"
SNAPSHOT = "silver.future_mbo.book_snapshot_1s"
DEPTH = "silver.future_mbo.depth_and_flow_1s"
SYMBOL = "ESH6"
TICK = 250_000_000
UNUSED_IDS = 9_000_000_000_000_000  # of planted orders
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


def damaged(folder: Path, source: Path, fault: Fault) -> StageContext:
    """Return the surroundings of a lake with bronze and silver of a day with one fault."""
    settings = Settings(lake=str(folder / "lake"), session=TINY.session)
    raw = Path(settings.lake) / raw_folder("future_mbo", "ES")
    raw.mkdir(parents=True)
    (planted,) = plant_faults(source, raw / source.name, [fault], tick_int=TICK)
    assert planted.kind is fault.kind
    ctx = StageContext.from_settings(settings, "ES", "future_mbo")
    build_bronze(ctx, MONDAY)
    build_silver(ctx, SYMBOL, MONDAY)
    return ctx


@pytest.mark.parametrize("kind", SHOWN)
def test_a_fault_shows_once_in_its_check_and_nowhere_else(
    kind: FaultKind, tiny_days: dict[date, Path], tmp_path: Path
) -> None:
    (fault,) = spread([kind], 12_000, seed=3, count=40)
    ctx = damaged(tmp_path, tiny_days[MONDAY], fault)
    dataset, name, number = SHOWN[kind]
    findings, red = found(ctx)
    finding = findings[dataset, name]
    assert (finding.numbers[number] if number else finding.offending) == 1
    assert red == (set() if name in COUNTED_WITHOUT_A_LIMIT else {(dataset, name)})


def found(ctx: StageContext) -> tuple[dict[tuple[str, str], Finding], set[tuple[str, str]]]:
    """Return what every check found and which are red; none of those may be blocking."""
    findings, red = {}, set()
    for key in (MBO, SNAPSHOT, DEPTH):
        manifest = ctx.lake.manifest(key, SYMBOL, MONDAY)
        assert manifest is not None
        for outcome in run_checks(checks_of(key), published(ctx.lake, manifest), ctx=ctx):
            findings[key, outcome.check.name] = outcome.finding
            if not outcome.passed:
                red.add((key, outcome.check.name))
                assert not outcome.check.blocking, outcome.sentence
    return findings, red


def strangers(ctx: StageContext) -> dict[str, int]:
    """Return how many records of bronze speak of orders that a plain reader does not know."""
    count = {"unknown_cancels": 0, "unknown_modifies": 0, "over_cancels": 0}
    left: dict[int, int] = {}
    columns = [ctx.lake.read(MBO, SYMBOL, MONDAY)[n] for n in ("action", "order_id", "size")]
    for action, order, size in zip(*(c.to_pylist() for c in columns), strict=True):
        if action == "C" and order not in left:
            count["unknown_cancels"] += 1
        elif action == "C":
            count["over_cancels"] += size > left[order]
            left[order] -= size
            if left[order] <= 0:
                del left[order]
        elif action in "AM":
            count["unknown_modifies"] += action == "M" and order not in left
            left[order] = size
    return count


@pytest.mark.parametrize("kind", [FaultKind.GAP, FaultKind.HALTED])
@pytest.mark.parametrize("missing", [40, 400])
def test_missing_records_show_as_orders_that_nobody_knows(
    kind: FaultKind, missing: int, tiny_days: dict[date, Path], tmp_path: Path
) -> None:
    source = tiny_days[MONDAY]
    ctx = damaged(tmp_path, source, Fault(kind, 6_000, missing))
    findings, red = found(ctx)
    numbers = findings[SNAPSHOT, "replay_counters"].numbers
    expected = strangers(ctx)
    assert {name: numbers[name] for name in expected} == expected
    assert sum(numbers.values()) == sum(expected.values()) > 0
    # Orders whose cancel is missing cross the market for the rest of the day.
    assert (
        {(SNAPSHOT, "replay_counters")}
        <= red
        <= {
            (SNAPSHOT, name) for name in ("replay_counters", "crossed_share", "spread_distribution")
        }
    )
    manifests = [ctx.lake.manifest(MBO, symbol, MONDAY) for symbol in (SYMBOL, "ESM6")]
    records = sum(len(chunk) for chunk in open_dbn(source).records())
    assert sum(m.row_count for m in manifests if m) == records - missing


def test_a_crossed_book_is_counted_second_by_second(
    tiny_days: dict[date, Path], tmp_path: Path
) -> None:
    ctx = damaged(tmp_path, tiny_days[MONDAY], Fault(FaultKind.CROSSED, 6_000, 2_000))
    table = ctx.lake.read(MBO, SYMBOL, MONDAY)
    bids = table.filter([order >= UNUSED_IDS for order in table["order_id"].to_pylist()])
    assert bids["action"].to_pylist() == ["A", "C"]
    placed, taken = (ts // 1_000_000_000 for ts in bids["ts_event"].to_pylist())
    findings, red = found(ctx)
    assert findings[SNAPSHOT, "crossed_market"].numbers["crossed_seconds"] == taken - placed > 0
    assert findings[SNAPSHOT, "crossed_share"].offending == taken - placed
    assert red == {(SNAPSHOT, "crossed_share"), (SNAPSHOT, "spread_distribution")}
