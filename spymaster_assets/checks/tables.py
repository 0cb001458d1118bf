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
from spymaster_assets.checks.options import (
    option_depth_checks,
    option_snapshot_checks,
    option_surface_checks,
)
from spymaster_assets.checks.selection import selection_checks
from spymaster_assets.checks.silver import DepthTable, depth_checks, snapshot_checks
from spymaster_resources.instruments import (
    EQUITY,
    EQUITY_OPTION,
    FUTURE,
    FUTURE_OPTION,
    Instrument,
)


@cache
def all_checks() -> tuple[Check, ...]:
    """Return every check, those that hold for all tables first."""
    general = [
        check
        for entry in datasets().values()
        if entry.is_partitioned
        for check in general_checks(entry)
    ]
    return (
        *general,
        *selection_checks(),
        *_futures(),
        *_equities(),
        *_options(FUTURE_OPTION, "mbo"),
        *_options(EQUITY_OPTION, "cmbp_1"),
    )


def checks_of(key: str) -> Sequence[Check]:
    """Return the checks of one dataset."""
    return [check for check in all_checks() if check.dataset == key]


def _futures() -> Iterator[Check]:
    mbo, snapshot, depth = _tables(FUTURE)
    yield from record_checks(mbo)
    yield from snapshot_checks(snapshot, mbo)
    yield from depth_checks(DepthTable(depth, snapshot, mbo, _cell, _half))
    yield from surface_checks(f"gold.{FUTURE}.physics_surface_1s", snapshot, depth)
    yield from forecast_checks(f"gold.{FUTURE}.forecast_1s")


def _equities() -> Iterator[Check]:
    mbo, snapshot, depth = _tables(EQUITY)
    fine = f"silver.{EQUITY}.depth_and_flow_tick_1s"
    yield from record_checks(mbo)
    yield from snapshot_checks(snapshot, mbo)
    yield from depth_checks(DepthTable(depth, snapshot, mbo, _cell, _half))
    yield from depth_checks(DepthTable(fine, snapshot, mbo, _fine_cell, _fine_half))
    yield from surface_checks(f"gold.{EQUITY}.physics_surface_1s", snapshot, depth)
    yield from surface_checks(f"gold.{EQUITY}.physics_surface_tick_1s", snapshot, fine)
    yield from forecast_checks(f"gold.{EQUITY}.forecast_1s")


def _options(product: str, schema: str) -> Iterator[Check]:
    _, snapshot, depth = _tables(product)
    records = f"bronze.{product}.{schema}"
    yield from record_checks(records)
    yield from option_snapshot_checks(snapshot, records)
    yield from option_depth_checks(depth, snapshot, records)
    yield from option_surface_checks(f"gold.{product}.physics_surface_1s", snapshot, depth)


def _tables(product: str) -> tuple[str, str, str]:
    silver = f"silver.{product}"
    return f"bronze.{product}.mbo", f"{silver}.book_snapshot_1s", f"{silver}.depth_and_flow_1s"


def _cell(row: Instrument) -> int:
    return row.cell_int


def _half(row: Instrument) -> int:
    return row.grid_half_width


def _fine_cell(row: Instrument) -> int:
    return row.fine_cell_int or row.cell_int


def _fine_half(row: Instrument) -> int:
    return row.fine_half_width or row.grid_half_width
