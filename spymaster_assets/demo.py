"""The demo: put raw files in the lake (downloaded, or a user's own) and say what to run on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from contracts.errors import ConfigurationError
from spymaster_assets.demo_download import SIMULATED_DATES, Listeners, download_sessions
from spymaster_assets.stages.raw import adopt_raw_file, product_of
from spymaster_assets.stages.raw_trades import trades_of_file
from spymaster_resources.instruments import FUTURE, Instrument
from spymaster_resources.lake import Lake
from spymaster_resources.selection_map import write_override
from spymaster_resources.settings import Settings
from spymaster_resources.trading_calendar import NEW_YORK, SECOND_NS, SessionWindow, TradingCalendar
from spymaster_resources.vendor.products import MARKETS


@dataclass(frozen=True)
class Part:
    """One product that the demo builds."""

    product_type: str
    symbol: str
    """Root or ticker."""


@dataclass(frozen=True)
class Plan:
    """What the demo runs: settings, products in order, session dates, and remarks for the person.

    The first product is the one that is played.
    """

    settings: Settings
    parts: tuple[Part, ...]
    dates: tuple[date, ...]
    remarks: tuple[str, ...] = ()


def simulated_plan(settings: Settings, listeners: Listeners | None = None) -> Plan:
    """Download the simulated sessions of all products, where they are not yet there."""
    download_sessions(settings, listeners or Listeners())
    parts = [
        Part(product_type, market.default_root)
        for market in MARKETS.values()
        for product_type in (market.underlying_product, market.option_product)
    ]
    return Plan(settings, tuple(parts), SIMULATED_DATES)


def file_plan(settings: Settings, path: Path) -> Plan:
    """Put a user's DBN file in the lake's raw folder and fit session and calendar to it.

    The file is one of futures or of an equity. A session that the environment sets stays;
    otherwise the catalogue's is taken when trades happen in it, else the whole New York hours that
    hold all trades. A day that is no trading day takes the calendar `any`. Of futures the contract
    with the largest volume becomes a marked override of the selection. The whole file is read
    before the lake gets it. Raises ConfigurationError for a file without a trade, or of a root
    that the catalogue does not know, and the reader's errors.
    """
    from spymaster_resources.dbn.stream import open_dbn

    if not path.is_file():
        raise ConfigurationError(f"{path}: no such file")
    dbn = open_dbn(path)
    product_type, root = product_of(dbn)
    row = settings.instrument(root, product_type)
    trades = trades_of_file(dbn, row)
    if not trades.seconds:
        raise ConfigurationError(
            f"{path}: no trade of {row.root}; a session to play needs trades "
            "(`spymaster inspect` shows what the file holds)"
        )
    lake = Lake(settings.lake)
    _, file = adopt_raw_file(lake, path)
    remarks = []
    if settings.calendar is None and not TradingCalendar(row.calendar).is_session(file.dt):
        settings = replace(settings, calendar="any")
        remarks.append(f"{file.dt} is no trading day of {row.calendar}: CALENDAR=any")
    if settings.session is None:
        session = session_of_trades(row, file.dt, trades.seconds)
        if session != row.session:
            settings = replace(settings, session=session)
            remarks.append(f"no trade in {row.session}: SESSION={session} New York")
    if product_type == FUTURE:
        symbol = max(sorted(trades.volume), key=trades.volume.__getitem__)
        write_override(lake, row.root, file.dt, symbol)
        remarks.append(
            f"{symbol} is selected for {file.dt} by an override (largest volume of the file)"
        )
    return Plan(settings, (Part(product_type, row.root),), (file.dt,), tuple(remarks))


def session_of_trades(row: Instrument, dt: date, seconds: Iterable[int]) -> SessionWindow:
    """Return the catalogue's session if a trade is in it, else whole hours around all trades."""
    ends = row.session.window_ends_ns(dt)
    if any(ends.first_ns <= s * SECOND_NS < ends.last_ns for s in seconds):
        return row.session
    local = [
        datetime.fromtimestamp(s, UTC).astimezone(NEW_YORK) for s in (min(seconds), max(seconds))
    ]
    hours = [moment.hour for moment in local if moment.date() == dt]
    if len(hours) != len(local) or hours[1] == 23:
        raise ConfigurationError(
            f"the trades of {dt} (UTC) lie on another New York date; choose a SESSION within {dt}"
        )
    return SessionWindow.parse(f"{hours[0]:02d}:00-{hours[1] + 1:02d}:00")
