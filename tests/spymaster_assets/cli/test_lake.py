"""`spymaster lake`: listing, verification, exit codes."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from spymaster_assets.cli.lake import app
from spymaster_resources.lake import Lake

SNAPSHOT = "silver.future_mbo.book_snapshot_1s"
DAY = datetime.date(2024, 1, 2)
ROWS = 30


@pytest.fixture
def root(tmp_path: Path) -> str:
    """A lake with one snapshot partition on two dates."""
    lake = Lake(str(tmp_path / "lake"))
    schema = lake.table(SNAPSHOT).schema
    values = {True: np.arange(ROWS) % 2 == 0, False: np.arange(ROWS)}
    columns = [
        pa.array(values[pa.types.is_boolean(field.type)]).cast(field.type) for field in schema
    ]
    for days in range(2):
        day = DAY + datetime.timedelta(days)
        with lake.writer(
            SNAPSHOT, "ESH4", day, parameters={}, inputs=[], code_version="1"
        ) as writer:
            writer.write(pa.Table.from_arrays(columns, schema=schema))
            writer.publish()
    return lake.root


def _damage(root: str) -> None:
    path = Path(Lake(root).files(SNAPSHOT, "ESH4", DAY)[0])
    content = bytearray(path.read_bytes())
    content[50] ^= 1
    path.write_bytes(content)


def test_ls_lists_rows_bytes_and_status(root: str) -> None:
    result = CliRunner().invoke(app, ["ls", "--lake", root, "--json"])
    assert result.exit_code == 0
    found = json.loads(result.stdout)["partitions"]
    assert [(row["dt"], row["rows"], row["status"]) for row in found] == [
        ("2024-01-02", ROWS, "current"),
        ("2024-01-03", ROWS, "current"),
    ]
    assert all(row["bytes"] > 0 and row["dataset"] == SNAPSHOT for row in found)


def test_ls_selects_by_date_and_symbol(root: str) -> None:
    arguments = ["ls", "--lake", root, "--json", "--dataset", SNAPSHOT, "--dt", "2024-01-03"]
    result = CliRunner().invoke(app, arguments)
    assert [row["dt"] for row in json.loads(result.stdout)["partitions"]] == ["2024-01-03"]
    result = CliRunner().invoke(app, ["ls", "--lake", root, "--json", "--symbol", "NQH4"])
    assert json.loads(result.stdout)["partitions"] == []


def test_ls_draws_a_table_that_does_not_fold_in_a_pipe(root: str) -> None:
    result = CliRunner().invoke(app, ["ls"], env={"SPYMASTER_LAKE": root, "COLUMNS": "80"})
    assert result.exit_code == 0
    for text in ("2 partitions", SNAPSHOT, "ESH4", "2024-01-03", "current"):
        assert text in result.stdout


def test_verify_of_a_sound_lake_exits_with_zero(root: str) -> None:
    result = CliRunner().invoke(app, ["verify", "--lake", root, "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["counts"] == {"ok": 2}


def test_verify_of_a_damaged_lake_exits_with_one_and_says_where(root: str) -> None:
    _damage(root)
    result = CliRunner().invoke(app, ["verify", "--lake", root, "--json"])
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["counts"] == {"corrupt": 1, "ok": 1}
    (corrupt,) = [row for row in report["findings"] if row["verdict"] == "corrupt"]
    assert (corrupt["symbol"], corrupt["dt"]) == ("ESH4", "2024-01-02")
    result = CliRunner().invoke(app, ["verify", "--lake", root], env={"COLUMNS": "200"})
    assert result.exit_code == 1
    assert "1 corrupt, 1 ok" in result.stdout
    assert "expected hash" in result.stdout


def test_verify_looks_only_at_what_is_selected(root: str) -> None:
    _damage(root)
    arguments = ["verify", "--lake", root, "--json", "--dataset", SNAPSHOT]
    assert CliRunner().invoke(app, [*arguments, "--dt", "2024-01-03"]).exit_code == 0
    assert CliRunner().invoke(app, [*arguments, "--dt", "2024-01-02"]).exit_code == 1
    assert CliRunner().invoke(app, [*arguments, "--dt", "2024-01-09"]).exit_code == 1


def test_a_date_that_is_none_is_refused(root: str) -> None:
    result = CliRunner().invoke(app, ["verify", "--lake", root, "--dt", "2024-13-01"])
    assert result.exit_code == 2
