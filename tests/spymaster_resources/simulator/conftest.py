"""Simulated days shared by the tests of the simulator."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from spymaster_resources.instruments import instrument
from spymaster_resources.simulator.futures import FuturesDay, simulate_day
from spymaster_resources.simulator.sizes import SIZES

DT = date(2026, 1, 6)


@pytest.fixture(scope="session")
def tiny_day(tmp_path_factory: pytest.TempPathFactory) -> FuturesDay:
    folder: Path = tmp_path_factory.mktemp("tiny")
    return simulate_day(instrument("ES", "future_mbo"), DT, SIZES["tiny"], folder, seed=11)
