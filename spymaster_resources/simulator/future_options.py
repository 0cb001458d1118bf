"""A day of the options that expire on it, on the simulated future, as the vendor's file."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from contracts.errors import ConfigurationError
from spymaster_resources.instruments import PRICE_SCALE, Instrument
from spymaster_resources.simulator.chains import FUTURE_STRIKE_STEP, future_chain
from spymaster_resources.simulator.day_files import GLBX, Named, day_writer
from spymaster_resources.simulator.glbx import Conventions, GlbxEncoder
from spymaster_resources.simulator.option_market import ListedOption, OptionMarket
from spymaster_resources.simulator.option_truth import OptionTruthWriter
from spymaster_resources.simulator.path import PricePath
from spymaster_resources.simulator.quarterlies import reference_price
from spymaster_resources.simulator.reference import OPTION_TICK_INT
from spymaster_resources.simulator.sizes import Size
from spymaster_resources.simulator.volume import action_rates, clipped, segments
from spymaster_resources.trading_calendar import TradingCalendar, midnight_ns

_STREAM: Final = 5


@dataclass(frozen=True)
class OptionsDay:
    """What was written for one date."""

    dt: date
    path: Path
    underlying: str
    symbols: tuple[str, ...]
    records: int
    windows: int


def simulate_future_options_day(
    instrument: Instrument,
    dt: date,
    size: Size,
    folder: Path,
    future: PricePath,
    *,
    seed: int,
    dbn_version: int = 3,
    conventions: Conventions | None = None,
    with_truth: bool = True,
    zstd_level: int = 1,
    progress: Callable[[int], None] | None = None,
) -> OptionsDay:
    """Write the DBN file of the options that expire on `dt` and their truth.

    instrument: the future's row of the catalogue. future: the path of its nearest expiry. The same
    seed gives the same bytes. Raises ConfigurationError where there is no session or no expiry.
    """
    calendar = TradingCalendar(instrument.calendar)
    calendar.require_session(dt)
    size = clipped(size, calendar, dt)
    chain = future_chain(instrument, dt, reference_price(dt, seed), size.half_width)
    if not chain:
        raise ConfigurationError(f"no option on {instrument.root} expires on {dt}")
    market = OptionMarket(
        [ListedOption(row.strike_int / PRICE_SCALE, row.is_call) for row in chain],
        future,
        seed=[seed, _STREAM, dt.toordinal()],
        day_start_ns=midnight_ns(dt),
        expiration_ns=chain[0].expiration_ns,
        rates=action_rates(size, dt, size.records_an_action),
        segments=segments(size, dt),
        tick_int=OPTION_TICK_INT,
        strike_step=FUTURE_STRIKE_STEP,
    )
    encoder = GlbxEncoder(
        [row.instrument_id for row in chain],
        base_ticks=market.base_ticks.tolist(),
        tick_int=OPTION_TICK_INT,
        first_sequence=590_000_000 + dt.toordinal() % 1_000,
        conventions=conventions or Conventions(),
    )
    with ExitStack() as stack:
        dbn = stack.enter_context(
            day_writer(
                folder,
                GLBX,
                "mbo",
                dt,
                [Named(row.symbol, row.instrument_id) for row in chain],
                version=dbn_version,
                zstd_level=zstd_level,
            )
        )
        truths = []
        if with_truth:
            truth = OptionTruthWriter(
                dbn.path,
                chain[0].underlying,
                chain,
                base_ticks=market.base_ticks,
                tick_int=OPTION_TICK_INT,
                strike_step=FUTURE_STRIKE_STEP,
                spot_tick_int=instrument.tick_int,
            )
            truths.append(stack.enter_context(truth))
        for listing in range(len(chain)):
            dbn.write(encoder.snapshot(market.exchange, listing, midnight_ns(dt)))
        for piece in market.pieces():
            dbn.write(encoder.encode(piece.log))
            for truth in truths:
                truth.write(piece.window_end_ns, piece.spot_int, piece.bbo, piece.flows)
            if progress is not None:
                progress(dbn.records_written)
    return OptionsDay(
        dt,
        dbn.path,
        chain[0].underlying,
        tuple(row.symbol for row in chain),
        dbn.records_written,
        len(future.window_end_ns),
    )
