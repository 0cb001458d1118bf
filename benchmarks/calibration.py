"""Stage F on simulated sessions: seconds, memory, and how well confidence and bands hold.

    python -m benchmarks.calibration --days 20
    python -m benchmarks.calibration --lake made/before

Without --lake the days are simulated (planted law, demo size) and built up to gold first, which
takes about a quarter of a minute a day and 0.3 GB of disk each; with it the gold of that lake is
used and a new calibration is published there. The fit, the evaluation and one forecast run in a
process each, so that peak memory is their own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from benchmarks.day import RAW_FOLDER
from benchmarks.measure import peak_mb

FIRST = date(2026, 1, 5)
SYMBOL = "ESH6"
SEED = 3
STEPS = ("fit", "evaluate", "forecast")


def build_gold(lake: Path, days: int) -> None:
    """Simulate sessions with a planted law and build their tables up to gold."""
    from spymaster_assets.pipeline import Layer
    from spymaster_assets.runner import Request, run
    from spymaster_resources.instruments import instrument
    from spymaster_resources.settings import Settings
    from spymaster_resources.simulator.futures import Law, simulate_day
    from spymaster_resources.simulator.sizes import SIZES

    row, settings = instrument("ES", "future_mbo"), Settings(lake=str(lake))
    folder = lake / RAW_FOLDER
    folder.mkdir(parents=True)
    weekdays = (FIRST + timedelta(days=n) for n in range(2 * days))
    for dt in [dt for dt in weekdays if dt.weekday() < 5][:days]:
        size = SIZES["demo"]
        simulate_day(row, dt, size, folder, seed=SEED, law=Law.PLANTED, with_truth=False)
        for layer in (Layer.BRONZE, Layer.SILVER, Layer.GOLD):
            steps = run(settings, Request(SYMBOL, layer, (dt,)), lambda _: None)
            if failed := [step.error for step in steps if step.error]:
                raise SystemExit("; ".join(failed))


def run_step(lake: Path, step: str) -> dict[str, Any]:
    """Run one step here and return its seconds, peak megabytes and what it found."""
    from spymaster_assets.stages import calibration, forecast, sessions
    from spymaster_assets.stages.context import StageContext
    from spymaster_resources.settings import Settings

    ctx = StageContext.from_settings(Settings(lake=str(lake)), "ES", "future_mbo")
    started, cpu = time.perf_counter(), time.process_time()
    found: dict[str, Any] = {}
    if step == "fit":
        found["sessions"] = len(calibration.fit_calibration(ctx)["train_dates"])
    elif step == "evaluate":
        entry = calibration.evaluate_calibration(ctx)
        found = {"sessions": len(entry["held_out_dates"]), "label": entry["label"]}
        found["horizons"] = entry["horizons"]
    else:
        last = sessions.finished_sessions(ctx, None)[-1]
        forecast.build_forecast(ctx, last.symbol, last.dt)
        found["sessions"] = 1
    seconds = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - cpu}
    return {**seconds, "peak_mb": peak_mb(), **found}


def in_process_of_its_own(lake: Path, step: str) -> dict[str, Any]:
    """Run `step` in a fresh process and return its figures."""
    command = [sys.executable, "-m", "benchmarks.calibration", "--step", step, "--lake", str(lake)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def measure(lake: Path) -> None:
    """Print the figures of the sessions in `lake`."""
    in_process_of_its_own(lake, "fit")  # compiles the kernels into the cache
    figures = {step: in_process_of_its_own(lake, step) for step in STEPS}
    print(f"{'step':<10}{'sessions':>9}{'seconds':>9}{'cpu s':>9}{'peak MB':>9}")
    for step, row in figures.items():
        print(
            f"{step:<10}{row['sessions']:>9}{row['seconds']:>9.2f}{row['cpu_seconds']:>9.2f}"
            f"{row['peak_mb']:>9.0f}"
        )
    print(f"label: {figures['evaluate']['label']}")
    print(f"{'horizon':<10}{'skill':>9}{'ECE':>9}{'50 %':>9}{'90 %':>9}")
    for row in figures["evaluate"]["horizons"]:
        print(
            f"{row['horizon_s']:>7} s {row['skill']['zero_change']['estimate']:>9.4f}"
            f"{row['calibration_error']:>9.4f}{row['coverage']['50']['estimate']:>9.4f}"
            f"{row['coverage']['90']['estimate']:>9.4f}"
        )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=20)
    parser.add_argument("--lake", type=Path)
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        print(json.dumps(run_step(arguments.lake, arguments.step)))
    elif arguments.lake:
        measure(arguments.lake)
    else:
        with tempfile.TemporaryDirectory() as folder:
            build_gold(Path(folder), arguments.days)
            measure(Path(folder))


if __name__ == "__main__":
    main()
