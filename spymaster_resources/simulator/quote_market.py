"""A chain of options as the consolidated tape shows it, through time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, floor, sqrt
from typing import Final, NamedTuple

import numpy as np

from book_engines.kernel import helper, kernel
from spymaster_resources.dbn.layouts import CMBP1_DTYPE, layout_of, new_records
from spymaster_resources.instruments import PRICE_SCALE
from spymaster_resources.simulator.crowd import (
    CURSOR,
    F64,
    LAST_DRAW,
    coin,
    geometric,
    heavy_tailed,
    new_crowd,
    refill_tape,
    uniform,
)
from spymaster_resources.simulator.exchange import ASK, BID, I64, NEITHER, NONE
from spymaster_resources.simulator.glbx import Records
from spymaster_resources.simulator.market import SECOND_NS
from spymaster_resources.simulator.opra import (
    FLAGS,
    PUBLISHERS,
    QUOTE_ACTION,
    TRADE_ACTION,
    put_record,
)
from spymaster_resources.simulator.option_ledger import (
    BBO_FIELDS,
    FLOW_FIELDS,
    TOTAL_FIELDS,
    close_flows,
    open_totals,
)
from spymaster_resources.simulator.option_makers import (
    TERM_FIELDS,
    TERM_IS_CALL,
    TERM_STRIKE,
    fair_option_tick,
)
from spymaster_resources.simulator.option_market import ListedOption
from spymaster_resources.simulator.path import PricePath
from spymaster_resources.simulator.quotes import (
    QUOTE_FIELDS,
    QUOTE_PUBLISHER,
    QUOTE_QTY,
    QUOTE_TICK,
    close_quotes,
    set_quote,
)
from spymaster_resources.simulator.turns import WHEEL, follow, pause_ns, set_wheel

GRID_HALF: Final = 25  # strikes on either side of the one nearest to spot
_TAPE: Final = 1 << 18
_RECORDS: Final = 1 << 15
_RECORDS_OF_AN_ACTION: Final = 2
_WINDOWS_OF_A_BLOCK: Final = 32
_NEAR_DOLLARS: Final = 4.0
_OPENING_GAP_NS: Final = 180_000  # between the first quotes of the day
_TRADES: Final = 0.012  # of all decisions
_MOST: Final = 400  # contracts shown

# Places of `clock`.
(
    NOW_NS,
    SEGMENT,
    WINDOW_END_NS,
    BLOCK_ROWS,
    PATH_ROW,
    SPOT_ROW,
    EXPIRATION_NS,
    OPENED,  # options that were quoted at the opening
    RECORDS,
) = range(9)
_CLOCK_FIELDS: Final = 9

# What `_run` stopped for.
_DONE, _RECORDS_FULL, _TAPE_USED, _ROWS_FULL = range(4)


class QuotePiece(NamedTuple):
    """A piece of the day; views that the next piece overwrites. Shapes as in `OptionPiece`."""

    records: Records
    window_end_ns: I64
    spot_int: I64
    bbo: I64
    flows: I64


class QuoteMarket:
    """A seeded chain of options, consolidated over its exchanges, that follows a path."""

    def __init__(
        self,
        options: Sequence[ListedOption],
        ids: Sequence[int],
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
        """Set up empty quotes. Arguments as of `OptionMarket`; expiration: the end of trading."""
        n = len(options)
        self._random: Final = np.random.Generator(np.random.SFC64(list(seed)))
        self._path = path
        self._rates = rates
        self._day_start_ns = day_start_ns
        self._segments = np.array(segments, np.int64).reshape(-1, 2)
        self._ids = np.array(ids, np.int64)
        self._tick_int = tick_int
        self._strike_step = strike_step
        self._terms = np.zeros((n, TERM_FIELDS))
        self._terms[:, TERM_STRIKE] = [row.strike for row in options]
        self._terms[:, TERM_IS_CALL] = [row.is_call for row in options]
        self._crowd = new_crowd(n, _TAPE)
        self._wheel = np.zeros(WHEEL, np.int64)
        self._quotes = np.zeros((n, 2, QUOTE_FIELDS), np.int64)
        self._quotes[:, :, QUOTE_TICK] = NONE
        self._totals = np.zeros((n, 2, TOTAL_FIELDS), np.int64)
        self._ends = np.zeros((2, _WINDOWS_OF_A_BLOCK), np.int64)
        self._bbo = np.zeros((n, BBO_FIELDS, _WINDOWS_OF_A_BLOCK), np.int64)
        self._flows = np.zeros(
            (_WINDOWS_OF_A_BLOCK, 2 * GRID_HALF + 1, 2, 2, FLOW_FIELDS), np.int64
        )
        self._records = new_records(layout_of("cmbp-1", 3), _RECORDS)
        assert self._records.dtype == CMBP1_DTYPE
        self._records["flags"] = FLAGS
        self._clock = np.zeros(_CLOCK_FIELDS, np.int64)
        self._clock[EXPIRATION_NS] = expiration_ns
        self._clock[WINDOW_END_NS] = path.window_end_ns[0]

    def pieces(self) -> Iterator[QuotePiece]:
        """Yield the day in pieces, each with the windows that closed meanwhile."""
        stopped = _TAPE_USED
        while stopped != _DONE:
            stopped = _run(
                self._crowd, self._terms, self._wheel, self._rates, self._day_start_ns,
                self._segments, self._path.ts_ns, self._path.mid, self._path.window_end_ns,
                self._path.spot_int, self._clock, self._ids, self._quotes, self._totals,
                self._records, self._ends, self._bbo, self._flows, self._tick_int,
                self._strike_step,
            )  # fmt: skip
            if stopped == _TAPE_USED:
                refill_tape(self._crowd, len(self._terms), self._random)
                continue
            n = int(self._clock[BLOCK_ROWS])
            yield QuotePiece(
                self._records[: self._clock[RECORDS]],
                self._ends[0, :n],
                self._ends[1, :n],
                self._bbo[:, :, :n],
                self._flows[:n],
            )
            self._clock[RECORDS] = 0
            self._clock[BLOCK_ROWS] = 0


@kernel
def _run(
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
    ids: I64,
    quotes: I64,
    totals: I64,
    records: Records,
    ends: I64,
    bbo: I64,
    flows: I64,
    tick_int: int,
    strike_step: int,
) -> int:
    last_end = window_end_ns[window_end_ns.shape[0] - 1]
    ticks_a_dollar = PRICE_SCALE / tick_int
    while True:
        while clock[SEGMENT] < segments.shape[0] and clock[NOW_NS] >= segments[clock[SEGMENT], 1]:
            clock[SEGMENT] += 1
        over = clock[SEGMENT] == segments.shape[0]
        if not over:
            clock[NOW_NS] = max(clock[NOW_NS], segments[clock[SEGMENT], 0])
        while clock[WINDOW_END_NS] <= last_end and (over or clock[WINDOW_END_NS] <= clock[NOW_NS]):
            if clock[BLOCK_ROWS] == ends.shape[1]:
                return _ROWS_FULL
            _close(clock, terms, quotes, totals, spot_int, ends, bbo, flows, strike_step)
            set_wheel(wheel, terms, path_mid[clock[PATH_ROW]], _NEAR_DOLLARS)
        if over:
            return _DONE
        if clock[RECORDS] + _RECORDS_OF_AN_ACTION > records.shape[0]:
            return _RECORDS_FULL
        if crowd[CURSOR] > crowd[LAST_DRAW]:
            return _TAPE_USED
        now = clock[NOW_NS]
        clock[PATH_ROW] = follow(crowd, path_ns, clock[PATH_ROW], now)
        opening = clock[OPENED] < terms.shape[0]
        i = clock[OPENED] if opening else wheel[int(uniform(crowd) * wheel.shape[0])]
        price = path_mid[clock[PATH_ROW]]
        fair = fair_option_tick(terms, i, price, now, clock[EXPIRATION_NS], ticks_a_dollar)
        clock[RECORDS] += _act(
            crowd, quotes[i], totals[i], ids[i], now, fair, records, clock[RECORDS], tick_int
        )
        if opening:
            clock[OPENED] += 1
            clock[NOW_NS] = now + _OPENING_GAP_NS
            if clock[OPENED] == terms.shape[0]:
                set_wheel(wheel, terms, price, _NEAR_DOLLARS)
        else:
            clock[NOW_NS] = now + pause_ns(crowd, rates[(now - rates_start_ns) // SECOND_NS])


@helper
def _act(
    crowd: F64, quote: I64, total: I64, instrument_id: int, now: int, fair: float,
    records: Records, row: int, tick_int: int,
) -> int:  # fmt: skip
    """Let one thing happen to the quote of an option; return the number of records."""
    side = coin(crowd)
    if uniform(crowd) < _TRADES and quote[side, QUOTE_TICK] != NONE:
        return int(_trade(crowd, quote, total, instrument_id, now, side, records, row, tick_int))
    half = 0.6 + 0.08 * sqrt(max(0.0, fair))
    if uniform(crowd) < 0.1:
        half += 1.0 - 1.5 * uniform(crowd)
    bid = max(floor(fair - half), 0)
    ask = max(ceil(fair + half), bid + 1, 1)
    bid_tick = NONE if bid < 1 else int(bid)
    ask_tick = int(ask)
    bid_moves, ask_moves = bid_tick != quote[BID, QUOTE_TICK], ask_tick != quote[ASK, QUOTE_TICK]
    if bid_moves:
        _requote(crowd, quote[BID], total[BID], bid_tick, now)
    if ask_moves:
        _requote(crowd, quote[ASK], total[ASK], ask_tick, now)
    changed = NEITHER
    if not (bid_moves and ask_moves):
        changed = BID if bid_moves else ASK if ask_moves else side
        if not bid_moves and not ask_moves:
            if quote[side, QUOTE_TICK] == NONE:
                return 0
            _resize(crowd, quote[side], total[side], now)
    told = changed if changed != NEITHER else ASK
    tick, qty = NONE, 0
    if changed != NEITHER:
        tick, qty = quote[told, QUOTE_TICK], quote[told, QUOTE_QTY]
    put_record(
        records[row], quote, instrument_id, now, QUOTE_ACTION, changed, tick, qty,
        max(quote[told, QUOTE_PUBLISHER], PUBLISHERS[0]), tick_int,
    )  # fmt: skip
    return 1


@helper
def _requote(crowd: F64, quote: I64, total: I64, tick: int, now: int) -> None:
    if tick == NONE:
        set_quote(quote, total, NONE, 0, 0, now, 0)
    else:
        set_quote(quote, total, tick, _size(crowd), _publisher(crowd), now, 0)


@helper
def _resize(crowd: F64, quote: I64, total: I64, now: int) -> None:
    """Show another size at the same price, now and then another exchange's."""
    publisher = quote[QUOTE_PUBLISHER]
    if uniform(crowd) < 0.3:
        publisher = _publisher(crowd)
    if uniform(crowd) < 0.5:
        qty = min(_MOST, quote[QUOTE_QTY] + 1 + geometric(crowd, 0.15, 60))
    else:
        qty = max(1, quote[QUOTE_QTY] - 1 - geometric(crowd, 0.15, 60))
    set_quote(quote, total, quote[QUOTE_TICK], qty, publisher, now, 0)


