"""Simulated days for the tests of the graph: half a minute of session in two expiries."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from spymaster_assets.stages.raw import adopt_raw_file
from spymaster_resources.instruments import instrument
from spymaster_resources.lake import Lake
from spymaster_resources.settings import Settings
from spymaster_resources.simulator.futures import simulate_day
from spymaster_resources.simulator.sizes import SIZES

TINY = SIZES["tiny"]
MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)


@pytest.fixture(scope="session")
def tiny_days(tmp_path_factory: pytest.TempPathFactory) -> dict[date, Path]:
    """Return the raw file of each simulated day; never to be written to."""
    folder = tmp_path_factory.mktemp("simulated")
    row = instrument("ES", "future_mbo")
    return {
        dt: simulate_day(row, dt, TINY, folder, seed=7, with_truth=False).path
        for dt in (MONDAY, TUESDAY)
    }


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings of an empty lake and the session of the simulated days."""
    return Settings(lake=str(tmp_path / "lake"), session=TINY.session)


@pytest.fixture
def lake(settings: Settings, tiny_days: dict[date, Path]) -> Lake:
    """Return the lake of `settings` with both simulated days in its raw folder."""
    opened = Lake(settings.lake)
    for path in tiny_days.values():
        adopt_raw_file(opened, path)
    return opened
