"""Decoding in a thread of its own, ahead of who uses the records."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def prefetched(items: Iterator[Item], depth: int) -> Generator[Item, None, None]:
    """Yield `items` in order, up to `depth` of them made ahead in one thread.

    An error of `items` is raised at its place. Items that share memory need `depth + 1` buffers.
    """
    with ThreadPoolExecutor(1) as pool:
        ahead: deque[Future[Item | None]] = deque()
        try:
            while True:
                while len(ahead) < depth:
                    ahead.append(pool.submit(next, items, None))
                item = ahead.popleft().result()
                if item is None:
                    return
                yield item
        finally:
            pool.shutdown(cancel_futures=True)
