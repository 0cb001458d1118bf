"""Contract selection: the front month of each session date by the volume of the session before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import pyarrow.compute as pc

from contracts.errors import ConfigurationError
from spymaster_assets.stages.context import StageContext
from spymaster_resources.instruments import Instrument
from spymaster_resources.selection_map import (
    Selection,
    read_overrides,
    read_selection,
    write_selection,
)
from spymaster_resources.trading_calendar import utc_ns

BRONZE: Final = "bronze.future_mbo.mbo"
CODE_VERSION: Final = "1"


@dataclass(frozen=True)
class DayTrades:
    """Trades of one UTC date: volume by outright, and whether a candidate traded premarket."""

    volume: Mapping[str, int]
    traded_premarket: bool

    @property
    def is_trading_date(self) -> bool:
        """Return whether the date has volume and a premarket trade (Sunday files have none)."""
        return self.traded_premarket and sum(self.volume.values()) > 0


@dataclass(frozen=True)
class SelectionSummary:
    """The rows that were built, and the dates that were left out with the reason."""

    rows: tuple[Selection, ...]
    skipped: Mapping[date, str]


def build_selection(ctx: StageContext, dates: Sequence[date]) -> SelectionSummary:
    """Choose the contract of every date in `dates` and put the choices into the map.

    Dates without bronze, and dates that are no trading date and have no override, are left out
    with a reason. Other dates of the map are never touched.
    """
    root = ctx.instrument.root
    on_date = _bronze_symbols(ctx)
    trades: dict[date, DayTrades] = {}

    def day(dt: date) -> DayTrades:
        if dt not in trades:
            trades[dt] = day_trades(ctx, dt, on_date[dt])
        return trades[dt]

    overrides = read_overrides(ctx.lake, root)
    chosen = read_selection(ctx.lake, root)
    rows: list[Selection] = []
    skipped: dict[date, str] = {}
    for number, dt in enumerate(sorted(set(dates))):
        ctx.progress("selection", number, len(dates))
        if dt not in on_date:
            skipped[dt] = f"no bronze of {root} on {dt}"
            continue
        if dt not in overrides and not day(dt).is_trading_date:
            skipped[dt] = f"{dt} has no premarket trade ({ctx.instrument.premarket} New York)"
            continue
        history = sorted(d for d in on_date if d < dt)
        earlier = [d for d in chosen if d < dt]
        held = chosen[max(earlier)] if earlier else None
        row = select_contract(
            ctx.instrument, dt, on_date[dt], history, day, held, overrides.get(dt)
        )
        chosen[dt] = row
        rows.append(row)
    if rows:
        inputs = [
            ctx.lake.input(BRONZE, symbol, row.prev_trading_date)
            for row in rows
            if row.prev_trading_date is not None
            for symbol in on_date[row.prev_trading_date]
        ]
        write_selection(ctx.lake, rows, inputs=inputs, code_version=CODE_VERSION)
    return SelectionSummary(tuple(rows), skipped)


def select_contract(
    instrument: Instrument,
    session_date: date,
    candidates: Sequence[str],
    history: Sequence[date],
    day: Callable[[date], DayTrades],
    held: Selection | None,
    override: str | None,
) -> Selection:
    """Return the contract of `session_date`, from earlier sessions only.

    `candidates` are the outrights of the day's file, `history` the earlier dates with data in
    ascending order, `day` gives the trades of one, `held` is the choice of the session before,
    `override` a choice by hand, which wins. Once rolled there is no way back: a nearer expiry than
    the held one is not taken again. With no earlier trading date the nearest expiry is taken and
    marked.
    """
    previous = next((d for d in reversed(history) if day(d).is_trading_date), None)
    volume = dict(day(previous).volume) if previous else {}
    expiry = {s: instrument.expiry_date(s, session_date) for s in {*volume, *candidates}}
    live = sorted((s for s in expiry if session_date < expiry[s]), key=lambda s: (expiry[s], s))
    ranked = sorted((s for s in live if s in volume), key=lambda s: -volume[s])
    if override is not None:
        if not instrument.is_outright(override):
            message = f"override {override!r} for {session_date}: expected an outright"
            raise ConfigurationError(f"{message} of {instrument.root}")
        symbol, reason = override, "override"
    elif not live:
        raise ConfigurationError(f"{session_date}: every outright of the file has expired")
    elif not ranked:
        symbol, reason = live[0], "first_date"
    else:
        symbol, reason = ranked[0], "volume"
        if held is not None and _is_way_back(instrument, session_date, held, expiry[symbol]):
            symbol, reason = held.selected_symbol, "hysteresis"
    others = [volume[s] for s in ranked if s != symbol]
    return Selection(
        session_date=session_date,
        selected_symbol=symbol,
        selected_exp_date=instrument.expiry_date(symbol, session_date),
        prev_trading_date=previous if ranked else None,
        prev_volume_selected=volume.get(symbol, 0) if ranked else None,
        prev_volume_rank2=max(others, default=None) if ranked else None,
        roll_flag=held is not None and symbol != held.selected_symbol,
        reason=reason,
    )


def day_trades(ctx: StageContext, dt: date, symbols: Sequence[str]) -> DayTrades:
    """Return the traded volume of each outright on `dt` and whether any traded premarket."""
    premarket = ctx.instrument.premarket
    first, end = utc_ns(dt, premarket.open), utc_ns(dt, premarket.close)
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


def _is_way_back(instrument: Instrument, session_date: date, held: Selection, expiry: date) -> bool:
    held_expiry = instrument.expiry_date(held.selected_symbol, held.session_date)
    return session_date < held_expiry and expiry < held_expiry and held.reason != "override"


def _bronze_symbols(ctx: StageContext) -> dict[date, list[str]]:
    found: dict[date, list[str]] = {}
    for _, symbol, dt in ctx.lake.partitions(BRONZE):
        if symbol is not None and dt is not None and ctx.instrument.is_outright(symbol):
            found.setdefault(dt, []).append(symbol)
    return {dt: sorted(symbols) for dt, symbols in found.items()}
