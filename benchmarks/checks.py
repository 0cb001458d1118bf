"""Every check of one day of a lake: seconds by table, and the peak memory of all.

python -m benchmarks.checks LAKE 2026-01-06
"""

from __future__ import annotations

import argparse
import time
from contextlib import suppress
from datetime import date

from benchmarks.measure import peak_mb


def main() -> None:
    """Print seconds, checks and rows of each table, then the whole."""
    from contracts.errors import PartitionMissingError
    from contracts.registry import datasets
    from spymaster_assets.checks.validation import validated

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lake")
    parser.add_argument("dt", type=date.fromisoformat)
    arguments = parser.parse_args()
    started, cpu = time.perf_counter(), time.process_time()
    found: dict[str, tuple[int, int, float]] = {}
    keys = (key for key, entry in datasets().items() if entry.is_partitioned)
    for layer in dict.fromkeys(key.rpartition(".")[0] for key in keys):  # as the graph runs them
        before = time.perf_counter()
        with suppress(PartitionMissingError):
            for key, outcomes in validated(arguments.lake, layer, None, arguments.dt):
                seconds, before = time.perf_counter() - before, time.perf_counter()
                ran, failed, took = found.get(key.dataset, (0, 0, 0.0))
                failed += sum(not outcome.passed for outcome in outcomes)
                found[key.dataset] = ran + len(outcomes), failed, took + seconds
    print(f"{'table':<52}{'checks':>8}{'red':>6}{'seconds':>9}")
    for name, (checks, red, seconds) in found.items():
        print(f"{name:<52}{checks:>8}{red:>6}{seconds:>9.2f}")
    print(
        f"all: {time.perf_counter() - started:.1f} s, {time.process_time() - cpu:.1f} s of CPU, "
        f"peak {peak_mb():.0f} MB"
    )


if __name__ == "__main__":
    main()
