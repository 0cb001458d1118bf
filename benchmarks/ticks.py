"""A tick of the raw sensor over many files: at rest, at its first sight of them, and at work."""

from __future__ import annotations

import argparse
import time
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg

from spymaster_assets.resources import Surroundings
from spymaster_assets.sensors import Watch, advance, raw_file_sensor
from spymaster_assets.stages.raw import list_raw, raw_folder
from spymaster_resources.lake import Lake
from spymaster_resources.settings import Settings

LATEST = date(2026, 1, 30)


def main() -> None:
    """Print the seconds of each kind of tick and the size of the cursor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    files = parser.parse_args().files
    with TemporaryDirectory() as folder:
        settings = Settings(lake=folder, calendar="any")
        raw = Path(folder, raw_folder("future_mbo", "ES"))
        raw.mkdir(parents=True)
        for n in range(files):
            dt = LATEST - timedelta(days=n)
            (raw / f"glbx-mdp3-{dt:%Y%m%d}.mbo.dbn.zst").write_bytes(b"day")
        first, cursor = tick(settings, None)
        busy, _ = tick(settings, cursor)
        rest, cursor = tick(settings, finished(settings))
        print(
            f"{files:,} raw files: first tick {first:.2f} s, a tick with work {busy:.2f} s, "
            f"a tick at rest {rest:.2f} s; cursor {len(cursor) / 1e6:.2f} MB"
        )


def tick(settings: Settings, cursor: str | None) -> tuple[float, str]:
    """Return the best of three times of a tick, seconds, and the cursor that it leaves."""
    sensor = raw_file_sensor(settings, settings.instrument("ES", "future_mbo"))
    times = []
    for _ in range(3):
        with dg.build_sensor_context(
            cursor=cursor, resources={"surroundings": Surroundings.from_settings(settings)}
        ) as context:
            start = time.perf_counter()
            result = sensor(context)
            times.append(time.perf_counter() - start)
    assert isinstance(result, dg.SensorResult)
    return min(times), str(result.cursor)


def finished(settings: Settings) -> str:
    """Return the cursor of a watch that has acted on every file."""
    listing = list_raw(Lake(settings.lake), "future_mbo", "ES")
    states = {f"future_mbo/{day.name}": day.version for day in listing.days}
    watch, _ = advance(Watch(states, {}), states, most=len(states))
    return watch.to_cursor()


if __name__ == "__main__":
    main()
