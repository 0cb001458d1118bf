"""The checks of the contract selection: green on a map that was built, red on a broken one."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from spymaster_assets.checks.check import run_checks
from spymaster_assets.checks.subject import published
from spymaster_assets.checks.tables import checks_of
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.selection import build_selection
from spymaster_resources.selection_map import DATASET, write_override
from spymaster_resources.settings import Settings
from tests.spymaster_assets.checks.breaking import Mutation, outcome_of, put
from tests.spymaster_assets.stages.test_selection import put_day

MON, TUE, WED, THU = DAYS = [date(2026, 3, day) for day in (9, 10, 11, 12)]
# Two roots take turns in the map: the rows of ES are the even ones.
MUTATIONS = [
    Mutation(DATASET, "contract", put("selected_symbol", None)),
    Mutation(DATASET, "one_contract", put("session_date", MON, 2 * 1)),
    Mutation(DATASET, "earlier_data", put("prev_trading_date", TUE, 2 * 1)),
    Mutation(DATASET, "earlier_data", put("prev_trading_date", THU, 2 * 1)),
    Mutation(DATASET, "earlier_data", put("prev_volume_selected", None, 2 * 1)),
    Mutation(DATASET, "earlier_data", put("reason", "volume", 0)),
    Mutation(DATASET, "largest_volume", put("prev_volume_selected", 0, 2 * 1)),
    Mutation(DATASET, "largest_volume", put("selected_exp_date", MON, 0)),
    Mutation(DATASET, "flip_flop", put("selected_symbol", "ESH6", 2 * 3)),
    Mutation(DATASET, "overrides", put("reason", "override", 0)),
    Mutation(DATASET, "overrides", put("selected_symbol", "ESZ6", 2 * 3)),
]


@pytest.fixture(scope="module")
def ctx(tmp_path_factory: pytest.TempPathFactory) -> StageContext:
    """Return the surroundings of a map with a roll by volume and a choice by hand behind it."""
    settings = Settings(lake=str(tmp_path_factory.mktemp("lake")))
    for root in ("ES", "NQ"):
        ctx = StageContext.from_settings(settings, root, "future_mbo")
        for dt, h6, m6 in ((MON, 100, 1), (TUE, 100, 200), (WED, 1, 300), (THU, 1, 1)):
            put_day(ctx.lake, dt, {f"{root}H6": h6, f"{root}M6": m6})
    write_override(ctx.lake, "ES", THU, "ESM6")
    for root in ("NQ", "ES"):
        ctx = StageContext.from_settings(settings, root, "future_mbo")
        build_selection(ctx, DAYS)
    return ctx


def test_a_map_of_two_roots_passes_and_its_overrides_are_listed(ctx: StageContext) -> None:
    manifest = ctx.lake.manifest(DATASET, None, None)
    assert manifest is not None
    outcomes = run_checks(checks_of(DATASET), published(ctx.lake, manifest), ctx=ctx)
    assert [o.sentence for o in outcomes if not o.passed or o.finding.not_run] == []
    found = {outcome.check.name: outcome for outcome in outcomes}
    assert found["one_contract"].finding.numbers == {"sessions": 4, "rolls": 1}
    assert found["overrides"].finding.numbers == {"overrides": 1}
    assert "2026-03-12 ESM6" in found["overrides"].sentence


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_breakage_turns_its_check_red(
    ctx: StageContext, mutation: Mutation, tmp_path: Path
) -> None:
    outcome = outcome_of(ctx, mutation, tmp_path, None, None)
    assert not outcome.passed
    assert outcome.finding.rows


def test_every_check_is_turned_red_by_some_breakage() -> None:
    assert {check.name for check in checks_of(DATASET)} == {m.check for m in MUTATIONS}
