"""The market through time: who acts next and when, windows closed by the clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from book_engines.kernel import helper, kernel
from spymaster_resources.simulator.crowd import (
    ANCHOR,
    CARRY_TICKS,
    CURSOR,
    DEEP,
    EXCITEMENT,
    F64,
    FAIR,
    HIDDEN,
    JOIN_TICKS,
    JOINER,
    LARGE,
    LAST_DRAW,
    LAST_MID,
    LOT,
    MAKER,
    MISPRICED_TICKS,
    OUTSIDE,
    OWNER_KINDS,
    PINNED,
    RESPONSE,
    SIZE,
    exponential,
    member_at,
    new_crowd,
    refill_tape,
    traits_view,
    uniform,
)
from spymaster_resources.simulator.exchange import (
    ASK,
    BEST_ASK,
    BEST_BID,
    I64,
    INSTRUMENTS,
    LAST_TRADE,
    LOG_COUNT,
    LOG_ROWS,
    NONE,
    TICKS,
    book_at,
    books_view,
    log_view,
    new_exchange,
)
from spymaster_resources.simulator.fair_value import pin
from spymaster_resources.simulator.ledger import (
    ROW_FIELDS,
    TOP_FIELDS,
    close_cells,
    close_top,
    open_window,
)
from spymaster_resources.simulator.matching import MAX_EVENT_ROWS, submit
from spymaster_resources.simulator.participants import act, deep_qty, deep_steps, in_lots

SECOND_NS: Final = 1_000_000_000
HOUR_NS: Final = 3_600 * SECOND_NS
_TICKS: Final = 16_384
_TAPE: Final = 1 << 18
_WINDOWS_OF_A_BLOCK: Final = 64
_WARM_UP_ACTIONS: Final = 40_000
_WARM_UP_SECONDS: Final = 7_200
_NEVER_NS: Final = 2**62
_FIRST_ORDER_ID: Final = 6_412_000_000_000

# Orders that answer another one come within a fraction of a millisecond of it.
_ANSWER_SHARE: Final = 0.55
_ANSWER_SHARE_EXCITED: Final = 0.35  # more, right after the mid moved
_ANSWER_GAP_NS: Final = 60_000.0

# Places of `clock`.
(
    NOW_NS,
    SEGMENT,
    WINDOW_END_NS,
    TOP_ROWS,
    PATH_ROWS,
    LAST_BID,
    LAST_ASK,
    OUTSIDE_ROW,  # of the other market's prices: the next one
) = range(8)
CLOCK_FIELDS: Final = 8

# Fields of a row of the path: the touch of the first listing after it changed.
PATH_NS, PATH_BID, PATH_ASK = range(3)
PATH_FIELDS: Final = 3


# What `_run` stopped for.
_DONE, _LOG_FULL, _TAPE_USED, _ROWS_FULL = range(4)


@dataclass(frozen=True)
class Listing:
    """One instrument of the market."""

    start_tick: int
    """Where its price starts, in ticks of the ladder."""
    share: float
    """Of the market's activity."""
    depth_scale: float = 1.0
    """Numbers of orders and sizes relative to a busy front month."""
    anchor: int = NONE
    """The listing whose price it follows, NONE for one that finds its own, or OUTSIDE."""
    lot: int = 1
    """What sizes are round in."""
    mispriced_ticks: float = 1.0
    """How far from its anchor's price it is taken."""
    response: float = 0.0
    """A planted law: ticks a second that its price drifts for a whole imbalance of depth."""
    pinned: bool = False
    """Whether its touch never leaves the price that it follows, which must be OUTSIDE."""


@dataclass(frozen=True)
class WindowBlock:
    """Truth of some closed windows of one listing; views that the next block overwrites."""

    listing: int
    tops: I64
    rows: tuple[I64, ...]
    """Cell rows of each grid."""


@dataclass(frozen=True)
class Piece:
    """A piece of the market's day; views that the next piece overwrites."""

    log: I64
    """The event log, (rows, LOG_FIELDS)."""
    blocks: list[WindowBlock]
    """Windows that closed meanwhile, of each listing."""
    path: I64
    """Touches of the first listing, (rows, PATH_FIELDS)."""


