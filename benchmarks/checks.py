"""Every check of one day of a lake: seconds by table, and the peak memory of all.

python -m benchmarks.checks LAKE 2026-01-06
"""

from __future__ import annotations

import argparse
import time
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
    started = time.perf_counter()
    print(f"{'table':<52}{'checks':>8}{'red':>6}{'seconds':>9}")
    for key in (key for key, entry in datasets().items() if entry.is_partitioned):
        before = time.perf_counter()
        checks = red = 0
        try:
            for _, outcomes in validated(arguments.lake, key, None, arguments.dt):
                checks += len(outcomes)
                red += sum(not outcome.passed for outcome in outcomes)
        except PartitionMissingError:
            continue
        print(f"{key:<52}{checks:>8}{red:>6}{time.perf_counter() - before:>9.2f}")
    print(f"all: {time.perf_counter() - started:.1f} s, peak {peak_mb():.0f} MB")


if __name__ == "__main__":
    main()
