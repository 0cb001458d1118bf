"""Who may connect, and the headers of every answer."""

from __future__ import annotations

import logging

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.web.service.serving import Served


@pytest.mark.parametrize("path", ["/", "/v1/sessions", "/nothing", "/v1/sessions/x/y"])
def test_every_answer_carries_the_headers(http: httpx.Client, path: str) -> None:
    headers = http.get(path).headers
    policy = dict(
        part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";")
    )
    assert policy["script-src"] == "'self'"
    assert policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers


def test_a_page_may_open_sockets_on_its_own_host_only(http: httpx.Client, served: Served) -> None:
    policy = http.get("/").headers["content-security-policy"]
    host = f"127.0.0.1:{served.port}"
    assert f"connect-src 'self' ws://{host} wss://{host};" in policy


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8001",
        "127.0.0.1.evil.example",
        "127.0.0.1; script-src *",
        "evil@127.0.0.1",
        "[::2]",
    ],
)
def test_a_foreign_host_name_is_refused(http: httpx.Client, host: str) -> None:
    answer = http.get("/v1/sessions", headers={"host": host})
    assert answer.status_code == 421
    assert "script-src *" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://127.0.0.1:1",
        "null",
        "file://",
        "http://localhost:5174.evil.example",
        "ftp://127.0.0.1",
        "http://[",
    ],
)
def test_a_foreign_page_cannot_open_a_stream(served: Served, origin: str) -> None:
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(served.stream_url(), additional_headers={"origin": origin}),
    ):
        pass
    assert refused.value.response.status_code == 403


def test_own_and_development_pages_can(served: Served) -> None:
    for origin in (served.url, "http://localhost:5174"):
        address = served.stream_url(speed=0.1)
        with connect(address, additional_headers={"origin": origin}) as connection:
            assert "stream_info" in str(connection.recv(20))


@pytest.mark.parametrize("path", ["/", "/nothing", "/health", "/v1/sessions", "/v1/velocity"])
def test_there_is_one_path_for_streams(
    served: Served, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.ERROR),
        pytest.raises(InvalidStatus) as refused,
        connect(f"ws://127.0.0.1:{served.port}{path}"),
    ):
        pass
    assert refused.value.response.status_code == 403
    assert caplog.records == []