@dataclass(frozen=True)
class OutsidePrices:
    """Prices of another market that listings with the anchor OUTSIDE follow.

    Each stays where it starts relative to the first listing.
    """

    ts_ns: I64
    """Ascending."""
    fair_ticks: F64
    """From that time on, in ticks of the first listing's ladder."""


class Market:
    """A seeded market of a few listings over one day.

    `pieces()` yields the day in order, in pieces.
    """

    def __init__(
        self,
        listings: Sequence[Listing],
        *,
        seed: Sequence[int],
        day_start_ns: int,
        rates: F64,
        segments: Sequence[tuple[int, int]],
        windows: tuple[int, int],
        grids: Sequence[tuple[int, int, int]],
        outside: OutsidePrices | None = None,
        prints_fills: bool = False,
        first_order_id: int = _FIRST_ORDER_ID,
    ) -> None:
        """Open the market with books that live orders filled before the day.

        rates: float64 (86400,), actions a second of the whole market, by second of the day.
        segments: [start, end) in ns in which the market trades. windows: first and last end in ns.
        grids: (width, base, half) of the cells whose windows are told. prints_fills: the venue
        prints each fill as a trade and replaces orders instead of modifying them.
        """
        self._random: Final = np.random.Generator(np.random.SFC64(list(seed)))
        self._rates = rates
        self._day_start_ns = day_start_ns
        self._shares = np.cumsum([row.share for row in listings])
        self._shares /= self._shares[-1]
        self._segments = np.array(segments, np.int64).reshape(-1, 2)
        self._windows = np.array(windows, np.int64)
        self._clock = np.zeros(CLOCK_FIELDS, np.int64)
        n = len(listings)
        self.exchange: Final = new_exchange(
            n,
            ticks=_TICKS,
            owners=OWNER_KINDS,
            first_order_id=first_order_id,
            prints_fills=prints_fills,
        )
        self._crowd = new_crowd(n, _TAPE)
        _give_traits(traits_view(self._crowd, n), listings)
        self._tops = np.zeros((n, TOP_FIELDS, _WINDOWS_OF_A_BLOCK), np.int64)
        self._grids = np.array(grids, np.int64)
        most = 2 * (2 * int(self._grids[:, 2].max()) + 1)
        self._rows = np.zeros((n, len(grids), ROW_FIELDS, _WINDOWS_OF_A_BLOCK * most), np.int64)
        self._row_counts = np.zeros((n, len(grids)), np.int64)
        self._path = np.zeros((int(self.exchange[LOG_ROWS]), PATH_FIELDS), np.int64)
        none = OutsidePrices(np.zeros(0, np.int64), np.zeros(0))
        self._outside = outside or none
        if outside is not None:
            traits = traits_view(self._crowd, n)
            traits[:, FAIR] = outside.fair_ticks[0] + traits[:, CARRY_TICKS]
        self._fill_books(listings)

    def pieces(self) -> Iterator[Piece]:
        """Yield the day in pieces, each with the windows that closed meanwhile."""
        for _ in self._trade(self._rates, self._day_start_ns, self._segments, self._windows):
            blocks = [
                WindowBlock(
                    i,
                    self._tops[i, :, : self._clock[TOP_ROWS]],
                    tuple(self._rows[i, grid, :, :count] for grid, count in enumerate(counts)),
                )
                for i, counts in enumerate(self._row_counts.tolist())
            ]
            path = self._path[: self._clock[PATH_ROWS]]
            yield Piece(log_view(self.exchange), blocks, path)
            self._clock[TOP_ROWS] = 0
            self._row_counts[:] = 0

    def _trade(
        self, rates: F64, rates_start_ns: int, segments: I64, windows: I64
    ) -> Iterator[None]:
        """Run the market through `segments`; stop at every piece of log, which is then dropped."""
        # The window before the first is closed too, so that no earlier flow is in the first.
        self._clock[:] = (0, 0, windows[0] - SECOND_NS, 0, 0, NONE, NONE, 0)
        stopped = _TAPE_USED
        while stopped != _DONE:
            stopped = _run(
                self.exchange, self._crowd, rates, rates_start_ns, self._shares, segments, windows,
                self._clock, self._grids, self._tops, self._rows, self._row_counts, self._path,
                self._outside.ts_ns, self._outside.fair_ticks,
            )  # fmt: skip
            if stopped == _TAPE_USED:
                self._refill_tape()
            else:
                yield
                self.exchange[LOG_COUNT] = 0
                self._clock[PATH_ROWS] = 0

    def _fill_books(self, listings: Sequence[Listing]) -> None:
        """Rest orders of the days before, then let the market trade itself in, unrecorded."""
        ex, crowd = self.exchange, self._crowd
        starts = np.array([row.start_tick for row in listings], np.int64)
        warm_up_ns = self._day_start_ns - _WARM_UP_SECONDS * SECOND_NS
        orders = 2 * int(traits_view(crowd, len(listings))[:, [JOINER, DEEP]].sum(1).max())
        step = 20 * HOUR_NS // orders
        for n in range(orders):
            if crowd[CURSOR] > crowd[LAST_DRAW]:
                self._refill_tape()
            _rest_old_order(ex, crowd, starts, n, warm_up_ns - (orders - n) * step)
            ex[LOG_COUNT] = 0
        for _ in self._trade(
            np.full(_WARM_UP_SECONDS, _WARM_UP_ACTIONS / _WARM_UP_SECONDS),
            warm_up_ns,
            np.array([[warm_up_ns, self._day_start_ns]], np.int64),
            np.array([_NEVER_NS, _NEVER_NS - 1], np.int64),
        ):
            pass
        books_view(ex)[:, LAST_TRADE] = NONE  # trades of the days before are not in the day's file

    def _refill_tape(self) -> None:
        refill_tape(self._crowd, len(self._shares), self._random)


