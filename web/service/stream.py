"""One viewer's stream: control messages in, windows out on the schedule of its `Playback`.

Two tasks: one reads and checks control messages, the other does everything else, sending included.
Because a single task sends, an ack cannot overtake or cut a window, and after the ack of a seek,
speed or step no window of an older epoch follows. A full socket makes that task wait inside `send`,
so a slow reader holds up only itself and at most one message is in flight.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from web.service import protocol
from web.service.chunks import Chunk, Chunks
from web.service.frames import EMPTY_FRAMES
from web.service.limits import MessageRate
from web.service.metrics import StreamMetrics
from web.service.playback import Batch, Playback
from web.service.protocol import Command, EndReason, RefusalError
from web.service.request import StreamFormat, StreamRequest
from web.service.session import Session
from web.service.tiles import tile_message
from web.service.workers import Workers

MAX_PENDING_COMMANDS: Final = 64
SEEK_INTERVAL_S: Final = 0.05
"""Of seeks that follow each other faster only the last is carried out; each is acknowledged."""


class Streamer:
    """Plays one session to one client."""

    def __init__(
        self,
        socket: WebSocket,
        session: Session,
        request: StreamRequest,
        workers: Workers,
        clock: Callable[[], float],
        metrics: StreamMetrics,
    ) -> None:
        self._socket = socket
        self._session = session
        self._request = request
        self._workers = workers
        self._clock = clock
        self._metrics = metrics
        self._rate = MessageRate()
        self._seek_waits = False
        self._next_seek_s = clock()
        self._start = session.start_index(request.skip_minutes, request.start)
        self._commands: asyncio.Queue[Command] = asyncio.Queue(MAX_PENDING_COMMANDS)
        self._woken = asyncio.Event()
        self._stop: EndReason | None = None
        self._chunks = Chunks(session, request, workers)

    def stop(self, reason: EndReason) -> None:
        """End the stream between two windows."""
        self._stop = self._stop or reason
        self._woken.set()

    async def run(self) -> EndReason:
        """Play until the end.

        Raises RefusalError for a bad control message, WebSocketDisconnect when the client leaves,
        LakeError when the lake fails.
        """
        reader = asyncio.create_task(self._read())
        player = asyncio.create_task(self._play())
        try:
            await asyncio.wait({reader, player}, return_when=asyncio.FIRST_COMPLETED)
            if player.done():
                return player.result()
            return reader.result()
        finally:
            for task in (reader, player):
                task.cancel()
            await asyncio.gather(reader, player, return_exceptions=True)
            self._chunks.close()

    async def _read(self) -> EndReason:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1006))
            text = message.get("text")
            if text is None:
                raise RefusalError("bad_message", "a control message is text")
            command = protocol.parse_command(text)
            self._metrics.messages.add(label=protocol.command_name(command))
            self._rate.count(command, self._clock())
            await self._commands.put(command)
            self._woken.set()

    async def _play(self) -> EndReason:
        await self._socket.send_text(self._stream_info())
        playback = Playback(
            windows=self._session.windows,
            start=self._start,
            speed=self._request.speed,
            now_s=self._clock(),
        )
        while self._stop is None and not playback.ended:
            self._woken.clear()
            if not self._commands.empty():
                await self._answer(self._commands.get_nowait(), playback)
                continue
            now = self._clock()
            wait_s = playback.wait_s(now)
            if playback.next_index == self._session.windows:
                await self._wait(wait_s, None)
                continue
            if self._seek_waits:
                if now < self._next_seek_s:
                    await self._wait(self._next_seek_s - now, None)
                    continue
                self._seek_waits = False
                self._next_seek_s = now + SEEK_INTERVAL_S
            chunk = self._chunks.of(playback.next_index, playback.speed)
            if not chunk.done():
                await self._wait(None, chunk)
                continue
            room = self._chunks.windows - playback.next_index % self._chunks.windows
            batch = playback.take(now, 1 if self._is_frames else room)
            if batch is None:
                await self._wait(wait_s, None)
            else:
                await self._send(batch, chunk.result(), playback.speed)
                # A socket with room never suspends: others get their turn between two windows.
                await asyncio.sleep(0)
        return self._stop or EndReason.END_OF_SESSION

    @property
    def _is_frames(self) -> bool:
        return self._request.format is StreamFormat.FRAMES

    async def _answer(self, command: Command, playback: Playback) -> None:
        now = self._clock()
        match command:
            case protocol.Pause():
                playback.pause(now)
            case protocol.Resume():
                playback.resume(now)
            case protocol.Speed(speed):
                playback.set_speed(speed, now)
            case protocol.Seek(window_end_ts_ns):
                playback.seek(self._session.index_of(window_end_ts_ns), now)
                self._seek_waits = True
            case protocol.Step(n):
                playback.step(n, now)
            case protocol.Credit(windows):
                playback.grant(windows, now)
        index = playback.next_index
        next_end = self._session.window_ends_ns[index] if index < self._session.windows else None
        await self._socket.send_text(protocol.ack(command, playback, next_end))

    async def _send(self, batch: Batch, chunk: Chunk, speed: float) -> None:
        row = batch.first % self._chunks.windows
        end_ns = int(self._session.window_ends_ns[batch.first])
        for late_s in batch.lateness_s(speed):
            self._metrics.lateness.observe(late_s)
        if self._is_frames:
            sent = await self._send_frames(batch, end_ns, chunk, row)
        else:
            sent = await self._send_tiles(batch, end_ns, chunk, row)
        self._metrics.windows.add(batch.count, self._request.format.value)
        self._metrics.sent_bytes.add(sent, self._request.format.value)

    async def _send_frames(self, batch: Batch, end_ns: int, chunk: Chunk, row: int) -> int:
        """Send one window; return the bytes of its surfaces."""
        surfaces = self._request.surfaces
        names = [surface.value for surface in surfaces]
        await self._socket.send_text(protocol.batch_start(end_ns, names, batch.epoch, batch.seq))
        sent = 0
        for surface in surfaces:
            frames = chunk.frames.get(surface)
            frame = EMPTY_FRAMES[surface] if frames is None else frames[row]
            await self._socket.send_text(protocol.surface_header(surface.value))
            await self._socket.send_bytes(frame)
            sent += len(frame)
        return sent

    async def _send_tiles(self, batch: Batch, end_ns: int, chunk: Chunk, row: int) -> int:
        """Send the windows of a batch as one message a surface; return their bytes."""
        sent = 0
        for surface, rows in chunk.rows.items():
            tile = partial(
                tile_message,
                surface,
                rows.slice(row, batch.count),
                epoch=batch.epoch,
                seq=batch.seq,
                first_window_end_ts_ns=end_ns,
            )
            message = await self._workers.run(tile)
            await self._socket.send_bytes(message)
            sent += len(message)
        return sent

    async def _wait(self, timeout_s: float | None, other: asyncio.Task[Chunk] | None) -> None:
        """Wait until a command or `stop` wakes, until `other` is done, or for a time."""
        woken = asyncio.create_task(self._woken.wait())
        try:
            await asyncio.wait(
                {woken} if other is None else {woken, other},
                timeout=timeout_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            woken.cancel()

    def _stream_info(self) -> str:
        request, session = self._request, self._session
        return protocol.encode(
            {
                "type": "stream_info",
                "protocol": protocol.PROTOCOL_VERSION,
                "requested_symbol": request.symbol,
                "format": request.format.value,
                "speed": request.speed,
                "epoch": 0,
                "surfaces": [surface.value for surface in request.surfaces],
                "start_window_end_ts_ns": str(session.window_ends_ns[self._start]),
                "session": session.describe(),
            }
        )
