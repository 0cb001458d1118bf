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
        "glbx-mdp3-20260105.definition.dbn.zst",
        "glbx-mdp3-20260105.mbo.dbn.zst",
        "glbx-mdp3-20260105.mbo.truth.ESH6.depth.parquet",
        "glbx-mdp3-20260105.mbo.truth.ESH6.snapshot.parquet",
        "glbx-mdp3-20260105.mbo.truth.ESM6.depth.parquet",
        "glbx-mdp3-20260105.mbo.truth.ESM6.snapshot.parquet",
        "glbx-mdp3-20260105.statistics.dbn.zst",
    ]


def test_session_option_sets_the_windows_of_the_truth(tmp_path: Path) -> None:
    options = ["--date", "2026-01-05", "--size", "tiny", "--session", "09:30:05-09:30:09"]
    result = runner.invoke(app, ["futures", *options, "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "ESH6 ESM6" in result.stdout
    truth = tmp_path / "glbx-mdp3-20260105.mbo.truth.ESH6.snapshot.parquet"
    assert pq.read_table(truth).num_rows == 5


def test_truth_and_reference_can_be_left_out(tmp_path: Path) -> None:
    options = ["--date", "2026-01-05", "--size", "tiny", "--no-truth", "--out", str(tmp_path)]
    assert runner.invoke(app, ["futures", *options, "--no-reference"]).exit_code == 0
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


def test_report_draws_every_fact(days: list[dict[str, object]], tmp_path: Path) -> None:
    from spymaster_resources.simulator.fact_plots import PANELS, panel_labels

    first, picture = str(days[0]["file"]), tmp_path / "facts" / "report.png"
    told = runner.invoke(app, ["report", first, "--plot", str(picture), "--json"])
    assert told.exit_code == 0, told.output
    assert picture.read_bytes().startswith(b"\x89PNG")
    facts = json.loads(told.stdout)
    drawn = [name for panel in PANELS for name in panel_labels(panel, facts)]
    assert sorted(drawn) == sorted(set(drawn))
    assert set(facts["file"]) - set(drawn) == {
        "crossed or locked",
        "mid change over 1 s, standard deviation",
    }
    wrong = runner.invoke(app, ["report", first, "--plot", str(tmp_path / "x.doc")])
    assert "--plot" in str(wrong.exception)


def test_report_refuses_a_start_that_is_no_time(days: list[dict[str, object]]) -> None:
    result = runner.invoke(app, ["report", str(days[0]["file"]), "--start", "soon"])
    assert result.exit_code != 0
    assert "expected HH:MM" in str(result.exception)


def test_session_writes_one_market_as_an_archive(tmp_path: Path) -> None:
    options = ["--date", "2026-01-05", "--size", "tiny", "--no-truth", "--out", str(tmp_path)]
    result = runner.invoke(app, ["session", *options, "--json"])
    assert result.exit_code == 0, result.output
    days = {day["product_type"]: day for day in json.loads(result.stdout)["days"]}
    assert list(days) == ["future_mbo", "future_option_mbo", "equity_mbo", "equity_option_cmbp_1"]
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.zst")) == [
        "GLBX.MDP3/definition/ES.FUT/glbx-mdp3-20260105.definition.dbn.zst",
        "GLBX.MDP3/definition/ES.OPT/glbx-mdp3-20260105.definition.dbn.zst",
        "GLBX.MDP3/mbo/ES.FUT/glbx-mdp3-20260105.mbo.dbn.zst",
        "GLBX.MDP3/mbo/ES.OPT/glbx-mdp3-20260105.mbo.dbn.zst",
        "GLBX.MDP3/statistics/ES.FUT/glbx-mdp3-20260105.statistics.dbn.zst",
        "GLBX.MDP3/statistics/ES.OPT/glbx-mdp3-20260105.statistics.dbn.zst",
        "OPRA.PILLAR/cmbp-1/QQQ.OPT/opra-pillar-20260105.cmbp-1.dbn.zst",
        "OPRA.PILLAR/definition/QQQ.OPT/opra-pillar-20260105.definition.dbn.zst",
        "OPRA.PILLAR/statistics/QQQ.OPT/opra-pillar-20260105.statistics.dbn.zst",
        "XNAS.ITCH/definition/QQQ/xnas-itch-20260105.definition.dbn.zst",
        "XNAS.ITCH/mbo/QQQ/xnas-itch-20260105.mbo.dbn.zst",
    ]


@pytest.mark.parametrize(
    ("command", "folder", "name"),
    [
        ("options", "GLBX.MDP3/mbo/ES.OPT", "glbx-mdp3-20260105.mbo.dbn.zst"),
        ("equities", "XNAS.ITCH/mbo/QQQ", "xnas-itch-20260105.mbo.dbn.zst"),
        ("equity-options", "OPRA.PILLAR/cmbp-1/QQQ.OPT", "opra-pillar-20260105.cmbp-1.dbn.zst"),
    ],
)
def test_a_product_alone_is_the_same_as_in_its_session(
    command: str, folder: str, name: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    options = ["--date", "2026-01-05", "--size", "tiny", "--no-truth", "--seed", "9", "--out"]
    session = tmp_path_factory.mktemp("session")
    for verb, out in ((command, tmp_path), ("session", session)):
        result = runner.invoke(app, [verb, *options, str(out)])
        assert result.exit_code == 0, result.output
    assert (tmp_path / name).read_bytes() == (session / folder / name).read_bytes()


@pytest.mark.parametrize("root", [[], ["--root", "QQQ"]])
@pytest.mark.parametrize("command", ["equities", "equity-options"])
def test_faults_and_facts_of_an_equity_are_in_its_own_ticks(
    command: str, root: list[str], tmp_path: Path
) -> None:
    options = ["--date", "2026-01-05", "--size", "tiny", "--no-truth", "--out", str(tmp_path)]
    assert runner.invoke(app, [command, *options]).exit_code == 0
    (source,) = (p for p in tmp_path.glob("*.dbn.zst") if "mbo" in p.name or "cmbp" in p.name)
    options = ["--kind", "crossed", "--out", str(tmp_path / "broken.dbn.zst")]
    result = runner.invoke(app, ["faults", str(source), *options, *root])
    assert result.exit_code == 0, result.output
    if command == "equities":
        result = runner.invoke(app, ["report", str(source), "--json", *root])
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["file"]["spread of 1 tick, share of events"] > 0.2


def test_faults_are_planted_and_listed(days: list[dict[str, object]], tmp_path: Path) -> None:
    source, out = str(days[0]["file"]), tmp_path / "broken" / "x.mbo.dbn.zst"
    options = ["--kind", "gap", "--kind", "late", "--out", str(out)]
    result = runner.invoke(app, ["faults", source, *options])
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["gap", "late"]
    listed = json.loads((out.parent / "x.mbo.dbn.zst.faults.json").read_text("utf-8"))
    assert [row["kind"] for row in listed] == ["gap", "late"]
    assert (
        runner.invoke(app, ["faults", source, "--truncate", "99", "--out", str(out)]).exit_code == 0
    )
    assert out.stat().st_size == 99
    wrong = runner.invoke(app, ["faults", source, "--kind", "flood", "--out", str(out)])
    assert "--kind" in str(wrong.exception)
    same = runner.invoke(app, ["faults", source, "--out", source])
    assert "another file" in str(same.exception)
