"""Events per second of the futures book with both silver outputs, beside nautilus_trader's book.

    python -m benchmarks.book --events 10000000 --peer .venv-bench/bin/python

The peer gets the same events between two rounds of ours. Making its input of Python objects takes
minutes for ten million events; only its book is timed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import peak_mb
from benchmarks.streams import SESSION_SECONDS, SESSION_START_NS, TICK_INT, busy_future
from book_engines.cell_engine import CellBookEngine
from book_engines.cells import Grid
from book_engines.records import SECOND_NS, MboColumns

HALF_WIDTH = 200
CHUNK = 1 << 20
ROUNDS = 3


def part(records: MboColumns, start: int, stop: int) -> MboColumns:
    """Return a slice of every column."""
    return MboColumns._make(column[start:stop] for column in records)


def replay(records: MboColumns) -> tuple[float, int, tuple[int, int]]:
    """Return seconds, emitted cells and the last touch of one replay of `records`."""
    engine = CellBookEngine(
        TICK_INT,
        [Grid(TICK_INT, HALF_WIDTH)],
        SESSION_START_NS,
        SESSION_START_NS + SESSION_SECONDS * SECOND_NS,
        reuse_blocks=True,  # as the silver stage does
    )
    cells = 0
    touch = (0, 0)
    started = time.process_time()
    n = records.ts_event_ns.size
    for start in range(0, n, CHUNK):
        chunk = part(records, start, start + CHUNK)
        for block in engine.feed(chunk):
            cells += block.tables[0].cells.shape[1]
    for block in engine.finish():
        cells += block.tables[0].cells.shape[1]
        touch = (int(block.windows["best_bid"][-1]), int(block.windows["best_ask"][-1]))
    return time.process_time() - started, cells, touch


def peer_seconds(peer: Path, stream: Path) -> dict[str, Any]:
    """Run the peer on a stream in its own environment."""
    script = Path(__file__).parent / "peers" / "nautilus_book.py"
    done = subprocess.run([peer, script, stream], check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--peer", type=Path, help="Python with nautilus_trader")
    arguments = parser.parse_args()

    records = busy_future(arguments.events)
    replay(part(records, 0, 1000))  # compile or load the kernels
    best = min((replay(records) for _ in range(ROUNDS)), key=lambda r: r[0])
    peak = peak_mb()
    print(
        f"book with both silver outputs: {arguments.events / best[0] / 1e6:.1f} M events/s "
        f"({arguments.events:,} events, {best[1]:,} cells, best of {ROUNDS}), "
        f"peak {peak:.0f} MB with the input in memory"
    )
    if arguments.peer is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        stream = Path(folder) / "stream.npz"
        np.savez(stream, **records._asdict())
        theirs = peer_seconds(arguments.peer, stream)
    again = min((replay(records) for _ in range(ROUNDS)), key=lambda r: r[0])
    mine = min(best[0], again[0])
    print(
        f"nautilus_trader L3 book fed in bulk with the same events: "
        f"{arguments.events / theirs['seconds'] / 1e6:.2f} M events/s (it keeps queue order and "
        f"emits nothing); ours is {theirs['seconds'] / mine:.1f} times as fast"
    )
    touch = again[2]
    print(
        f"last touch: ours {touch[0] / 1e9:.2f} × {touch[1] / 1e9:.2f}, "
        f"theirs {theirs['best_bid']} × {theirs['best_ask']}"
    )


if __name__ == "__main__":
    main()
