"""A whole download: what is asked for, its estimate, and the buying, for whoever starts one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from spymaster_resources.trading_calendar import TradingCalendar
from spymaster_resources.vendor.requests import underlyings
from spymaster_resources.vendor.wishes import Wishes

if TYPE_CHECKING:
    from spymaster_resources.vendor.client import Vendor
    from spymaster_resources.vendor.download import Parts, Place
    from spymaster_resources.vendor.estimate import Estimate
    from spymaster_resources.vendor.products import Market
    from spymaster_resources.vendor.run import Outcome


@dataclass(frozen=True)
class Order:
    """What a person asks for, as text: symbols and schemas are lists by commas."""

    market: Market
    start: date
    end: date
    symbols: str
    underlying_schemas: str
    options_schemas: str
    sundays: bool = False

    def wishes(self, *, calendar: str | None, today: date) -> Wishes:
        """Return the checked wishes; raises ConfigurationError for what cannot be asked for."""
        market = self.market
        return Wishes(
            market=market,
            start=self.start,
            end=self.end,
            underlyings=underlyings(market, self.symbols),
            underlying_schemas=market.chosen_schemas(
                self.underlying_schemas, market.underlying_schemas, "underlying"
            ),
            option_schemas=market.chosen_schemas(
                self.options_schemas, market.option_schemas, "--options-schemas"
            ),
            calendar=TradingCalendar(calendar or market.calendar),
            today=today,
            with_sundays=self.sundays,
        )


def buy(
    wishes: Wishes,
    vendor: Vendor,
    place: Place,
    parts: Parts,
    show: Callable[[Sequence[Estimate]], None] = lambda _: None,
    *,
    settle: bool = True,
    dry: bool = False,
) -> Outcome | None:
    """Estimate, show, then buy within the budget; None where nothing but the estimate is wanted.

    settle: return when everything has arrived or has failed, else as soon as all is submitted.
    Raises ConfigurationError where the estimate is above the budget, and the vendor's errors.
    """
    from spymaster_resources.vendor.download import opened_run

    with opened_run(wishes, vendor, place, parts, dry=dry) as run:
        run.plan()
        estimates = run.estimates()
        show(estimates)
        parts.budget.require(sum(row.usd for row in estimates if not row.is_bound))
        if dry:
            return None
        if settle:
            return run.until_settled()
        run.follow()
        return run.outcome()
