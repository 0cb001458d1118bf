"""The jobs of one root: build sessions from raw files, and calibrate over finished sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dagster as dg

from spymaster_assets.assets.keys import calibration_keys, session_keys
from spymaster_assets.products import PIPELINES
from spymaster_resources.instruments import Instrument


def session_job_name(root: str) -> str:
    """Return the name of the job that builds one session of a root or ticker."""
    return f"build_{root}_session"


def session_job(row: Instrument, options: Sequence[Instrument]) -> Any:
    """Return the job that turns a day's raw files of `row` and `options` on it into every table."""
    keys = [
        key
        for each in (row, *options)
        for key in session_keys(PIPELINES[each.product_type], row.root)
    ]
    return dg.define_asset_job(
        session_job_name(row.root),
        selection=dg.AssetSelection.assets(*keys),
        description=f"One session of {row.name} and its options: raw files to the last table.",
    )


def calibration_job(row: Instrument) -> Any:
    """Return the job that fits and evaluates the forecast; it is not part of daily backfills."""
    return dg.define_asset_job(
        f"calibrate_{row.root}",
        selection=dg.AssetSelection.assets(*calibration_keys(row.root)),
        description=f"Stage F of {row.name} over the last sessions of gold.",
    )
