"""A day of the simulated futures market as the vendor's file, with its truth beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np

from spymaster_resources.instruments import PRICE_SCALE, Instrument
from spymaster_resources.simulator import day_files
from spymaster_resources.simulator.crowd import OUTSIDE
from spymaster_resources.simulator.day_files import GLBX, Named, day_writer
from spymaster_resources.simulator.exchange import NONE
from spymaster_resources.simulator.fair_value import random_walk
from spymaster_resources.simulator.glbx import Conventions, GlbxEncoder
from spymaster_resources.simulator.market import Listing, Market, OutsidePrices
from spymaster_resources.simulator.path import PathGatherer, PricePath
from spymaster_resources.simulator.quarterlies import (
    Roll,
    activity_shares,
    carry_between,
    nearest_quarterlies,
    reference_price,
)
from spymaster_resources.simulator.sizes import Size
from spymaster_resources.simulator.truth import RAW_CELLS, TruthWriter
from spymaster_resources.simulator.volume import action_rates, clipped, segments
from spymaster_resources.trading_calendar import TradingCalendar, midnight_ns

_MIDDLE_TICK: Final = 8_192  # where on the market's ladder the day starts
# Live records that one action leaves, measured over all sizes.
_RECORDS_OF_AN_ACTION: Final = 1.47
PLANTED_RESPONSE: Final = 0.6  # ticks a second for a whole imbalance of depth
_STREAM: Final = 1  # separates the draws of a day from those of the path of reference prices
_WALK_STREAM: Final = 7  # and these from the market's


@dataclass(frozen=True)
class FuturesDay:
    """What was written for one date."""

    dt: date
    path: Path
    symbols: tuple[str, ...]
    records: int
    windows: int
    prices: PricePath = field(repr=False)
    """Of the nearest expiry."""


class Law(StrEnum):
    """What the future's price answers to: the truth that a calibration can find."""

    CROWD = "crowd"
    """The crowd's own reactions to queues and trades, nothing planted."""
    PLANTED = "planted"
    """The price drifts with the imbalance of depth near the touch, PLANTED_RESPONSE a second."""
    NONE = "none"
    """To nothing: the mid is a random walk to which the quotes are pinned; no skill is possible."""


@dataclass(frozen=True)
class _Scene:
    """A market ready to open, and where its ladder stands."""

    market: Market
    base_tick: int
    windows: int


def file_name(dt: date) -> str:
    """Return the vendor's name of a day's file."""
    return day_files.file_name(GLBX, "mbo", dt)


def simulate_day(
    instrument: Instrument,
    dt: date,
    size: Size,
    folder: Path,
    *,
    seed: int,
    dbn_version: int = 3,
    conventions: Conventions | None = None,
    with_truth: bool = True,
    law: Law = Law.CROWD,
    roll: Roll = Roll.CLEAN,
    zstd_level: int = 1,
    progress: Callable[[int], None] | None = None,
) -> FuturesDay:
    """Write the DBN file of both expiries on `dt` and their truth; the same seed, the same bytes.

    Raises ConfigurationError where the calendar has no session on `dt`. `progress` gets the number
    of records written so far.
    """
    scene = _scene(instrument, dt, size, seed, law, roll)
    market, base_tick = scene.market, scene.base_tick
    pair = nearest_quarterlies(instrument, dt)
    encoder = GlbxEncoder(
        [row.instrument_id for row in pair],
        base_ticks=[base_tick] * len(pair),
        tick_int=instrument.tick_int,
        first_sequence=10_000 + dt.toordinal() % 1_000,
        conventions=conventions or Conventions(),
    )
    prices = PathGatherer(base_tick, instrument.tick_int)
    with ExitStack() as stack:
        dbn = stack.enter_context(
            day_writer(
                folder,
                GLBX,
                "mbo",
                dt,
                [Named(row.symbol, row.instrument_id) for row in pair],
                parents=[f"{instrument.root}.FUT"],
                version=dbn_version,
                zstd_level=zstd_level,
            )
        )
        truths = [
            stack.enter_context(
                TruthWriter(dbn.path, row.symbol, base_tick=base_tick, tick_int=instrument.tick_int)
            )
            for row in (pair if with_truth else ())
        ]
        for listing in range(len(pair)):
            dbn.write(encoder.snapshot(market.exchange, listing, midnight_ns(dt)))
        for piece in market.pieces():
            dbn.write(encoder.encode(piece.log))
            prices.add(piece)
            for truth, block in zip(truths, piece.blocks, strict=False):
                truth.write(block.tops, block.rows)
            if progress is not None:
                progress(dbn.records_written)
    return FuturesDay(
        dt,
        dbn.path,
        tuple(row.symbol for row in pair),
        dbn.records_written,
        scene.windows,
        prices.path(),
    )


def future_prices(
    instrument: Instrument, dt: date, size: Size, *, seed: int, law: Law = Law.CROWD
) -> PricePath:
    """Return the path of the nearest expiry on the day that `simulate_day` would write."""
    scene = _scene(instrument, dt, size, seed, law, Roll.CLEAN)
    prices = PathGatherer(scene.base_tick, instrument.tick_int)
    for piece in scene.market.pieces():
        prices.add(piece)
    return prices.path()


def fair_value(dt: date, seed: int, traded: Sequence[tuple[int, int]]) -> OutsidePrices:
    """Return the random walk of the nearest expiry's mid on a day of Law.NONE.

    traded: the stretches of the day in which the market trades, [start, end) in ns.
    """
    random = np.random.default_rng([seed, _WALK_STREAM, dt.toordinal()])
    return OutsidePrices(*random_walk(random, _MIDDLE_TICK + 0.5, traded))


def _scene(instrument: Instrument, dt: date, size: Size, seed: int, law: Law, roll: Roll) -> _Scene:
    calendar = TradingCalendar(instrument.calendar)
    calendar.require_session(dt)
    size = clipped(size, calendar, dt)
    pair = nearest_quarterlies(instrument, dt)
    price = reference_price(dt, seed)
    tick_dollars = instrument.tick_int / PRICE_SCALE
    carry = round(carry_between(pair, price) / tick_dollars)
    shares = activity_shares(pair, dt, roll)
    windows = size.session.window_ends_ns(dt)
    traded = segments(size, dt)
    pinned = law is Law.NONE
    market = Market(
        [
            Listing(
                _MIDDLE_TICK,
                shares[0],
                size.depth_scale * (0.3 + 0.7 * shares[0]),
                anchor=OUTSIDE if pinned else NONE,
                response=PLANTED_RESPONSE if law is Law.PLANTED else 0.0,
                pinned=pinned,
            ),
            Listing(
                _MIDDLE_TICK + carry,
                shares[1],
                size.depth_scale * (0.3 + 0.7 * shares[1]),
                anchor=OUTSIDE if pinned else 0,
                pinned=pinned,
            ),
        ],
        seed=[seed, _STREAM, dt.toordinal()],
        day_start_ns=midnight_ns(dt),
        rates=action_rates(size, dt, _RECORDS_OF_AN_ACTION),
        segments=traded,
        windows=(windows.first_ns, windows.last_ns),
        grids=[cells.grid for cells in RAW_CELLS],
        outside=fair_value(dt, seed, traded) if pinned else None,
    )
    return _Scene(market, round(price / tick_dollars) - _MIDDLE_TICK, windows.n_windows)
