"""Records through the vendor's client: streamed, filtered, cut, in files and in memory."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import databento
import databento_dbn
import numpy as np
import pytest
from databento.common.error import BentoClientError, BentoWarning
from numpy.typing import NDArray

from spymaster_resources.dbn.layouts import SCHEMAS, layout_of
from spymaster_resources.gateway.extract import TS_RECV_AT
from spymaster_resources.gateway.server import Gateway
from tests.spymaster_resources.gateway.market import (
    ES_OPTIONS,
    FUTURES,
    HOLIDAY,
    MONDAY,
    QQQ_OPTIONS,
    RECORDS,
    THURSDAY,
    TUESDAY,
    day_file,
    futures_of,
    records,
)
from tests.spymaster_resources.gateway.serving import until


@pytest.fixture
def gateway(standing_gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """Return the gateway that all tests here share."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(standing_gateway.ca_file))
    return standing_gateway


def stored(store: databento.DBNStore, schema: str = "mbo") -> NDArray[np.void]:
    """Return the records of a store in our layout."""
    raw = store.to_ndarray(schema).tobytes()
    return np.frombuffer(raw, layout_of(schema, 3).dtype)


def test_all_futures_of_a_day_are_the_records_of_the_archive(client: databento.Historical) -> None:
    store = client.timeseries.get_range(**futures_of(MONDAY))
    assert np.array_equal(stored(store), records("mbo", FUTURES, MONDAY))
    assert store.symbols == ["ES.FUT"]
    assert str(store.stype_in) == "parent"
    assert set(store.mappings) == set(FUTURES)


@pytest.mark.parametrize("wanted", [["ESH6"], ["ESM6", "ESH6"], ["ESH6-ESM6"]])
def test_raw_symbols_get_their_records_alone(
    client: databento.Historical, wanted: list[str]
) -> None:
    store = client.timeseries.get_range(**futures_of(MONDAY, symbols=wanted, stype_in="raw_symbol"))
    everything = records("mbo", FUTURES, MONDAY)
    ids = [FUTURES[symbol] for symbol in wanted]
    keep = [number in ids for number in everything["instrument_id"].tolist()]
    assert np.array_equal(stored(store), everything[keep])
    mapped = {symbol: rows[0]["symbol"] for symbol, rows in store.mappings.items()}
    assert mapped == dict(zip(wanted, map(str, ids), strict=True))


def test_unknown_symbols_are_left_out_and_named(client: databento.Historical) -> None:
    asked = futures_of(MONDAY, symbols=["ESH6", "ESZ9"], stype_in="raw_symbol")
    with pytest.warns(BentoWarning, match="ESZ9"):
        store = client.timeseries.get_range(**asked)
    assert store.metadata.not_found == ["ESZ9"]
    assert len(stored(store)) == RECORDS // len(FUTURES)


def test_ids_and_all_symbols_are_served(client: databento.Historical) -> None:
    by_id = client.timeseries.get_range(
        **futures_of(MONDAY, symbols=[12], stype_in="instrument_id", stype_out="raw_symbol")
    )
    assert set(stored(by_id)["instrument_id"]) == {12}
    everything = client.timeseries.get_range(
        **futures_of(MONDAY, symbols="ALL_SYMBOLS", stype_in="raw_symbol")
    )
    assert len(stored(everything)) == RECORDS


def test_a_range_of_days_and_times_is_cut_at_both_ends(client: databento.Historical) -> None:
    start = datetime(2026, 1, 5, 0, 40, 0, 500, tzinfo=UTC)
    end = datetime(2026, 1, 6, 0, 10, tzinfo=UTC)
    store = client.timeseries.get_range(
        **futures_of(MONDAY, start=start.isoformat(), end=end.isoformat())
    )
    monday = records("mbo", FUTURES, MONDAY)[40 * 60 + 1 :]  # the one of 00:40:00 is too early
    tuesday = records("mbo", FUTURES, TUESDAY)[: 10 * 60]
    assert np.array_equal(stored(store), np.concatenate([monday, tuesday]))
    (interval,) = store.mappings["ESH6"]
    assert interval["start_date"] == MONDAY
    assert interval["end_date"] == TUESDAY + timedelta(days=1)


@pytest.mark.parametrize("limit", [1, RECORDS, RECORDS + 7])
def test_a_limit_counts_over_all_days(client: databento.Historical, limit: int) -> None:
    asked = futures_of(MONDAY, end=TUESDAY + timedelta(days=1), limit=limit)
    both = np.concatenate([records("mbo", FUTURES, day) for day in (MONDAY, TUESDAY)])
    assert np.array_equal(stored(client.timeseries.get_range(**asked)), both[:limit])
    assert client.metadata.get_record_count(**asked) == limit


