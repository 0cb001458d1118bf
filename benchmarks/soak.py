"""Hours of bad company: hostile clients round after round beside healthy viewers.

    python -m benchmarks.soak --minutes 5

In each round clients that never read, that read a byte at a time, that answer no ping, that send
a megabyte, ten thousand messages, pings or fragments without end, two hundred connections, foreign
origins, tricks in paths, and a session that is published anew. The healthy viewers must get every
window once, in order and in time, and the service's memory must not grow but for its bounded cache,
which fills with every version of the session that is published.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import NamedTuple
from urllib.parse import quote
from urllib.request import urlopen

import numpy as np

from benchmarks.playback import Seen, memory_mb, quiet_collector, service, watch
from spymaster_resources.lake import Lake
from tests.web.service.hostile import CONTINUATION, PING, TEXT, BareClient, frame
from tests.web.service.sample_lake import DT, SURFACE, SYMBOL, surface, write
from tests.web.service.sample_products import TICKER, write_products
from web.service.app import CACHE_BYTES

WINDOWS = 1201
TARGET = f"/v1/velocity/stream?symbol={SYMBOL}&dt={DT}"
TRICKS = (
    ".." , "%2e%2e", "..%2f..%2fetc", "ES\0H6", "E" * 5000, "-1", "nan", "inf", "0", "9e999", "'",
)  # fmt: skip
HOLD_S = 45.0
"""Longer than a ping and its timeout, so that who does not answer is let go within the round."""


class Memory(NamedTuple):
    """What the service holds, megabytes."""

    resident_mb: float
    cache_mb: float
    """Of decoded data that all viewers share, by the service's own account."""

    @property
    def beyond_mb(self) -> float:
        """Return what is not the cache's."""
        return self.resident_mb - self.cache_mb

    def __str__(self) -> str:
        return (
            f"{self.resident_mb:.0f} MB resident: {self.cache_mb:.0f} MB of a cache of at most "
            f"{CACHE_BYTES / 2**20:.0f}, {self.beyond_mb:.0f} beyond"
        )


def memory_of(port: int, pid: int) -> Memory:
    """Return what the service holds now."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        metrics = dict(
            line.split() for line in answer.read().decode().splitlines() if line[0] != "#"
        )
    return Memory(memory_mb(pid, "VmRSS"), int(metrics["spymaster_cache_bytes"]) / 2**20)


def never_read(port: int) -> None:
    """Hold streams at full speed without reading."""
    with ExitStack() as stack:
        for _ in range(20):
            client = BareClient(port, f"{TARGET}&speed=1000", receive_buffer=4096)
            stack.enter_context(client)
        time.sleep(HOLD_S)


def read_a_byte_a_second(port: int) -> None:
    """Read a stream at full speed far too slowly."""
    with ExitStack() as stack:
        slow = [
            stack.enter_context(BareClient(port, f"{TARGET}&speed=1000", receive_buffer=4096))
            for _ in range(5)
        ]
        for _ in range(int(HOLD_S)):
            for client in slow:
                with suppress(OSError):
                    client.socket.recv(1)
            time.sleep(1)


def answer_no_ping(port: int) -> None:
    """Read, but leave every ping unanswered; the service closes with 1011."""
    with BareClient(port, f"{TARGET}&speed=1") as mute:
        mute.socket.settimeout(HOLD_S)
        expect(mute.close_code(), 1011)


def send_too_much(port: int) -> None:
    """Send a megabyte, and fragments without end; the service closes with 1009."""
    with BareClient(port, f"{TARGET}&speed=1") as loud:
        loud.send(TEXT, b"x" * 1_000_000)
        expect(loud.close_code(), 1009)
    with BareClient(port, f"{TARGET}&speed=1") as shredder:
        shredder.send(TEXT, final=False)
        shredder.socket.sendall(frame(CONTINUATION, final=False) * 5000)
        expect(shredder.close_code(), 1009)


def send_too_often(port: int) -> None:
    """Send ten thousand messages (1008), and pings whose answers are not read."""
    with BareClient(port, f"{TARGET}&speed=1") as flooder:
        with suppress(ConnectionError):
            flooder.socket.sendall(frame(TEXT, b'{"type":"pause"}') * 10_000)
        expect(flooder.close_code(), 1008)
    with BareClient(port, f"{TARGET}&speed=1000", receive_buffer=4096) as pinger:
        pinger.socket.settimeout(1.0)
        with suppress(TimeoutError, ConnectionError):
            while True:
                pinger.socket.sendall(frame(PING, b"x" * 125) * 500)
        time.sleep(HOLD_S)


def come_in_a_crowd(port: int) -> None:
    """Open two hundred connections at once."""
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(BareClient(port, f"{TARGET}&speed=0.1"))


def trick(port: int) -> None:
    """Ask for what is no symbol, date, speed or tile."""
    for text in TRICKS:
        value = quote(text, safe="%")
        for query in (
            f"symbol={value}&dt={DT}",
            f"symbol={SYMBOL}&dt={value}",
            f"symbol={SYMBOL}&dt={DT}&speed={value}x",
            f"symbol={SYMBOL}&dt={DT}&start={value}",
        ):
            with BareClient(port, f"/v1/velocity/stream?{query}") as client:
                expect(client.close_code(), 1008)
        for path in (f"{value}/{DT}", f"{SYMBOL}/{value}", f"{SYMBOL}/{DT}/tiles/{value}/{value}"):
            with suppress(OSError):
                urlopen(f"http://127.0.0.1:{port}/v1/sessions/{path}", timeout=20).read()


HOSTILITIES: tuple[Callable[[int], None], ...] = (
    never_read,
    read_a_byte_a_second,
    answer_no_ping,
    send_too_much,
    send_too_often,
    come_in_a_crowd,
    trick,
)


def expect(found: int, expected: int) -> None:
    """Raise AssertionError when the service closed with another code; the crowd makes it busy."""
    assert found in (expected, 1013), f"closed with {found}, expected {expected}"


def round_of(port: int, lake: Lake, seed: int, failures: list[str]) -> None:
    """Let every hostile client loose at once, and publish the equity's session anew."""

    def run(hostility: Callable[[int], None]) -> None:
        try:
            hostility(port)
        except (AssertionError, OSError) as error:
            failures.append(f"{hostility.__name__}: {error!r}")

    threads = [threading.Thread(target=run, args=(h,)) for h in HOSTILITIES]
    for thread in threads:
        thread.start()
    write(lake, SURFACE, DT, surface(DT, WINDOWS, seed))
    for thread in threads:
        thread.join()


