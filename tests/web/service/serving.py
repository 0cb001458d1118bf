"""A real server on a loopback port for the time of a `with` block, and clients of it."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from websockets.sync.client import ClientConnection, connect

from web.service.app import create_app
from web.service.limits import MAX_STREAMS
from web.service.server import PING_S, Server, create_server

RECEIVE_S = 20.0


@dataclass
class Served:
    """A running service."""

    port: int
    server: Server

    @property
    def url(self) -> str:
        """Base address for HTTP."""
        return f"http://127.0.0.1:{self.port}"

    def stream_url(self, **query: object) -> str:
        """Address of a stream."""
        asked = {"symbol": "ESH6", "dt": "2026-01-29", **query}
        text = "&".join(f"{name}={value}" for name, value in asked.items())
        return f"ws://127.0.0.1:{self.port}/v1/velocity/stream?{text}"

    @contextmanager
    def connect(self, **query: object) -> Iterator[Viewer]:
        """Open a stream, 1000 times as fast as the market unless told otherwise."""
        address = self.stream_url(**{"speed": 1000, **query})
        # A client that leaves with windows unread does not wait for the answer to its close.
        with connect(address, compression=None, max_size=None, close_timeout=0.1) as connection:
            yield Viewer(connection)


@contextmanager
def serving(
    lake_root: str, pages: Path, *, ping_s: float = PING_S, max_streams: int = MAX_STREAMS
) -> Iterator[Served]:
    """Serve a lake. The socket listens before the server runs, so nothing has to be waited for."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    port = listener.getsockname()[1]
    app = create_app(lake_root, pages=pages, max_streams=max_streams)
    server = create_server(app, port=port, ping_s=ping_s)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield Served(port, server)
    finally:
        server.should_exit = True
        thread.join(RECEIVE_S)
        assert not thread.is_alive()


@dataclass
class Window:
    """One window of the frames format."""

    end_ns: int
    epoch: int
    seq: int
    names: list[str]
    tables: dict[str, pa.Table] = field(default_factory=dict)


class Viewer:
    """A client of one stream."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def say(self, kind: str, **values: object) -> None:
        """Send a control message."""
        self.connection.send(json.dumps({"type": kind, **values}))

    def raw(self) -> str | bytes:
        """Return the next message."""
        return self.connection.recv(RECEIVE_S)

    def drain(self) -> None:
        """Take messages until the connection is closed; raises ConnectionClosed."""
        while True:
            self.raw()

    def text(self) -> dict[str, Any]:
        """Return the next message, which is a text."""
        message = self.raw()
        assert isinstance(message, str)
        content: dict[str, Any] = json.loads(message)
        return content

    def window(self) -> Window:
        """Return the next window, which comes next."""
        return self.rest_of_window(self.text())

    def rest_of_window(self, start: dict[str, Any]) -> Window:
        """Return the window that `start` opens, each surface announced and sent in order."""
        assert start["type"] == "batch_start", start
        window = Window(
            int(start["window_end_ts_ns"]), start["epoch"], start["seq"], start["surfaces"]
        )
        for name in window.names:
            assert self.text() == {"type": "surface_header", "surface": name}
            content = self.raw()
            assert isinstance(content, bytes)
            window.tables[name] = pa.ipc.open_stream(content).read_all()
        return window

    def ack(self, kind: str) -> tuple[dict[str, Any], list[Window]]:
        """Return the next ack, which answers `kind`, and the windows before it."""
        windows: list[Window] = []
        while True:
            content = self.text()
            if content["type"] == "ack":
                assert content["of"] == kind
                return content, windows
            windows.append(self.rest_of_window(content))

    def say_and_wait(self, kind: str, **values: object) -> tuple[dict[str, Any], list[Window]]:
        """Send a control message; return its ack and the windows before it."""
        self.say(kind, **values)
        return self.ack(kind)


def wait_until(holds: Callable[[], bool]) -> None:
    """Return when `holds` does; fail when it does not in time."""
    deadline = time.monotonic() + RECEIVE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
