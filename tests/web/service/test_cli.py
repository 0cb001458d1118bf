"""`spymaster stream` against a real server, and the arguments of `spymaster serve`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import httpx
import pytest
import typer
from typer.testing import CliRunner

from contracts.errors import ConfigurationError
from spymaster_assets.cli.serve import serve
from spymaster_assets.cli.stream import stream
from spymaster_resources.lake import Lake
from tests.web.service.sample_lake import FIRST_END_NS
from tests.web.service.serving import Served


@pytest.fixture
def program() -> typer.Typer:
    app = typer.Typer()
    app.command()(stream)
    app.command()(serve)
    return app


def run(program: typer.Typer, served: Served, *options: str) -> tuple[int, str]:
    address = f"ws://127.0.0.1:{served.port}"
    fixed = ["stream", "--symbol", "ES", "--url", address, "--speed", "1000"]
    result = CliRunner().invoke(program, [*fixed, *options])
    return result.exit_code, result.output


def test_it_prints_one_line_a_window(program: typer.Typer, served: Served) -> None:
    code, output = run(program, served, "--dt", "2026-01-29", "--windows", "3")
    assert code == 0
    lines = output.splitlines()
    assert [line[:28] for line in lines] == [f"2026-01-29 09:30:0{n} New York" for n in range(3)]
    assert "cells 802" in lines[0]
    assert "+30s" in lines[0]


def test_it_prints_json_up_to_the_end_of_the_session(program: typer.Typer, served: Served) -> None:
    code, output = run(program, served, "--dt", "2026-01-30", "--json", "--start", "09:31:00")
    assert code == 0
    windows = [json.loads(line) for line in output.splitlines()]
    assert [w["seq"] for w in windows] == list(range(10))
    day_ns = 86_400 * 10**9
    assert windows[0]["window_end_ts_ns"] == str(FIRST_END_NS + day_ns + 60 * 10**9)
    assert windows[0]["surfaces"]["velocity"] == []
    assert len(windows[0]["surfaces"]["snap"]) == 1


def test_a_refusal_is_printed_and_fails(program: typer.Typer, served: Served) -> None:
    code, output = run(program, served, "--dt", "2026-02-30")
    assert code == 1
    assert "bad_dt" in output


def test_a_service_that_is_not_there_is_named(program: typer.Typer) -> None:
    arguments = ["stream", "--symbol", "ES", "--dt", "2026-01-29", "--url", "ws://127.0.0.1:9"]
    result = CliRunner().invoke(program, arguments)
    assert result.exit_code == 1
    assert "ws://127.0.0.1:9" in result.output


def test_serve_says_where_it_is_and_ends_on_an_interrupt(lake: Lake) -> None:
    code = "import typer; from spymaster_assets.cli.serve import serve; typer.run(serve)"
    command = [sys.executable, "-c", code, "--lake", lake.root, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[2]
        assert httpx.get(f"{address}ready").json()["sessions"] == 2
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_serve_refuses_a_log_level_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match="log-level"):
        serve(log_level="loud")
