"""Which families expire on which day, and which of their options."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from contracts.errors import ConfigurationError
from spymaster_resources.dbn.stream import open_dbn
from spymaster_resources.trading_calendar import NEW_YORK, TradingCalendar, midnight_ns
from spymaster_resources.vendor.expiring import Expiring, expiration_date, expiring_options
from spymaster_resources.vendor.families import FAMILIES, all_families, expiring_families
from spymaster_resources.vendor.products import EQUITIES, FUTURES, Market
from tests.spymaster_resources.vendor.market import (
    FRIDAY,
    THURSDAY,
    definitions,
    family_rows,
    write_file,
)


def _expiring(path: Path, market: Market, root: str, dt: date) -> Expiring:
    return expiring_options(open_dbn(path), market, root, dt)


@pytest.mark.parametrize(
    ("dt", "expected"),
    [
        (date(2024, 5, 6), ("E1A",)),
        (date(2024, 5, 7), ("E1B",)),
        (date(2024, 5, 8), ("E2C",)),
        (date(2024, 5, 9), ("E2D",)),
        (date(2024, 5, 10), ("EW2",)),
        (date(2024, 5, 1), ("E1C",)),
        (date(2024, 5, 29), ("E5C",)),
        (date(2024, 5, 31), ("EW5", "EW")),  # month end on a Friday
        (date(2024, 4, 30), ("E5B", "EW")),  # on a Tuesday
        (date(2024, 6, 28), ("EW4", "EW")),  # the Sunday after is the month's last day
        (date(2024, 12, 31), ("E5B", "EW")),
        (date(2024, 5, 17), ("EW3",)),  # third Friday, no quarter
        (date(2024, 3, 15), ("EW3", "ES")),
        (date(2024, 6, 21), ("EW3", "ES")),
        (date(2024, 9, 20), ("EW3", "ES")),
        (date(2024, 12, 20), ("EW3", "ES")),
        (date(2024, 5, 11), ()),
        (date(2024, 5, 12), ()),
        (date(2024, 3, 28), ("E4D", "EW", "EW5")),  # Good Friday follows: its family moves here
        (date(2021, 5, 28), ("EW4", "EW")),  # Monday the 31st is a holiday of the index
        (date(2021, 5, 31), ("E5A",)),  # a CME session all the same
        (date(2026, 6, 18), ("E3D", "EW3", "ES")),  # Juneteenth on the quarterly Friday
        (date(2024, 1, 15), ("E3A",)),  # Martin Luther King day: a CME session
    ],
)
def test_families_of_es(dt: date, expected: tuple[str, ...]) -> None:
    assert expiring_families("ES", dt) == expected
    assert set(expected) <= set(all_families("ES"))


def test_families_of_nq() -> None:
    assert expiring_families("NQ", date(2024, 5, 6)) == ("Q1A",)
    assert expiring_families("NQ", date(2024, 5, 31)) == ("QN5", "QNE")
    assert expiring_families("NQ", date(2024, 6, 21)) == ("QN3", "NQ")


def test_a_root_without_rules_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no option families"):
        expiring_families("CL", date(2024, 5, 6))


@pytest.mark.parametrize("root", FAMILIES)
def test_every_session_of_ten_years_has_its_rule(root: str) -> None:
    """Against the rules as the specification words them, holidays of the index apart."""
    calendar, rules = TradingCalendar("XNYS"), FAMILIES[root]
    quarters = set()
    for dt in calendar.sessions(date(2016, 1, 1), date(2025, 12, 31)):
        found = expiring_families(root, dt)
        week = (dt.day - 1) // 7 + 1
        assert found[0] == rules.weekdays[dt.weekday()].replace("{n}", str(week))
        assert (rules.month_end in found) == (calendar.next(dt).month != dt.month)
        if rules.quarterly in found:
            quarters.add((dt.year, dt.month))
    assert quarters == {(year, month) for year in range(2016, 2026) for month in (3, 6, 9, 12)}


def test_expiration_is_a_utc_date_for_opra_and_a_new_york_date_for_cme() -> None:
    midnight = midnight_ns(date(2024, 5, 10))
    assert expiration_date(midnight, EQUITIES.expiration_zone) == date(2024, 5, 10)
    assert expiration_date(midnight, NEW_YORK) == date(2024, 5, 9)
    late = int(datetime(2024, 5, 9, 20, 30, tzinfo=ZoneInfo("America/New_York")).timestamp())
    assert expiration_date(late * 1_000_000_000, FUTURES.expiration_zone) == date(2024, 5, 9)
    assert datetime.fromtimestamp(late, tz=UTC).date() == date(2024, 5, 10)
    assert expiration_date(2**64 - 1, NEW_YORK) is None


def test_calls_and_puts_of_the_root_and_the_date_alone(archive: Path) -> None:
    (path,) = (archive / "GLBX.MDP3" / "definition").rglob("*20240509*")
    found = _expiring(path, FUTURES, "ES", THURSDAY)
    assert found.symbols == tuple(
        sorted(f"E2DK4 {kind}{strike}" for kind in "CP" for strike in (5200, 5205, 5210))
    )
    assert found.other_underlyings == 6  # of MESM4: ends as ES does
    assert found.other_dates == 6 + 6 + 1
    assert found.definitions == 6 * 4 + 2
    (path,) = (archive / "OPRA.PILLAR" / "definition").rglob("*20240510*")
    opra = _expiring(path, EQUITIES, "QQQ", FRIDAY)
    assert opra.symbols == tuple(
        sorted(f"QQQ   240510{kind}00{strike}000" for kind in "CP" for strike in (440, 441))
    )
    assert opra.other_underlyings == 1  # QQQ1, adjusted
    assert _expiring(path, EQUITIES, "QQ", FRIDAY).symbols == ()


@pytest.mark.parametrize("version", [1, 2, 3])
def test_the_latest_definition_of_an_instrument_counts(tmp_path: Path, version: int) -> None:
    first, *_ = family_rows("E2D", THURSDAY, 1)
    moved = (*first[:4], midnight_ns(date(2024, 6, 1)))
    records = definitions([moved, first], THURSDAY, version)
    path = write_file(
        tmp_path,
        "GLBX.MDP3",
        "definition",
        THURSDAY,
        {first[0]: 1},
        records=records,
        version=version,
    )
    found = _expiring(path, FUTURES, "ES", THURSDAY)
    assert found.symbols == (first[0],)
    assert found.definitions == 1


def test_real_definitions_of_an_expiry_day(real_data: Path) -> None:
    folder = real_data / "glbx-options"
    path = folder / "options_exercise" / "options_definition.dbn.zst"
    assert _expiring(path, FUTURES, "ES", date(2026, 1, 9)).symbols == ("EW2F6 C7000",)
    assert _expiring(path, FUTURES, "ES", date(2026, 1, 10)).symbols == ()
    assert _expiring(path, FUTURES, "S", date(2026, 1, 9)).symbols == ()
    assert "EW2" in expiring_families("ES", date(2026, 1, 9))


def test_real_quarterly_definitions(real_data: Path) -> None:
    path = real_data / "glbx-options" / "options_catalog" / "options_definition.dbn.zst"
    assert _expiring(path, FUTURES, "ES", date(2024, 5, 9)).symbols == ()
    quarterly = _expiring(path, FUTURES, "ES", date(2024, 6, 21))
    assert quarterly.symbols == ("ESM4 P5230", "ESM4 P5250")
    assert "ES" in expiring_families("ES", date(2024, 6, 21))


def test_real_definitions_with_thousands_of_mappings(real_data: Path) -> None:
    folder = real_data / "definitions"
    futures = _expiring(folder / "definition-glbx-es-opt.dbn.zst", FUTURES, "ES", date(2024, 6, 21))
    assert futures.symbols == ("ESM4 C3550", "ESM4 C4250")
    opra = folder / "definition-opra.dbn.zst"
    found = _expiring(opra, EQUITIES, "SPY", date(2024, 1, 19))
    assert found.symbols == ("SPY   240119P00340000", "SPY   240119P00370000")
    assert _expiring(opra, EQUITIES, "SP", date(2024, 1, 19)).other_underlyings == 2
