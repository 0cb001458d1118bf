"""A whole day from raw file to forecast: seconds and peak memory of every stage.

    python -m benchmarks.day --events 10000000

Each stage runs in a process of its own, so that its peak memory is its own; then the whole day
runs once more through Dagster in one process, as `spymaster run` does, checks included.
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

from benchmarks.measure import peak_mb
from benchmarks.streams import FUTURE, busy_book
from spymaster_resources.dbn.layouts import layout_of, new_records
from spymaster_resources.dbn.writer import DbnWriter
from spymaster_resources.trading_calendar import DAY_NS, midnight_ns

DAY = date(2026, 1, 5)
SYMBOL = "ESH6"
STAGES = ("bronze", "silver", "gold", "forecast")
RAW_FOLDER = "raw/source=databento/product_type=future_mbo/symbol=ES/table=market_by_order_dbn"
SEND_DELAY_NS = 20_000
WARM_UP_EVENTS = 100_000


def write_raw(lake: Path, events: int) -> None:
    """Put a day of the busy future into the lake's raw folder as a vendor file."""
    columns = busy_book(FUTURE, events)
    records = new_records(layout_of("mbo", 3, ts_out=False), events)
    records["publisher_id"] = columns.publisher_id
    records["instrument_id"] = columns.instrument_id
    records["ts_event"] = columns.ts_event_ns
    records["order_id"] = columns.order_id
    records["price"] = columns.price_int
    records["size"] = columns.size
    records["flags"] = columns.flags
    records["action"] = columns.action
    records["side"] = columns.side
    records["ts_recv"] = columns.ts_event_ns + SEND_DELAY_NS
    records["sequence"] = columns.sequence
    folder = lake / RAW_FOLDER
    folder.mkdir(parents=True)
    with DbnWriter(
        folder / f"glbx-mdp3-{DAY:%Y%m%d}.mbo.dbn.zst",
        dataset="GLBX.MDP3",
        schema="mbo",
        start_ns=midnight_ns(DAY),
        end_ns=midnight_ns(DAY) + DAY_NS,
        symbols=["ES.FUT"],
        stype_in="parent",
        mappings={SYMBOL: [(DAY, DAY + timedelta(days=1), int(columns.instrument_id[0]))]},
        zstd_level=1,
    ) as writer:
        writer.write(records)


def run_stage(lake: Path, stage: str) -> dict[str, float]:
    """Run one stage here and return seconds and peak megabytes."""
    from spymaster_assets.stages import bronze, forecast, gold, silver
    from spymaster_assets.stages.context import StageContext
    from spymaster_resources.settings import Settings

    ctx = StageContext.from_settings(Settings(lake=str(lake)), "ES", "future_mbo")
    started, cpu = time.perf_counter(), time.process_time()
    if stage == "bronze":
        bronze.build_bronze(ctx, DAY)
    elif stage == "silver":
        silver.build_silver(ctx, SYMBOL, DAY)
    elif stage == "gold":
        gold.build_gold(ctx, SYMBOL, DAY)
    else:
        forecast.build_forecast(ctx, SYMBOL, DAY)
    return {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu,
        "peak_mb": peak_mb(),
    }


def run_whole(lake: Path) -> dict[str, float]:
    """Run the day through Dagster in this process; return seconds and peak megabytes."""
    from spymaster_assets.pipeline import Layer
    from spymaster_assets.runner import Request, run
    from spymaster_resources.settings import Settings

    started, cpu = time.perf_counter(), time.process_time()
    steps = run(
        Settings(lake=str(lake)),
        Request(SYMBOL, Layer.ALL, (DAY,), overwrite=True),
        lambda _: None,
    )
    failed = [step.error for step in steps if step.error]
    if failed:
        raise SystemExit("; ".join(failed))
    return {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu,
        "peak_mb": peak_mb(),
    }


def in_process_of_its_own(lake: Path, stage: str) -> dict[str, float]:
    """Run `stage` (or `whole`) in a fresh process and return its figures."""
    command = [sys.executable, "-m", "benchmarks.day", "--stage", stage, "--lake", str(lake)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--stage", choices=(*STAGES, "whole"), help=argparse.SUPPRESS)
    parser.add_argument("--lake", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stage == "whole":
        print(json.dumps(run_whole(arguments.lake)))
        return
    if arguments.stage:
        print(json.dumps(run_stage(arguments.lake, arguments.stage)))
        return
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small"
        write_raw(small, WARM_UP_EVENTS)
        in_process_of_its_own(small, "whole")  # compiles the kernels into the cache
        lake = Path(folder) / "lake"
        write_raw(lake, arguments.events)
        raw = next((lake / RAW_FOLDER).iterdir()).stat().st_size
        print(f"{arguments.events:,} records, raw file {raw / 1e6:.0f} MB")
        print(f"{'stage':<10}{'seconds':>9}{'cpu s':>9}{'M rec/s':>9}{'peak MB':>9}")
        for stage in (*STAGES, "whole"):
            figures = in_process_of_its_own(lake, stage)
            rate = arguments.events / figures["seconds"] / 1e6
            print(
                f"{stage:<10}{figures['seconds']:>9.2f}{figures['cpu_seconds']:>9.2f}"
                f"{rate:>9.2f}{figures['peak_mb']:>9.0f}"
            )
        for table in sorted({p.parent.parent.name for p in lake.rglob("part-*.parquet")}):
            size = sum(p.stat().st_size for p in lake.rglob(f"{table}/*/part-*.parquet"))
            print(f"{table}: {size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
