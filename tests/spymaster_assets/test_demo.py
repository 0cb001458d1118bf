"""What the demo chooses to run for simulated sessions and for a user's own file."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from contracts.errors import ConfigurationError, VendorError
from spymaster_assets import demo_download
from spymaster_assets.demo import file_plan, session_of_trades, simulated_plan
from spymaster_assets.demo_download import SIMULATED_DATES, Listeners, missing_dates
from spymaster_assets.stages.raw import list_raw, open_raw, raw_folder
from spymaster_resources.instruments import instrument
from spymaster_resources.lake import Lake
from spymaster_resources.selection_map import read_overrides
from spymaster_resources.settings import Settings
from spymaster_resources.trading_calendar import SessionWindow
from spymaster_resources.vendor.products import MARKETS
from tests.spymaster_assets.conftest import MONDAY
from tests.spymaster_assets.stages.raw_days import write_day
from tests.spymaster_resources.dbn.dbn_records import some_records

ROW = instrument("ES", "future_mbo")
REAL_FILE = "glbx-mbo/esh4-glbx-mdp3-20231225.mbo.dbn.zst"


def seconds(*clocks: str) -> list[int]:
    return [int(datetime.fromisoformat(f"{clock}+00:00").timestamp()) for clock in clocks]


def test_sessions_of_all_products_are_downloaded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_download, "SCALE", "tiny")
    monkeypatch.setenv("DATABENTO_API_KEY", "db-of-the-user")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    environment = dict(os.environ)
    settings = Settings(lake=str(tmp_path / "lake"))
    simulated: dict[str, int] = {}
    fetched: dict[str, int] = {}
    plan = simulated_plan(
        settings,
        Listeners(
            simulated=simulated.__setitem__,
            bytes=lambda name, done, size: fetched.update({name: done - size}),
        ),
    )
    assert [(part.product_type, part.symbol) for part in plan.parts] == [
        ("future_mbo", "ES"),
        ("future_option_mbo", "ES"),
        ("equity_mbo", "QQQ"),
        ("equity_option_cmbp_1", "QQQ"),
    ]
    assert plan.dates == SIMULATED_DATES
    assert plan.settings == settings
    assert dict(os.environ) == environment, "the gateway's certificate and key are its own"
    lake = Lake(settings.lake)
    tables = [(market, *table) for market in MARKETS.values() for table in market.tables]
    assert len(tables) == 8
    for market, product, schema in tables:
        days = list_raw(lake, product, market.default_root, schema).days
        assert [day.dt for day in days] == list(SIMULATED_DATES), (product, schema)
        for day in days:
            file = open_raw(lake, day.files[0])
            assert file.metadata.schema == schema
            assert fetched[day.name] == 0
            assert sum(len(chunk) for chunk in file.records(schema=schema)) > 0
    assert {name for name in simulated if "2026-01-05" in name} == {
        f"{name} 2026-01-05" for name in ("ES", "ES options", "QQQ", "QQQ options")
    }

    def never(*_: object, **__: object) -> None:
        raise AssertionError("served again")

    monkeypatch.setattr("spymaster_resources.gateway.server.Gateway.__init__", never)
    assert simulated_plan(settings) == plan


def test_only_what_is_missing_is_downloaded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_download, "SCALE", "tiny")
    settings = Settings(lake=str(tmp_path))
    simulated_plan(settings)
    lake = Lake(settings.lake)
    (first, *others), quotes = (
        list_raw(lake, *table).days
        for table in (
            ("future_option_mbo", "ES", "statistics"),
            ("equity_option_cmbp_1", "QQQ", "cmbp-1"),
        )
    )
    content = (tmp_path / first.files[0].path).read_bytes()
    kept = [tmp_path / day.files[0].path for day in (*others, *quotes)]
    times = [path.stat().st_mtime_ns for path in kept]
    (tmp_path / first.files[0].path).unlink()
    assert missing_dates(lake, MARKETS["equities"]) == []
    assert missing_dates(lake, MARKETS["futures"]) == [first.dt]
    simulated: dict[str, int] = {}
    simulated_plan(settings, Listeners(simulated=simulated.__setitem__))
    assert simulated == {}, "statistics take no market"
    assert (tmp_path / first.files[0].path).read_bytes() == content
    assert [path.stat().st_mtime_ns for path in kept] == times


def test_what_does_not_arrive_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_download, "SCALE", "tiny")
    other = write_day(tmp_path / "glbx-mdp3-20260105.mbo.dbn.zst", some_records(20))
    folder = Path(tmp_path, "lake", raw_folder("future_mbo", "ES"))
    folder.mkdir(parents=True)
    other.rename(folder / other.name)
    with pytest.raises(VendorError, match=r"futures did not arrive: GLBX\.MDP3"):
        simulated_plan(Settings(lake=str(tmp_path / "lake")))


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
    with pytest.raises(ConfigurationError, match=r"no trade of ES; .*inspect"):
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
