"""The streaming service under its audience: exactness, lateness, memory and answers.

    python -m benchmarks.playback --seconds 60

The service runs in a process of its own over a session of a future and an equity; so do the
viewers, so that neither waits for the other's interpreter. A window is late by how much later it
came than the earliest of its stream would let one expect: the pace is taken from the speed alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from websockets.asyncio.client import ClientConnection, connect

from spymaster_resources.lake import Lake
from spymaster_resources.trading_calendar import SECOND_NS
from tests.web.service.sample_lake import DT, FIRST_END_NS, SYMBOL, ends_of
from tests.web.service.sample_products import STRIKES, TICKER, write_products
from web.service.frames import FRAME_SCHEMAS
from web.service.options import option_table, option_windows
from web.service.surfaces import COLUMNS, USUAL_SURFACES, Surface, datasets_of

WINDOWS = 1201
SPEEDS = (1, 16, 64)
PRODUCTS = {SYMBOL: "future_mbo", TICKER: "equity_mbo"}
AUDIENCE = ((50, 1), (10, 16))
ANSWERS = 40


@dataclass
class Seen:
    """What one viewer received: of each window its number, when it was whole, and its payload."""

    speed: float
    numbers: list[int] = field(default_factory=list)
    arrived_s: list[float] = field(default_factory=list)
    payloads: list[list[bytes]] = field(default_factory=list)

    def late_ms(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return by window how late it came, (n,) ≥ 0."""
        offset = np.array(self.arrived_s) - np.arange(len(self.arrived_s)) / self.speed
        late: np.ndarray[Any, np.dtype[np.float64]] = (offset - offset.min()) * 1e3
        return late

    def speed_error(self) -> float:
        """Return the relative error of the pace over the whole stream."""
        passed = (len(self.arrived_s) - 1) / (self.arrived_s[-1] - self.arrived_s[0])
        return abs(passed / self.speed - 1)


class Viewer:
    """A client of the frames format."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def window(self) -> tuple[int, list[bytes]] | dict[str, Any]:
        """Return the next window's number and payload, or the text that came instead."""
        start = json.loads(await self.connection.recv())
        if start["type"] != "batch_start":
            return dict(start)
        payload = []
        for _ in start["surfaces"]:
            await self.connection.recv()
            content = await self.connection.recv()
            assert isinstance(content, bytes)
            payload.append(content)
        return (int(start["window_end_ts_ns"]) - FIRST_END_NS) // SECOND_NS, payload

    async def say(self, kind: str, **values: object) -> None:
        """Send a control message."""
        await self.connection.send(json.dumps({"type": kind, **values}))


