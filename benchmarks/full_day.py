"""A full-size day of the products from raw file to gold: wall, CPU and peak memory of every layer.

    python -m benchmarks.full_day
    python -m benchmarks.full_day --raw FOLDER --products future_option_mbo --together
    python -m benchmarks.full_day --size tiny

Every layer of every product runs through `spymaster run` in a process of its own, start, blocking
checks and publication included; how long the checks took is what the run's log says. Without
`--raw`, a folder that `spymaster simulate session` filled, the day is simulated first: at full size
177 million records, 3.4 GB.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from spymaster_assets.pipeline import Layer
from spymaster_assets.products import PIPELINES
from spymaster_resources.simulator.day_files import GLBX, OPRA, XNAS
from spymaster_resources.vendor.products import raw_folder

DAY = date(2026, 1, 5)
PROGRAM = "from spymaster_assets.cli.main import main; main()"
LAYERS = (Layer.BRONZE, Layer.SILVER, Layer.GOLD)
CHECKS = re.compile(r"\d+ checks of \S.* took ([\d.]+) s")
HEADER = ("product", "layer", "wall s", "checks s", "cpu s", "peak MB")


@dataclass(frozen=True)
class Product:
    """Where a simulated session keeps the files of a product."""

    name: str
    root: str
    dataset: str
    parent: str
    schemas: tuple[str, ...]


PRODUCTS = (
    Product("future_mbo", "ES", GLBX, "ES.FUT", ("mbo", "definition", "statistics")),
    Product("future_option_mbo", "ES", GLBX, "ES.OPT", ("mbo", "definition", "statistics")),
    Product("equity_mbo", "QQQ", XNAS, "QQQ", ("mbo", "definition")),
    Product("equity_option_cmbp_1", "QQQ", OPRA, "QQQ.OPT", ("cmbp-1", "definition", "statistics")),
)


@dataclass(frozen=True)
class Figures:
    """What one process, or several together, took."""

    wall_s: float
    checks_s: float
    cpu_s: float
    peak_mb: float

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            self.wall_s + other.wall_s,
            self.checks_s + other.checks_s,
            self.cpu_s + other.cpu_s,
            max(self.peak_mb, other.peak_mb),
        )


def simulate(folder: Path, size: str) -> None:
    """Write a session of all products."""
    spymaster("simulate", "session", "--dates", f"{DAY}", "--size", size, "--no-truth",
              "--out", str(folder))  # fmt: skip


def link_raw(session: Path, lake: Path, product: Product) -> int:
    """Put the product's files of a simulated session into the raw folder; return their bytes."""
    size = 0
    for schema in product.schemas:
        target = lake / raw_folder(product.name, product.root, schema)
        target.mkdir(parents=True)
        for file in (session / product.dataset / schema / product.parent).glob("*.dbn.zst"):
            (target / file.name).symlink_to(file.resolve())
            size += file.stat().st_size
    return size


def spymaster(*arguments: str, lake: Path | None = None) -> Figures:
    """Run the program in a fresh process and return what it took; ends with its error."""
    environment = os.environ | {"SPYMASTER_LAKE": str(lake or ""), "SPYMASTER_CALENDAR": "any"}
    with tempfile.TemporaryDirectory() as scratch:
        log, said = Path(scratch) / "log", Path(scratch) / "said"
        logged = ("--log-file", str(log)) if lake else ()
        command = [sys.executable, "-c", PROGRAM, *arguments, *logged]
        with said.open("wb") as output:
            started = time.perf_counter()
            process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
            _, status, used = os.wait4(process.pid, 0)
            wall_s = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(arguments)}: {said.read_text('utf-8')}")
        text = log.read_text("utf-8") if lake else ""
    checks_s = sum(float(seconds) for seconds in CHECKS.findall(text))
    return Figures(wall_s, checks_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def run(lake: Path, product: Product, layers: Sequence[Layer]) -> Iterator[tuple[Layer, Figures]]:
    """Run each of the layers in a process of its own."""
    for layer in layers:
        yield layer, spymaster("run", "--symbol", product.root, "--product-type", product.name,
                               "--layer", layer, "--dates", f"{DAY}", lake=lake)  # fmt: skip


def print_row(*cells: object) -> None:
    """Print one row of the table."""
    texts = [f"{cell:,.1f}" if isinstance(cell, float) else str(cell) for cell in cells]
    print(f"{texts[0]:<22}{texts[1]:<8}" + "".join(f"{text:>10}" for text in texts[2:]), flush=True)


def with_underlying(names: Sequence[str]) -> list[Product]:
    """Return the products, and those whose silver they need, in the order of making."""
    wanted = {*names, *(PIPELINES[name].underlying for name in names)}
    return [product for product in PRODUCTS if product.name in wanted]


def measure(session: Path, lake: Path, products: Sequence[Product], together: bool) -> None:
    """Run the products, print a row a process, and what they took in all."""
    print_row(*HEADER)
    total = Figures(0.0, 0.0, 0.0, 0.0)
    for product in products:
        print(f"{product.name}: {link_raw(session, lake, product) / 1e6:,.0f} MB of raw files")
        whole = Figures(0.0, 0.0, 0.0, 0.0)
        for layer, took in run(lake, product, (Layer.ALL,) if together else LAYERS):
            print_row(product.name, layer, *vars(took).values())
            whole += took
        if not together:
            print_row(product.name, "sum", *vars(whole).values())
        total += whole
    print_row("all", "sum", *vars(total).values())


def main() -> None:
    """Print the figures."""
    names = [product.name for product in PRODUCTS]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, help="a simulated session; it is only read")
    parser.add_argument("--size", choices=("tiny", "demo", "full"), default="full")
    parser.add_argument("--products", nargs="+", choices=names, default=names)
    parser.add_argument(
        "--together", action="store_true", help="all layers in one process, the forecast too"
    )
    arguments = parser.parse_args()
    products = with_underlying(arguments.products)
    with tempfile.TemporaryDirectory() as folder:
        session = arguments.raw or Path(folder) / "session"
        if arguments.raw is None:
            simulate(session, arguments.size)
        warm = Path(folder) / "warm"  # compiles the kernels into the cache
        simulate(warm / "session", "tiny")
        for product in products:
            link_raw(warm / "session", warm / "lake", product)
            list(run(warm / "lake", product, (Layer.ALL,)))
        measure(session, Path(folder) / "lake", products, arguments.together)


if __name__ == "__main__":
    main()
