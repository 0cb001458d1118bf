"""The WebSocket endpoint: from handshake to close, with a named reason in every case."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from contracts.errors import LakeError, SpymasterError
from web.service import protocol
from web.service.limits import Admissions
from web.service.logs import note
from web.service.metrics import StreamMetrics
from web.service.protocol import CloseCode, EndReason, RefusalError
from web.service.request import parse_stream_request
from web.service.security import new_error_id
from web.service.session import Session
from web.service.sessions import SessionCatalogue
from web.service.stream import Streamer
from web.service.workers import Workers

FAREWELL_S: Final = 2.0
"""How long a client that does not read may keep the last messages waiting."""

# A client may close with any of thousands of codes; each would be a series of its own.
_COUNTED: Final = frozenset({1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1011})

logger = logging.getLogger(__name__)


class StreamHub:
    """Serves streams and knows those that run."""

    def __init__(
        self,
        catalogue: SessionCatalogue,
        workers: Workers,
        admissions: Admissions,
        metrics: StreamMetrics,
    ) -> None:
        self._catalogue = catalogue
        self._workers = workers
        self._admissions = admissions
        self._metrics = metrics
        self._running: set[Streamer] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False

    @property
    def connected(self) -> int:
        """How many clients are connected."""
        return self._admissions.count

    async def serve(self, socket: WebSocket) -> None:
        """Serve one client of `/v1/velocity/stream`."""
        address = socket.client.host if socket.client is not None else "unknown"
        try:
            await _accept(socket)
            with self._admissions.admit(address):
                await self._stream(socket)
        except RefusalError as refusal:
            note(logger, logging.INFO, "stream refused", code=refusal.code, address=address)
            message = protocol.error_message(refusal.code, str(refusal))
            self._metrics.errors.add(label=refusal.code)
            await self._leave(socket, message, refusal.close_code, refusal.code)
        except WebSocketDisconnect as left:
            note(logger, logging.INFO, "stream left by its client", code=left.code)
            self._metrics.closed.add(label=str(left.code) if left.code in _COUNTED else "other")
        except Exception as error:
            error_id = new_error_id()
            logger.exception("stream failed", extra={"fields": {"id": error_id}})
            code = "lake" if isinstance(error, SpymasterError | OSError) else "internal"
            message = protocol.error_message(code, "the session cannot be played", error_id)
            self._metrics.errors.add(label=code)
            await self._leave(socket, message, CloseCode.INTERNAL, code)

    async def shutdown(self) -> None:
        """End every stream with a reason, and wait for them for a moment."""
        self._closing = True
        for streamer in self._running:
            streamer.stop(EndReason.SHUTDOWN)
        try:
            async with asyncio.timeout(FAREWELL_S):
                await self._idle.wait()
        except TimeoutError:
            note(
                logger,
                logging.WARNING,
                "streams did not take their end in time",
                streams=len(self._running),
            )

    async def _stream(self, socket: WebSocket) -> None:
        if self._closing:
            raise RefusalError("busy", "the service is stopping", close_code=CloseCode.BUSY)
        request = parse_stream_request(socket.query_params)
        session = await self._workers.run(partial(self._catalogue.open, request.symbol, request.dt))
        streamer = Streamer(socket, session, request, self._workers, time.monotonic, self._metrics)
        self._running.add(streamer)
        self._idle.clear()
        self._metrics.opened.add()
        note(
            logger,
            logging.INFO,
            "stream begins",
            symbol=session.key.symbol,
            dt=session.key.dt.isoformat(),
            version=session.version,
            format=request.format.value,
        )
        try:
            reason = await self._play(streamer, session)
            code = CloseCode.GOING_AWAY if reason is EndReason.SHUTDOWN else CloseCode.NORMAL
            await self._leave(socket, protocol.stream_end(reason), code, reason.value)
        finally:
            self._running.discard(streamer)
            if not self._running:
                self._idle.set()

    async def _play(self, streamer: Streamer, session: Session) -> EndReason:
        try:
            return await streamer.run()
        except (LakeError, OSError):
            if await self._is_replaced(session):
                return EndReason.REPLACED
            raise

    async def _is_replaced(self, session: Session) -> bool:
        try:
            return await self._workers.run(partial(self._catalogue.is_replaced, session))
        except (LakeError, OSError):
            return False

    async def _leave(self, socket: WebSocket, message: str, code: CloseCode, reason: str) -> None:
        """Send the last message and close; give up on a client that does not take them."""
        self._metrics.closed.add(label=str(int(code)))
        try:
            async with asyncio.timeout(FAREWELL_S):
                await socket.send_text(message)
                await socket.close(code, reason)
        except (TimeoutError, WebSocketDisconnect, RuntimeError):
            note(logger, logging.INFO, "a client was gone before its last message", code=int(code))


async def _accept(socket: WebSocket) -> None:
    try:
        await socket.accept()
    except OSError:  # it left while it shook hands
        raise WebSocketDisconnect(1006) from None
