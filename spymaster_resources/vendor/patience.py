"""How often something is tried again, and how long to wait in between."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from contracts.errors import VendorBusyError, VendorError, VendorUnclearError

Wait = Callable[[float], None]
T = TypeVar("T")


def wait_seconds(seconds: float) -> None:
    """Wait."""
    threading.Event().wait(seconds)


@dataclass(frozen=True)
class Patience:
    """Attempts, and a pause that doubles from one to the next; a vendor's Retry-After is obeyed."""

    attempts: int = 6
    first_s: float = 1.0
    longest_s: float = 60.0
    wait: Wait = wait_seconds

    def pause(self, attempt: int, error: Exception) -> None:
        """Wait after failed `attempt` (1-based); up to a quarter is added so that clients part."""
        asked = error.retry_after_s if isinstance(error, VendorBusyError) else None
        doubled = min(self.first_s * 2.0 ** (attempt - 1), self.longest_s)
        spread = random.uniform(1.0, 1.25)  # noqa: S311 - not a secret
        self.wait(max(doubled * spread, asked or 0.0))

    def repeat(
        self,
        call: Callable[[], T],
        *,
        on: tuple[type[VendorError], ...] = (VendorBusyError, VendorUnclearError),
    ) -> T:
        """Return what `call` returns, tried again on the errors `on`; the last one is raised."""
        attempt = 1
        while True:
            try:
                return call()
            except on as error:
                if attempt >= self.attempts:
                    raise
                self.pause(attempt, error)
            attempt += 1