@contextmanager
def service(lake: str) -> Iterator[tuple[str, int]]:
    """Serve a lake in a process of its own; yield its address and process id."""
    command = [sys.executable, "-m", "spymaster_assets.cli.main", "serve", "--port", "0"]
    with subprocess.Popen([*command, "--lake", lake], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[2].replace("http", "ws"), process.pid
        finally:
            process.terminate()


def memory_mb(pid: int, name: str) -> float:
    """Return VmRSS (now) or VmHWM (the peak) of a process in megabytes."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise OSError(f"/proc/{pid}/status has no {name}")


@contextmanager
def quiet_collector() -> Iterator[None]:
    """Keep the viewers' own collector from making windows look late."""
    import gc

    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def watch(
    url: str, symbol: str, speed: float, windows: int, *, start: int = 0, keep: bool = False
) -> Seen:
    """Play `windows` windows and return what came."""
    seen = Seen(speed)
    query = f"symbol={symbol}&dt={DT}&speed={speed}&skip_minutes={start / 60:.6f}"
    address = f"{url}v1/velocity/stream?{query}"
    async with connect(address, compression=None, max_size=None, close_timeout=0.2) as connection:
        await connection.recv()
        viewer = Viewer(connection)
        while len(seen.numbers) < windows:
            got = await viewer.window()
            if isinstance(got, dict):
                break
            seen.arrived_s.append(time.perf_counter())
            seen.numbers.append(got[0])
            if keep:
                seen.payloads.append(got[1])
    return seen


async def exact(url: str, lake: Lake) -> None:
    """Play each product at each speed; every window must come once, in order, as in the lake."""
    print("windows once and in order, payload equal to the lake's; pace")
    for symbol, product in PRODUCTS.items():
        for speed in SPEEDS:
            windows = min(WINDOWS, 30 * speed)
            with quiet_collector():
                seen = await watch(url, symbol, speed, windows, keep=True)
            assert seen.numbers == list(range(windows)), f"{symbol} at {speed}×: windows differ"
            compare(lake, symbol, product, seen)
            print(
                f"  {symbol} {speed:>3}×: {windows:>5} windows equal, speed error "
                f"{100 * seen.speed_error():.3f} % (target ≤ 1 %), "
                f"p99 late {np.percentile(seen.late_ms(), 99):.1f} ms"
            )


def compare(lake: Lake, symbol: str, product: str, seen: Seen) -> None:
    """Raise AssertionError where a payload is not what the lake holds."""
    datasets = datasets_of(product)
    for place, surface in enumerate(USUAL_SURFACES):
        found = pa.concat_tables(
            [pa.ipc.open_stream(payload[place]).read_all() for payload in seen.payloads]
        )
        schema = FRAME_SCHEMAS[surface]
        if lake.manifest(datasets[surface], symbol, DT) is None:
            assert found.num_rows == 0
            continue
        table = lake.read(datasets[surface], symbol, DT, COLUMNS[surface])
        last = ends_of(DT, len(seen.numbers))[-1]
        table = table.filter(pa.compute.less_equal(table.column("window_end_ts_ns"), int(last)))
        if surface is Surface.OPTIONS:
            ends = ends_of(DT, len(seen.numbers))
            strikes = STRIKES[datasets[surface]]
            expected = option_table(option_windows(table.combine_chunks(), ends, strikes))
        else:
            expected = table.select(schema.names).cast(schema)
        assert found.equals(expected), f"{symbol} {surface}: not what the lake holds"


async def audience(url: str, pid: int, seconds: int) -> None:
    """Play to many at once and measure lateness, memory and the time of answers."""
    rng = random.Random(5)
    with quiet_collector():
        viewers = [
            watch(
                url,
                SYMBOL,
                speed,
                seconds * speed,
                start=rng.randrange(max(1, WINDOWS - seconds * speed)),
            )
            for count, speed in AUDIENCE
            for _ in range(count)
        ]
        *seen, answers = await asyncio.gather(*viewers, answer_times(url, rng))
    for count, speed in AUDIENCE:
        group = [s for s in seen if isinstance(s, Seen) and s.speed == speed]
        late = np.concatenate([s.late_ms() for s in group])
        error = max(s.speed_error() for s in group)
        print(
            f"  {count} viewers at {speed}×: {len(late)} windows, late p50 "
            f"{np.percentile(late, 50):.1f} ms, p99 {np.percentile(late, 99):.1f} ms "
            f"(target < 50 ms), max {late.max():.1f} ms, speed error ≤ {100 * error:.3f} %"
        )
    assert isinstance(answers, dict)
    for name, (times, target) in answers.items():
        print(
            f"  {name}: median {np.median(times):.1f} ms, p99 {np.percentile(times, 99):.1f} ms, "
            f"max {max(times):.1f} ms of {len(times)} (target < {target} ms)"
        )
    print(
        f"  memory of the service: {memory_mb(pid, 'VmRSS'):.0f} MB, peak "
        f"{memory_mb(pid, 'VmHWM'):.0f} MB (target < 1024 MB)"
    )


async def answer_times(url: str, rng: random.Random) -> dict[str, tuple[list[float], int]]:
    """Return milliseconds from a pause to its ack, and from a seek to its first window."""
    pauses: list[float] = []
    seeks: list[float] = []
    query = f"symbol={SYMBOL}&dt={DT}&speed=16"
    async with connect(f"{url}v1/velocity/stream?{query}", max_size=None) as connection:
        await connection.recv()
        viewer = Viewer(connection)
        for _ in range(ANSWERS):
            await viewer.say("resume")
            await asyncio.sleep(0.3)
            asked = time.perf_counter()
            await viewer.say("pause")
            await acknowledged(viewer, "pause")
            pauses.append((time.perf_counter() - asked) * 1e3)
            target = rng.randrange(WINDOWS)
            asked = time.perf_counter()
            await viewer.say("seek", window_end_ts_ns=str(FIRST_END_NS + target * SECOND_NS))
            await acknowledged(viewer, "seek")
            got = await viewer.window()
            seeks.append((time.perf_counter() - asked) * 1e3)
            assert isinstance(got, tuple)
            assert got[0] == target
    return {"pause answered": (pauses, 100), "seek to its first window": (seeks, 150)}


async def acknowledged(viewer: Viewer, kind: str) -> None:
    """Take messages until the ack of `kind`."""
    while True:
        got = await viewer.window()
        if isinstance(got, dict) and got.get("of") == kind:
            return


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long the audience watches")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lake = write_products(folder, windows=WINDOWS)
        with service(folder) as (url, pid):
            asyncio.run(exact(url, lake))
            print("an audience at once")
            asyncio.run(audience(url, pid, options.seconds))


if __name__ == "__main__":
    main()
