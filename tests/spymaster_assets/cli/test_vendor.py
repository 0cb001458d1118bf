"""`spymaster vendor serve`, as a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import databento
import pytest
from databento.common.error import BentoServerError

from tests.spymaster_resources.gateway.market import MONDAY, futures_of, write_archive

DATASETS = {
    "GLBX.MDP3": ("definition", "mbo", "statistics"),
    "OPRA.PILLAR": ("cmbp-1", "definition", "statistics"),
    "XNAS.ITCH": ("definition", "mbo"),
}
SERVE = "from spymaster_assets.cli.main import main; main()"


def test_the_command_serves_until_it_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write_archive(tmp_path / "archive")
    options = [
        "--port", "0", "--archive", str(archive), "--json", "--faults",
        "503@metadata.list_datasets,422@file", "--ca-file", str(tmp_path / "ca.pem"),
    ]  # fmt: skip
    command = [sys.executable, "-c", SERVE, "vendor", "serve", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", told["ca_file"])
            client = databento.Historical(told["key"], gateway=told["url"])
            with pytest.raises(BentoServerError):
                client.metadata.list_datasets()
            assert client.metadata.get_record_count(**futures_of(MONDAY)) > 0
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0


def test_the_simulated_market_is_served_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["--port", "0", "--json", "--simulate", "tiny", "--cache", str(tmp_path)]
    command = [sys.executable, "-c", SERVE, "vendor", "serve", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", told["ca_file"])
            client = databento.Historical(told["key"], gateway=told["url"])
            sold = {name: client.metadata.list_schemas(name) for name in DATASETS}
            assert set(client.metadata.list_datasets()) == set(DATASETS)
            assert {name: tuple(schemas) for name, schemas in sold.items()} == DATASETS
            listed = client.metadata.get_record_count(**quotes_of(MONDAY, schema="definition"))
            assert listed > 100
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0


def quotes_of(day: date, **changes: Any) -> dict[str, Any]:
    return futures_of(day) | {"dataset": "OPRA.PILLAR", "symbols": "QQQ.OPT"} | changes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--faults", "eaten@file"], "ConfigurationError: fault 'eaten@file'"),
        (["--archive", "/nowhere/at/all"], "does not exist"),
        (["--root", "ZZ"], "ConfigurationError: 'ZZ'"),
    ],
)
def test_what_cannot_be_served_is_told(options: list[str], message: str) -> None:
    command = [sys.executable, "-c", SERVE, "vendor", "serve", "--port", "0", *options]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode != 0
    assert message in " ".join(ended.stderr.split())
