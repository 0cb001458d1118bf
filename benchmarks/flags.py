"""What the flags cost silver: CPU seconds of the stage with them and without, product by product.

    python -m benchmarks.flags --lake lake --date 2026-01-05

The lake holds the date's bronze of all four products and silver of the underlyings, as
`spymaster demo` leaves it; its silver is built again. Without flags every row gets a flag that is
not set, so that both runs write the same columns. Rounds take turns, and the least of each counts:
what else the machine does only ever adds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from book_engines.flags import SnapshotFlagger, SnapshotFlags
from book_engines.option_flags import OptionFlagger, OptionFlags
from book_engines.size_flags import NO_LIMIT, SizeFlagger
from spymaster_assets.stages import option_silver, quote_silver, silver
from spymaster_assets.stages.context import StageContext
from spymaster_resources.settings import Settings

Stage = Callable[[StageContext, str, date], Any]

PRODUCTS: tuple[tuple[str, str, str, Stage], ...] = (
    ("ES", "ESH6", "future_mbo", silver.build_silver),
    ("QQQ", "QQQ", "equity_mbo", silver.build_silver),
    ("ES", "ESH6", "future_option_mbo", option_silver.build_silver),
    ("QQQ", "QQQ", "equity_option_cmbp_1", quote_silver.build_silver),
)


def without_flags() -> ExitStack:
    """Return a context in which nothing is judged."""
    stack = ExitStack()

    def plain(_: SnapshotFlagger, *columns: Any) -> SnapshotFlags:
        return SnapshotFlags(*np.zeros((3, columns[0].size), np.bool_))

    def option(_: OptionFlagger, *, series: Any, **_columns: Any) -> OptionFlags:
        return OptionFlags(*np.zeros((3, series.size), np.bool_))

    def limits(_: SizeFlagger, ends: Any, *_columns: Any) -> Any:
        return np.full(len(ends), NO_LIMIT)

    stack.enter_context(patch.object(SnapshotFlagger, "flag", plain))
    stack.enter_context(patch.object(OptionFlagger, "flag", option))
    stack.enter_context(patch.object(SizeFlagger, "limits", limits))
    return stack


def cpu_seconds(run: Callable[[], Any]) -> float:
    """Return the CPU seconds of one run, all threads together."""
    started = time.process_time()
    run()
    return time.process_time() - started


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lake", type=Path, required=True)
    parser.add_argument("--date", type=date.fromisoformat, required=True)
    parser.add_argument("--product-type", choices=[product for _, _, product, _ in PRODUCTS])
    parser.add_argument("--rounds", type=int, default=4)
    arguments = parser.parse_args()
    print(f"{'silver of':<22}{'with':>8}{'without':>9}{'flags add':>11}")
    for root, symbol, product, build in PRODUCTS:
        if arguments.product_type not in (None, product):
            continue
        ctx = StageContext.from_settings(Settings(lake=str(arguments.lake)), root, product)

        def run(build: Stage = build, ctx: StageContext = ctx, symbol: str = symbol) -> Any:
            return build(ctx, symbol, arguments.date)

        run()  # compile or load the kernels
        with_flags, without = [], []
        for _ in range(arguments.rounds):
            with without_flags():
                without.append(cpu_seconds(run))
            with_flags.append(cpu_seconds(run))
        added = min(with_flags) / min(without) - 1
        print(f"{product:<22}{min(with_flags):>8.2f}{min(without):>9.2f}{added:>11.1%}")


if __name__ == "__main__":
    main()
