"""The service on uvicorn: back end, limits of the socket, and a shutdown that says goodbye."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import Final

import uvicorn
from starlette.applications import Starlette

from contracts.errors import ConfigurationError
from web.service.connection import HttpConnection
from web.service.hub import StreamHub
from web.service.peer import PeerProtocol
from web.service.protocol import MAX_MESSAGE_BYTES

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8001
PING_S: Final = 20.0


class Server(uvicorn.Server):
    """A uvicorn server that ends the streams with a reason before it closes their sockets."""

    def __init__(
        self, config: uvicorn.Config, hub: StreamHub, on_started: Callable[[int], None]
    ) -> None:
        super().__init__(config)
        self._hub = hub
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, then tell the port."""
        await super().startup(sockets)
        if self.started:
            self._on_started(self.servers[0].sockets[0].getsockname()[1])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then shut down."""
        await self._hub.shutdown()
        await super().shutdown(sockets)


def listen(host: str, port: int) -> list[socket.socket]:
    """Return sockets that listen on every address of `host`; port 0 takes a free one.

    Raises ConfigurationError when an address is taken or not ours.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        addresses = dict.fromkeys((family, address[:2]) for family, *_, address in found)
        return [
            socket.create_server((str(name), int(number)), family=family)
            for family, (name, number) in addresses
        ]
    except OSError as error:
        problem = error.strerror or str(error)
        hint = ": another program listens there; give --port another number, 0 takes a free one"
        message = f"cannot listen on {host}, port {port}: {problem}"
        raise ConfigurationError(
            message + (hint if error.errno == errno.EADDRINUSE else "")
        ) from error


def create_server(
    app: Starlette,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    on_started: Callable[[int], None] = lambda _: None,
    *,
    ping_s: float = PING_S,
) -> Server:
    """Return a server of `app`; port 0 takes a free one. `on_started` is told the port.

    Every connection is pinged each `ping_s` and given as long to answer.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        ws=PeerProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=ping_s,
        ws_ping_timeout=ping_s,
        http=HttpConnection,
        # An address that a client claims must not escape the cap of its own.
        proxy_headers=False,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    return Server(config, app.state.hub, on_started)
