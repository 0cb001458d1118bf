"""Which options are listed on a date: families, strikes, symbols and ids of both venues."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple

from spymaster_resources.instruments import (
    EQUITY_OPTION,
    FUTURE_OPTION,
    MONTH_CODES,
    PRICE_SCALE,
    Instrument,
    third_friday,
)
from spymaster_resources.instruments import instrument as catalogue_row
from spymaster_resources.simulator.quarterlies import (
    Quarterly,
    nearest_quarterlies,
    reference_price,
)
from spymaster_resources.trading_calendar import TradingCalendar, midnight_ns, utc_ns
from spymaster_resources.vendor.families import expiring_families

# Dollars; every simulated chain has the strikes of these rows of the catalogue.
FUTURE_STRIKE_STEP: Final = catalogue_row("ES", FUTURE_OPTION).cell_int // PRICE_SCALE
EQUITY_STRIKE_STEP: Final = catalogue_row("QQQ", EQUITY_OPTION).cell_int // PRICE_SCALE
_AFTERNOON: Final = time(16, 0)  # New York; weekly and month-end families
_MORNING: Final = time(9, 30)  # the quarterly one settles on the opening
_LATER_WEEKS: Final = 4  # the parent of a family brings the same family of the next month along
_RIGHTS: Final = ("C", "P")
_IDS_OF_A_FAMILY: Final = 2_000
_IDS_OF_AN_EXPIRY: Final = 4 * _IDS_OF_A_FAMILY
EQUITY_OF_FUTURE: Final = 0.0893  # price of the ticker relative to that of the future
_FIRST_ORDINAL: Final = date(2010, 1, 1).toordinal()


class Option(NamedTuple):
    """One listed option."""

    symbol: str
    instrument_id: int
    is_call: bool
    strike_int: int
    """1e-9 dollars."""
    expiry: date
    expiration_ns: int
    """As the venue's definitions say it."""
    asset: str
    """The family."""
    underlying: str
    underlying_id: int


def strikes(centre: float, step: int, half_width: int) -> range:
    """Return the strikes in dollars, `half_width` on either side of the one nearest to centre."""
    middle = int(centre / step + 0.5) * step
    return range(middle - half_width * step, middle + (half_width + 1) * step, step)


def future_chain(
    instrument: Instrument, dt: date, price: float, half_width: int
) -> tuple[Option, ...]:
    """Return the options on the nearest future that expire on `dt`, by family, strike, right.

    Families that settle on the morning's opening are left out: their trading ended before.
    """
    listed = future_definitions(instrument, dt, price, half_width)
    close = utc_ns(dt, _AFTERNOON)
    return tuple(option for option in listed if option.expiration_ns == close)


def future_definitions(
    instrument: Instrument, dt: date, price: float, half_width: int
) -> tuple[Option, ...]:
    """Return all options that the parents of the families of `dt` name, expiring later too."""
    return tuple(_future_options(instrument, dt, price, half_width))


def _future_options(
    instrument: Instrument, dt: date, price: float, half_width: int
) -> Iterator[Option]:
    families = expiring_families(instrument.root, dt)
    for expiry, width in ((dt, half_width), (_a_month_later(dt), min(half_width, 10))):
        underlying = nearest_quarterlies(instrument, expiry)[0]
        first_id = 20_000_000 + (expiry.toordinal() - _FIRST_ORDINAL) * _IDS_OF_AN_EXPIRY
        for number, family in enumerate(families):
            if expiry != dt and family == instrument.root:
                continue  # quarterly
            yield from _family(
                family,
                expiry,
                _MORNING if family == instrument.root else _AFTERNOON,
                underlying,
                strikes(price, FUTURE_STRIKE_STEP, width),
                first_id + number * _IDS_OF_A_FAMILY,
            )


def _a_month_later(dt: date) -> date:
    """Return the date of the same weekday and week in the next month."""
    week = (dt.day - 1) // 7
    later = dt + timedelta(weeks=_LATER_WEEKS)
    while (later.day - 1) // 7 != week:
        later += timedelta(weeks=1)
    return later


def _family(
    family: str, expiry: date, clock: time, underlying: Quarterly, dollars: range, first_id: int
) -> Iterator[Option]:
    code = f"{family}{MONTH_CODES[expiry.month - 1]}{expiry.year % 10}"
    for n, strike in enumerate(dollars):
        for right in _RIGHTS:
            yield Option(
                symbol=f"{code} {right}{strike}",
                instrument_id=first_id + 2 * n + _RIGHTS.index(right),
                is_call=right == "C",
                strike_int=strike * PRICE_SCALE,
                expiry=expiry,
                expiration_ns=utc_ns(expiry, clock),
                asset=family,
                underlying=underlying.symbol,
                underlying_id=underlying.instrument_id,
            )


def equity_chain(root: str, dt: date, price: float, half_width: int) -> tuple[Option, ...]:
    """Return the options on a ticker that expire on `dt`, by strike and right."""
    return tuple(_equity_options(root, dt, dt, price, half_width, 0))


def equity_definitions(root: str, dt: date, price: float, half_width: int) -> tuple[Option, ...]:
    """Return all options that the ticker's parent names on `dt`: expiring on it and after."""
    later = TradingCalendar("XNYS").next(dt)
    chain = equity_chain(root, dt, price, half_width)
    return chain + tuple(_equity_options(root, dt, later, price, min(half_width, 20), len(chain)))


def _equity_options(
    root: str, dt: date, expiry: date, price: float, half_width: int, offset: int
) -> Iterator[Option]:
    # The venue's ids hold for a day only.
    first_id = 600_000_000 + (dt.toordinal() * 7_919) % 20_000 * 1_000
    for n, strike in enumerate(strikes(price, EQUITY_STRIKE_STEP, half_width)):
        for right in _RIGHTS:
            yield Option(
                symbol=f"{root:<6}{expiry:%y%m%d}{right}{strike * 1000:08d}",
                instrument_id=first_id + offset + 2 * n + _RIGHTS.index(right),
                is_call=right == "C",
                strike_int=strike * PRICE_SCALE,
                expiry=expiry,
                expiration_ns=midnight_ns(expiry),
                asset=root,
                underlying=root,
                underlying_id=30,
            )


def activation_ns(expiration_ns: int, weeks: int) -> int:
    """Return when a contract was listed: some weeks before it expires, at the hour it expires."""
    moment = datetime.fromtimestamp(expiration_ns // 1_000_000_000, tz=UTC) - timedelta(weeks=weeks)
    return int(moment.timestamp()) * 1_000_000_000


def quarterly_expiration_ns(quarterly: Quarterly) -> int:
    """Return when a future expires: the opening of its third Friday."""
    return utc_ns(third_friday(quarterly.expiry.year, quarterly.expiry.month), _MORNING)


def equity_price(dt: date, seed: int) -> float:
    """Return the price in dollars around which the ticker starts the day, the future's in scale."""
    return reference_price(dt, seed) * EQUITY_OF_FUTURE
