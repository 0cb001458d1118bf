"""What one client, and all of them together, may ask of the service."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from web.service.protocol import CloseCode, Command, RefusalError, Seek

MAX_STREAMS: Final = 256
MAX_STREAMS_PER_ADDRESS: Final = 100
MAX_MESSAGES: Final = 100
"""Control messages that count, within `PERIOD_S`."""
PERIOD_S: Final = 60.0
GESTURE_S: Final = 1.0
"""A seek so soon after another belongs to the same gesture and replaces it: it does not count."""


class Admissions:
    """Who is connected, counted by address."""

    def __init__(
        self, in_all: int = MAX_STREAMS, per_address: int = MAX_STREAMS_PER_ADDRESS
    ) -> None:
        self._in_all = in_all
        self._per_address = per_address
        self._by_address: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """How many are connected."""
        return self._by_address.total()

    @contextmanager
    def admit(self, address: str) -> Iterator[None]:
        """Count a client of `address` in while the block runs; raise `RefusalError` when full."""
        if self.count >= self._in_all:
            raise _busy(f"the service plays {self._in_all} streams and takes no more")
        if self._by_address[address] >= self._per_address:
            raise _busy(f"one address may open {self._per_address} streams")
        self._by_address[address] += 1
        try:
            yield
        finally:
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]


class MessageRate:
    """The control messages of one client: at most `MAX_MESSAGES` in any `PERIOD_S`."""

    def __init__(self) -> None:
        self._counted: deque[float] = deque()
        self._last_seek_s = float("-inf")

    def count(self, command: Command, now_s: float) -> None:
        """Count one message; raise `RefusalError` when it is one too many."""
        if isinstance(command, Seek):
            is_same_gesture = now_s - self._last_seek_s < GESTURE_S
            self._last_seek_s = now_s
            if is_same_gesture:
                return
        while self._counted and now_s - self._counted[0] >= PERIOD_S:
            self._counted.popleft()
        if len(self._counted) == MAX_MESSAGES:
            message = f"a client may send {MAX_MESSAGES} control messages in {PERIOD_S:.0f} s"
            raise RefusalError("too_many_messages", message)
        self._counted.append(now_s)


def _busy(message: str) -> RefusalError:
    return RefusalError("busy", message, close_code=CloseCode.BUSY)
