"""A chain of options through time: quotes follow a future's path, the clock closes windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from book_engines.kernel import helper, kernel
from spymaster_resources.instruments import PRICE_SCALE
from spymaster_resources.simulator.crowd import (
    CURSOR,
    F64,
    LAST_DRAW,
    new_crowd,
    refill_tape,
    uniform,
)
from spymaster_resources.simulator.exchange import (
    I64,
    INSTRUMENTS,
    LOG_COUNT,
    LOG_ROWS,
    log_view,
    new_exchange,
)
from spymaster_resources.simulator.ledger import open_window
from spymaster_resources.simulator.market import SECOND_NS
from spymaster_resources.simulator.matching import MAX_EVENT_ROWS
from spymaster_resources.simulator.option_ledger import (
    BBO_FIELDS,
    FLOW_FIELDS,
    TOTAL_FIELDS,
    close_flows,
    sum_totals,
    write_bbo,
)
from spymaster_resources.simulator.option_makers import (
    MAKERS,
    OPTION_OWNERS,
    TERM_BASE,
    TERM_FIELDS,
    TERM_IS_CALL,
    TERM_STRIKE,
    act_on_option,
    fair_option_tick,
    quote,
)
from spymaster_resources.simulator.path import PricePath
from spymaster_resources.simulator.turns import WHEEL, follow, pause_ns, set_wheel

GRID_HALF: Final = 10  # strikes on either side of the one nearest to spot
_TICKS: Final = 4_096
_SLOTS: Final = 1 << 16
_ROSTER_ROWS: Final = 64
_TAPE: Final = 1 << 18
_OPENED_ROWS: Final = 1 << 18
_WINDOWS_OF_A_BLOCK: Final = 32
_FIRST_ORDER_ID: Final = 640_212_000_000
_NEAR_DOLLARS: Final = 30.0  # how fast activity falls off with the distance from the money

# Places of `clock`.
(
    NOW_NS,
    SEGMENT,
    WINDOW_END_NS,
    BLOCK_ROWS,
    PATH_ROW,
    SPOT_ROW,
    EXPIRATION_NS,
) = range(7)
_CLOCK_FIELDS: Final = 7

# What `_run` stopped for.
_DONE, _LOG_FULL, _TAPE_USED, _ROWS_FULL = range(4)


@dataclass(frozen=True)
class ListedOption:
    """Terms of one option of the market."""

    strike: float
    """Dollars."""
    is_call: bool


@dataclass(frozen=True)
class OptionPiece:
    """A piece of the day; views that the next piece overwrites."""

    log: I64
    window_end_ns: I64
    spot_int: I64
    """Spot reference of the underlying at those window ends."""
    bbo: I64
    """Best prices, (options, BBO_FIELDS, windows); ticks of each option's ladder, -1 for none."""
    flows: I64
    """(windows, 2 GRID_HALF + 1 strikes, call and put, ask and bid, FLOW_FIELDS)."""


