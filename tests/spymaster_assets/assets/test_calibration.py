"""The fit and its evaluation in Dagster: what they show, and the check that holds a label back."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from spymaster_assets.assets.calibration import calibration_assets
from spymaster_assets.assets.keys import calibration_keys
from spymaster_assets.assets.product import product_assets
from spymaster_assets.resources import Surroundings
from spymaster_assets.stages.calibration_record import EVALUATION_DOCUMENT, read_entry
from spymaster_resources.settings import Settings
from tests.spymaster_assets.cli.test_calibrate import CATALOGUE
from tests.spymaster_assets.stages.gold_days import small_context
from tests.spymaster_assets.stages.test_calibration import publish_random_day


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    catalogue = tmp_path / "instruments.yaml"
    catalogue.write_text(CATALOGUE)
    return Settings(lake=str(tmp_path / "lake"), calendar="any", instruments=str(catalogue))


def materialised(settings: Settings) -> dg.ExecuteInProcessResult:
    row = settings.instrument("ES", "future_mbo")
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize(
            [*product_assets(settings, row), *calibration_assets(row)],
            selection=dg.AssetSelection.assets(*calibration_keys("ES")),
            resources={"surroundings": Surroundings.from_settings(settings)},
            instance=instance,
            raise_on_error=False,
        )


def test_the_evaluation_shows_its_plots_and_its_check_agrees_with_the_label(
    settings: Settings, tmp_path: Path
) -> None:
    ctx = small_context(tmp_path / "lake")
    for day in (5, 6, 7):
        publish_random_day(ctx, date(2026, 1, day))
    result = materialised(settings)
    fitted, judged = (e.materialization for e in result.get_asset_materialization_events())
    assert {"beta_flow", "gamma", "train_sessions"} <= set(fitted.metadata)
    for name in ("reliability", "skill", "coverage"):
        assert "data:image/png;base64," in str(judged.metadata[name].value)
    entry = read_entry(ctx.lake, EVALUATION_DOCUMENT, "ES")
    assert entry is not None
    assert judged.metadata["verdict"].value == entry["verdict"]
    (check,) = result.get_asset_check_evaluations()
    assert check.passed == (entry["label"] == "calibrated")
    assert check.metadata["breaches"].value == len(entry["breaches"])


def test_too_few_days_fail_with_a_plain_message_and_publish_nothing(
    settings: Settings, tmp_path: Path
) -> None:
    ctx = small_context(tmp_path / "lake")
    publish_random_day(ctx, date(2026, 1, 5))
    result = materialised(settings)
    assert not result.success
    (failed, *_) = (e for e in result.all_events if e.is_step_failure)
    assert "expected gold of at least 2 sessions" in str(failed.step_failure_data.user_failure_data)
    assert read_entry(ctx.lake, EVALUATION_DOCUMENT, "ES") is None
