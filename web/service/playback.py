"""Decide which window a stream may send, and when: the transport of one viewer, as arithmetic.

No socket, no file and no clock of its own: every method takes the present time, so that each rule
is tested without waiting. Symbols: `i` is a window's index in the session (0 is the open), `p` the
playback position in windows, a float that grows with time at `speed` windows per second.

The schedule is absolute. Window `i` is due at `anchor_s + (i - anchor_index) / speed`, so a late
wake-up makes one window late and none after it. It begins with the first window that is taken, at
the start and after a seek, because that one has to be read first. A stream that fell behind by
more than `MAX_CATCH_UP_S` (a slow reader, withheld credit, a sleeping machine) goes on from the
present instead of pouring out everything it missed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

MAX_CATCH_UP_S: Final = 1.0
MIN_SPEED: Final = 0.1
MAX_SPEED: Final = 1000.0


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows `first` … `first + count - 1`, taken for sending.

    `seq` is the number of windows that were taken before the first one in the same epoch. `late_s`
    is how long the first one could have been taken before, in seconds; waiting for credit is not
    being late.
    """

    first: int
    count: int
    epoch: int
    seq: int
    late_s: float = field(default=0.0, compare=False)

    def lateness_s(self, speed: float) -> Iterator[float]:
        """Yield how late each window is, one due `1 / speed` after the other."""
        for index in range(self.count):
            yield max(0.0, self.late_s - index / speed)


class Playback:
    """The transport state of one stream over `windows` windows.

    Invariants: `0 <= next_index <= windows`; the epoch never falls; within an epoch the batches
    taken are consecutive, each window once; the windows taken since credit was first granted never
    exceed the credit granted.
    """

    def __init__(self, *, windows: int, start: int, speed: float, now_s: float) -> None:
        if not 0 <= start < windows:
            raise ValueError(f"start {start} is outside the session's {windows} windows")
        _check_speed(speed)
        self._windows = windows
        self._next = start
        self._speed = speed
        self._paused = False
        self._epoch = 0
        self._seq = 0
        self._credit: int | None = None
        self._one_shot = False
        self._granted_s = now_s
        self._begins = True
        self._anchor_s = now_s
        self._anchor_index = float(start)

    @property
    def next_index(self) -> int:
        """The window that will be sent next; `windows` after the last one."""
        return self._next

    @property
    def speed(self) -> float:
        """Windows per second of wall clock."""
        return self._speed

    @property
    def paused(self) -> bool:
        """Whether only a step or a seek lets a window out."""
        return self._paused

    @property
    def epoch(self) -> int:
        """How many seeks, speed changes and steps there were."""
        return self._epoch

    @property
    def credit(self) -> int | None:
        """Windows that may still be sent; None while the client grants none and takes all."""
        return self._credit

    @property
    def ended(self) -> bool:
        """Whether the last window has been taken and the stream is running."""
        return self._next == self._windows and not self._paused

    def pause(self, now_s: float) -> None:
        """Hold the position, to the fraction of a window."""
        if not self._paused:
            self._rebase(now_s)
            self._paused = True

    def resume(self, now_s: float) -> None:
        """Go on from where `pause` held."""
        if self._paused:
            self._paused = False
            self._one_shot = False
            self._anchor_s = now_s

    def set_speed(self, speed: float, now_s: float) -> None:
        """Change the speed from now on; the position is continuous. Begins an epoch."""
        _check_speed(speed)
        self._rebase(now_s)
        self._speed = speed
        self._begin_epoch()

    def seek(self, index: int, now_s: float) -> None:
        """Make `index` the next window, due at once, also when paused. Begins an epoch."""
        if not 0 <= index < self._windows:
            raise ValueError(f"window {index} is outside the session's {self._windows} windows")
        self._next = index
        self._anchor_s = now_s
        self._anchor_index = float(index)
        self._begins = True
        self._one_shot = self._paused
        self._begin_epoch()

    def step(self, n: int, now_s: float) -> None:
        """Pause, and send the window `n` from the one sent last, held to the session's ends."""
        self._paused = True
        self.seek(min(max(self._next - 1 + n, 0), self._windows - 1), now_s)

    def grant(self, windows: int, now_s: float) -> None:
        """Let `windows` more windows out; the first grant switches credit on."""
        if self._credit == 0:
            self._granted_s = now_s
        self._credit = (self._credit or 0) + windows

    def wait_s(self, now_s: float) -> float | None:
        """Return seconds until a window may be sent; None if only a control message changes it."""
        if self._next == self._windows or self._credit == 0:
            return None
        if self._paused:
            return 0.0 if self._one_shot else None
        return max(0.0, self._due_s(self._next) - now_s)

    def take(self, now_s: float, limit: int) -> Batch | None:
        """Take the windows that are due, at most `limit`; None if there is none."""
        wait_s = self.wait_s(now_s)
        if wait_s is None or wait_s > 0:
            return None
        late_s = now_s - max(self._due_s(self._next), self._granted_s)
        if self._paused:
            count = 1
            self._one_shot = False
        else:
            if self._begins or now_s - self._due_s(self._next) > MAX_CATCH_UP_S:
                self._anchor_s = now_s
                self._anchor_index = float(self._next)
            count = max(1, math.floor(self._position(now_s)) - self._next + 1)
            count = min(count, limit, self._windows - self._next)
            if self._credit is not None:
                count = min(count, self._credit)
        self._begins = False
        batch = Batch(self._next, count, self._epoch, self._seq, late_s)
        self._next += count
        self._seq += count
        if self._credit is not None:
            self._credit -= count
        return batch

    def _position(self, now_s: float) -> float:
        return self._anchor_index + (now_s - self._anchor_s) * self._speed

    def _due_s(self, index: int) -> float:
        return self._anchor_s + (index - self._anchor_index) / self._speed

    def _rebase(self, now_s: float) -> None:
        """Anchor the schedule at the present position; what is overdue stays due at once."""
        if not self._paused:
            self._anchor_index = min(self._position(now_s), float(self._next))
        self._anchor_s = now_s

    def _begin_epoch(self) -> None:
        self._epoch += 1
        self._seq = 0


def _check_speed(speed: float) -> None:
    if not MIN_SPEED <= speed <= MAX_SPEED:
        raise ValueError(f"speed {speed} is not within {MIN_SPEED} … {MAX_SPEED}")
