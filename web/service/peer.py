"""uvicorn's WebSocket protocol, hardened against peers that do not read, answer or stop.

What a transport has still to send is never dropped by closing it, so a peer that takes nothing
would keep its connection, buffer and task for ever: such a transport is aborted after a while.
"""

from __future__ import annotations

import asyncio
import socket
from asyncio.transports import BaseTransport
from typing import Any, Final, cast

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

from web.service.protocol import CloseCode

SEND_BUFFER_BYTES: Final = 256 * 1024
"""Of the kernel, per connection: what a slow reader has before it; pings and acks queue behind."""
MAX_FRAGMENTS: Final = 1024
CLOSE_S: Final = 5.0
"""How long a peer may take for the closing handshake."""


class Conversation(ServerProtocol):
    """The frames of one connection, without extensions: nothing is compressed."""

    def recv_frame(self, frame: Frame) -> None:
        """Take one frame; a close may come between the fragments of a message (RFC 6455, 5.4)."""
        if frame.opcode is Opcode.CLOSE:
            self.current_size = None
        super().recv_frame(frame)


class PeerProtocol(WebSocketsSansIOProtocol):
    """One connection."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.conn = Conversation(max_size=self.config.ws_max_size, logger=self.logger)
        self.close_timeout = CLOSE_S
        self._abort_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Bound the kernel's buffer; by itself it grows to megabytes for a slow reader."""
        super().connection_made(transport)
        endpoint = cast(socket.socket, transport.get_extra_info("socket"))
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        super().connection_lost(exc)
        if self._abort_timer is not None:
            self._abort_timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Take bytes; what follows a violation of the protocol is thrown away unread."""
        if self._has_failed:
            return
        super().data_received(data)
        if not self.handshake_initiated:
            # websockets takes shorter lines and fewer of them than h11, which read this head. It
            # has its answer ready (414, 431), which uvicorn does not send.
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def handle_cont(self, event: Frame) -> None:
        """Take a fragment; empty ones weigh nothing against the message's limit, so count them."""
        if len(self.frames) < MAX_FRAGMENTS:
            super().handle_cont(event)
        elif not self._has_failed:
            self.conn.fail(CloseCode.TOO_BIG, "too many fragments")
            self.handle_parser_exception()

    async def send(self, message: Any) -> None:
        """Send for the application; it learns as of any lost client when the peer has failed.

        So too when the closing handshake began without it: the peer's close, or a violation, may
        arrive between two messages. What the application sends behind its own close is refused
        before it comes here.
        """
        await self.writable.wait()
        if self._has_failed or self.close_sent:
            raise ClientDisconnected
        await super().send(message)

    def handle_ping(self) -> None:
        """Answer; from a peer that does not take its answers nothing more is read for now."""
        super().handle_ping()
        if not self.writable.is_set():
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on with both directions."""
        super().resume_writing()
        if not self.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    def keepalive_timeout(self) -> None:
        """End a connection whose peer has not answered the ping, whether it reads or not."""
        if not self.close_sent and not self.transport.is_closing():
            reason = "keepalive ping timeout"
            self._tell_app(CloseCode.INTERNAL, reason)
            self._abort_later()
        super().keepalive_timeout()

    def handle_parser_exception(self) -> None:
        """Say what was wrong and close.

        The socket is only half-closed: closing it with bytes unread would reset the connection,
        and the peer might never see the close code.
        """
        sent = self.conn.close_sent
        if sent is None:  # before the handshake was answered
            self.transport.abort()
            return
        self._tell_app(sent.code, sent.reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.write_eof()
        self.close_sent = True
        self.read_paused = False
        self.transport.resume_reading()
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.close)
        self._abort_later()

    def shutdown(self) -> None:
        """Say goodbye, but not to a peer that takes nothing: its stream has waited already."""
        super().shutdown()
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """See to it that the connection ends after its application."""
        super().on_task_complete(task)
        self._abort_later()

    @property
    def _has_failed(self) -> bool:
        return self.close_sent and self.conn.eof_sent

    def _tell_app(self, code: int, reason: str) -> None:
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})

    def _abort_later(self) -> None:
        if self._abort_timer is None and not self.disconnected:
            self._abort_timer = self.loop.call_later(self.close_timeout + 1, self.transport.abort)
