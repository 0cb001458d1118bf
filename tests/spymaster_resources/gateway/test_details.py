"""`metadata.*` and `symbology.resolve` through the vendor's client."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import databento
import pytest
from databento.common.error import BentoClientError

from spymaster_resources.gateway.account import UNIT_PRICES
from spymaster_resources.gateway.server import Gateway
from tests.spymaster_resources.gateway.market import (
    FUTURES,
    HOLIDAY,
    MONDAY,
    RECORDS,
    THURSDAY,
    TUESDAY,
    futures_of,
)

MBO_BYTES = 56


@pytest.fixture
def gateway(standing_gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """Return the gateway that all tests here share."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(standing_gateway.ca_file))
    return standing_gateway


def test_sizes_and_prices_are_those_of_the_records(client: databento.Historical) -> None:
    one = futures_of(MONDAY, symbols=["ESH6"], stype_in="raw_symbol")
    assert client.metadata.get_record_count(**one) == RECORDS // len(FUTURES)
    assert client.metadata.get_billable_size(**one) == RECORDS // len(FUTURES) * MBO_BYTES
    expected = UNIT_PRICES["mbo"] * RECORDS * MBO_BYTES / 2**30
    assert client.metadata.get_cost(**futures_of(MONDAY)) == pytest.approx(expected)


def test_a_part_of_a_day_is_counted_exactly(client: databento.Historical) -> None:
    asked = futures_of(MONDAY, start="2026-01-05T00:00:10", end="2026-01-05T00:00:20")
    assert client.metadata.get_record_count(**asked) == 10


def test_an_open_end_takes_the_resolution_of_the_start(client: databento.Historical) -> None:
    counts = [
        client.metadata.get_record_count(**futures_of(MONDAY, start=start, end=None))
        for start in ("2026-01-05", "2026-01-05T00:10", "2026-01-05T00:10:30")
    ]
    assert counts == [RECORDS, 60, 1]


def test_datasets_and_schemas_are_those_of_the_archive(client: databento.Historical) -> None:
    assert client.metadata.list_datasets() == ["GLBX.MDP3", "OPRA.PILLAR"]
    assert client.metadata.list_datasets(start_date=TUESDAY) == ["GLBX.MDP3"]
    assert client.metadata.list_datasets(end_date=MONDAY) == []
    assert client.metadata.list_schemas("GLBX.MDP3") == ["definition", "mbo"]


def test_range_and_condition_tell_the_days(client: databento.Historical) -> None:
    told = client.metadata.get_dataset_range("GLBX.MDP3")
    assert told["start"] == "2026-01-05T00:00:00.000000000Z"
    assert told["end"] == "2026-01-09T00:00:00.000000000Z"
    days = client.metadata.get_dataset_condition("GLBX.MDP3", TUESDAY, date(2026, 2, 1))
    assert [(row["date"], row["condition"]) for row in days] == [
        (TUESDAY.isoformat(), "available"),
        (THURSDAY.isoformat(), "available"),
    ]


def test_prices_fields_and_publishers_are_told(client: databento.Historical) -> None:
    prices = client.metadata.list_unit_prices("GLBX.MDP3")
    assert {row["mode"] for row in prices} == {"historical", "historical-streaming", "live"}
    assert prices[0]["unit_prices"] == {"definition": 5.0, "mbo": 2.0}
    fields = client.metadata.list_fields("mbo", "dbn")
    assert {"name": "order_id", "type": "uint64_t"} in fields
    assert {"name": "action", "type": "char"} in fields
    publishers = client.metadata.list_publishers()
    assert {row["dataset"] for row in publishers} == {"GLBX.MDP3", "OPRA.PILLAR"}


def test_parents_names_and_ids_are_resolved(client: databento.Historical) -> None:
    def resolve(symbols: list[str], stype_in: str, stype_out: str) -> dict[str, object]:
        answer = client.symbology.resolve(
            "GLBX.MDP3", symbols, stype_in, stype_out, MONDAY, date(2026, 1, 9)
        )
        assert answer["start_date"] == "2026-01-05"
        return answer["result"]  # type: ignore[no-any-return]

    # One interval over the days with files and the holiday between them.
    span = {"d0": "2026-01-05", "d1": "2026-01-09"}
    assert resolve(["ESH6"], "raw_symbol", "instrument_id") == {"ESH6": [span | {"s": "11"}]}
    assert resolve(["12"], "instrument_id", "raw_symbol") == {"12": [span | {"s": "ESM6"}]}
    parent = resolve(["ES.FUT"], "parent", "instrument_id")
    assert parent == {"ES.FUT": [span | {"s": str(number)} for number in FUTURES.values()]}


def test_what_is_missing_on_some_or_all_days_is_told(client: databento.Historical) -> None:
    answer = client.symbology.resolve(
        "GLBX.MDP3", ["E1A.OPT", "ES.FUT", "NQ.FUT"], "parent", "instrument_id", MONDAY, HOLIDAY
    )
    assert answer["partial"] == ["E1A.OPT"]  # its definitions are of Monday alone
    assert answer["not_found"] == ["NQ.FUT"]
    assert answer["result"]["E1A.OPT"][0]["d1"] == TUESDAY.isoformat()
    assert answer["status"] == 2


def test_combinations_that_the_vendor_lacks_are_refused(client: databento.Historical) -> None:
    with pytest.raises(BentoClientError, match="parent to raw_symbol"):
        client.symbology.resolve("GLBX.MDP3", ["ES.FUT"], "parent", "raw_symbol", MONDAY)


def test_a_file_that_comes_later_is_served(
    client: databento.Historical, archive: Path, tmp_path: Path
) -> None:
    late = archive / "XNAS.ITCH"
    with pytest.raises(BentoClientError, match="data_dataset_not_found"):
        client.metadata.list_schemas("XNAS.ITCH")
    try:
        (late / "mbo").mkdir(parents=True)
        assert client.metadata.list_datasets() == ["GLBX.MDP3", "OPRA.PILLAR"]
        (late / "mbo" / "xnas-itch-20260105.mbo.dbn.zst").write_bytes(b"")
        assert client.metadata.list_datasets() == ["GLBX.MDP3", "OPRA.PILLAR", "XNAS.ITCH"]
    finally:
        (late / "mbo" / "xnas-itch-20260105.mbo.dbn.zst").unlink()
        (late / "mbo").rmdir()
        late.rmdir()
