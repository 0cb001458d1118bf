"""What the vendor's fields and symbols mean, without a server."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from spymaster_resources.dbn.header import DbnMetadata, SymbolInterval, SymbolMapping
from spymaster_resources.gateway.instants import iso_ns, parse_day, parse_instant
from spymaster_resources.gateway.query import parse_query
from spymaster_resources.gateway.refusal import RefusalError
from spymaster_resources.gateway.symbology import DaySymbols, Resolution, parent_of, symbols_on

NOON_NS = 1_767_614_400_000_000_000  # 2026-01-05T12:00Z
FORM = {
    "dataset": "GLBX.MDP3", "symbols": "ES.FUT", "schema": "mbo", "stype_in": "parent",
    "start": "2026-01-05",
}  # fmt: skip
DAY = date(2026, 1, 5)


@pytest.mark.parametrize(
    ("text", "ns", "resolution_ns"),
    [
        ("2026-01-05", NOON_NS - 12 * 3_600 * 10**9, 86_400 * 10**9),
        ("2026-01-05T12:00", NOON_NS, 60 * 10**9),
        ("2026-01-05 12:00:00", NOON_NS, 10**9),
        ("2026-01-05T12:00:00.5", NOON_NS + 5 * 10**8, 1),
        ("2026-01-05T12:00:00.000000001Z", NOON_NS + 1, 1),
        ("2026-01-05T07:00:00-05:00", NOON_NS, 10**9),
        (str(NOON_NS), NOON_NS, 1),
    ],
)
def test_instants_are_read(text: str, ns: int, resolution_ns: int) -> None:
    assert parse_instant(text, "start") == (ns, resolution_ns)


@pytest.mark.parametrize("text", ["", "noon", "2026-13-01", "2026-01-05T25:00", "-5"])
def test_wrong_instants_are_refused(text: str) -> None:
    with pytest.raises(RefusalError, match="`start`"):
        parse_instant(text, "start")


def test_instants_and_days_are_written_and_read() -> None:
    assert iso_ns(NOON_NS + 1) == "2026-01-05T12:00:00.000000001Z"
    assert parse_instant(iso_ns(NOON_NS + 1), "start").ns == NOON_NS + 1
    assert parse_day("2026-01-05", "start_date") == DAY
    with pytest.raises(RefusalError, match="start_date"):
        parse_day("5 January", "start_date")


@pytest.mark.parametrize(
    "changes",
    [
        {"dataset": ""},
        {"symbols": ""},
        {"symbols": " , "},
        {"schema": "mbo-2"},
        {"start": ""},
        {"encoding": "csv"},
        {"compression": "gzip"},
        {"split_symbols": "True"},
        {"split_size": "1000000000"},
        {"split_duration": "week"},
        {"stype_in": "nickname"},
        {"symbols": "ESH6"},
        {"symbols": "ESH6", "stype_in": "instrument_id"},
        {"limit": "0"},
        {"limit": "many"},
    ],
)
def test_fields_that_cannot_be_served_are_refused(changes: dict[str, str]) -> None:
    assert parse_query(FORM).symbols == ("ES.FUT",)
    with pytest.raises(RefusalError) as refused:
        parse_query(FORM | changes)
    assert refused.value.status == 422


def test_a_symbol_named_twice_is_one() -> None:
    assert parse_query(FORM | {"symbols": "ES.FUT, NQ.FUT,ES.FUT"}).symbols == ("ES.FUT", "NQ.FUT")


@pytest.mark.parametrize(
    ("symbol", "parent"),
    [
        ("ESH6", "ES.FUT"),
        ("ESH26", "ES.FUT"),
        ("ESH6-ESM6", "ES.FUT"),
        ("6EH6", "6E.FUT"),
        ("ESH6 C6000", "ES.OPT"),
        ("E1AF6 C6000", "E1A.OPT"),
        ("EW1F6 P5987.5", "EW1.OPT"),
        ("QQQ   260105C00500000", "QQQ.OPT"),
        ("BRK.B 260105P00500000", "BRK.B.OPT"),
        ("QQQ", None),
        ("UD:1V: 12345678", None),
    ],
)
def test_the_parent_of_a_symbol_is_told_by_its_form(symbol: str, parent: str | None) -> None:
    assert parent_of(symbol) == parent


def metadata(ids: dict[str, int], **fields: object) -> DbnMetadata:
    """Return the metadata of a file of DAY."""
    tomorrow = DAY + timedelta(days=1)
    return DbnMetadata(
        version=3, dataset="GLBX.MDP3", schema="mbo", start_ns=0, end_ns=None,
        mappings=tuple(
            SymbolMapping(name, (SymbolInterval(DAY, tomorrow, str(number)),))
            for name, number in ids.items()
        ),
        **fields,  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_parent_file_belongs_to_its_parent_whatever_the_names() -> None:
    source = metadata({"ESH6": 1, "UD:1V: 77": 2}, stype_in="parent", symbols=("ES.FUT",))
    found = symbols_on(source, DAY, ("ES.FUT",), "parent").found
    assert found == {"ES.FUT": ((1, "ESH6"), (2, "UD:1V: 77"))}
    assert symbols_on(source, DAY, ("ES.OPT",), "parent").found == {}


def test_an_id_that_changes_its_name_gets_two_mappings() -> None:
    days = [DAY, DAY + timedelta(days=1), DAY + timedelta(days=4)]
    ids = [5, 6, 6]
    resolution = Resolution(
        ("ESH6",),
        [DaySymbols(day, {"ESH6": ((n, "ESH6"),)}) for day, n in zip(days, ids, strict=True)],
    )
    (mapping,) = resolution.mappings("raw_symbol")
    assert mapping.intervals == (
        SymbolInterval(days[0], days[1], "5"),
        SymbolInterval(days[1], days[2] + timedelta(days=1), "6"),
    )
    by_id = resolution.mappings("instrument_id")
    assert [row.raw_symbol for row in by_id] == ["5", "6"]
