"""What the demo chooses to run for simulated sessions and for a user's own file."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from contracts.errors import ConfigurationError
from spymaster_assets.demo import SIMULATED_DATES, file_plan, session_of_trades, simulated_plan
from spymaster_assets.stages.context import no_progress
from spymaster_assets.stages.raw import raw_folder
from spymaster_resources.instruments import instrument
from spymaster_resources.lake import Lake
from spymaster_resources.selection_map import read_overrides
from spymaster_resources.settings import Settings
from spymaster_resources.simulator.sizes import SIZES
from spymaster_resources.trading_calendar import SessionWindow
from tests.spymaster_assets.conftest import MONDAY, TINY
from tests.spymaster_assets.stages.raw_days import write_day
from tests.spymaster_resources.dbn.dbn_records import some_records

ROW = instrument("ES", "future_mbo")
REAL_FILE = "glbx-mbo/esh4-glbx-mdp3-20231225.mbo.dbn.zst"


def seconds(*clocks: str) -> list[int]:
    return [int(datetime.fromisoformat(f"{clock}+00:00").timestamp()) for clock in clocks]


def raw_bytes(settings: Settings) -> dict[str, bytes]:
    folder = Path(settings.lake, raw_folder("future_mbo", "ES"))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_simulated_sessions_are_the_same_everywhere_and_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SIZES, "demo", TINY)
    here, there = (Settings(lake=str(tmp_path / name)) for name in ("here", "there"))
    plan = simulated_plan(here, no_progress)
    assert (plan.root, plan.dates) == ("ES", SIMULATED_DATES)
    assert plan.settings == here
    simulated_plan(there, no_progress)
    assert raw_bytes(here) == raw_bytes(there)
    assert len(raw_bytes(here)) == 2

    def never(*_: object, **__: object) -> None:
        raise AssertionError("simulated again")

    monkeypatch.setattr("spymaster_resources.simulator.futures.simulate_day", never)
    assert simulated_plan(here, no_progress) == plan


def test_file_of_a_trading_day_keeps_calendar_and_session(
    tmp_path: Path, tiny_days: dict[date, Path]
) -> None:
    settings = Settings(lake=str(tmp_path))
    plan = file_plan(settings, tiny_days[MONDAY])
    assert plan.settings == settings
    assert plan.dates == (MONDAY,)
    assert read_overrides(Lake(settings.lake), "ES") == {MONDAY: "ESH6"}
    assert plan.remarks == (
        "ESH6 is selected for 2026-01-05 by an override (largest volume of the file)",
    )


def test_session_that_the_environment_sets_stays(
    tmp_path: Path, tiny_days: dict[date, Path]
) -> None:
    chosen = Settings(lake=str(tmp_path), session=SessionWindow.parse("10:00-11:00"))
    assert file_plan(chosen, tiny_days[MONDAY]).settings == chosen


def test_real_evening_takes_its_own_hour_and_calendar(tmp_path: Path, real_data: Path) -> None:
    plan = file_plan(Settings(lake=str(tmp_path)), real_data / REAL_FILE)
    assert str(plan.settings.session) == "18:00-19:00"
    assert plan.settings.calendar == "any"
    assert plan.dates == (date(2023, 12, 25),)
    assert [remark.split(":")[0] for remark in plan.remarks[:2]] == [
        "2023-12-25 is no trading day of CMES",
        "no trade in 09",
    ]
    assert read_overrides(Lake(str(tmp_path)), "ES") == {date(2023, 12, 25): "ESH4"}


def test_file_without_a_trade_is_refused_with_the_next_step(tmp_path: Path) -> None:
    records = some_records(20)
    records["action"] = ord("A")
    path = write_day(tmp_path / "glbx-mdp3-20240312.mbo.dbn.zst", records)
    with pytest.raises(ConfigurationError, match=r"no trade of an outright of ES.*inspect"):
        file_plan(Settings(lake=str(tmp_path / "lake")), path)


@pytest.mark.parametrize(
    ("clocks", "expected"),
    [
        (("2026-01-05T14:30:00", "2026-01-05T23:59:59"), "09:30-12:30"),
        (("2026-01-05T13:10:00", "2026-01-05T14:29:58"), "08:00-10:00"),
        (("2026-01-05T23:00:01", "2026-01-05T23:59:59"), "18:00-19:00"),
        (("2026-07-06T12:05:00",), "08:00-09:00"),  # daylight saving time
    ],
)
def test_session_is_the_catalogues_or_whole_hours_around_the_trades(
    clocks: tuple[str, ...], expected: str
) -> None:
    dt = datetime.fromisoformat(clocks[0]).replace(tzinfo=UTC).date()
    assert str(session_of_trades(ROW, dt, seconds(*clocks))) == expected


def test_trades_of_another_new_york_date_ask_for_a_session() -> None:
    with pytest.raises(ConfigurationError, match="choose a SESSION within 2026-01-05"):
        session_of_trades(ROW, MONDAY, seconds("2026-01-05T02:00:00"))