def _give_traits(traits: F64, listings: Sequence[Listing]) -> None:
    for trait, row in zip(traits, listings, strict=True):
        scale = row.depth_scale
        trait[JOINER] = 70 * scale
        trait[MAKER] = 36 * scale
        trait[DEEP] = 2_400 * scale
        trait[HIDDEN] = max(1.0, 5 * scale)
        trait[LARGE] = 12 * scale
        trait[JOIN_TICKS] = 12
        trait[SIZE] = max(0.6, min(1.0, scale + 0.3))
        trait[LOT] = row.lot
        trait[MISPRICED_TICKS] = row.mispriced_ticks
        trait[RESPONSE] = row.response
        trait[ANCHOR] = row.anchor
        trait[PINNED] = row.pinned
        if row.anchor != NONE:
            of = 0 if row.anchor == OUTSIDE else row.anchor
            trait[CARRY_TICKS] = row.start_tick - listings[of].start_tick


@kernel
def _rest_old_order(ex: I64, crowd: F64, starts: I64, n: int, ts: int) -> None:
    """Rest order `n` of the days before in each book, while its owner's roster has room."""
    side = n % 2
    for i in range(starts.shape[0]):
        near = n // 2 < crowd[member_at(i) + JOINER]
        if n // 2 >= crowd[member_at(i) + JOINER] + crowd[member_at(i) + DEEP]:
            continue
        steps = n // 2 % 6 if near else deep_steps(crowd)
        tick = starts[i] + 1 + steps if side == ASK else starts[i] - steps
        owner = JOINER if near else DEEP
        qty = in_lots(crowd, i, deep_qty(crowd))
        submit(ex, ts + i, i, side, tick, qty, 0, True, owner)
        book = book_at(ex, i)
        crowd[member_at(i) + LAST_MID] = 0.5 * (ex[book + BEST_BID] + ex[book + BEST_ASK])


@helper
def _whose_turn(crowd: F64, shares: F64) -> int:
    u = uniform(crowd)
    i = 0
    while u >= shares[i] and i < shares.shape[0] - 1:
        i += 1
    return i


@helper
def _gap_ns(crowd: F64, i: int, actions_a_second: float) -> int:
    """Return the time to the next action: an answer at once, or after the rate's own pause.

    The mixture keeps the mean at 1 / rate as long as the pauses are longer than the answers.
    """
    share = _ANSWER_SHARE + _ANSWER_SHARE_EXCITED * crowd[member_at(i) + EXCITEMENT]
    if uniform(crowd) < share:
        return 2 + int(_ANSWER_GAP_NS * exponential(crowd) * exponential(crowd))
    mean = 1e9 / max(actions_a_second, 1e-3)
    pause = max((mean - _ANSWER_SHARE * _ANSWER_GAP_NS) / (1.0 - _ANSWER_SHARE), 0.1 * mean)
    return 2 + int(pause * exponential(crowd))


