"""Cost and size before anything is bought, by the vendor's free metadata calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from contracts.errors import ConfigurationError, VendorRefusedError
from spymaster_resources.vendor.client import Vendor
from spymaster_resources.vendor.requests import Request


@dataclass(frozen=True)
class Estimate:
    """The price of one request and the uncompressed bytes that it delivers."""

    request: Request
    usd: float
    billable_bytes: int
    is_bound: bool = False
    """True for the options of a day whose expiring symbols are not known yet: all instruments of
    the families, of which only those that expire will be bought."""


def estimate(
    vendor: Vendor,
    requests: Iterable[Request],
    *,
    is_bound: bool = False,
    tell: Callable[[], None] = lambda: None,
) -> list[Estimate]:
    """Return the estimate of each request; `tell` is called after each.

    A bound that the vendor cannot give (no data for the families) is left out; for a request that
    is to be bought, its VendorRefusedError is raised.
    """
    found = []
    for request in requests:
        try:
            usd, size = vendor.cost_usd(request), vendor.billable_bytes(request)
        except VendorRefusedError as error:
            if not is_bound or error.is_key_refused:
                raise
        else:
            found.append(Estimate(request, usd, size, is_bound))
        tell()
    return found


class Budget:
    """What may be spent in one run, US dollars; None is no limit."""

    def __init__(self, max_usd: float | None) -> None:
        if max_usd is not None and not max_usd >= 0:
            raise ConfigurationError(f"--max-cost {max_usd}: expected 0 or more US dollars")
        self.max_usd = max_usd
        self.spent_usd = 0.0

    def allows(self, usd: float) -> bool:
        """Return whether `usd` more stays within the limit."""
        # A millionth of a cent: sums of floats must not refuse what equals the limit.
        return self.max_usd is None or self.spent_usd + usd <= self.max_usd + 1e-8

    def require(self, usd: float) -> None:
        """Raise ConfigurationError unless `usd` more stays within the limit."""
        if not self.allows(usd):
            raise ConfigurationError(
                f"the requests cost ${self.spent_usd + usd:.4f}, above --max-cost "
                f"${self.max_usd:.4f}; nothing of them was bought"
            )

    def spend(self, usd: float) -> None:
        """Count a purchase."""
        self.spent_usd += usd
