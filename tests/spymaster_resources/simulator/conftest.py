"""Simulated days shared by the tests of the simulator."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from spymaster_resources.instruments import instrument
from spymaster_resources.simulator.equities import EquityDay, simulate_equity_day
from spymaster_resources.simulator.equity_options import simulate_equity_options_day
from spymaster_resources.simulator.futures import FuturesDay, simulate_day
from spymaster_resources.simulator.sizes import EQUITY_OPTION_SIZES, EQUITY_SIZES, SIZES

DT = date(2026, 1, 6)


@pytest.fixture(scope="session")
def tiny_day(tmp_path_factory: pytest.TempPathFactory) -> FuturesDay:
    folder: Path = tmp_path_factory.mktemp("tiny")
    return simulate_day(instrument("ES", "future_mbo"), DT, SIZES["tiny"], folder, seed=11)


@pytest.fixture(scope="session")
def tiny_equity(tiny_day: FuturesDay, tmp_path_factory: pytest.TempPathFactory) -> EquityDay:
    folder: Path = tmp_path_factory.mktemp("equity")
    return simulate_equity_day("QQQ", DT, EQUITY_SIZES["tiny"], folder, tiny_day.prices, seed=11)


@pytest.fixture(scope="session")
def tiny_quotes(tiny_equity: EquityDay, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("quotes")
    size = EQUITY_OPTION_SIZES["tiny"]
    return simulate_equity_options_day("QQQ", DT, size, folder, tiny_equity.prices, seed=11).path