@kernel
def _run(
    ex: I64,
    crowd: F64,
    rates: F64,
    rates_start_ns: int,
    shares: F64,
    segments: I64,
    windows: I64,
    clock: I64,
    grids: I64,
    tops: I64,
    rows: I64,
    row_counts: I64,
    path: I64,
    outside_ns: I64,
    outside_ticks: F64,
) -> int:
    last_row = ex[LOG_ROWS] - 2 * MAX_EVENT_ROWS
    while True:
        while clock[SEGMENT] < segments.shape[0] and clock[NOW_NS] >= segments[clock[SEGMENT], 1]:
            clock[SEGMENT] += 1
        over = clock[SEGMENT] == segments.shape[0]
        if not over:
            clock[NOW_NS] = max(clock[NOW_NS], segments[clock[SEGMENT], 0])
        while clock[WINDOW_END_NS] <= windows[1] and (
            over or clock[WINDOW_END_NS] <= clock[NOW_NS]
        ):
            if clock[TOP_ROWS] == tops.shape[2]:
                return _ROWS_FULL
            if clock[WINDOW_END_NS] >= windows[0]:
                _write_rows(ex, clock, grids, tops, rows, row_counts)
            open_window(ex)
            clock[WINDOW_END_NS] += SECOND_NS
        if over:
            return _DONE
        if ex[LOG_COUNT] > last_row:
            return _LOG_FULL
        if crowd[CURSOR] > crowd[LAST_DRAW]:
            return _TAPE_USED
        now = clock[NOW_NS]
        _look_outside(ex, crowd, clock, outside_ns, outside_ticks)
        i = _whose_turn(crowd, shares)
        act(ex, crowd, now, i)
        if crowd[member_at(i) + PINNED] != 0.0:
            pin(ex, crowd, now, i)
        _note_touch(ex, clock, path)
        second = (now - rates_start_ns) // SECOND_NS
        clock[NOW_NS] = now + _gap_ns(crowd, i, rates[second])


@helper
def _write_rows(ex: I64, clock: I64, grids: I64, tops: I64, rows: I64, row_counts: I64) -> None:
    end = clock[WINDOW_END_NS]
    for i in range(tops.shape[0]):
        close_top(ex, i, end, tops[i], clock[TOP_ROWS])
        for grid in range(grids.shape[0]):
            width, base, half = grids[grid, 0], grids[grid, 1], grids[grid, 2]
            row_counts[i, grid] = close_cells(
                ex, i, end, width, base, half, rows[i, grid], row_counts[i, grid]
            )
    clock[TOP_ROWS] += 1


@helper
def _look_outside(ex: I64, crowd: F64, clock: I64, outside_ns: I64, outside_ticks: F64) -> None:
    """Let listings that follow another market know its price; pinned ones go there at once."""
    row = clock[OUTSIDE_ROW]
    if row == outside_ns.shape[0] or outside_ns[row] > clock[NOW_NS]:
        return
    while row < outside_ns.shape[0] and outside_ns[row] <= clock[NOW_NS]:
        row += 1
    clock[OUTSIDE_ROW] = row
    for i in range(ex[INSTRUMENTS]):
        crowd[member_at(i) + FAIR] = outside_ticks[row - 1] + crowd[member_at(i) + CARRY_TICKS]
        if crowd[member_at(i) + PINNED] != 0.0:
            pin(ex, crowd, clock[NOW_NS], i)


@helper
def _note_touch(ex: I64, clock: I64, path: I64) -> None:
    """Add the touch of the first listing to the path when it changed."""
    book = book_at(ex, 0)
    bid, ask = ex[book + BEST_BID], ex[book + BEST_ASK]
    if bid == clock[LAST_BID] and ask == clock[LAST_ASK]:
        return
    clock[LAST_BID], clock[LAST_ASK] = bid, ask
    if bid != NONE and ask != ex[TICKS]:
        row = clock[PATH_ROWS]
        path[row, PATH_NS] = clock[NOW_NS]
        path[row, PATH_BID] = bid
        path[row, PATH_ASK] = ask
        clock[PATH_ROWS] = row + 1
