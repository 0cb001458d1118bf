"""A bounded cache that all viewers share: least recently used out first, each value made once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar, cast

T = TypeVar("T")


class BoundedCache:
    """Values by key, at most `limit_bytes` of them in all. Safe to call from several threads.

    A value larger than the limit is returned but not kept. Two callers that miss the same key at
    once share one load, and its error, which is not kept.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[object, int]] = OrderedDict()
        self._loading: dict[Hashable, Future[Any]] = {}
        self._bytes = 0
        self._hits = 0
        self._misses = 0

    @property
    def hits(self) -> int:
        """How many values were there or already on their way when they were asked for."""
        return self._hits

    @property
    def misses(self) -> int:
        """How many values had to be loaded."""
        return self._misses

    @property
    def size_bytes(self) -> int:
        """What the kept values weigh together."""
        return self._bytes

    def get(self, key: Hashable, load: Callable[[], T], weigh: Callable[[T], int]) -> T:
        """Return the value of `key`, loading it in this thread if no other is already at it."""
        with self._lock:
            entry = self._kept.get(key)
            if entry is not None:
                self._hits += 1
                self._kept.move_to_end(key)
                return cast(T, entry[0])
            future = self._loading.get(key)
            owner = future is None
            if future is None:
                self._misses += 1
                future = self._loading[key] = Future()
            else:
                self._hits += 1
        if not owner:
            return cast(T, future.result())
        try:
            value = load()
        except BaseException as error:
            with self._lock:
                del self._loading[key]
            future.set_exception(error)
            raise
        with self._lock:
            del self._loading[key]
            self._keep(key, value, weigh(value))
        future.set_result(value)
        return value

    def _keep(self, key: Hashable, value: object, size: int) -> None:
        if size > self._limit_bytes:
            return
        self._kept[key] = (value, size)
        self._bytes += size
        while self._bytes > self._limit_bytes:
            _, (_, freed) = self._kept.popitem(last=False)
            self._bytes -= freed
