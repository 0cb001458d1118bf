"""Faults on demand: what goes wrong with the next requests, and what has gone wrong so far."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

from contracts.errors import ConfigurationError
from spymaster_resources.gateway.refusal import CASES


class FaultKind(StrEnum):
    """What goes wrong; the value of a fault says how."""

    STATUS = "status"
    """The answer is this HTTP status. Value: seconds of Retry-After, none by default."""
    DELAY = "delay"
    """The answer comes late. Value: seconds."""
    LOST = "lost"
    """The request is served, jobs are bought, and the answer never arrives."""
    SLOW = "slow"
    """The body comes slowly. Value: bytes a second."""
    CUT = "cut"
    """The connection ends inside the body. Value: the part that arrives, 0 to 1; a half."""
    CORRUPT = "corrupt"
    """One byte of the body is another one, so that checksums disagree."""
    IGNORE_RANGE = "ignore_range"
    """A request for a range gets the whole file, with status 200."""
    STUCK = "stuck"
    """The submitted job stays queued until it is released."""
    EXPIRE = "expire"
    """The submitted job expires as soon as it is done."""


BODY_FAULTS: Final = frozenset({FaultKind.SLOW, FaultKind.CUT, FaultKind.CORRUPT})
JOB_FAULTS: Final = frozenset({FaultKind.STUCK, FaultKind.EXPIRE})
DOWNLOAD: Final = "file"
"""Name of the operation that serves a file of a job; all others are the vendor's names."""

_TEXT: Final = re.compile(
    r"(?P<kind>[a-z_]+|\d{3})(?:=(?P<value>[\d.]+))?(?:@(?P<operation>[a-z_.*]+))?"
    r"(?::(?P<times>\d+|forever))?"
)


@dataclass(frozen=True)
class Fault:
    """One fault: its kind, the operations that it strikes (a pattern), and how often."""

    kind: FaultKind
    operation: str = "*"
    times: int | None = 1
    """None strikes for ever."""
    value: float | None = None
    status: int = 0
    """HTTP status of the kind STATUS."""

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Return the fault written as `KIND[=VALUE][@OPERATION][:TIMES]`.

        KIND is an HTTP status or a name of FaultKind, OPERATION `file` or the vendor's name, with
        `*` as wildcard, TIMES a number or `forever`: `429=1@batch.submit_job:2`, `cut=0.3@file`.
        """
        match = _TEXT.fullmatch(text.strip())
        kind = match["kind"] if match else ""
        status = int(kind) if kind.isdecimal() else 0
        known = status in CASES if status else kind in set(FaultKind) - {FaultKind.STATUS}
        if match is None or not known:
            raise ConfigurationError(
                f"fault {text!r}: expected KIND[=VALUE][@OPERATION][:TIMES] with a KIND of "
                f"{', '.join(map(str, CASES))}, {', '.join(FaultKind)}"
            )
        times = match["times"] or "1"
        return cls(
            FaultKind.STATUS if status else FaultKind(kind),
            operation=match["operation"] or "*",
            times=None if times == "forever" else int(times),
            value=float(match["value"]) if match["value"] else None,
            status=status,
        )


class Faults:
    """The faults that wait to strike, in the order in which they were added; thread-safe."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._struck: list[tuple[str, Fault]] = []
        self._lock = threading.Lock()

    def add(self, *faults: Fault | str) -> None:
        """Add faults, as objects or as `Fault.parse` reads them."""
        parsed = [Fault.parse(fault) if isinstance(fault, str) else fault for fault in faults]
        with self._lock:
            self._waiting += parsed

    def clear(self) -> None:
        """Forget the waiting faults."""
        with self._lock:
            self._waiting.clear()

    @property
    def struck(self) -> tuple[tuple[str, Fault], ...]:
        """Return operation and fault of everything that went wrong so far, in order."""
        with self._lock:
            return tuple(self._struck)

    @property
    def waiting(self) -> tuple[Fault, ...]:
        """Return the faults that have not struck as often as they shall."""
        with self._lock:
            return tuple(self._waiting)

    def take(self, operation: str, kinds: Collection[FaultKind]) -> Fault | None:
        """Return the first waiting fault of these kinds that strikes `operation`, and count it."""
        with self._lock:
            for place, fault in enumerate(self._waiting):
                if fault.kind in kinds and fnmatchcase(operation, fault.operation):
                    if fault.times is not None and fault.times <= 1:
                        del self._waiting[place]
                    elif fault.times is not None:
                        self._waiting[place] = replace(fault, times=fault.times - 1)
                    self._struck.append((operation, fault))
                    return fault
        return None
