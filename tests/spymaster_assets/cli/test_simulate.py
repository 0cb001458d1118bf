"""`spymaster simulate` from the outside."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from spymaster_assets.cli.simulate import app

runner = CliRunner()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("simulated")


@pytest.fixture(scope="module")
def days(folder: Path) -> list[dict[str, object]]:
    dates = ["--dates", "2026-01-02:2026-01-05", "--size", "tiny", "--seed", "4"]
    result = runner.invoke(app, ["futures", *dates, "--out", str(folder), "--json"])
    assert result.exit_code == 0, result.output
    found: list[dict[str, object]] = json.loads(result.stdout)["days"]
    return found


def test_range_writes_a_file_a_session_with_truth_beside_it(
    folder: Path, days: list[dict[str, object]]
) -> None:
    assert [day["date"] for day in days] == ["2026-01-02", "2026-01-05"]
    assert sorted(path.name for path in folder.iterdir() if "20260105" in path.name) == [
        "glbx-mdp3-20260105.mbo.dbn.zst",
        "glbx-mdp3-20260105.mbo.truth.ESH6.depth.parquet",
        "glbx-mdp3-20260105.mbo.truth.ESH6.snapshot.parquet",
        "glbx-mdp3-20260105.mbo.truth.ESM6.depth.parquet",
        "glbx-mdp3-20260105.mbo.truth.ESM6.snapshot.parquet",
    ]


def test_session_option_sets_the_windows_of_the_truth(tmp_path: Path) -> None:
    options = ["--date", "2026-01-05", "--size", "tiny", "--session", "09:30:05-09:30:09"]
    result = runner.invoke(app, ["futures", *options, "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "ESH6 ESM6" in result.stdout
    truth = tmp_path / "glbx-mdp3-20260105.mbo.truth.ESH6.snapshot.parquet"
    assert pq.read_table(truth).num_rows == 5


def test_truth_can_be_left_out(tmp_path: Path) -> None:
    options = ["--date", "2026-01-05", "--size", "tiny", "--no-truth", "--out", str(tmp_path)]
    assert runner.invoke(app, ["futures", *options]).exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["glbx-mdp3-20260105.mbo.dbn.zst"]


def test_report_puts_two_files_side_by_side(days: list[dict[str, object]]) -> None:
    first, second = (str(day["file"]) for day in days)
    shown = runner.invoke(app, ["report", first, "--against", second, "--start", "09:30"])
    assert shown.exit_code == 0, shown.output
    assert "share of A" in shown.stdout
    told = runner.invoke(app, ["report", first, "--against", second, "--json"])
    facts = json.loads(told.stdout)
    assert set(facts) == {"file", "against"}
    assert facts["file"]["share of A"] != facts["against"]["share of A"]


def test_report_refuses_a_start_that_is_no_time(days: list[dict[str, object]]) -> None:
    result = runner.invoke(app, ["report", str(days[0]["file"]), "--start", "soon"])
    assert result.exit_code != 0
    assert "expected HH:MM" in str(result.exception)
