"""Rows per second of raw DBN to bronze Parquet, with the vendor's client on the same file.

    python -m benchmarks.decode --records 5000000

Each measurement runs in a process of its own, so that its peak memory is its own. The file is
synthetic: its records have the mix, the spacing and the entropy of a busy future (about 15 bytes
a record in zstd), but make no book.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import peak_mb
from spymaster_resources.dbn.layouts import layout_of, new_records
from spymaster_resources.dbn.writer import DbnWriter

DAY: Final = date(2024, 3, 12)
DAY_START_NS: Final = 1_710_201_600_000_000_000
DAY_NS: Final = 86_400_000_000_000
FRONT, BACK = 17_077, 5_602
OPTIONS: Final = {
    f"E2BH4 {'CP'[n % 2]}{5_000 + n // 2 * 5}": 42_000_000 + 13 * n for n in range(300)
}
_BLOCK: Final = 1 << 20
_TICK: Final = 250_000_000
_LAST_DELAY_NS: Final = 1_000_000_000  # the last record arrives before midnight


class Measurement(NamedTuple):
    """What one way of decoding cost."""

    name: str
    seconds: float
    cpu_seconds: float
    peak_mb: float


def write_day(path: Path, records: int, seed: int = 1) -> None:
    """Write a DBN file of `records` market-by-order records in two expiries."""
    _write(path, records, {"ESH4": FRONT, "ESM4": BACK}, [0.9, 0.1], seed)


def write_option_day(path: Path, records: int, seed: int = 1) -> None:
    """Write a DBN file of `records` market-by-order records in 300 expiring options."""
    shares = 1.0 / np.arange(1, len(OPTIONS) + 1)  # a few are busy, most are not
    _write(path, records, OPTIONS, (shares / shares.sum()).tolist(), seed)


def _write(
    path: Path, records: int, numbers: Mapping[str, int], shares: Sequence[float], seed: int
) -> None:
    random = np.random.default_rng(seed)
    step_ns = (DAY_NS - _LAST_DELAY_NS) // records
    with DbnWriter(
        path,
        dataset="GLBX.MDP3",
        schema="mbo",
        start_ns=DAY_START_NS,
        end_ns=DAY_START_NS + DAY_NS,
        symbols=["ES.FUT"],
        stype_in="parent",
        mappings={
            name: [(DAY, DAY + timedelta(days=1), number)] for name, number in numbers.items()
        },
    ) as writer:
        for start in range(0, records, _BLOCK):
            block = _block(random, start, min(_BLOCK, records - start), step_ns)
            block["instrument_id"] = random.choice(list(numbers.values()), len(block), p=shares)
            writer.write(block)


def _block(random: np.random.Generator, start: int, rows: int, step_ns: int) -> NDArray[np.void]:
    block = new_records(layout_of("mbo", 3), rows)
    place = np.arange(start, start + rows)
    is_add = random.random(rows) < 0.45
    # A cancel or modify names an order added shortly before, as most real ones do.
    age = np.where(is_add, 0, random.geometric(0.002, rows))
    block["order_id"] = 6_411_000_000_000 + np.maximum(place - age, 0) * 3
    block["action"] = np.where(
        is_add, ord("A"), random.choice(list(b"CCCCCCMMTF"), rows).astype(np.uint8)
    )
    block["side"] = random.choice(list(b"AB"), rows)
    block["publisher_id"] = 1
    mid = 20_800 + np.cumsum(random.integers(-1, 2, rows) * (random.random(rows) < 0.01))
    block["price"] = (mid + random.geometric(0.2, rows) * random.choice([-1, 1], rows)) * _TICK
    block["size"] = random.geometric(0.5, rows)
    block["flags"] = np.where(random.random(rows) < 0.7, 128, 0)
    # Records of one event share their times; three records make two events, as in real files.
    event = np.cumsum(random.random(rows) < 2 / 3)
    jitter_ns, delta_ns, delay_ns = (
        random.integers(low, high, event[-1] + 1)[event]
        for low, high in ((0, step_ns), (12_000, 20_000), (100_000, 164_000))
    )
    base_ns = DAY_START_NS + start * step_ns
    block["ts_event"] = base_ns + event * step_ns + jitter_ns
    block["ts_in_delta"] = delta_ns
    block["ts_recv"] = block["ts_event"] + delay_ns.astype(np.uint64)
    block["sequence"] = 1_000 + start + event
    return block


def run_bronze(path: Path, work: Path) -> None:
    """Build bronze from the file, publication included."""
    from spymaster_assets.stages.bronze import build_bronze
    from spymaster_assets.stages.context import StageContext
    from spymaster_assets.stages.raw import adopt_raw_file
    from spymaster_resources.settings import Settings

    ctx = StageContext.from_settings(Settings(lake=str(work / "lake")), "ES", "future_mbo")
    adopt_raw_file(ctx.lake, path)
    build_bronze(ctx, DAY)


def run_option_bronze(path: Path, work: Path) -> None:
    """Build bronze of options on a future from the file and their definitions, all published."""
    from spymaster_assets.stages.bronze import build_bronze
    from spymaster_assets.stages.context import StageContext
    from spymaster_assets.stages.raw import raw_folder
    from spymaster_assets.stages.reference import build_reference
    from spymaster_resources.settings import Settings

    ctx = StageContext.from_settings(Settings(lake=str(work / "lake")), "ES", "future_option_mbo")
    for schema in ("mbo", "definition"):
        target = work / "lake" / raw_folder("future_option_mbo", "ES", schema)
        target.mkdir(parents=True)
        name = f"glbx-mdp3-{DAY:%Y%m%d}.{schema}.dbn.zst"
        if schema == "mbo":
            (target / name).hardlink_to(path)
        else:
            _write_definitions(target / name)
    build_reference(ctx, DAY)
    build_bronze(ctx, DAY)


def _write_definitions(path: Path) -> None:
    records = new_records(layout_of("definition", 3), len(OPTIONS))
    records["ts_recv"] = records["ts_event"] = DAY_START_NS
    records["instrument_id"] = list(OPTIONS.values())
    records["raw_symbol"] = [name.encode() for name in OPTIONS]
    records["underlying"] = b"ESH4"
    records["instrument_class"] = [ord(name[6]) for name in OPTIONS]
    records["strike_price"] = [int(name[7:]) * 1_000_000_000 for name in OPTIONS]
    records["expiration"] = DAY_START_NS + 20 * 3_600_000_000_000
    with DbnWriter(
        path,
        dataset="GLBX.MDP3",
        schema="definition",
        start_ns=DAY_START_NS,
        end_ns=DAY_START_NS + DAY_NS,
        symbols=["E2B.OPT"],
        stype_in="parent",
        mappings={n: [(DAY, DAY + timedelta(days=1), number)] for n, number in OPTIONS.items()},
    ) as writer:
        writer.write(records)


def run_columns(path: Path, _: Path) -> None:
    """Decode the file to columns, chunk by chunk."""
    from spymaster_resources.dbn.split import MboBatch, split_mbo
    from spymaster_resources.dbn.stream import CHUNK_RECORDS, open_dbn

    buffers = MboBatch.empty(CHUNK_RECORDS)
    for chunk in open_dbn(path).records():
        split_mbo(chunk, buffers)


def run_to_parquet(path: Path, work: Path) -> None:
    """Run the vendor client's own conversion to Parquet."""
    import databento

    warnings.simplefilter("ignore")  # the client's pandas deprecations, one for each chunk
    databento.DBNStore.from_file(path).to_parquet(work / "peer.parquet")