class OptionMarket:
    """A seeded chain of options of one expiration that follows the path of its future."""

    def __init__(
        self,
        options: Sequence[ListedOption],
        path: PricePath,
        *,
        seed: Sequence[int],
        day_start_ns: int,
        expiration_ns: int,
        rates: F64,
        segments: Sequence[tuple[int, int]],
        tick_int: int,
        strike_step: int,
    ) -> None:
        """Open the market with quotes around the first price of the path.

        rates: float64 (86400,), actions a second by second of the day. segments: [start, end) in ns
        in which the market trades. tick_int: of premiums. strike_step: dollars.
        """
        n = len(options)
        self._random: Final = np.random.Generator(np.random.SFC64(list(seed)))
        self._rates = rates
        self._day_start_ns = day_start_ns
        self._segments = np.array(segments, np.int64).reshape(-1, 2)
        self._path = path
        self._ticks_a_dollar = PRICE_SCALE / tick_int
        self._strike_step = strike_step
        self._terms = np.zeros((n, TERM_FIELDS))
        self._terms[:, TERM_STRIKE] = [row.strike for row in options]
        self._terms[:, TERM_IS_CALL] = [row.is_call for row in options]
        self._clock = np.zeros(_CLOCK_FIELDS, np.int64)
        self._clock[EXPIRATION_NS] = expiration_ns
        self._crowd = new_crowd(n, _TAPE)
        self._totals = np.zeros((n, 2, TOTAL_FIELDS), np.int64)
        self._ends = np.zeros((2, _WINDOWS_OF_A_BLOCK), np.int64)
        self._bbo = np.zeros((n, BBO_FIELDS, _WINDOWS_OF_A_BLOCK), np.int64)
        self._flows = np.zeros(
            (_WINDOWS_OF_A_BLOCK, 2 * GRID_HALF + 1, 2, 2, FLOW_FIELDS), np.int64
        )
        self._wheel = np.zeros(WHEEL, np.int64)
        self.exchange: Final = new_exchange(
            n,
            ticks=_TICKS,
            slots=_SLOTS,
            owners=OPTION_OWNERS,
            first_order_id=_FIRST_ORDER_ID,
            roster_rows=_ROSTER_ROWS,
            opened_rows=_OPENED_ROWS,
        )
        refill_tape(self._crowd, n, self._random)
        _set_ladders(
            self._terms, float(path.mid[0]), day_start_ns, self._clock, self._ticks_a_dollar
        )
        self.base_ticks: Final = self._terms[:, TERM_BASE].astype(np.int64)
        self._quote_first()

    def pieces(self) -> Iterator[OptionPiece]:
        """Yield the day in pieces, each with the windows that closed meanwhile."""
        stopped = _TAPE_USED
        while stopped != _DONE:
            stopped = _run(
                self.exchange, self._crowd, self._terms, self._wheel, self._rates,
                self._day_start_ns, self._segments, self._path.ts_ns, self._path.mid,
                self._path.window_end_ns, self._path.spot_int, self._clock, self._totals,
                self._ends, self._bbo, self._flows, self._ticks_a_dollar, self._strike_step,
            )  # fmt: skip
            if stopped == _TAPE_USED:
                refill_tape(self._crowd, len(self._terms), self._random)
                continue
            n = int(self._clock[BLOCK_ROWS])
            yield OptionPiece(
                log_view(self.exchange),
                self._ends[0, :n],
                self._ends[1, :n],
                self._bbo[:, :, :n],
                self._flows[:n],
            )
            self.exchange[LOG_COUNT] = 0
            self._clock[BLOCK_ROWS] = 0

    def _quote_first(self) -> None:
        """Rest the makers' orders of the night before the day."""
        first = self._day_start_ns - 3_600 * SECOND_NS
        for i in range(len(self._terms)):
            if self._crowd[CURSOR] > self._crowd[LAST_DRAW] - MAKERS * 64:
                refill_tape(self._crowd, len(self._terms), self._random)
            _quote_option(
                self.exchange, self._crowd, self._terms, self._clock, i, first + i * SECOND_NS,
                float(self._path.mid[0]), self._ticks_a_dollar,
            )  # fmt: skip
            self.exchange[LOG_COUNT] = 0
        _settle_totals(self.exchange, self._totals, first)
        start = int(self._segments[0, 0])
        self._clock[WINDOW_END_NS] = start - start % SECOND_NS + SECOND_NS
        _turn_wheel(self._wheel, self._terms, float(self._path.mid[0]))


