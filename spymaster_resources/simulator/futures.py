"""A day of the simulated futures market as the vendor's file, with its truth beside it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from spymaster_resources.dbn.writer import DbnWriter
from spymaster_resources.instruments import PRICE_SCALE, Instrument
from spymaster_resources.simulator.crowd import F64
from spymaster_resources.simulator.glbx import DATASET, Conventions, GlbxEncoder
from spymaster_resources.simulator.intraday import activity
from spymaster_resources.simulator.market import Listing, Market
from spymaster_resources.simulator.quarterlies import (
    activity_shares,
    carry_between,
    nearest_quarterlies,
    reference_price,
)
from spymaster_resources.simulator.sizes import Size
from spymaster_resources.simulator.truth import TruthWriter
from spymaster_resources.trading_calendar import (
    DAY_NS,
    SECOND_NS,
    SessionWindow,
    TradingCalendar,
    midnight_ns,
    utc_ns,
)

_MIDDLE_TICK: Final = 8_192  # where on the market's ladder the day starts
# Live records that one action leaves, measured over all sizes.
_RECORDS_OF_AN_ACTION: Final = 1.47
_STREAM: Final = 1  # separates the draws of a day from those of the path of reference prices


@dataclass(frozen=True)
class FuturesDay:
    """What was written for one date."""

    dt: date
    path: Path
    symbols: tuple[str, ...]
    records: int
    windows: int


def file_name(dt: date) -> str:
    """Return the vendor's name of a day's file."""
    return f"glbx-mdp3-{dt:%Y%m%d}.mbo.dbn.zst"


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
    zstd_level: int = 1,
    progress: Callable[[int], None] | None = None,
) -> FuturesDay:
    """Write the DBN file of both expiries on `dt` and their truth; the same seed, the same bytes.

    Raises ConfigurationError where the calendar has no session on `dt`. `progress` gets the number
    of records written so far.
    """
    calendar = TradingCalendar(instrument.calendar)
    calendar.require_session(dt)
    size = _clipped(size, calendar, dt)
    pair = nearest_quarterlies(instrument, dt)
    price = reference_price(dt, seed)
    tick_dollars = instrument.tick_int / PRICE_SCALE
    base_tick = round(price / tick_dollars) - _MIDDLE_TICK
    carry = round(carry_between(pair, price) / tick_dollars)
    shares = activity_shares(pair, dt)
    windows = size.session.window_ends_ns(dt)
    market = Market(
        [
            Listing(_MIDDLE_TICK, shares[0], size.depth_scale * (0.3 + 0.7 * shares[0])),
            Listing(
                _MIDDLE_TICK + carry,
                shares[1],
                size.depth_scale * (0.3 + 0.7 * shares[1]),
                anchor=0,
            ),
        ],
        seed=[seed, _STREAM, dt.toordinal()],
        day_start_ns=midnight_ns(dt),
        rates=_rates(size, dt),
        segments=[(utc_ns(dt, part.open), utc_ns(dt, part.close)) for part in size.trading],
        windows=(windows.first_ns, windows.last_ns),
    )
    encoder = GlbxEncoder(
        [row.instrument_id for row in pair],
        base_tick=base_tick,
        tick_int=instrument.tick_int,
        first_sequence=10_000 + dt.toordinal() % 1_000,
        conventions=conventions or Conventions(),
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file_name(dt)
    tomorrow = dt + timedelta(days=1)
    with ExitStack() as stack:
        dbn = stack.enter_context(
            DbnWriter(
                path,
                version=dbn_version,
                dataset=DATASET,
                schema="mbo",
                start_ns=midnight_ns(dt),
                end_ns=midnight_ns(dt) + DAY_NS,
                symbols=[f"{instrument.root}.FUT"],
                stype_in="parent",
                mappings={row.symbol: [(dt, tomorrow, row.instrument_id)] for row in pair},
                zstd_level=zstd_level,
            )
        )
        truths = [
            stack.enter_context(
                TruthWriter(path, row.symbol, base_tick=base_tick, tick_int=instrument.tick_int)
            )
            for row in (pair if with_truth else ())
        ]
        for listing in range(len(pair)):
            dbn.write(encoder.snapshot(market.exchange, listing, midnight_ns(dt)))
        for log, blocks in market.log():
            dbn.write(encoder.encode(log))
            for truth, block in zip(truths, blocks, strict=False):
                truth.write(block.tops, block.rows)
            if progress is not None:
                progress(dbn.records_written)
    return FuturesDay(
        dt, path, tuple(row.symbol for row in pair), dbn.records_written, windows.n_windows
    )


def _rates(size: Size, dt: date) -> F64:
    """Return the actions a second by second of the UTC day, so that the size's volume comes out."""
    curve = activity(dt)
    traded = np.zeros(len(curve), bool)
    for part in size.trading:
        first = (utc_ns(dt, part.open) - midnight_ns(dt)) // SECOND_NS
        last = (utc_ns(dt, part.close) - midnight_ns(dt)) // SECOND_NS
        traded[first:last] = True
    rates: F64 = curve * (size.records / _RECORDS_OF_AN_ACTION / curve[traded].sum())
    return rates


def _clipped(size: Size, calendar: TradingCalendar, dt: date) -> Size:
    """Return the size cut at the early close of `dt`, with the volume of what is left."""
    early = calendar.early_close(dt)
    if early is None:
        return size
    trading = tuple(calendar.clip(part, dt) for part in size.trading if part.open < early)
    whole = sum(activity_seconds(part, dt) for part in size.trading)
    left = sum(activity_seconds(part, dt) for part in trading)
    return replace(
        size,
        trading=trading,
        session=calendar.clip(size.session, dt),
        records=int(size.records * left / whole),
    )


def activity_seconds(part: SessionWindow, dt: date) -> float:
    """Return the activity of a stretch of `dt`, in seconds of the calm of late morning."""
    first = (utc_ns(dt, part.open) - midnight_ns(dt)) // SECOND_NS
    last = (utc_ns(dt, part.close) - midnight_ns(dt)) // SECOND_NS
    return float(activity(dt)[first:last].sum())
