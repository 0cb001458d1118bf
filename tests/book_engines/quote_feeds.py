"""Consolidated quotes for the tests: written by hand, or drawn by hypothesis."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from numpy.typing import NDArray

from book_engines.quote_records import QUOTE_DTYPES, QuoteColumns, quote_columns
from book_engines.quotes import QuoteBookEngine
from book_engines.records import UNDEF_PRICE
from book_engines.sizes import SIZE_BINS
from book_engines.strike_output import QuoteBlock
from spymaster_assets.stages.quote_tables import DEPTH, SNAPSHOT, depth_batch, snapshot_batch
from spymaster_resources.instruments import Instrument, instrument
from tests.book_engines.feeds import START, rows
from tests.book_engines.unflagged import book_schema, no_flags
from tests.naive.consolidated import LAST, MAYBE_BAD, NULL, SECOND, Quote
from tests.naive.consolidated import SNAPSHOT as FROM_SNAPSHOT

STEP, BUCKET = 10, 5
HALF_WIDTH = 2
SPOT = 100
QQQ = replace(
    instrument("QQQ", "equity_option_cmbp_1"),
    cell_int=STEP,
    rel_tick_int=BUCKET,
    grid_half_width=HALF_WIDTH,
)
Spots = Sequence[int | None]


def columns(records: Sequence[Quote]) -> QuoteColumns:
    """Return `records` as the engine's columns."""
    fields: dict[str, list[Any]] = {
        "ts_event_ns": [r.ts for r in records],
        "instrument_id": [r.instrument for r in records],
        "bid_price_int": [r.bid for r in records],
        "ask_price_int": [r.ask for r in records],
        "bid_qty": [r.bid_qty for r in records],
        "ask_qty": [r.ask_qty for r in records],
        "action": [ord(r.action) for r in records],
        "side": [ord(r.side) for r in records],
        "flags": [r.flags for r in records],
        "price_int": [r.price for r in records],
        "size": [r.size for r in records],
        "strike_price_int": [r.strike for r in records],
        "right": [ord(r.right) for r in records],
    }
    return quote_columns(
        **{
            n: np.array(fields[n], d)
            for n, d in zip(QuoteColumns._fields, QUOTE_DTYPES, strict=True)
        }
    )


class QuoteSession:
    """A replay of the tests' session, its blocks gathered as rows of the two tables."""

    def __init__(self, spots: Spots = (SPOT,) * 6, product: Instrument = QQQ) -> None:
        self.spots = list(spots)
        self.product = product
        self.engine = QuoteBookEngine(
            np.array([UNDEF_PRICE if s is None else s for s in spots], np.int64),
            START + SECOND,
            strike_step_int=product.cell_int,
            rel_tick_int=product.rel_tick_int,
            half_width=product.grid_half_width,
        )
        self.quotes: list[dict[str, Any]] = []
        self.cells: list[dict[str, Any]] = []
        self.largest: list[int] = []
        self.sizes: NDArray[np.int64] = np.zeros((0, SIZE_BINS), np.int64)

    @property
    def ends(self) -> dict[int, int | None]:
        """Return the spot by window end."""
        return {START + (k + 1) * SECOND: spot for k, spot in enumerate(self.spots)}

    def take(self, blocks: Iterable[QuoteBlock]) -> None:
        for block in blocks:
            found = self.engine.instruments
            self.quotes += rows(snapshot_batch(block, found, {}, book_schema(SNAPSHOT)))
            self.cells += rows(
                depth_batch(block, self.product, no_flags(block.cells), book_schema(DEPTH))
            )
            self.largest += block.cells[9].tolist()
            self.sizes = np.concatenate([self.sizes, block.sizes])

    def feed(self, records: Sequence[Quote]) -> QuoteSession:
        self.take(self.engine.feed(columns(records)))
        return self

    def finish(self) -> QuoteSession:
        self.take(self.engine.finish())
        return self

    def cell(self, window: int, side: str, strike: int = SPOT, right: str = "C") -> dict[str, Any]:
        """Return one cell's quantities that are not 0 in the n-th window."""
        end = START + (window + 1) * SECOND
        key = (end, strike, right, side)
        (found,) = [
            r
            for r in self.cells
            if (r["window_end_ts_ns"], r["strike_price_int"], r["right"], r["side"]) == key
        ]
        names = {
            "depth_qty_start": "start",
            "depth_qty_end": "end",
            "depth_qty_rest": "rest",
            **{
                f"{name}_qty": name
                for name in ("add", "pull", "fill", "add_reprice", "pull_reprice")
            },
            "pull_qty_rest": "pull_rest",
        }
        return {short: found[name] for name, short in names.items() if found[name]}


