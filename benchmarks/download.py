"""How fast a bought file arrives: real client, local gateway, every byte hashed.

    python -m benchmarks.download [MEGABYTES]

The gateway runs in a process of its own, as a vendor does. Prints one line for files over TLS and
one for files at plain HTTP addresses.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import numpy as np

from spymaster_resources.dbn.layouts import layout_of, new_records
from spymaster_resources.dbn.writer import DbnWriter
from spymaster_resources.trading_calendar import DAY_NS, TradingCalendar, midnight_ns

DAY: Final = date(2024, 5, 9)
CHUNK: Final = 1 << 20
KEY: Final = "db-benchmarkbenchmarkbenchmark00"


def write_day(archive: Path, megabytes: int) -> int:
    """Write a day of noise, which zstd cannot shrink much; return the file's bytes."""
    path = archive / "GLBX.MDP3" / "mbo" / "glbx-mdp3-20240509.mbo.dbn.zst"
    path.parent.mkdir(parents=True)
    noise = np.random.default_rng(1)
    with DbnWriter(
        path,
        dataset="GLBX.MDP3",
        schema="mbo",
        start_ns=midnight_ns(DAY),
        end_ns=midnight_ns(DAY) + DAY_NS,
        symbols=["ES.FUT"],
        stype_in="parent",
        mappings={"ESM4": [(DAY, DAY + timedelta(days=1), 1)]},
        zstd_level=-5,
    ) as writer:
        while path.with_name(path.name + ".partial").stat().st_size < megabytes * 1_000_000:
            records = new_records(layout_of("mbo", 3), CHUNK)
            for name in ("order_id", "price", "ts_recv"):
                records[name] = noise.integers(0, 2**62, CHUNK)
            records["instrument_id"] = 1
            writer.write(records)
    return path.stat().st_size


def serve(archive: Path, plain: bool, pipe: Connection) -> None:
    """Serve until the pipe is closed."""
    from spymaster_resources.gateway.archive import FolderArchive
    from spymaster_resources.gateway.jobs import JobTimes
    from spymaster_resources.gateway.server import Gateway

    times = JobTimes(queued_ns=0, processing_ns=0)
    with Gateway(FolderArchive(archive), key=KEY, times=times, plain_files=plain) as gateway:
        pipe.send((gateway.url, str(gateway.ca_file)))
        pipe.recv()


def measure(archive: Path, folder: Path, plain: bool) -> float:
    """Return the seconds of one transfer, checksum included."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=serve, args=(archive, plain, theirs)
    )
    process.start()
    url, ca_file = ours.recv()
    os.environ["REQUESTS_CA_BUNDLE"] = ca_file

    from spymaster_resources.vendor.client import Vendor
    from spymaster_resources.vendor.download import Parts, Place, opened_run
    from spymaster_resources.vendor.jobs import Hooks
    from spymaster_resources.vendor.products import FUTURES
    from spymaster_resources.vendor.redaction import Secret
    from spymaster_resources.vendor.requests import underlyings
    from spymaster_resources.vendor.run import Pace
    from spymaster_resources.vendor.wishes import Wishes

    moments: list[float] = []
    wishes = Wishes(
        FUTURES,
        DAY,
        DAY,
        underlyings(FUTURES, "ES"),
        ("mbo",),
        (),
        TradingCalendar("CMES"),
        datetime.now(tz=UTC).date(),
    )
    hooks = Hooks(bytes=lambda _name, _done, _size: moments.append(time.perf_counter()))
    parts = Parts(pace=Pace(0.0, 0.05), hooks=hooks)
    place = Place(str(folder / "lake"), folder / "logs")
    with opened_run(wishes, Vendor(Secret(KEY), url), place, parts) as run:
        run.plan()
        outcome = run.until_settled()
    ours.send(None)
    process.join()
    if not outcome.is_complete:
        raise SystemExit(f"the download failed: {outcome}")
    return moments[-1] - moments[0]


def main() -> None:
    """Print megabytes a second."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        size = write_day(folder / "archive", megabytes)
        for plain in (False, True):
            seconds = measure(folder / "archive", folder / f"run-{plain}", plain)
            name = "plain HTTP" if plain else "TLS"
            print(
                f"{name}: {size / 1e6:.0f} MB in {seconds:.2f} s, {size / 1e6 / seconds:.0f} MB/s"
            )


if __name__ == "__main__":
    main()
