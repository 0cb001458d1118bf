"""`spymaster validate`: published tables under their checks, from the terminal."""

from __future__ import annotations

import copy
import json
from datetime import date

import pyarrow as pa
import pytest

from spymaster_assets.checks.tables import checks_of
from spymaster_assets.pipeline import SELECTION
from spymaster_assets.stages.bronze import build_bronze
from spymaster_assets.stages.calibration_record import EVALUATION_DOCUMENT, publish_entry
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.selection import build_selection
from spymaster_assets.stages.silver import build_silver
from spymaster_resources.lake import Lake
from spymaster_resources.settings import Settings
from tests.spymaster_assets.checks.test_calibration import GOOD
from tests.spymaster_assets.cli.program import call
from tests.spymaster_assets.conftest import MONDAY

SNAPSHOT = "silver.future_mbo.book_snapshot_1s"


@pytest.fixture
def built(settings: Settings, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> StageContext:
    """Return the surroundings of a lake with bronze and silver of a day."""
    monkeypatch.setenv("SPYMASTER_LAKE", settings.lake)
    monkeypatch.setenv("SPYMASTER_SESSION", str(settings.session))
    ctx = StageContext.from_settings(settings, "ES", "future_mbo", lake=lake)
    build_bronze(ctx, MONDAY)
    build_silver(ctx, "ESH6", MONDAY)
    return ctx


def broken(ctx: StageContext, dt: date) -> None:
    """Publish snapshots with a mid that is no mid."""
    table = ctx.lake.read(SNAPSHOT, "ESH6", dt)
    old = ctx.lake.manifest(SNAPSHOT, "ESH6", dt)
    assert old is not None
    place = table.schema.get_field_index("mid_price_int")
    values = [v + 1 for v in table["mid_price_int"].to_pylist()]
    table = table.set_column(place, table.schema.field(place), pa.array(values))
    with ctx.lake.writer(
        SNAPSHOT,
        "ESH6",
        dt,
        parameters=old.parameters,
        inputs=list(old.inputs),
        code_version=old.code_version,
    ) as writer:
        writer.write(table)
        writer.publish()


def test_good_tables_exit_with_0_and_broken_ones_with_1(
    built: StageContext, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("validate", "--dataset", "silver.future_mbo", "--dt", MONDAY.isoformat())
    good = call(monkeypatch, capsys, *arguments)
    assert good.code == 0, good
    assert "touch_is_whole" in good.out
    assert "identity" in good.out
    broken(built, MONDAY)
    bad = call(monkeypatch, capsys, *arguments)
    assert bad.code == 1
    assert "touch_is_whole, offending rows:" in bad.out
    told = call(monkeypatch, capsys, *arguments, "--symbol", "ESH6", "--json")
    content = json.loads(told.out)
    assert told.code == 1
    assert content["passed"] is False
    failed = [row["check"] for row in content["checks"] if row["verdict"] == "failed"]
    assert "touch_is_whole" in failed
    (row,) = [row for row in content["checks"] if row["check"] == "touch_is_whole"]
    assert len(row["rows"]) == 20
    assert row["offending"] == 31


def test_the_contract_selection_of_a_date_is_checked_root_by_root(
    built: StageContext, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    build_selection(built, [MONDAY])
    arguments = ("--dataset", "selection", "--dt", MONDAY.isoformat(), "--json")
    told = call(monkeypatch, capsys, "validate", *arguments)
    rows = json.loads(told.out)["checks"]
    assert told.code == 0
    assert {row["symbol"] for row in rows} == {"ES"}
    assert {row["check"] for row in rows} == {c.name for c in checks_of(SELECTION)}
    assert {row["verdict"] for row in rows} == {"passed"}


def test_a_calibration_without_the_label_is_a_warning_that_names_its_breaches(
    built: StageContext, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluation = copy.deepcopy(GOOD)
    evaluation["horizons"][2]["mean_confidence"] = 0.7
    publish_entry(built.lake, EVALUATION_DOCUMENT, "ES", evaluation)
    publish_entry(built.lake, EVALUATION_DOCUMENT, "NQ", GOOD)
    arguments = ("--dataset", "calibration", "--dt", MONDAY.isoformat(), "--json")
    told = call(monkeypatch, capsys, "validate", *arguments)
    bad, good = json.loads(told.out)["checks"]
    assert told.code == 0
    assert (bad["symbol"], bad["verdict"], bad["offending"]) == ("ES", "warning", 1)
    assert "the mean confidence rises" in bad["found"]
    assert (good["symbol"], good["verdict"]) == ("NQ", "passed")


def test_what_is_not_there_is_named(
    built: StageContext, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = call(monkeypatch, capsys, "validate", "--dataset", SNAPSHOT, "--dt", "2026-01-07")
    assert nothing.code == 1
    assert "expected a published partition" in nothing.err
    unknown = call(monkeypatch, capsys, "validate", "--dataset", "silver.x", "--dt", "2026-01-05")
    assert unknown.code == 1
    assert "expected a dataset of" in unknown.err


def test_bronze_has_all_its_outrights(
    built: StageContext,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ("--dataset", "bronze.future_mbo.mbo", "--dt", MONDAY.isoformat(), "--json")
    told = call(monkeypatch, capsys, "validate", *arguments)
    assert told.code == 0
    assert {row["symbol"] for row in json.loads(told.out)["checks"]} == {"ESH6", "ESM6"}
