"""Which option families expire on a date: the venue rules, one row a root.

CME lists an index option family for each weekday of each week of a month, one for the end of the
month and one for the quarter. The definitions say what really expires; these rules say whose
definitions to ask for.

Source: CME rulebook, chapters 358A (options on E-mini S&P 500) and 359A (on E-mini Nasdaq-100).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from contracts.errors import ConfigurationError
from spymaster_resources.instruments import third_friday
from spymaster_resources.trading_calendar import TradingCalendar

FRIDAY: Final = 4
QUARTERLY_MONTHS: Final = (3, 6, 9, 12)


@dataclass(frozen=True)
class FamilyRules:
    """The families of one root; `{n}` is the week of the month, 1 to 5."""

    weekdays: tuple[str, str, str, str, str]
    """Monday to Friday."""
    month_end: str
    """Last business day of the month."""
    quarterly: str
    """Third Friday of March, June, September and December."""
    business_days: str = "XNYS"
    """The calendar of the underlying index: a family is not settled while its market rests."""


FAMILIES: Final[Mapping[str, FamilyRules]] = {
    "ES": FamilyRules(("E{n}A", "E{n}B", "E{n}C", "E{n}D", "EW{n}"), "EW", "ES"),
    "NQ": FamilyRules(("Q{n}A", "Q{n}B", "Q{n}C", "Q{n}D", "QN{n}"), "QNE", "NQ"),
}


def expiring_families(root: str, dt: date) -> tuple[str, ...]:
    """Return the families of `root` that can expire on session date `dt`, most frequent first.

    A Friday family whose Friday is no business day is settled on the business day before, and is
    named on both days. Empty on a weekend. Raises ConfigurationError for a root without rules.
    """
    rules = family_rules(root)
    calendar = TradingCalendar(rules.business_days)
    found = list(_nominal(rules, calendar, dt))
    if calendar.is_session(dt):
        following = dt + timedelta(days=1)
        while not calendar.is_session(following):
            if following.weekday() == FRIDAY:
                found.extend(_nominal(rules, calendar, following))
            following += timedelta(days=1)
    return tuple(dict.fromkeys(found))


def all_families(root: str) -> tuple[str, ...]:
    """Return every family of `root` there can be; raises ConfigurationError without rules."""
    rules = family_rules(root)
    weekly = (name.format(n=n) for name in rules.weekdays for n in range(1, 6))
    return (*weekly, rules.month_end, rules.quarterly)


def family_rules(root: str) -> FamilyRules:
    """Return the rules of `root`; raises ConfigurationError when the catalogue has none."""
    try:
        return FAMILIES[root]
    except KeyError:
        raise ConfigurationError(
            f"{root!r} has no option families in the catalogue (known: {', '.join(FAMILIES)}); "
            "leave its options out with --options-schemas none"
        ) from None


def _nominal(rules: FamilyRules, calendar: TradingCalendar, dt: date) -> Iterator[str]:
    if dt.weekday() > FRIDAY:
        return
    yield rules.weekdays[dt.weekday()].format(n=(dt.day - 1) // 7 + 1)
    if calendar.is_session(dt) and calendar.next(dt).month != dt.month:
        yield rules.month_end
    if dt.month in QUARTERLY_MONTHS and dt == third_friday(dt.year, dt.month):
        yield rules.quarterly
