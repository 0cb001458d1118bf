"""A day of the simulated ticker on Nasdaq's conventions, following the simulated future."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final, cast

import numpy as np

from spymaster_resources.instruments import EQUITY, PRICE_SCALE
from spymaster_resources.instruments import instrument as catalogue_row
from spymaster_resources.simulator.chains import equity_price
from spymaster_resources.simulator.crowd import OUTSIDE
from spymaster_resources.simulator.day_files import XNAS, Named, day_writer
from spymaster_resources.simulator.market import Listing, Market, OutsidePrices
from spymaster_resources.simulator.path import PathGatherer, PricePath
from spymaster_resources.simulator.reference import EQUITY_ID
from spymaster_resources.simulator.sizes import Size
from spymaster_resources.simulator.truth import Cells, TruthWriter
from spymaster_resources.simulator.volume import action_rates, clipped, segments
from spymaster_resources.simulator.xnas import XnasEncoder
from spymaster_resources.trading_calendar import SECOND_NS, TradingCalendar, midnight_ns

# Every simulated ticker has the catalogue's grids of this one.
_GRID: Final = catalogue_row("QQQ", EQUITY)
TICK_INT: Final = _GRID.tick_int
BUCKET_TICKS: Final = _GRID.cell_int // TICK_INT
FINE_TICKS: Final = cast("int", _GRID.fine_cell_int) // TICK_INT
_MIDDLE_TICK: Final = 8_192
_RECORDS_OF_AN_ACTION: Final = 2.65  # measured over all sizes
_STREAM: Final = 4
_FIRST_ORDER_ID: Final = 196_851
_ROUND_LOT: Final = 100
_BETA: Final = 1.2  # relative moves of the ticker for one of the future
_OWN_MOVES: Final = 4e-6  # deviation of the ticker's own relative moves, a square root of a second
_FILLING_NS: Final = 8 * SECOND_NS  # the book fills up for so long before the first trading


@dataclass(frozen=True)
class EquityDay:
    """What was written for one date."""

    dt: date
    path: Path
    symbol: str
    records: int
    windows: int
    prices: PricePath = field(repr=False)


@dataclass(frozen=True)
class _Scene:
    market: Market
    base_tick: int
    size: Size
    cells: tuple[Cells, ...]


def simulate_equity_day(
    symbol: str,
    dt: date,
    size: Size,
    folder: Path,
    future: PricePath,
    *,
    seed: int,
    dbn_version: int = 3,
    with_truth: bool = True,
    zstd_level: int = 1,
    progress: Callable[[int], None] | None = None,
) -> EquityDay:
    """Write the DBN file of a ticker on `dt` and its truth; the same seed, the same bytes.

    future: the path of the market that the ticker follows. Truth tables: `depth` in buckets of
    $0.50, `fine` of $0.05, `tick` of a cent. Raises ConfigurationError where there is no session.
    """
    scene = _scene(dt, size, future, seed)
    market, base_tick = scene.market, scene.base_tick
    encoder = XnasEncoder(
        EQUITY_ID,
        base_tick=base_tick,
        tick_int=TICK_INT,
        first_sequence=280_000 + dt.toordinal() % 9_000,
    )
    prices = PathGatherer(base_tick, TICK_INT)
    first_ns = segments(scene.size, dt)[0][0]
    with ExitStack() as stack:
        dbn = stack.enter_context(
            day_writer(
                folder,
                XNAS,
                "mbo",
                dt,
                [Named(symbol, EQUITY_ID)],
                version=dbn_version,
                zstd_level=zstd_level,
            )
        )
        truths = []
        if with_truth:
            truth = TruthWriter(
                dbn.path, symbol, base_tick=base_tick, tick_int=TICK_INT, cells=scene.cells
            )
            truths.append(stack.enter_context(truth))
        dbn.write(encoder.opening(market.exchange, first_ns - _FILLING_NS, first_ns - SECOND_NS))
        for piece in market.pieces():
            dbn.write(encoder.encode(piece.log))
            prices.add(piece)
            for truth in truths:
                truth.write(piece.blocks[0].tops, piece.blocks[0].rows)
            if progress is not None:
                progress(dbn.records_written)
    windows = scene.size.session.window_ends_ns(dt).n_windows
    return EquityDay(dt, dbn.path, symbol, dbn.records_written, windows, prices.path())


def equity_prices(dt: date, size: Size, future: PricePath, *, seed: int) -> PricePath:
    """Return the path of the ticker on the day that `simulate_equity_day` would write."""
    scene = _scene(dt, size, future, seed)
    prices = PathGatherer(scene.base_tick, TICK_INT)
    for piece in scene.market.pieces():
        prices.add(piece)
    return prices.path()


def _scene(dt: date, size: Size, future: PricePath, seed: int) -> _Scene:
    calendar = TradingCalendar("XNYS")
    calendar.require_session(dt)
    size = clipped(size, calendar, dt)
    dollars = equity_price(dt, seed)
    base_tick = round(dollars * PRICE_SCALE / TICK_INT) - _MIDDLE_TICK
    cells = (
        Cells("depth", BUCKET_TICKS, base_tick, _GRID.grid_half_width),
        Cells("fine", FINE_TICKS, base_tick, cast("int", _GRID.fine_half_width)),
        Cells("tick"),
    )
    windows = size.session.window_ends_ns(dt)
    market = Market(
        [
            Listing(
                _MIDDLE_TICK,
                1.0,
                size.depth_scale,
                anchor=OUTSIDE,
                lot=_ROUND_LOT,
                mispriced_ticks=3.0,
            )
        ],
        seed=[seed, _STREAM, dt.toordinal()],
        day_start_ns=midnight_ns(dt),
        rates=action_rates(size, dt, _RECORDS_OF_AN_ACTION),
        segments=segments(size, dt),
        windows=(windows.first_ns, windows.last_ns),
        grids=[cell.grid for cell in cells],
        outside=_following(future, dt, seed, dollars, base_tick),
        prints_fills=True,
        first_order_id=_FIRST_ORDER_ID,
    )
    return _Scene(market, base_tick, size, cells)


def _following(
    future: PricePath, dt: date, seed: int, dollars: float, base_tick: int
) -> OutsidePrices:
    """Return where the ticker belongs when the future is where it is."""
    random = np.random.default_rng([seed, _STREAM, dt.toordinal()])
    own = np.cumsum(random.standard_normal(86_400)) * _OWN_MOVES
    second = np.clip((future.ts_ns - midnight_ns(dt)) // SECOND_NS, 0, 86_399)
    moves = _BETA * np.log(future.mid / future.mid[0]) + own[second] - own[second[0]]
    ticks = dollars * np.exp(moves) * (PRICE_SCALE / TICK_INT) - base_tick
    return OutsidePrices(future.ts_ns, ticks)
