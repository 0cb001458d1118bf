"""The windows that a stream sends next, read in threads shortly before they are due."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import pyarrow as pa

from web.service.frames import FRAME_WINDOWS
from web.service.request import StreamFormat, StreamRequest
from web.service.session import Session
from web.service.surfaces import Surface
from web.service.tiles import TILE_WINDOWS
from web.service.workers import Workers

PREFETCH_S: Final = 2.0
"""The next chunk is read when it will be due so soon."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Windows that follow each other, ready to be sent in one of the two formats."""

    frames: Mapping[Surface, tuple[bytes, ...]] = field(default_factory=dict)
    rows: Mapping[Surface, pa.RecordBatch] = field(default_factory=dict)


class Chunks:
    """The present chunk of one stream and, when it is near, the one after."""

    def __init__(self, session: Session, request: StreamRequest, workers: Workers) -> None:
        self._session = session
        self._is_frames = request.format is StreamFormat.FRAMES
        self._surfaces = [s for s in request.surfaces if session.has(s)]
        self._workers = workers
        self._loading: dict[int, asyncio.Task[Chunk]] = {}
        self.windows = FRAME_WINDOWS if self._is_frames else TILE_WINDOWS
        """How many windows a chunk has; the last may be shorter."""

    def of(self, index: int, speed: float) -> asyncio.Task[Chunk]:
        """Return the loading of the chunk of window `index`.

        Once it is there the next one is loaded, shortly before it is due: what others wait for
        goes first.
        """
        number, row = divmod(index, self.windows)
        wanted = [number]
        left = self.windows - row
        is_soon = left <= PREFETCH_S * speed and index + left < self._session.windows
        if is_soon and number in self._loading and self._loading[number].done():
            wanted.append(number + 1)
        for old in self._loading.keys() - set(wanted):
            self._loading.pop(old).cancel()
        for new in wanted:
            if new not in self._loading:
                task = asyncio.create_task(self._workers.run(partial(self._load, new)))
                task.add_done_callback(_look_at_error)
                self._loading[new] = task
        return self._loading[number]

    def close(self) -> None:
        """Load nothing more."""
        for task in self._loading.values():
            task.cancel()

    def _load(self, number: int) -> Chunk:
        """Return one chunk of every surface that is asked for and there; reads files."""
        session = self._session
        if self._is_frames:
            return Chunk(frames={s: session.frames(s, number) for s in self._surfaces})
        return Chunk(rows={s: session.rows(s, number) for s in self._surfaces})


def _look_at_error(task: asyncio.Task[Chunk]) -> None:
    """Count an error as seen: a chunk that failed ahead of time is reported when it is reached."""
    if not task.cancelled():
        task.exception()
