"""Answers that are streamed: files and generated data, and the faults of their bodies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Final

from starlette.concurrency import iterate_in_threadpool
from starlette.types import Receive, Scope, Send

from spymaster_resources.gateway.faults import Fault, FaultKind

_SLOW_BYTES_PER_S: Final = 1 << 20
_SLOW_PIECE_S: Final = 0.05


class BodyAnswer:
    """An ASGI answer with a body in pieces; `length` is None where it is not known before.

    A piece that a fault cuts is the last one: the connection is then closed without the rest.
    """

    def __init__(
        self,
        pieces: Iterator[bytes],
        *,
        length: int | None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        fault: Fault | None = None,
    ) -> None:
        self.pieces = pieces
        self.length = length
        self.status = status
        self.headers = {"content-type": "application/octet-stream", **(headers or {})}
        self.fault = fault
        if length is not None:
            self.headers["content-length"] = str(length)

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the answer."""
        headers = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        async for piece in self._faulty(iterate_in_threadpool(self.pieces)):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        if self.fault is None or self.fault.kind is not FaultKind.CUT:
            # The server closes the connection of an answer that is never finished.
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _faulty(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        kind = self.fault.kind if self.fault else None
        if kind is FaultKind.CUT:
            return self._cut(pieces)
        if kind is FaultKind.CORRUPT:
            return _corrupt(pieces)
        return self._slow(pieces) if kind is FaultKind.SLOW else pieces

    async def _cut(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        part = 0.5 if self.fault is None or self.fault.value is None else self.fault.value
        left = None if self.length is None else int(self.length * part)
        async for piece in pieces:
            left = int(len(piece) * part) if left is None else left
            yield piece[:left]
            left -= min(left, len(piece))
            if not left:
                return

    async def _slow(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        rate = (self.fault.value if self.fault else None) or _SLOW_BYTES_PER_S
        step = max(1, int(rate * _SLOW_PIECE_S))
        async for piece in pieces:
            for at in range(0, len(piece), step):
                yield piece[at : at + step]
                await asyncio.sleep(len(piece[at : at + step]) / rate)


async def _corrupt(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    flip = 1
    async for piece in pieces:
        changed = bytearray(piece)
        if changed:
            changed[-1] ^= flip
            flip = 0
        yield bytes(changed)
