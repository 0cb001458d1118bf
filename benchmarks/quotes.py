"""Records per second of the consolidated-quote engine with both silver outputs.

    python -m benchmarks.quotes --records 10000000

The stream has the mix of the consolidated tape of 600 options that expire on the day: of ten
records nine change the size at a touch, the others move it; one in eighty is a trade, whose
quantity the next quote leaves out. Beside it stands the time to read the same columns and do
nothing else, the limit of any engine; both in CPU seconds, which a busy machine disturbs least.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from numba import njit
from numpy.typing import NDArray

from benchmarks.measure import peak_mb
from benchmarks.streams import SESSION_SECONDS, SESSION_START_NS
from book_engines.quote_records import QuoteColumns, empty_quotes
from book_engines.quotes import QuoteBookEngine
from book_engines.records import SECOND_NS, UNDEF_PRICE

INSTRUMENTS = 600
DOLLAR_INT = 1_000_000_000
SPOT = 600
HALF_WIDTH = 25
CHUNK = 1 << 20
ROUNDS = 5


def option_quotes(n: int, *, instruments: int = INSTRUMENTS, seed: int = 1) -> QuoteColumns:
    """Return n records of a three-hour session; most of them of strikes near spot."""
    columns = empty_quotes(n)
    columns.flags[:] = 194
    columns.price_int[:] = UNDEF_PRICE
    columns.size[:] = 0
    _generate(columns, instruments, seed)
    return columns


@njit(cache=True)
def _generate(out, instruments, seed):  # type: ignore[no-untyped-def]
    np.random.seed(seed)
    n = out.ts_event_ns.size
    price = np.zeros((instruments, 2), np.int64)  # cents, ask and bid
    qty = np.zeros((instruments, 2), np.int64)
    left = np.full(instruments, -1, np.int64)  # side whose trade the next quote shows
    gap = SESSION_SECONDS * SECOND_NS / n * 0.999
    ts = SESSION_START_NS * 1.0
    for k in range(instruments):
        price[k, 0] = 100 + k
        price[k, 1] = 98 + k
        qty[k] = 50
    for i in range(n):
        ts += np.random.exponential(gap)
        k = i
        if i >= instruments:
            away = np.random.geometric(0.03) - 1
            k = (
                min(away, instruments - 1)
                if np.random.random() < 0.8
                else np.random.randint(instruments)
            )
        side = np.random.randint(2)
        out.action[i] = 65
        out.side[i] = 65 if side == 0 else 66
        kind = np.random.random()
        if kind < 0.0125 and left[k] < 0:
            left[k] = side
            out.action[i] = 84
            out.side[i] = 78
            out.price_int[i] = price[k, side] * 10_000_000
            out.size[i] = 1 + np.random.randint(qty[k, side])
        elif left[k] >= 0:
            qty[k, left[k]] = max(1, qty[k, left[k]] - 5)
            left[k] = -1
        elif kind < 0.9:
            qty[k, side] = max(1, qty[k, side] + np.random.randint(-20, 21))
        else:
            step = np.random.randint(3) - 1
            if price[k, 1] + step > 1:
                price[k, 0] += step
                if kind < 0.95:
                    price[k, 1] += step
            if price[k, 0] <= price[k, 1]:
                price[k, 0] = price[k, 1] + 1
            qty[k, side] = 1 + np.random.randint(200)
        strike = SPOT + (k // 2 + 1) // 2 * (1 if k // 2 % 2 == 0 else -1)
        out.ts_event_ns[i] = int(ts)
        out.instrument_id[i] = 553_648_000 + 977 * k
        out.strike_price_int[i] = strike * DOLLAR_INT
        out.right[i] = 67 if k % 2 == 0 else 80
        out.ask_price_int[i] = price[k, 0] * 10_000_000
        out.bid_price_int[i] = price[k, 1] * 10_000_000
        out.ask_qty[i] = qty[k, 0]
        out.bid_qty[i] = qty[k, 1]


def spot_references() -> NDArray[np.int64]:
    """Return the spot of every window end: it wanders by half dollars."""
    steps = np.random.default_rng(1).integers(-1, 2, SESSION_SECONDS + 1)
    return (
        SPOT * DOLLAR_INT + np.cumsum(steps * (np.arange(steps.size) % 60 == 0)) * DOLLAR_INT // 2
    )


@njit(cache=True)
def _read(records):  # type: ignore[no-untyped-def]
    total = 0
    for i in range(records.ts_event_ns.size):
        total += records.ts_event_ns[i] ^ records.bid_price_int[i] ^ records.ask_price_int[i]
        total += np.int64(records.instrument_id[i] ^ records.bid_qty[i] ^ records.ask_qty[i])
        total += np.int64(records.action[i] ^ records.flags[i] ^ records.side[i])
        total += records.price_int[i] ^ np.int64(records.size[i])
    return total


def read_seconds(records: QuoteColumns) -> float:
    """Return the CPU seconds of reading every column that a replay reads."""
    started = time.process_time()
    _read(records)
    return time.process_time() - started


def replay(records: QuoteColumns, spots: NDArray[np.int64]) -> tuple[float, int, int]:
    """Return CPU seconds, quotes and cells of one replay."""
    engine = QuoteBookEngine(
        spots,
        SESSION_START_NS,
        strike_step_int=DOLLAR_INT,
        rel_tick_int=DOLLAR_INT // 2,
        half_width=HALF_WIDTH,
        reuse_blocks=True,  # as the silver stage does
    )
    quotes = cells = 0
    started = time.process_time()
    for start in range(0, records.ts_event_ns.size, CHUNK):
        chunk = QuoteColumns._make(column[start : start + CHUNK] for column in records)
        for block in engine.feed(chunk):
            quotes += block.quotes.shape[1]
            cells += block.cells.shape[1]
    for block in engine.finish():
        quotes += block.quotes.shape[1]
        cells += block.cells.shape[1]
    return time.process_time() - started, quotes, cells


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000_000)
    n = parser.parse_args().records
    records, spots = option_quotes(n), spot_references()
    warm = QuoteColumns._make(column[:1000] for column in records)
    replay(warm, spots[:60])  # compile or load the kernels
    read_seconds(warm)
    seconds, quotes, cells = min(replay(records, spots) for _ in range(ROUNDS))
    reading = min(read_seconds(records) for _ in range(ROUNDS))
    print(
        f"consolidated quotes with both silver outputs: {n / seconds / 1e6:.1f} M records/s "
        f"({n:,} records of {INSTRUMENTS} options, {quotes:,} quotes and {cells:,} cells, "
        f"best of {ROUNDS}), peak {peak_mb():.0f} MB with the input in memory; "
        f"reading the columns alone is {seconds / reading:.1f} times as fast"
    )


if __name__ == "__main__":
    main()