@helper
def _trade(
    crowd: F64, quote: I64, total: I64, instrument_id: int, now: int, side: int,
    records: Records, row: int, tick_int: int,
) -> int:  # fmt: skip
    """Trade at a touch: the trade with the quote it met, then the quote that is left."""
    tick, shown = quote[side, QUOTE_TICK], quote[side, QUOTE_QTY]
    publisher = quote[side, QUOTE_PUBLISHER]
    qty = min(heavy_tailed(crowd, 1.1, 80), shown)
    put_record(
        records[row], quote, instrument_id, now, TRADE_ACTION, NEITHER, tick, qty, publisher,
        tick_int,
    )  # fmt: skip
    if qty < shown:
        set_quote(quote[side], total[side], tick, shown - qty, publisher, now, qty)
    else:
        behind = tick + 1 if side == ASK else tick - 1
        if behind < 1:
            set_quote(quote[side], total[side], NONE, 0, 0, now, qty)
        else:
            set_quote(quote[side], total[side], behind, _size(crowd), _publisher(crowd), now, qty)
    put_record(
        records[row + 1], quote, instrument_id, now, QUOTE_ACTION, side, quote[side, QUOTE_TICK],
        quote[side, QUOTE_QTY], publisher, tick_int,
    )  # fmt: skip
    return 2


@helper
def _size(crowd: F64) -> int:
    return int(1 + geometric(crowd, 0.03, _MOST - 1))


@helper
def _publisher(crowd: F64) -> int:
    return int(PUBLISHERS[int(uniform(crowd) * PUBLISHERS.shape[0])])


@helper
def _close(
    clock: I64,
    terms: F64,
    quotes: I64,
    totals: I64,
    spot_int: I64,
    ends: I64,
    bbo: I64,
    flows: I64,
    strike_step: int,
) -> None:
    end, row = clock[WINDOW_END_NS], clock[BLOCK_ROWS]
    spot = spot_int[clock[SPOT_ROW]]
    ends[0, row], ends[1, row] = end, spot
    step = strike_step * PRICE_SCALE
    centre = (2 * spot + step) // (2 * step) * strike_step
    close_quotes(quotes, totals, end, bbo, row)
    close_flows(totals, terms, centre, strike_step, flows[row])
    open_totals(totals)
    clock[BLOCK_ROWS] += 1
    clock[SPOT_ROW] += 1
    clock[WINDOW_END_NS] += SECOND_NS
