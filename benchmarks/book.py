"""Events per second of the books with all silver outputs, beside nautilus_trader's book.

    python -m benchmarks.book --events 10000000 --peer .venv-bench/bin/python

Seconds are those of the processor. The peer gets the same events between two rounds of ours.
Making its input of Python objects takes minutes for ten million events; only its book is timed.
Rates are a matter of the machine: what is wanted holds where the peer's book of the future takes
2.1 M events/s, and is scaled by what it takes here.
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

from benchmarks.book_streams import STREAMS, Stream, blocks, part
from benchmarks.measure import peak_mb
from book_engines.records import MboColumns

ROUNDS = 3
PEER_FUTURE_RATE = 2.1
"""M events/s of the peer's book of one busy future on the machine of the wanted rates."""


def replay(stream: Stream, records: MboColumns, seconds: int) -> tuple[float, int]:
    """Return the processor's seconds and the emitted windows of one replay of a session."""
    engine = stream.engine(records, seconds)
    started = time.process_time()
    windows = sum(block.windows.size for block in blocks(engine, records))
    return time.process_time() - started, windows


def fastest(stream: Stream, records: MboColumns, seconds: int) -> tuple[float, int]:
    """Return what `replay` gives in the fastest of some rounds."""
    return min(replay(stream, records, seconds) for _ in range(ROUNDS))


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
    parser.add_argument("--streams", nargs="+", choices=STREAMS, default=list(STREAMS))
    parser.add_argument("--peer", type=Path, help="Python with nautilus_trader")
    arguments = parser.parse_args()
    here: float | None = None  # of the wanted rates' machine, once the future was measured
    for stream in (STREAMS[name] for name in arguments.streams):
        session = max(1, arguments.events // stream.per_second)
        records = stream.records(arguments.events, session)
        replay(stream, part(records, 0, 1000), 1)  # compile or load the kernels
        seconds, windows = fastest(stream, records, session)
        print(
            f"{stream.name} with all silver outputs: {records.size.size / seconds / 1e6:.1f} "
            f"M events/s ({records.size.size:,} events, {windows:,} windows, best of "
            f"{ROUNDS}), peak {peak_mb():.0f} MB with the input in memory",
            flush=True,
        )
        if arguments.peer is not None:
            rate = compare(stream, records, session, seconds, arguments.peer)
            if stream.name == "future":
                here = rate / PEER_FUTURE_RATE
            if here is not None:
                wanted = f"{here * stream.target:.1f} M events/s ({stream.target:.0f} × {here:.2f})"
                print(f"wanted on this machine, by the peer's book of the future: {wanted}")


def compare(stream: Stream, records: MboColumns, session: int, seconds: float, peer: Path) -> float:
    """Print the peer's figures on the same events, and ours again after it.

    Returns the peer's rate in M events/s.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "stream.npz"
        np.savez(file, **records._asdict())
        theirs = peer_seconds(peer, file)
    mine = min(seconds, fastest(stream, records, session)[0])
    rate: float = records.size.size / theirs["seconds"] / 1e6
    print(
        f"nautilus_trader L3 books fed in bulk with the same events: {rate:.2f} M events/s "
        f"(they keep queue order and emit nothing); ours is {theirs['seconds'] / mine:.1f} times "
        f"as fast"
    )
    return rate


if __name__ == "__main__":
    main()
