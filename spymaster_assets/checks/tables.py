"""The checks of every table of the lake, by dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from contracts.registry import datasets
from spymaster_assets.checks.bronze import record_checks
from spymaster_assets.checks.check import Check
from spymaster_assets.checks.forecast import forecast_checks
from spymaster_assets.checks.general import general_checks
from spymaster_assets.checks.gold import surface_checks
from spymaster_assets.checks.silver import DepthTable, depth_checks, snapshot_checks
from spymaster_resources.instruments import Instrument


@cache
def all_checks() -> tuple[Check, ...]:
    """Return every check, those that hold for all tables first."""
    general = [
        check
        for entry in datasets().values()
        if entry.is_partitioned
        for check in general_checks(entry)
    ]
    return (*general, *_of_product("future_mbo"))


def checks_of(key: str) -> Sequence[Check]:
    """Return the checks of one dataset."""
    return [check for check in all_checks() if check.dataset == key]


def _of_product(product: str) -> Iterator[Check]:
    """Yield the checks of an instrument that has a spot of its own."""
    mbo = f"bronze.{product}.mbo"
    snapshot, depth = (f"silver.{product}.{n}" for n in ("book_snapshot_1s", "depth_and_flow_1s"))
    yield from record_checks(mbo)
    yield from snapshot_checks(snapshot, mbo)
    yield from depth_checks(DepthTable(depth, snapshot, mbo, _cell, _half))
    yield from surface_checks(f"gold.{product}.physics_surface_1s", snapshot, depth)
    yield from forecast_checks(f"gold.{product}.forecast_1s")


def _cell(row: Instrument) -> int:
    return row.cell_int


def _half(row: Instrument) -> int:
    return row.grid_half_width
