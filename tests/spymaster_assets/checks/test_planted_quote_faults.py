"""Days of consolidated quotes with one fault: it shows in its check or counter, with its count."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from spymaster_assets.checks.check import run_checks
from spymaster_assets.checks.subject import published
from spymaster_assets.checks.tables import checks_of
from spymaster_assets.stages import bronze, quote_bronze, quote_silver, silver
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.raw import raw_folder
from spymaster_resources.instruments import EQUITY, EQUITY_OPTION, FUTURE, instrument
from spymaster_resources.settings import Settings
from spymaster_resources.simulator.faults import plant_faults
from spymaster_resources.simulator.planter import Fault, FaultKind
from spymaster_resources.simulator.quote_faults import QuotePlanter
from spymaster_resources.simulator.session import Session
from tests.spymaster_assets.checks.test_market import DT, SCALE

MISSING = 40
SHOWN = {
    FaultKind.GAP: ("records", -MISSING),
    FaultKind.HALTED: ("records", -MISSING),
    FaultKind.LATE: ("late_records", 1),
    FaultKind.CROSSED: ("crossed_events", 1),
    FaultKind.NULL_PRICE: ("one_sided_events", 1),
    FaultKind.FAT_FINGER: ("rejected", 1),
}
"""What a fault adds to which number; a bid without a price is a quote of one side."""
RED = {FaultKind.LATE: {"replay_counters"}}
"""The warnings that a single fault is enough for; consolidated quotes have no other account."""


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> tuple[StageContext, Path]:
    """Return the surroundings of a lake with the ticker's silver, and the quotes outside of it."""
    root, outside = tmp_path_factory.mktemp("lake"), tmp_path_factory.mktemp("outside")

    def folder_of(product: str, schema: str) -> Path:
        place = outside if product == EQUITY_OPTION else root
        folder = place / raw_folder(product, "QQQ", schema)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    Session(instrument("ES", FUTURE), "QQQ", DT, SCALE, seed=11).write(
        [EQUITY, EQUITY_OPTION], folder_of
    )
    settings = Settings(lake=str(root), session=SCALE.equity.session)
    ticker = StageContext.from_settings(settings, "QQQ", EQUITY)
    bronze.build_bronze(ticker, DT)
    silver.build_silver(ticker, "QQQ", DT)
    (quotes,) = outside.rglob("*.cmbp-1.dbn.zst")
    return StageContext.from_settings(settings, "QQQ", EQUITY_OPTION), quotes


def built(ctx: StageContext, source: Path, fault: Fault | None) -> tuple[Counter[str], set[str]]:
    """Build bronze and silver of quotes with a fault; return what was counted and what is red."""
    folder = Path(ctx.lake.root) / raw_folder(EQUITY_OPTION, "QQQ", "cmbp-1")
    folder.mkdir(parents=True, exist_ok=True)
    if fault is None:
        shutil.copy(source, folder / source.name)
    else:
        plant_faults(source, folder / source.name, [fault], tick_int=10_000_000)
    (records,) = quote_bronze.build_bronze(ctx, DT)
    numbers: Counter[str] = Counter(records=records.row_count)
    red = set()
    for manifest in (records, *quote_silver.build_silver(ctx, "QQQ", DT)):
        for name in ("crossed_events", "one_sided_events"):
            numbers[name] = int(manifest.counters.get(name) or 0)  # type: ignore[arg-type]
        partition = published(ctx.lake, manifest)
        for outcome in run_checks(checks_of(manifest.dataset), partition, ctx=ctx):
            if outcome.check.name in ("replay_counters", "rejected_share"):
                numbers.update({k: int(v) for k, v in outcome.finding.numbers.items()})
            if not outcome.passed:
                red.add(outcome.check.name)
                assert not outcome.check.blocking, outcome.sentence
    return numbers, red


def test_every_fault_of_quotes_shows_where_it_belongs(day: tuple[StageContext, Path]) -> None:
    ctx, source = day
    clean, red = built(ctx, source, None)
    assert red == set()
    assert set(SHOWN) == set(QuotePlanter.KINDS)
    for kind, (name, expected) in SHOWN.items():
        numbers, red = built(ctx, source, Fault(kind, 1_500, MISSING))
        assert numbers[name] - clean[name] == expected, kind
        assert red == RED.get(kind, set()), kind