@kernel
def _set_ladders(terms: F64, future: float, now: int, clock: I64, ticks_a_dollar: float) -> None:
    """Let each ladder start at zero premium or half its length below the first one."""
    for i in range(terms.shape[0]):
        fair = fair_option_tick(terms, i, future, now, clock[EXPIRATION_NS], ticks_a_dollar)
        terms[i, TERM_BASE] = max(0.0, np.floor(fair) - _TICKS // 2)


@kernel
def _quote_option(
    ex: I64, crowd: F64, terms: F64, clock: I64, i: int, ts: int, future: float,
    ticks_a_dollar: float,
) -> None:  # fmt: skip
    fair = fair_option_tick(terms, i, future, ts, clock[EXPIRATION_NS], ticks_a_dollar)
    base = int(terms[i, TERM_BASE])
    for maker in range(MAKERS):
        quote(ex, crowd, ts, i, maker, fair, 0.6 + 0.12 * np.sqrt(max(0.0, fair + base)), base)


@kernel
def _settle_totals(ex: I64, totals: I64, now: int) -> None:
    sum_totals(ex, totals, now)
    open_window(ex)


@kernel
def _turn_wheel(wheel: I64, terms: F64, future: float) -> None:
    set_wheel(wheel, terms, future, _NEAR_DOLLARS)


@kernel
def _run(
    ex: I64,
    crowd: F64,
    terms: F64,
    wheel: I64,
    rates: F64,
    rates_start_ns: int,
    segments: I64,
    path_ns: I64,
    path_mid: F64,
    window_end_ns: I64,
    spot_int: I64,
    clock: I64,
    totals: I64,
    ends: I64,
    bbo: I64,
    flows: I64,
    ticks_a_dollar: float,
    strike_step: int,
) -> int:
    last_row = ex[LOG_ROWS] - 2 * MAX_EVENT_ROWS
    last_end = window_end_ns[window_end_ns.shape[0] - 1]
    while True:
        while clock[SEGMENT] < segments.shape[0] and clock[NOW_NS] >= segments[clock[SEGMENT], 1]:
            clock[SEGMENT] += 1
        over = clock[SEGMENT] == segments.shape[0]
        if not over:
            clock[NOW_NS] = max(clock[NOW_NS], segments[clock[SEGMENT], 0])
        while clock[WINDOW_END_NS] <= last_end and (over or clock[WINDOW_END_NS] <= clock[NOW_NS]):
            if clock[BLOCK_ROWS] == ends.shape[1]:
                return _ROWS_FULL
            _close(ex, clock, terms, totals, window_end_ns, spot_int, ends, bbo, flows, strike_step)
            set_wheel(wheel, terms, path_mid[clock[PATH_ROW]], _NEAR_DOLLARS)
        if clock[WINDOW_END_NS] > last_end and clock[WINDOW_END_NS] <= clock[NOW_NS]:
            # Behind the session only the memory of the window's prices is let go.
            open_window(ex)
            clock[WINDOW_END_NS] = clock[NOW_NS] // SECOND_NS * SECOND_NS + SECOND_NS
            set_wheel(wheel, terms, path_mid[clock[PATH_ROW]], _NEAR_DOLLARS)
        if over:
            return _DONE
        if ex[LOG_COUNT] > last_row:
            return _LOG_FULL
        if crowd[CURSOR] > crowd[LAST_DRAW]:
            return _TAPE_USED
        now = clock[NOW_NS]
        clock[PATH_ROW] = follow(crowd, path_ns, clock[PATH_ROW], now)
        i = wheel[int(uniform(crowd) * wheel.shape[0])]
        future = path_mid[clock[PATH_ROW]]
        fair = fair_option_tick(terms, i, future, now, clock[EXPIRATION_NS], ticks_a_dollar)
        act_on_option(ex, crowd, now, i, fair, int(terms[i, TERM_BASE]))
        second = (now - rates_start_ns) // SECOND_NS
        clock[NOW_NS] = now + pause_ns(crowd, rates[second])


@helper
def _close(
    ex: I64,
    clock: I64,
    terms: F64,
    totals: I64,
    window_end_ns: I64,
    spot_int: I64,
    ends: I64,
    bbo: I64,
    flows: I64,
    strike_step: int,
) -> None:
    end = clock[WINDOW_END_NS]
    sum_totals(ex, totals, end)
    if end == window_end_ns[clock[SPOT_ROW]]:
        spot, row = spot_int[clock[SPOT_ROW]], clock[BLOCK_ROWS]
        ends[0, row], ends[1, row] = end, spot
        step = strike_step * PRICE_SCALE
        centre = (2 * spot + step) // (2 * step) * strike_step
        for i in range(ex[INSTRUMENTS]):
            write_bbo(ex, i, bbo[i], row)
        close_flows(totals, terms, centre, strike_step, flows[row])
        clock[BLOCK_ROWS] += 1
        if clock[SPOT_ROW] + 1 < window_end_ns.shape[0]:
            clock[SPOT_ROW] += 1
    open_window(ex)
    clock[WINDOW_END_NS] += SECOND_NS
