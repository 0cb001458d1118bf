"""The traded volume of every date of a root, as contract selection looks back on it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import pyarrow.compute as pc

from contracts.errors import ConfigurationError, RawFileError
from spymaster_assets.errors import one_line
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.raw import RawDay, list_raw, raw_inputs
from spymaster_assets.stages.raw_records import open_day
from spymaster_resources.lake import InputRef, RawInput
from spymaster_resources.trading_calendar import SECOND_NS, utc_ns

BRONZE: Final = "bronze.future_mbo.mbo"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DayTrades:
    """Trades of one UTC date: volume by outright, and whether a candidate traded premarket."""

    volume: Mapping[str, int]
    traded_premarket: bool

    @property
    def is_trading_date(self) -> bool:
        """Return whether the date has volume and a premarket trade (Sunday files have none)."""
        return self.traded_premarket and sum(self.volume.values()) > 0


class TradeHistory:
    """Trades by date: of bronze, and of raw files of sessions that no bronze was made of yet.

    With the raw files a choice does not depend on how far other dates have been built, so dates
    can be built side by side.
    """

    def __init__(self, ctx: StageContext) -> None:
        self._ctx = ctx
        self._bronze = _bronze_symbols(ctx)
        row = ctx.instrument
        self._raw: dict[date, RawDay] = {
            day.dt: day
            for day in list_raw(ctx.lake, row.product_type, row.root).days
            if day.dt not in self._bronze and ctx.calendar.is_session(day.dt)
        }
        self._days: dict[date, DayTrades] = {}

    def has_bronze(self, dt: date) -> bool:
        """Return whether bronze of `dt` is published."""
        return dt in self._bronze

    def before(self, dt: date) -> list[date]:
        """Return the earlier dates with data, in ascending order."""
        return sorted(d for d in {*self._bronze, *self._raw} if d < dt)

    def candidates(self, dt: date) -> list[str]:
        """Return the outrights with records on `dt`.

        A replaced raw file may leave an empty partition of bronze behind, which is none.
        """
        if dt not in self._bronze:
            return sorted(self.day(dt).volume)
        manifests = {s: self._ctx.lake.manifest(BRONZE, s, dt) for s in self._bronze[dt]}
        return [symbol for symbol, manifest in manifests.items() if manifest and manifest.row_count]

    def day(self, dt: date) -> DayTrades:
        """Return the trades of a date, read once; those of a file that cannot be read are none."""
        if dt not in self._days:
            if dt in self._bronze:
                self._days[dt] = bronze_trades(self._ctx, dt, self._bronze[dt])
            else:
                self._days[dt] = _raw_trades(self._ctx, dt, self._raw[dt])
        return self._days[dt]

    def inputs(self, dt: date) -> list[InputRef | RawInput]:
        """Return what the trades of `dt` were read from."""
        if dt in self._bronze:
            return [self._ctx.lake.input(BRONZE, symbol, dt) for symbol in self._bronze[dt]]
        return list(raw_inputs(self._ctx.lake, self._raw[dt]))


def bronze_trades(ctx: StageContext, dt: date, symbols: Sequence[str]) -> DayTrades:
    """Return the traded volume of each outright on `dt` and whether any traded premarket."""
    first, end = _premarket_ns(ctx, dt)
    volume: dict[str, int] = {}
    traded_premarket = False
    for symbol in symbols:
        volume[symbol] = 0
        for batch in ctx.lake.batches(BRONZE, symbol, dt, columns=["ts_event", "action", "size"]):
            trades = batch.filter(pc.equal(batch["action"], "T"))
            volume[symbol] += pc.sum(trades["size"]).as_py() or 0
            at = trades["ts_event"]
            inside = pc.and_(pc.greater_equal(at, first), pc.less(at, end))
            traded_premarket |= bool(pc.any(inside).as_py())
    return DayTrades(volume, traded_premarket)


def _raw_trades(ctx: StageContext, dt: date, day: RawDay) -> DayTrades:
    from spymaster_assets.stages.raw_trades import trades_of_file

    try:
        found = trades_of_file(open_day(ctx.lake, day, ctx.instrument), ctx.instrument)
    except RawFileError as error:
        _log.warning("contract selection leaves %s out: %s", dt, one_line(error))
        return DayTrades({}, traded_premarket=False)
    first, end = _premarket_ns(ctx, dt)
    traded = any(first <= second * SECOND_NS < end for second in found.seconds)
    return DayTrades(found.volume, traded)


def _premarket_ns(ctx: StageContext, dt: date) -> tuple[int, int]:
    premarket = ctx.instrument.premarket
    if premarket is None:
        raise ConfigurationError(
            f"{ctx.instrument.root} as {ctx.instrument.product_type} has no contract to select"
        )
    return utc_ns(dt, premarket.open), utc_ns(dt, premarket.close)


def _bronze_symbols(ctx: StageContext) -> dict[date, list[str]]:
    found: dict[date, list[str]] = {}
    for _, symbol, dt in ctx.lake.partitions(BRONZE):
        if symbol is not None and dt is not None and ctx.instrument.is_outright(symbol):
            found.setdefault(dt, []).append(symbol)
    return {dt: sorted(symbols) for dt, symbols in found.items()}
