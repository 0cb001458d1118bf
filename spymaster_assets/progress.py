"""Whom the stages of an in-process run tell of their progress."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from spymaster_assets.stages.context import Progress, no_progress

_listener: ContextVar[Progress] = ContextVar("listener", default=no_progress)


def tell(stage: str, done: int, total: int | None) -> None:
    """Pass a stage's progress on to whoever listens."""
    _listener.get()(stage, done, total)


@contextmanager
def listening(listener: Progress) -> Iterator[None]:
    """Let `listener` hear the stages that run in the block."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
