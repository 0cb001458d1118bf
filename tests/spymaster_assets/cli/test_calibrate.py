"""`spymaster calibrate` prints what it published, as a table or as JSON."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.errors import ConfigurationError
from spymaster_assets.cli.calibrate import app
from spymaster_assets.stages.calibration_record import EVALUATION_DOCUMENT, FIT_DOCUMENT
from spymaster_resources.lake import Lake
from tests.spymaster_assets.stages.gold_days import HALF, small_context
from tests.spymaster_assets.stages.test_calibration import publish_random_day

RANGE = "2026-01-05:2026-01-06"
CATALOGUE = f"""
- root: ES
  product_type: future_mbo
  name: a narrow grid
  dataset: GLBX.MDP3
  schema: mbo
  calendar: CMES
  session: 09:30-09:35
  premarket: 05:00-08:30
  tick: "0.25"
  grid_half_width: {HALF}
  price_decimals: 2
  contract_months: HMUZ
  expiry: third_friday
"""


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    catalogue = tmp_path / "instruments.yaml"
    catalogue.write_text(CATALOGUE)
    monkeypatch.setenv("SPYMASTER_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("SPYMASTER_INSTRUMENTS", str(catalogue))
    ctx = small_context(tmp_path / "lake")
    for day in (5, 6):
        publish_random_day(ctx, date(2026, 1, day))
    return ctx.lake


def test_json_is_the_published_entry(lake: Lake) -> None:
    for command, document in (("fit", FIT_DOCUMENT), ("eval", EVALUATION_DOCUMENT)):
        arguments = [command, "--symbol", "ES", "--json"]
        result = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert result.exit_code == 0
        published = json.loads(lake.document(document) or b"")
        assert json.loads(result.stdout) == published["ES"]


def test_tables_name_every_constant_and_horizon(lake: Lake) -> None:
    wide = {"COLUMNS": "200"}
    fitted = CliRunner().invoke(app, ["fit", "--symbol", "ES", "--dates", RANGE], env=wide)
    for name in ("beta_flow", "beta_static", "beta_spring", "gamma", "lambda", "sigma_static"):
        assert name in fitted.stdout
    assert "Held out: 2026-01-06" in fitted.stdout
    judged = CliRunner().invoke(app, ["eval", "--symbol", "ES"], env=wide)
    for horizon in (1, 2, 5, 10, 20, 30):
        assert f" {horizon} s " in judged.stdout
    assert "Against zero change on held-out days" in judged.stdout
    assert "too few to resample" in judged.stdout


def test_the_evaluation_says_whether_forecasts_may_be_called_calibrated(lake: Lake) -> None:
    CliRunner().invoke(app, ["fit", "--symbol", "ES"], catch_exceptions=False)
    judged = CliRunner().invoke(app, ["eval", "--symbol", "ES"], env={"COLUMNS": "200"})
    label = json.loads(lake.document(EVALUATION_DOCUMENT) or b"")["ES"]["label"]
    assert f"{label.capitalize()}: " in judged.stdout
    assert "in the 90 % band" in judged.stdout


def test_the_ablation_names_every_variant_and_publishes_nothing(lake: Lake) -> None:
    arguments = ["ablate", "--symbol", "ES", "--dates", "2026-01-05", "--halves"]
    shown = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"}, catch_exceptions=False)
    as_json = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    report = json.loads(as_json.stdout)
    assert len(report["variants"]) > 15
    for variant in report["variants"]:
        assert variant["name"] in shown.stdout
    assert "split: halves of each session" in shown.stdout
    assert lake.document(FIT_DOCUMENT) is None


def test_a_product_without_a_forecast_is_refused(lake: Lake) -> None:
    arguments = ["fit", "--symbol", "ES", "--product-type", "future_option_mbo"]
    with pytest.raises(ConfigurationError, match="future_option_mbo has no forecast"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_too_few_days_are_a_plain_message(lake: Lake) -> None:
    arguments = ["fit", "--symbol", "ES", "--dates", "2026-01-05"]
    with pytest.raises(ConfigurationError, match="expected gold of at least 2 sessions"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert lake.document(FIT_DOCUMENT) is None
