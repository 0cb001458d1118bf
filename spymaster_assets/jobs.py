"""The jobs of one root: build sessions from raw files, and calibrate over finished sessions."""

from __future__ import annotations

from typing import Any

import dagster as dg

from spymaster_assets.assets.keys import Keys
from spymaster_resources.instruments import Instrument


def session_job_name(row: Instrument) -> str:
    """Return the name of the job that builds one session of `row`."""
    return f"build_{row.product_type}_{row.root}_session"


def session_job(row: Instrument) -> Any:
    """Return the job that turns one day's raw file into every table up to the forecast."""
    return dg.define_asset_job(
        session_job_name(row),
        selection=dg.AssetSelection.assets(*Keys(row.root).session),
        description=f"One session of {row.name}: bronze, selection, silver, gold, forecast.",
    )


def calibration_job(row: Instrument) -> Any:
    """Return the job that fits and evaluates the forecast; it is not part of daily backfills."""
    return dg.define_asset_job(
        f"calibrate_{row.root}",
        selection=dg.AssetSelection.assets(Keys(row.root).calibration),
        description=f"Stage F of {row.name} over the last sessions of gold.",
    )
