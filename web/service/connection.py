"""uvicorn's HTTP protocol, hardened against peers that are slow to ask or to take their answer.

It is that on h11, because httptools puts no bound on the size of a request's head. uvicorn puts no
time on one: a peer that sends a byte now and then would keep its connection for ever. Nor on an
answer: closing a transport drops nothing, so a peer that reads nothing would keep its tile in
memory for ever. And each of them holds one of the files that the process may have open.
"""

from __future__ import annotations

import asyncio
import logging
import math
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from web.service.logs import note

REQUEST_S: Final = 10.0
"""How long the head of a request may take, from the connection or from the last answer on."""
LEAST_BYTES: Final = 64 * 1024
"""What a peer must take of a waiting answer in `REQUEST_S`."""
FAREWELL_S: Final = 2.0
"""What a running answer has left when the service stops."""
MAX_CONNECTIONS: Final = 384
"""Besides the streams: with theirs and the lake's within the usual 1024 files of a process."""
MAX_CONNECTIONS_PER_ADDRESS: Final = 256

_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_BUSY: Final = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"

logger = logging.getLogger(__name__)


class HttpConnection(H11Protocol):
    """One connection, as long as it is not a WebSocket's."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._timer: asyncio.TimerHandle | None = None
        self._unsent_before = math.inf
        self._is_leaving = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request, or refuse one connection too many."""
        others = [one.address for one in self.connections if isinstance(one, HttpConnection)]
        super().connection_made(transport)
        if (
            len(others) >= MAX_CONNECTIONS
            or others.count(self.address) >= MAX_CONNECTIONS_PER_ADDRESS
        ):
            note(logger, logging.INFO, "too many connections", address=self.address)
            self._end(_BUSY)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        super().connection_lost(exc)
        self._forget()

    def data_received(self, data: bytes) -> None:
        """Take bytes; the answer's time begins with the end of the request's head."""
        was_answering = self._is_answering
        super().data_received(data)
        if self._is_answering and not was_answering:
            self._watch()

    def on_response_complete(self) -> None:
        """Wait for the next request, which must come in its time."""
        super().on_response_complete()
        self._watch()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Leave the connection to its new protocol."""
        self._forget()
        super().handle_websocket_upgrade(event)

    def shutdown(self) -> None:
        """Let a running answer end, but not for long."""
        super().shutdown()
        self._forget()
        self._is_leaving = True
        self._timer = self.loop.call_later(FAREWELL_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on sending: the peer has taken what waited."""
        super().resume_writing()
        self._unsent_before = math.inf

    @property
    def address(self) -> str:
        """The peer's address without its port."""
        return self.client[0] if self.client is not None else "unknown"

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _watch(self) -> None:
        """Look after `REQUEST_S` whether the peer did its part."""
        if self._is_leaving:
            return
        self._forget()
        if self.transport.get_protocol() is self:
            self._timer = self.loop.call_later(REQUEST_S, self._look)

    def _forget(self) -> None:
        self._unsent_before = math.inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        unsent = self.transport.get_write_buffer_size()
        if unsent + LEAST_BYTES > self._unsent_before:
            note(logger, logging.INFO, "a peer does not take its answer", address=self.address)
            self.transport.abort()
            return
        if not unsent and not self._is_answering:
            note(logger, logging.INFO, "a peer does not end its request", address=self.address)
            has_begun = self.conn.our_state is h11.IDLE and bool(self.conn.trailing_data[0])
            self._end(_TOO_SLOW if has_begun else b"")
        self._watch()
        self._unsent_before = unsent or math.inf

    def _end(self, last_words: bytes) -> None:
        self.transport.write(last_words)
        self.transport.close()
