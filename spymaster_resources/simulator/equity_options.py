"""A day of the ticker's expiring options as the consolidated tape's file."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, time
from pathlib import Path
from typing import Final

import numpy as np

from spymaster_resources.instruments import PRICE_SCALE
from spymaster_resources.simulator.chains import EQUITY_STRIKE_STEP, equity_chain, equity_price
from spymaster_resources.simulator.day_files import OPRA, Named, day_writer
from spymaster_resources.simulator.equities import BUCKET_TICKS, TICK_INT
from spymaster_resources.simulator.future_options import OptionsDay
from spymaster_resources.simulator.option_market import ListedOption
from spymaster_resources.simulator.option_truth import OptionTruthWriter
from spymaster_resources.simulator.path import PricePath
from spymaster_resources.simulator.quote_market import QuoteMarket
from spymaster_resources.simulator.sizes import Size
from spymaster_resources.simulator.volume import action_rates, clipped, segments
from spymaster_resources.trading_calendar import TradingCalendar, midnight_ns, utc_ns

_BUCKET_INT: Final = BUCKET_TICKS * TICK_INT
_RECORDS_OF_AN_ACTION: Final = 1.0
_STREAM: Final = 6
_EXPIRATION: Final = time(16, 0)  # New York; the definitions say midnight


def simulate_equity_options_day(
    symbol: str,
    dt: date,
    size: Size,
    folder: Path,
    equity: PricePath,
    *,
    seed: int,
    dbn_version: int = 3,
    with_truth: bool = True,
    zstd_level: int = 1,
    progress: Callable[[int], None] | None = None,
) -> OptionsDay:
    """Write the cmbp-1 file of the options on a ticker that expire on `dt`, and their truth.

    equity: the ticker's path. The spot reference of the truth is the nearest $0.50, as in the
    ticker's own table. The same seed gives the same bytes. Raises ConfigurationError where there is
    no session.
    """
    calendar = TradingCalendar("XNYS")
    calendar.require_session(dt)
    size = clipped(size, calendar, dt)
    chain = equity_chain(symbol, dt, equity_price(dt, seed), size.half_width)
    buckets = (2 * equity.spot_int + _BUCKET_INT) // (2 * _BUCKET_INT) * _BUCKET_INT
    market = QuoteMarket(
        [ListedOption(row.strike_int / PRICE_SCALE, row.is_call) for row in chain],
        [row.instrument_id for row in chain],
        replace(equity, spot_int=buckets),
        seed=[seed, _STREAM, dt.toordinal()],
        day_start_ns=midnight_ns(dt),
        expiration_ns=utc_ns(dt, _EXPIRATION),
        rates=action_rates(size, dt, _RECORDS_OF_AN_ACTION),
        segments=segments(size, dt),
        tick_int=TICK_INT,
        strike_step=EQUITY_STRIKE_STEP,
    )
    with ExitStack() as stack:
        dbn = stack.enter_context(
            day_writer(
                folder,
                OPRA,
                "cmbp-1",
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
                symbol,
                chain,
                base_ticks=np.zeros(len(chain), np.int64),
                tick_int=TICK_INT,
                strike_step=EQUITY_STRIKE_STEP,
                spot_tick_int=_BUCKET_INT,
                reprice=True,
            )
            truths.append(stack.enter_context(truth))
        for piece in market.pieces():
            dbn.write(piece.records)
            for truth in truths:
                truth.write(piece.window_end_ns, piece.spot_int, piece.bbo, piece.flows)
            if progress is not None:
                progress(dbn.records_written)
    return OptionsDay(
        dt,
        dbn.path,
        symbol,
        tuple(row.symbol for row in chain),
        dbn.records_written,
        len(equity.window_end_ns),
    )