def test_definitions_come_by_parent(client: databento.Historical) -> None:
    asked = futures_of(MONDAY, schema="definition", symbols="E1A.OPT")
    store = client.timeseries.get_range(**asked)
    assert set(store.mappings) == {"E1AF6 C6000", "E1AF6 P6000"}
    both = client.timeseries.get_range(**asked | {"symbols": ["E1A.OPT", "EW1.OPT"]})
    assert set(both.mappings) == set(ES_OPTIONS)
    assert len(stored(both, "definition")) == 6


def test_consolidated_quotes_come_by_padded_symbol(client: databento.Historical) -> None:
    put = "QQQ   260105P00500000"
    store = client.timeseries.get_range(
        **futures_of(
            MONDAY, dataset="OPRA.PILLAR", schema="cmbp-1", symbols=[put], stype_in="raw_symbol"
        )
    )
    assert set(stored(store, "cmbp-1")["instrument_id"]) == {QQQ_OPTIONS[put]}
    assert len(stored(store, "cmbp-1")) == RECORDS // 2


def test_a_day_without_a_file_is_an_empty_answer(client: databento.Historical) -> None:
    with pytest.warns(BentoWarning, match="No data found"):
        store = client.timeseries.get_range(**futures_of(HOLIDAY))
    assert store.to_ndarray("mbo").size == 0
    assert client.metadata.get_record_count(**futures_of(HOLIDAY)) == 0


def test_a_stream_goes_to_a_file_that_reads_back(
    client: databento.Historical, tmp_path: Path
) -> None:
    path = tmp_path / "es.dbn.zst"
    client.timeseries.get_range(**futures_of(MONDAY), path=path).reader.close()
    read = databento.DBNStore.from_bytes(path.read_bytes())
    assert np.array_equal(stored(read), records("mbo", FUTURES, MONDAY))


@pytest.mark.parametrize(
    ("changes", "case"),
    [
        ({"dataset": "XNAS.ITCH"}, "data_dataset_not_found"),
        ({"schema": "trades"}, "data_schema_not_supported"),
        ({"symbols": ["NQ.FUT"]}, "symbology_invalid_request"),
        ({"stype_in": "continuous", "symbols": ["ES.c.0"]}, "symbology_unsupported_stype"),
        ({"symbols": [f"S{n}" for n in range(2001)], "stype_in": "raw_symbol"}, "too_many"),
        ({"start": THURSDAY, "end": date(2026, 1, 10)}, "data_end_after_available_end"),
        ({"start": date(2026, 1, 4)}, "data_start_before_available_start"),
        ({"start": "yesterday"}, "validation_failed"),
        ({"start": TUESDAY, "end": TUESDAY}, "data_time_range_start_on_or_after_end"),
    ],
)
def test_what_cannot_be_served_is_refused_before_it_is_bought(
    client: databento.Historical, gateway: Gateway, changes: dict[str, object], case: str
) -> None:
    bought = gateway.purchases
    for ask in (client.timeseries.get_range, client.batch.submit_job, client.metadata.get_cost):
        with pytest.raises(BentoClientError, match=case) as refused:
            ask(**futures_of(MONDAY, **changes))
        assert refused.value.http_status == 422
    assert gateway.purchases == bought


def test_every_stream_is_a_purchase(client: databento.Historical, gateway: Gateway) -> None:
    bought = gateway.purchases
    client.timeseries.get_range(**futures_of(MONDAY))
    (purchase,) = gateway.purchases[len(bought) :]
    assert purchase.job_id is None
    assert purchase.query.symbols == ("ES.FUT",)
    assert purchase.cost_usd == client.metadata.get_cost(**futures_of(MONDAY))


def test_the_place_of_ts_recv_is_the_vendors_in_every_schema() -> None:
    from databento.common.constants import SCHEMA_STRUCT_MAP

    found = {}
    for schema, layout in SCHEMA_STRUCT_MAP.items():
        fields = np.dtype(layout._dtypes).fields or {}
        if "ts_recv" in fields:
            found[str(schema)] = fields["ts_recv"][1]
    assert found == TS_RECV_AT
    assert set(SCHEMAS) == {str(schema) for schema in databento_dbn.Schema.variants()}


def test_whole_files_are_the_archives_bytes(
    client: databento.Historical, archive: Path, gateway: Gateway
) -> None:
    job = client.batch.submit_job(**futures_of(MONDAY))
    until(lambda: gateway.jobs.get(job["id"]).package is not None)
    package = gateway.jobs.get(job["id"]).package
    assert package is not None
    assert package.files[0].path == day_file(archive, MONDAY)
