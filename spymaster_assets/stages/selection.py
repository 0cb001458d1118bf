"""Contract selection: the front month of each session date by the volume of the session before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from contracts.errors import ConfigurationError
from spymaster_assets.stages import versions
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.trade_history import DayTrades, TradeHistory
from spymaster_resources.instruments import Instrument
from spymaster_resources.selection_map import (
    Selection,
    read_overrides,
    read_selection,
    write_selection,
)

CODE_VERSION: Final = versions.SELECTION


@dataclass(frozen=True)
class SelectionSummary:
    """The rows that were built, and the dates that were left out with the reason."""

    rows: tuple[Selection, ...]
    skipped: Mapping[date, str]


def build_selection(ctx: StageContext, dates: Sequence[date]) -> SelectionSummary:
    """Choose the contract of every date in `dates` and put the choices into the map.

    Dates without bronze, and dates that are no trading date and have no override, are left out
    with a reason. Other dates of the map are never touched. The context's audit sees the whole map
    before it is published.
    """
    chooser = _Chooser(ctx)
    rows: list[Selection] = []
    skipped: dict[date, str] = {}
    for number, dt in enumerate(sorted(set(dates))):
        ctx.progress("selection", number, len(dates))
        if not chooser.history.has_bronze(dt):
            skipped[dt] = f"no bronze of {ctx.instrument.root} on {dt}"
        elif not chooser.can_be_chosen(dt):
            skipped[dt] = f"{dt} has no premarket trade ({ctx.instrument.premarket} New York)"
        else:
            rows.append(chooser.choose(dt))
    if rows:
        before = {row.prev_trading_date for row in rows if row.prev_trading_date is not None}
        inputs = [ref for dt in sorted(before) for ref in chooser.history.inputs(dt)]
        write_selection(ctx.lake, rows, inputs=inputs, code_version=CODE_VERSION, audit=ctx.audit)
    return SelectionSummary(tuple(rows), skipped)


class _Chooser:
    """Chooses date by date, each choice known to the next."""

    def __init__(self, ctx: StageContext) -> None:
        self.history = TradeHistory(ctx)
        self._instrument = ctx.instrument
        self._overrides = read_overrides(ctx.lake, ctx.instrument.root)
        self._chosen = read_selection(ctx.lake, ctx.instrument.root)

    def can_be_chosen(self, dt: date) -> bool:
        """Return whether `dt` is a trading date or has an override."""
        return dt in self._overrides or self.history.day(dt).is_trading_date

    def choose(self, dt: date) -> Selection:
        """Return the choice for a date and remember it."""
        self._chosen[dt] = self._choice(dt, self._held(dt))
        return self._chosen[dt]

    def _held(self, dt: date) -> Selection | None:
        """Return the choice of the session before.

        Where that session is not in the map (it may be built at this moment) its choice is worked
        out from the one before it in the map.
        """
        known = max((d for d in self._chosen if d < dt), default=None)
        held = None if known is None else self._chosen[known]
        earlier = reversed(self.history.before(dt))
        before = next((d for d in earlier if self.can_be_chosen(d)), None)
        if before is None or (known is not None and before <= known):
            return held
        return self._choice(before, held)

    def _choice(self, dt: date, held: Selection | None) -> Selection:
        return select_contract(
            self._instrument,
            dt,
            self.history.candidates(dt),
            self.history.before(dt),
            self.history.day,
            held,
            self._overrides.get(dt),
        )


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


def _is_way_back(instrument: Instrument, session_date: date, held: Selection, expiry: date) -> bool:
    held_expiry = instrument.expiry_date(held.selected_symbol, held.session_date)
    return session_date < held_expiry and expiry < held_expiry and held.reason != "override"
