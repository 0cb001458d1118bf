"""`spymaster selection build`: the map is checked before it is published."""

from __future__ import annotations

from datetime import date

import pytest

from spymaster_assets.stages.context import StageContext
from spymaster_resources.lake import Lake
from spymaster_resources.selection_map import DATASET, Selection, write_selection
from spymaster_resources.settings import Settings
from tests.spymaster_assets.cli.program import call
from tests.spymaster_assets.stages.test_selection import put_day

MON, TUE, WED = [date(2026, 3, day) for day in (9, 10, 11)]
BUILD = ("selection", "build", "--symbol", "ES", "--dates", f"{TUE}")


@pytest.fixture
def ctx(settings: Settings, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> StageContext:
    """Return the surroundings of a lake with bronze of two days."""
    monkeypatch.setenv("SPYMASTER_LAKE", settings.lake)
    ctx = StageContext.from_settings(settings, "ES", "future_mbo", lake=lake)
    for dt in (MON, TUE):
        put_day(ctx.lake, dt, {"ESH6": 100, "ESM6": 1})
    return ctx


def test_a_map_that_breaks_a_rule_stays_as_it_was(
    ctx: StageContext, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from_the_future = Selection(MON, "ESH6", date(2026, 3, 20), WED, 9, None, False, "volume")
    write_selection(ctx.lake, [from_the_future], inputs=[], code_version="1")
    before = ctx.lake.manifest(DATASET, None, None)
    refused = call(monkeypatch, capsys, *BUILD)
    assert refused.code == 1
    assert "earlier_data" in refused.err
    assert ctx.lake.manifest(DATASET, None, None) == before


def test_a_sound_map_is_published(
    ctx: StageContext, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    built = call(monkeypatch, capsys, *BUILD)
    assert built.code == 0, built
    assert ctx.lake.manifest(DATASET, None, None) is not None
