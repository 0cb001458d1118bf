"""The catalogue reads exactly, and contract symbols are taken apart against the session date."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from contracts.errors import ConfigurationError
from spymaster_resources.instruments import instrument, parse_contract, third_friday
from spymaster_resources.settings import Settings
from spymaster_resources.trading_calendar import SessionWindow

ES = instrument("ES", "future_mbo")


def test_es_is_a_quarter_tick_with_two_hundred_ticks_on_either_side() -> None:
    assert ES.tick_int == 250_000_000
    assert ES.grid_half_width == 200
    assert str(ES.session) == "09:30-12:30"


@pytest.mark.parametrize(
    ("symbol", "outright"),
    [
        ("ESH4", True),
        ("ESZ25", True),
        ("ESH4-ESM4", False),
        ("NQH4", False),
        ("ESF4", False),
        ("ES", False),
        ("UD:1V: GN 0944", False),
        ("MESH4", False),
        ("ESH4 C4800", False),
    ],
)
def test_outrights_are_told_from_everything_else(symbol: str, outright: bool) -> None:
    assert ES.is_outright(symbol) is outright


def test_expiry_is_the_third_friday_with_the_year_of_the_session() -> None:
    assert third_friday(2026, 3) == date(2026, 3, 20)
    assert ES.expiry_date("ESH6", date(2026, 1, 5)) == date(2026, 3, 20)
    assert ES.expiry_date("ESH0", date(2026, 1, 5)) == date(2030, 3, 15)
    assert ES.expiry_date("ESM25", date(2025, 1, 5)) == date(2025, 6, 20)


def test_root_that_ends_in_a_month_letter_keeps_it() -> None:
    contract = parse_contract("ESZ5")
    assert contract is not None
    assert (contract.root, contract.month_code, contract.month) == ("ES", "Z", 12)


def test_foreign_symbol_has_no_expiry() -> None:
    with pytest.raises(ConfigurationError, match="not an outright future of ES"):
        ES.expiry_date("NQH6", date(2026, 1, 5))


def test_unknown_root_names_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"ES \(future_mbo\)"):
        instrument("ZZ", "future_mbo")


def test_further_rows_come_from_a_file(tmp_path: Path) -> None:
    rows = tmp_path / "mine.yaml"
    rows.write_text(
        "- {root: CL, product_type: future_mbo, name: Crude, dataset: GLBX.MDP3, schema: mbo, "
        "calendar: CMES, session: '09:00-14:30', premarket: '05:00-08:30', tick: '0.01', "
        "grid_half_width: 100, price_decimals: 2, contract_months: FGHJKMNQUVXZ, "
        "expiry: third_friday}\n"
    )
    settings = Settings.from_environment({"SPYMASTER_INSTRUMENTS": str(rows)})
    assert settings.instrument("CL", "future_mbo").tick_int == 10_000_000
    assert settings.instrument("ES", "future_mbo") == ES


def test_inexact_tick_is_refused(tmp_path: Path) -> None:
    rows = tmp_path / "mine.yaml"
    rows.write_text("- {root: X, product_type: future_mbo, tick: '0.0000000001'}\n")
    with pytest.raises(ConfigurationError, match=r"mine\.yaml"):
        instrument("X", "future_mbo", str(rows))


def test_settings_come_from_the_environment() -> None:
    settings = Settings.from_environment(
        {"SPYMASTER_SESSION": "18:00-19:00", "SPYMASTER_CALENDAR": "any", "SPYMASTER_LAKE": ""}
    )
    assert settings.lake == "./lake"
    assert settings.session_of(ES) == SessionWindow.parse("18:00-19:00")
    assert settings.calendar_of(ES).name == "any"
    assert Settings().session_of(ES) == ES.session
    assert Settings().calendar_of(ES).name == "CMES"


def test_tickers_and_the_limit_of_a_download_come_from_the_environment() -> None:
    assert (Settings.from_environment({}).tickers, Settings().max_cost) == (("QQQ",), 0.0)
    chosen = {"SPYMASTER_TICKERS": "QQQ, SPY", "SPYMASTER_MAX_COST": "12.5"}
    settings = Settings.from_environment(chosen)
    assert (settings.tickers, settings.max_cost) == (("QQQ", "SPY"), 12.5)
    assert Settings.from_environment({"SPYMASTER_TICKERS": "none"}).tickers == ()
    for wrong in ("-1", "inf", "nan", "much"):
        with pytest.raises(ConfigurationError, match="SPYMASTER_MAX_COST"):
            Settings.from_environment({"SPYMASTER_MAX_COST": wrong})
