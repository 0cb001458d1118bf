"""`spymaster stream` against a real server, and the arguments of `spymaster serve`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
import typer
from typer.testing import CliRunner
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from contracts.errors import ConfigurationError
from spymaster_assets.cli.serve import serve
from spymaster_assets.cli.stream import stream
from spymaster_resources.lake import Lake
from tests.web.service.sample_lake import FIRST_END_NS
from tests.web.service.sample_products import write_products
from tests.web.service.serving import Served, serving
from web.service.server import listen


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
    assert "confidence" in lines[0]


def test_it_prints_the_options_of_a_ticker(program: typer.Typer, tmp_path: Path) -> None:
    write_products(str(tmp_path))
    with serving(str(tmp_path), tmp_path) as served:
        options = ["--symbol", "QQQ", "--dt", "2026-01-29", "--windows", "2"]
        command = ["stream", "--url", served.url, "--speed", "64", *options]
        result = CliRunner().invoke(program, command)
    assert result.exit_code == 0
    assert [line.count("strikes 51") for line in result.output.splitlines()] == [1, 1]


def test_a_service_that_stops_fails_the_command(lake: Lake, tmp_path: Path) -> None:
    with serving(lake.root, tmp_path) as served:
        code = "import typer; from spymaster_assets.cli.stream import stream; typer.run(stream)"
        options = ["--symbol", "ES", "--dt", "2026-01-29", "--url", served.url]
        command = [sys.executable, "-c", code, *options]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("2026-01-29 09:30:00")
            served.server.should_exit = True
            _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "the stream ended: shutdown" in errors


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


def test_serve_logs_json_lines_without_what_clients_sent(lake: Lake, tmp_path: Path) -> None:
    log = tmp_path / "serve.log"
    code = "import typer; from spymaster_assets.cli.serve import serve; typer.run(serve)"
    options = ["--lake", lake.root, "--port", "0", "--log-level", "info", "--log-file", str(log)]
    command = [sys.executable, "-c", code, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[2].replace("http", "ws")
        query = "symbol=ESH6&dt=2026-01-29&speed=1&secret-query"
        with connect(f"{address}v1/velocity/stream?{query}") as viewer:
            viewer.send('{"type": "secret-payload"}')
            with suppress(ConnectionClosed):
                while True:
                    viewer.recv(20)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert all({"time", "level", "logger", "event"} <= line.keys() for line in lines)
    ours = {line["event"]: line for line in lines if line["logger"].startswith("web.")}
    assert ours["stream begins"]["symbol"] == "ESH6"
    assert ours["stream refused"]["code"] == "bad_message"
    assert "secret" not in log.read_text()


def test_a_port_that_is_taken_is_named() -> None:
    (taken,) = listen("127.0.0.1", 0)
    with taken, pytest.raises(ConfigurationError, match=r"127\.0\.0\.1.*in use.*--port"):
        listen("127.0.0.1", taken.getsockname()[1])


def test_an_address_that_is_not_ours_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"cannot listen on 192\.0\.2\.1, port 8001"):
        listen("192.0.2.1", 8001)
    with pytest.raises(ConfigurationError, match="cannot listen on no host"):
        listen("no host", 8001)


def test_an_address_that_is_none_is_named(program: typer.Typer) -> None:
    arguments = ["stream", "--symbol", "ES", "--dt", "2026-01-29", "--url", "ftp://127.0.0.1"]
    result = CliRunner().invoke(program, arguments)
    assert result.exit_code == 1
    assert result.output.startswith("spymaster stream: ftp://127.0.0.1: ")


def test_a_log_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--log-file"):
        serve(log_file=tmp_path / "none" / "log")


def test_serve_refuses_a_log_level_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match="log-level"):
        serve(log_level="loud")
