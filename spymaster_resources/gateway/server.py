"""The gateway as a running server: in a thread for tests and the demo, or in the foreground."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self

import uvicorn
from starlette.applications import Starlette

from contracts.errors import ConfigurationError
from spymaster_resources.gateway.account import Account, Limits, Purchase
from spymaster_resources.gateway.app import create_app
from spymaster_resources.gateway.archive import Archive
from spymaster_resources.gateway.faults import Fault, Faults
from spymaster_resources.gateway.jobs import Jobs, JobTimes
from spymaster_resources.gateway.query import DataQuery
from spymaster_resources.gateway.tls import make_certificate

LOOPBACK: Final = "127.0.0.1"
SIMULATED_KEY: Final = "db-simulatedexchangesimulatedkey"
"""A key of the vendor's form that opens nothing but this gateway."""


class Gateway:
    """A vendor on this machine; a context manager that serves from threads.

    It listens from construction on (port 0 takes a free one); `url` and `ca_file` are what the
    client needs: `databento.Historical(key, gateway=gateway.url)`, REQUESTS_CA_BUNDLE. `faults`
    breaks what comes next; `purchases` tells what was bought. Job files lie below `folder`, or in
    a temporary folder that goes with the gateway. With `plain_files` the listed addresses of
    files are plain HTTP, on a port of their own.
    """

    def __init__(
        self,
        archive: Archive,
        *,
        key: str = SIMULATED_KEY,
        port: int = 0,
        faults: Iterable[Fault | str] = (),
        times: JobTimes | None = None,
        limits: Limits | None = None,
        folder: Path | None = None,
        plain_files: bool = False,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.faults: Final = Faults()
        self.faults.add(*faults)
        self.limits: Final = limits or Limits()
        self._threads: list[threading.Thread] = []
        with ExitStack() as stack:
            self._socket = stack.enter_context(_listen(port))
            files = stack.enter_context(_listen(0)) if plain_files else None
            place = Path(stack.enter_context(TemporaryDirectory(prefix="spymaster-gateway-")))
            self.ca_file, key_file = make_certificate(place)
            self._account = Account(
                archive,
                folder or place / "jobs",
                url=f"http://{_address(files)}" if files else self.url,
                faults=self.faults,
                times=times or JobTimes(),
                limits=self.limits,
                now_ns=now_ns,
            )
            stack.callback(self._account.jobs.close)
            self._resources = stack.pop_all()
        app = create_app(self._account, key)
        tls = {"ssl_certfile": self.ca_file, "ssl_keyfile": key_file}
        self._servers = [(_server(app, **tls), self._socket)]
        if files:
            self._servers.append((_server(app), files))

    @property
    def url(self) -> str:
        """Return the gateway's address for the client."""
        return f"https://{_address(self._socket)}"

    @property
    def jobs(self) -> Jobs:
        """Return the jobs of the account."""
        return self._account.jobs

    @property
    def purchases(self) -> tuple[Purchase, ...]:
        """Return everything bought so far, in order."""
        return self._account.purchases

    @property
    def bought_twice(self) -> tuple[DataQuery, ...]:
        """Return the requests of which more than one job was bought."""
        return self._account.bought_twice

    def start(self) -> None:
        """Serve from threads until `close`."""
        self._start(self._servers)

    def run(self) -> None:
        """Serve until the process is asked to end, then close."""
        (server, listener), *others = self._servers
        self._start(others)
        try:
            server.run(sockets=[listener])
        finally:
            self.close()

    def close(self) -> None:
        """Stop serving and remove the temporary files."""
        for server, _ in self._servers:
            server.should_exit = True
        for thread in self._threads:
            thread.join()
        self._resources.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, servers: Iterable[tuple[uvicorn.Server, socket.socket]]) -> None:
        for server, listener in servers:
            thread = threading.Thread(
                target=server.run, kwargs={"sockets": [listener]}, name="gateway"
            )
            thread.start()
            self._threads.append(thread)


class _Server(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drop all connections: a client that holds one open would delay the end by seconds."""
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        await super().shutdown(sockets)


def _server(app: Starlette, **tls: Any) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        # Large bodies: uvloop copies them once more and is slower (half the speed, measured).
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        **tls,
    )
    return _Server(config)


def _address(listener: socket.socket) -> str:
    return f"{LOOPBACK}:{listener.getsockname()[1]}"


def _listen(port: int) -> socket.socket:
    # With its protocol named, asyncio switches off the delay of small packets (40 ms an answer).
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"port {port} of {LOOPBACK} cannot be taken: {error.strerror}; choose another --port"
        ) from error
    # Clients may connect before the server's loop runs; they wait in the queue.
    listener.listen(128)
    return listener