def replayed(records: Sequence[Quote], spots: Spots = (SPOT,) * 6) -> QuoteSession:
    """Return the whole session after `records`."""
    return QuoteSession(spots).feed(records).finish()


# ---------------------------------------------------------------- drawn feeds

_STEPS = st.sampled_from(
    [
        *(0, 0, 0, 1, 1_000, SECOND // 5, SECOND // 2 - 1, SECOND // 2, SECOND),
        *(37 * SECOND // 10, -SECOND // 3, -2 * SECOND),
    ]
)
_PRICES = st.sampled_from([NULL, *(40, 41, 41, 41, 42, 42, 42, 43)])
_SIZES = st.sampled_from([0, 1, 2, 3, 5, 8, 200])
_FLAGS = st.sampled_from(
    [194, 194, 194, LAST, 0, LAST | MAYBE_BAD, FROM_SNAPSHOT, FROM_SNAPSHOT | LAST]
)
_ACTIONS = st.sampled_from("AAAAAACMTTTTTRNF")
# (id, strike, right): two options at one strike, one off the grid's steps, one far away
OPTIONS = (
    (7, SPOT, "C"), (3, SPOT, "C"), (4_000_000_000, SPOT, "P"), (5, SPOT + STEP, "C"),
    (6, SPOT + 5, "P"), (8, SPOT + 9 * STEP, "P"),
)  # fmt: skip


@st.composite
def quotes(draw: st.DrawFn, *, max_size: int = 40) -> list[Quote]:
    """Draw records in which every rule of the quote may come up, in any order."""
    out = []
    ts = START - draw(st.sampled_from([0, SECOND, 5 * SECOND // 2]))
    for _ in range(draw(st.integers(1, max_size))):
        ts += draw(_STEPS)
        number, strike, right = draw(st.sampled_from(OPTIONS))
        out.append(
            Quote(
                draw(_ACTIONS),
                draw(st.sampled_from("ABNN")),
                draw(_PRICES),
                draw(_SIZES),
                draw(_PRICES),
                draw(_SIZES),
                draw(_PRICES),
                draw(_SIZES),
                ts,
                draw(_FLAGS),
                instrument=number,
                strike=strike,
                right=right,
            )
        )
    return out


def busy_quotes(seed: int, n: int) -> list[Quote]:
    """Return n records that mostly make sense: trades that the next quote shows."""
    rng = random.Random(seed)
    state: dict[int, list[int]] = {}
    out: list[Quote] = []
    ts = START - SECOND
    while len(out) < n:
        ts += rng.choice([0, 1_000, SECOND // 50, SECOND // 9, SECOND // 2])
        if rng.random() < 0.02:
            ts += rng.choice([-SECOND, 2 * SECOND])
        number, strike, right = rng.choice(OPTIONS)
        where: dict[str, Any] = {
            "instrument": number,
            "strike": strike,
            "right": right,
            "ts": ts,
            "flags": 194,
        }
        quote = state.setdefault(number, [41, 10, 42, 10])
        kind = rng.random()
        if kind < 0.25:
            side = rng.choice((0, 2))
            size = rng.randint(1, quote[side + 1] + 1)
            name = "N" if rng.random() < 0.8 else "BA"[side == 0]
            bid, bid_qty, ask, ask_qty = quote
            out.append(Quote("T", name, quote[side], size, bid, bid_qty, ask, ask_qty, **where))
            left = quote[side + 1] - size
            if left > 0:
                quote[side + 1] = left + rng.choice([0, 0, 0, 2])
            else:
                quote[side] += -1 if side == 0 else 1
                quote[side + 1] = rng.randint(1, 9)
        elif kind < 0.7:
            side = rng.choice((1, 3))
            quote[side] = max(0, quote[side] + rng.randint(-4, 4))
        else:
            move = rng.choice((-1, 0, 1))
            quote[rng.choice((0, 2))] += move
            if rng.random() < 0.05:
                quote[:] = [41, rng.randint(0, 9), 42, rng.randint(0, 9)]
        bid, bid_qty, ask, ask_qty = quote
        out.append(Quote("A", "N", NULL, 0, bid, bid_qty, ask, ask_qty, **where))
    return out


def any_quotes() -> SearchStrategy[list[Quote]]:
    """Return a strategy of small strange feeds and of longer ones that mostly make sense."""
    busy = st.builds(busy_quotes, st.integers(0, 2**32), st.sampled_from([30, 120, 300]))
    return st.one_of(quotes(), busy)


def any_spots() -> SearchStrategy[list[int | None]]:
    """Return a strategy of an underlying's spot references over six windows."""
    spot = st.sampled_from([SPOT, SPOT, SPOT + BUCKET, SPOT - BUCKET, SPOT + 4 * STEP, None, 0])
    return st.lists(spot, min_size=1, max_size=6)