def run_to_df(path: Path, _: Path) -> None:
    """Run the vendor client's own conversion to a DataFrame."""
    import databento

    warnings.simplefilter("ignore")  # the client's pandas deprecations, one for each chunk
    databento.DBNStore.from_file(path).to_df()


RUNS: Final[dict[str, Callable[[Path, Path], None]]] = {
    "bronze": run_bronze,
    "bronze of options": run_option_bronze,
    "columns": run_columns,
    "DBNStore.to_parquet": run_to_parquet,
    "DBNStore.to_df": run_to_df,
}


def _measured(name: str, path: Path, warm: Path, work: Path) -> Measurement:
    run = RUNS[name]
    with tempfile.TemporaryDirectory(dir=work) as scratch:
        run(warm, Path(scratch))  # imports and kernels are ready
    with tempfile.TemporaryDirectory(dir=work) as scratch:
        cpu, wall = time.process_time(), time.perf_counter()
        run(path, Path(scratch))
        seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
    peak = peak_mb()
    return Measurement(name, seconds, cpu_seconds, peak)


def measure(records: int, work: Path, names: tuple[str, ...] = tuple(RUNS)) -> list[Measurement]:
    """Return the cost of each way to decode a synthetic day of `records` records."""
    measurements = []
    for name in names:
        write = write_option_day if name == "bronze of options" else write_day
        path, warm = work / f"{write.__name__}.mbo.dbn.zst", work / f"{write.__name__}.warm.dbn.zst"
        if not path.exists():
            write(path, records)
            write(warm, 10_000)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            measurements.append(pool.apply(_measured, (name, path, warm, work)))
    return measurements


def main() -> None:
    """Print rows per second, peak memory and the ratio to each peer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=2_000_000)
    parser.add_argument("--only", choices=tuple(RUNS), action="append")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        names = tuple(options.only or RUNS)
        measurements = measure(options.records, Path(folder), names)
    bronze = next((m for m in measurements if m.name == "bronze"), None)
    for m in measurements:
        line = (
            f"{m.name:20} {options.records / m.seconds / 1e6:8.2f} M rows/s  {m.seconds:7.2f} s  "
            f"CPU {m.cpu_seconds:7.2f} s  peak {m.peak_mb:6.0f} MB"
        )
        if bronze is not None:
            line += f"  bronze is {m.seconds / bronze.seconds:5.1f} ×"
        print(line)


if __name__ == "__main__":
    main()
