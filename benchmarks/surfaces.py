"""Gold of every product from a full session of silver: seconds and peak memory of each.

    python -m benchmarks.surfaces

The silver is made up: 10,800 windows around a wandering spot, with depth and flow in every cell
that a busy book would fill. Each product runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks.measure import peak_mb
from contracts.registry import dataset
from spymaster_assets.stages import gold, option_gold
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.surface_tables import SurfaceTable, surface_tables
from spymaster_assets.stages.window_rows import ENUMERATIONS
from spymaster_resources.instruments import EQUITY, EQUITY_OPTION, FUTURE, FUTURE_OPTION
from spymaster_resources.settings import Settings

DAY = date(2026, 1, 5)
ROOTS = {FUTURE: "ES", FUTURE_OPTION: "ES", EQUITY: "QQQ", EQUITY_OPTION: "QQQ"}
SECOND_NS = 1_000_000_000
FIRST_END_NS = 1_767_623_401 * SECOND_NS
WINDOWS_AT_ONCE = 1_024
SPOT_INT = 600 * SECOND_NS

Rows = dict[str, npt.NDArray[Any]]


def wandering_spot(windows: int) -> npt.NDArray[np.int64]:
    """Return spot in cents, 1e-9 dollars, on multiples of $0.50 at times."""
    steps = np.random.default_rng(1).integers(-2, 3, windows)
    return SPOT_INT + np.cumsum(steps) * 10_000_000


def put_snapshots(ctx: StageContext, symbol: str, windows: int) -> None:
    """Publish best prices a price step apart, nothing flagged; options need none."""
    table = surface_tables(ctx.instrument)[0]
    tick = table.params.tick_int
    bid = wandering_spot(windows) // tick * tick
    values: Rows = {
        "window_end_ts_ns": FIRST_END_NS + SECOND_NS * np.arange(windows),
        "best_bid_price_int": bid,
        "best_ask_price_int": bid + tick,
    }
    rows = 0 if table.params.lanes > 2 else windows
    publish(ctx, table.snapshot, symbol, [{name: column[:rows] for name, column in values.items()}])


def put_depth(ctx: StageContext, table: SurfaceTable, symbol: str, windows: int) -> None:
    """Publish depth and flow: each side in its half of the grid, options in every strike."""
    params = table.params
    spots = wandering_spot(windows) // params.rel_tick_int * params.rel_tick_int
    rng = np.random.default_rng(2)
    blocks = []
    for begin in range(0, windows, WINDOWS_AT_ONCE):
        spot = spots[begin : begin + WINDOWS_AT_ONCE]
        shape = (spot.size, params.cells, params.lanes)
        centre = (2 * spot + params.cell_int) // (2 * params.cell_int)
        cell = centre[:, None] + np.arange(-params.half, params.half + 1)
        lane = np.arange(params.lanes)
        if params.lanes == 2:
            above = (cell * params.cell_int > spot[:, None])[:, :, None]
            filled = np.where(lane == 0, above, ~above) & (rng.random(shape) < 0.7)
        else:
            filled = np.ones(shape, np.bool_)
        start, add = rng.integers(0, 200, (2, *shape)) * (rng.random(shape) < 0.6)
        pull = (add + start) // 3
        end = FIRST_END_NS + SECOND_NS * np.arange(begin, begin + spot.size)
        price = np.broadcast_to(cell[:, :, None] * params.cell_int, shape)
        values: Rows = {
            "window_end_ts_ns": np.broadcast_to(end[:, None, None], shape),
            "spot_ref_price_int": np.broadcast_to(spot[:, None, None], shape),
            "price_int": price,
            "strike_price_int": price,
            "side": np.broadcast_to(lane % 2, shape),
            "right": np.broadcast_to(lane // 2, shape),
            "window_valid": np.ones(shape, np.bool_),
            "depth_qty_start": start,
            "depth_qty_end": start + add - pull,
            "add_qty": add,
            "pull_qty": pull,
            "depth_qty_rest": start // 2,
        }
        blocks.append({name: column[filled] for name, column in values.items()})
    publish(ctx, table.depth, symbol, blocks)


def publish(ctx: StageContext, key: str, symbol: str, blocks: list[Rows]) -> None:
    """Publish a silver table; what a block lacks is 0."""
    schema = dataset(key).schema
    session = {"session": str(ctx.session)}
    with ctx.lake.writer(
        key, symbol, DAY, parameters=session, inputs=[], code_version="1"
    ) as writer:
        for block in blocks:
            zero = np.zeros(next(iter(block.values())).size, np.int64)
            columns = [
                pa.DictionaryArray.from_arrays(
                    block.get(f.name, zero).astype(np.int32), list(ENUMERATIONS[f.name])
                )
                if f.name in ENUMERATIONS
                else pa.array(block.get(f.name, zero)).cast(f.type)
                for f in schema
            ]
            writer.write(pa.table(columns, schema=schema))
        writer.publish()


def context(lake: Path, product: str) -> tuple[StageContext, str]:
    """Return the surroundings of a product and the symbol that it is filed under."""
    root = ROOTS[product]
    ctx = StageContext.from_settings(Settings(lake=str(lake)), root, product)
    return ctx, "ESH6" if root == "ES" else root


def put_silver(lake: Path, product: str, windows: int) -> None:
    """Publish every silver table that a product's gold is made of."""
    ctx, symbol = context(lake, product)
    put_snapshots(ctx, symbol, windows)
    for table in surface_tables(ctx.instrument):
        put_depth(ctx, table, symbol, windows)


def run_gold(lake: Path, product: str) -> dict[str, float]:
    """Build gold of one product here; return seconds, rows, megabytes written and at the peak."""
    ctx, symbol = context(lake, product)
    stage = option_gold if ctx.instrument.underlying_product else gold
    started, cpu = time.perf_counter(), time.process_time()
    manifests = stage.build_gold(ctx, symbol, DAY)
    return {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu,
        "rows": sum(manifest.row_count for manifest in manifests),
        "file_mb": sum(file.size for manifest in manifests for file in manifest.files) / 1e6,
        "peak_mb": peak_mb(),
    }


def in_process_of_its_own(lake: Path, product: str) -> dict[str, float]:
    """Build gold of a product in a fresh process and return its figures."""
    command = [sys.executable, "-m", "benchmarks.surfaces", "--product", product]
    done = subprocess.run(
        [*command, "--lake", str(lake)], check=True, capture_output=True, text=True
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=10_800)
    parser.add_argument("--product", choices=ROOTS, help=argparse.SUPPRESS)
    parser.add_argument("--lake", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.product:
        print(json.dumps(run_gold(arguments.lake, arguments.product)))
        return
    with tempfile.TemporaryDirectory() as folder:
        small, lake = Path(folder) / "small", Path(folder) / "lake"
        print(f"{arguments.windows:,} windows")
        print(f"{'product':<22}{'seconds':>9}{'cpu s':>8}{'M rows':>8}{'file MB':>9}{'peak MB':>9}")
        for product in ROOTS:
            put_silver(small, product, 10)
            in_process_of_its_own(small, product)  # compiles the kernels into the cache
            put_silver(lake, product, arguments.windows)
            figures = in_process_of_its_own(lake, product)
            print(
                f"{product:<22}{figures['seconds']:>9.2f}{figures['cpu_seconds']:>8.2f}"
                f"{figures['rows'] / 1e6:>8.2f}{figures['file_mb']:>9.0f}{figures['peak_mb']:>9.0f}"
            )


if __name__ == "__main__":
    main()
