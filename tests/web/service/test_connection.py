"""HTTP peers that are slow to ask or to take the answer, or too many, beside a healthy viewer."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from spymaster_resources.lake import Lake
from tests.web.service.hostile import PATIENCE_S
from tests.web.service.serving import Served, serving, wait_until
from tests.web.service.test_hostile import TARGET, healthy
from web.service import connection
from web.service.connection import HttpConnection

REQUEST_S = 1.0
TILE = "/v1/sessions/ESH6/2026-01-29/tiles/velocity/0"
HEALTH = b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
UPGRADE = (
    f"GET {TARGET} HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n"
).encode()
"""The head of a handshake without the line that would end it."""


@pytest.fixture(scope="module")
def hasty(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service that gives a request and its answer one second."""
    pages: Path = tmp_path_factory.mktemp("none")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "REQUEST_S", REQUEST_S)
        with serving(lake.root, pages) as served:
            yield served


@contextmanager
def dialled(served: Served, *, receive_buffer: int | None = None) -> Iterator[socket.socket]:
    """Connect to the service."""
    with socket.socket() as dialler:
        if receive_buffer is not None:
            dialler.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        dialler.settimeout(PATIENCE_S)
        dialler.connect(("127.0.0.1", served.port))
        yield dialler


def trickle(dialled: socket.socket, content: bytes) -> tuple[bytes, float]:
    """Send a byte at a time; return what came until the end, and after how many seconds that was.

    What came is empty where unread bytes made the service's kernel reset the connection.
    """
    began = time.monotonic()
    received = b""
    dialled.settimeout(0.05)
    for n in range(10**6):
        with suppress(TimeoutError):
            try:
                dialled.sendall(content[n : n + 1])
                more = dialled.recv(65_536)
            except ConnectionError:
                break
            if not more:
                break
            received += more
    return received, time.monotonic() - began


def connections(served: Served) -> int:
    """Return how many HTTP connections the service has."""
    open_now = list(served.server.server_state.connections)
    return sum(isinstance(one, HttpConnection) for one in open_now)


@pytest.mark.parametrize(
    "head",
    [b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\nx: " + b"x" * 1000, UPGRADE + b"x: " * 1000],
    ids=["a request", "a handshake"],
)
def test_a_head_a_byte_at_a_time_is_not_waited_for(hasty: Served, head: bytes) -> None:
    with healthy(hasty), dialled(hasty) as slow:
        slow.sendall(head[:-1000])
        answer, after_s = trickle(slow, head[-1000:])
        assert answer.startswith(b"HTTP/1.1 408 ") or not answer
        assert REQUEST_S - 0.1 < after_s < 3 * REQUEST_S


def test_who_stops_in_a_head_is_told_so(hasty: Served) -> None:
    with dialled(hasty) as halting:
        halting.sendall(UPGRADE)
        assert halting.recv(1000).startswith(b"HTTP/1.1 408 ")
        assert halting.recv(1000) == b""


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        (b"\r\nhost", b"\r\nx: " + b"x" * 9000 + b"\r\nhost", b"431"),
        (b"\r\nhost", b"\r\nx: x" * 200 + b"\r\nhost", b"431"),
        (b"?", b"?" + b"x" * 9000, b"414"),
    ],
    ids=["a long line", "many lines", "a long address"],
)
def test_a_handshake_that_is_too_large_is_told_so(
    served: Served, old: bytes, new: bytes, status: bytes
) -> None:
    with dialled(served) as verbose:
        verbose.sendall(UPGRADE.replace(old, new, 1) + b"\r\n")
        answer = b""
        while more := verbose.recv(1000):
            answer += more
        assert answer.startswith(b"HTTP/1.1 " + status)


def test_who_says_nothing_is_let_go_without_a_word(hasty: Served) -> None:
    with dialled(hasty) as silent:
        assert silent.recv(1000) == b""


def test_a_second_request_has_a_time_too(hasty: Served) -> None:
    with dialled(hasty) as reused:
        reused.sendall(HEALTH)
        assert reused.recv(1000).endswith(b'{"status":"ok"}')
        reused.sendall(HEALTH[:-2])
        assert reused.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_a_body_that_nobody_wants_is_not_waited_for(hasty: Served) -> None:
    with healthy(hasty), dialled(hasty) as talker:
        talker.sendall(HEALTH[:-2].replace(b"GET", b"POST") + b"content-length: 100000\r\n\r\n")
        answer, after_s = trickle(talker, b"x" * 1000)
        assert answer.startswith(b"HTTP/1.1 405 ")
        assert after_s < 3 * REQUEST_S


def test_an_answer_that_nobody_takes_is_dropped(hasty: Served) -> None:
    """Neither the task that sends it nor its bytes stay."""
    request = f"GET {TILE} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode()
    with healthy(hasty), dialled(hasty, receive_buffer=4096) as deaf:
        deaf.sendall(request * 20)
        wait_until(lambda: connections(hasty) == 1)
        wait_until(lambda: connections(hasty) == 0)
        with suppress(ConnectionError):
            while deaf.recv(65_536):
                pass


def test_an_answer_that_is_taken_slowly_is_whole(hasty: Served) -> None:
    whole = httpx.get(f"{hasty.url}{TILE}").content
    head = f"GET {TILE} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n".encode()
    with dialled(hasty, receive_buffer=65_536) as slow:
        slow.sendall(head)
        received = b""
        while more := slow.recv(131_072, socket.MSG_WAITALL):
            received += more
            time.sleep(0.2)  # it takes three times as long as a request may
    assert received.split(b"\r\n\r\n", 1)[1] == whole


def test_a_stream_outlives_the_time_of_a_request(hasty: Served) -> None:
    with hasty.connect(speed=60, surfaces="snap") as viewer:
        viewer.text()
        for index in range(int(60 * 2 * REQUEST_S)):
            assert viewer.window().seq == index


def test_of_too_many_connections_the_last_are_refused(
    hasty: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_until(lambda: connections(hasty) == 0)
    monkeypatch.setattr(connection, "MAX_CONNECTIONS_PER_ADDRESS", 5)
    with healthy(hasty), ExitStack() as stack:
        idle = [stack.enter_context(dialled(hasty)) for _ in range(8)]
        lasts = [one.recv(1000) for one in idle]
    assert sum(last.startswith(b"HTTP/1.1 503 ") for last in lasts) == 3
    assert httpx.get(f"{hasty.url}/health").status_code == 200
