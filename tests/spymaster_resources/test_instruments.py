"""The catalogue reads exactly, and contract symbols are taken apart against the session date."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from contracts.errors import ConfigurationError
from spymaster_resources.instruments import (
    instrument,
    instruments,
    parse_contract,
    third_friday,
)
from spymaster_resources.settings import Settings
from spymaster_resources.trading_calendar import SessionWindow

ES = instrument("ES", "future_mbo")


def test_es_is_a_quarter_tick_with_two_hundred_ticks_on_either_side() -> None:
    assert ES.tick_int == 250_000_000
    assert ES.grid_half_width == 200
    assert str(ES.session) == "09:30-12:30"


@pytest.mark.parametrize(
    ("root", "product_type", "tick", "cell", "rel_tick", "half_width"),
    [
        ("ES", "future_mbo", 0.25, 0.25, 0.25, 200),
        ("ES", "future_option_mbo", 0.05, 5, 0.25, 10),
        ("NQ", "future_option_mbo", 0.05, 10, 0.25, 10),
        ("QQQ", "equity_mbo", 0.01, 0.5, 0.5, 100),
        ("QQQ", "equity_option_cmbp_1", 0.01, 1, 0.5, 25),
    ],
)
def test_every_product_has_its_grid(
    root: str, product_type: str, tick: float, cell: float, rel_tick: float, half_width: int
) -> None:
    row = instrument(root, product_type)
    assert [row.tick_int, row.cell_int, row.rel_tick_int] == [
        round(dollars * 1e9) for dollars in (tick, cell, rel_tick)
    ]
    assert row.grid_half_width == half_width


def test_fine_grid_is_the_equities_own() -> None:
    row = instrument("QQQ", "equity_mbo")
    assert (row.fine_cell_int, row.fine_half_width) == (50_000_000, 200)
    assert (ES.fine_cell_int, ES.fine_half_width) == (None, None)


def test_options_count_in_the_ticks_of_a_listed_underlying() -> None:
    options = [row for row in instruments().values() if row.underlying_product is not None]
    assert {row.product_type for row in options} == {"future_option_mbo", "equity_option_cmbp_1"}
    for row in options:
        underlying = instrument(row.root, str(row.underlying_product))
        assert row.rel_tick_int == underlying.rel_tick_int
        assert (row.calendar, row.session) == (underlying.calendar, underlying.session)
        assert (row.contract_months, row.expiry, row.premarket) == (None, None, None)


_EQUITY_ROW = {
    "root": "IWM", "product_type": "equity_mbo", "name": "x", "dataset": "XNAS.ITCH",
    "schema": "mbo", "calendar": "XNYS", "session": "09:30-12:30", "tick": "0.01", "cell": "0.50",
    "rel_tick": "0.50", "grid_half_width": 100, "fine_cell": "0.05", "fine_half_width": 200,
    "price_decimals": 2,
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("product_type", "bond_mbo", "expected one of future_mbo, .* found bond_mbo"),
        ("grid_half_width", 0, "grid_half_width: expected 1 or more cells, found 0"),
        ("fine_half_width", -1, "fine_half_width: expected 1 or more cells, found -1"),
        ("cell", "0.75", "cell_int: expected a multiple of 500000000, found 750000000"),
        ("rel_tick", "0.005", "rel_tick_int: expected a multiple of 10000000"),
        ("fine_cell", "0.025", "fine_cell_int: expected a multiple of 10000000"),
        ("cell", "-1", "cell -1 is not a positive multiple"),
        ("fine_cell", None, "fine_cell"),
        ("cell", None, "cell"),
    ],
)
def test_row_whose_widths_do_not_fit_is_refused(
    tmp_path: Path, field: str, value: object, message: str
) -> None:
    entry = {**_EQUITY_ROW, field: value}
    if value is None:
        del entry[field]
    rows = tmp_path / "mine.yaml"
    rows.write_text(yaml.safe_dump([entry]))
    with pytest.raises(ConfigurationError, match=rf"mine\.yaml.*{message}"):
        instruments(str(rows))


def test_sound_row_of_an_equity_is_taken(tmp_path: Path) -> None:
    rows = tmp_path / "mine.yaml"
    rows.write_text(yaml.safe_dump([_EQUITY_ROW]))
    assert instrument("IWM", "equity_mbo", str(rows)).cell_int == 500_000_000


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


def test_ticker_without_a_row_takes_that_of_any_equity() -> None:
    row = instrument("BRK.B", "equity_mbo")
    assert (row.root, row.name, row.cell_int) == ("BRK.B", "BRK.B", 500_000_000)
    for root, product_type in (("brk", "equity_mbo"), ("../x", "equity_mbo"), ("CL", "future_mbo")):
        with pytest.raises(ConfigurationError, match="not in the instrument catalogue"):
            instrument(root, product_type)