async def healthy(url: str, seconds: float) -> list[Seen]:
    """Watch a future at 1× and a ticker at 4×, for as long as the soak lasts."""
    until = time.monotonic() + seconds
    seen: list[Seen] = []
    while time.monotonic() < until:
        seen += await asyncio.gather(watch(url, SYMBOL, 1, 60), watch(url, TICKER, 4, 240))
    return seen


def main() -> None:
    """Print the figures; exit with 1 when a viewer noticed or memory grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    options = parser.parse_args()
    failures: list[str] = []
    memory: list[Memory] = []
    with tempfile.TemporaryDirectory() as folder:
        lake = write_products(folder, windows=WINDOWS)
        with service(folder) as (url, pid):
            port = int(url.rstrip("/").rpartition(":")[2])
            until = time.monotonic() + options.minutes * 60
            print(f"  before: {memory_of(port, pid)}", flush=True)

            def hostile() -> None:
                while time.monotonic() < until:
                    round_of(port, lake, len(memory), failures)
                    memory.append(memory_of(port, pid))
                    print(f"  round {len(memory)}: {memory[-1]}", flush=True)

            thread = threading.Thread(target=hostile)
            thread.start()
            with quiet_collector():
                seen = asyncio.run(healthy(url, options.minutes * 60))
            thread.join()
    windows = sum(len(s.numbers) for s in seen)
    disorder = sum(s.numbers != list(range(len(s.numbers))) for s in seen)
    late = np.concatenate([s.late_ms() for s in seen])
    print(f"  healthy viewers: {windows} windows, {disorder} streams out of order")
    print(f"  late: p50 {np.percentile(late, 50):.1f} ms, p99 {np.percentile(late, 99):.1f} ms")
    warm, last = memory[len(memory) // 3].beyond_mb, memory[-1].beyond_mb
    if last > 1.1 * warm:
        failures.append(f"memory beyond the cache grew from {warm:.0f} to {last:.0f} MB")
    print("\n".join(failures) or "  nobody noticed, memory beyond the cache is flat")
    raise SystemExit(1 if failures or disorder else 0)


if __name__ == "__main__":
    main()
