"""Parquet that the vendor's client wrote of a DBN file holds the same records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from contracts.errors import (
    BadMagicError,
    CorruptFileError,
    EmptyFileError,
    RawFileError,
    TruncatedFileError,
    UnknownSymbolError,
    WrongSchemaError,
)
from spymaster_resources.dbn.layouts import (
    UNDEFINED_PRICE,
    UNDEFINED_TIMESTAMP,
)
from spymaster_resources.dbn.parquet_file import ParquetFile
from spymaster_resources.dbn.parts import PartedFile
from spymaster_resources.dbn.stream import open_dbn, open_local
from tests.spymaster_assets.stages.option_days import CALL, PUT, definitions, statistics
from tests.spymaster_assets.stages.raw_days import write_day
from tests.spymaster_resources.dbn.client_parquet import PRICE_TYPES, write_client_parquet
from tests.spymaster_resources.dbn.dbn_records import DAY, FRONT, some_quotes, some_records

Records = NDArray[np.void]
SYMBOLS = {"ESH4": FRONT, CALL.symbol: CALL.number, PUT.symbol: PUT.number}


def mbo() -> Records:
    records = some_records(70)
    records["price"][[3, 69]] = UNDEFINED_PRICE
    records["ts_event"][9] -= 3 * 86_400 * 10**9
    return records


def defined() -> Records:
    records = definitions([CALL, PUT])
    records["contract_multiplier"] = [2**31 - 1, 50]
    records["min_price_increment"][1] = UNDEFINED_PRICE
    records["unit_of_measure_qty"] = 50 * 10**9
    return records


DAYS: dict[str, Callable[[], Records]] = {
    "mbo": mbo,
    "cmbp-1": lambda: some_quotes(50, [CALL.number, PUT.number]),
    "definition": defined,
    "statistics": lambda: statistics([CALL.number, PUT.number, CALL.number]),
}


def day(folder: Path, schema: str = "mbo", records: Records | None = None) -> Path:
    content = DAYS[schema]() if records is None else records
    name = f"glbx-mdp3-20240312.{schema}.dbn"
    return write_day(folder / name, content, schema=schema, mappings=SYMBOLS)


def parquet(path: Path) -> ParquetFile:
    return ParquetFile(str(path), open_local, DAY)


def read(file: ParquetFile, schema: str, chunk: int = 16) -> Records:
    return np.concatenate(list(file.records(chunk, schema=schema)))


@pytest.mark.parametrize("schema", DAYS)
@pytest.mark.parametrize("price_type", PRICE_TYPES)
@pytest.mark.parametrize("pretty_ts", [True, False])
def test_records_are_those_of_the_dbn_file(
    tmp_path: Path, schema: str, price_type: str, pretty_ts: bool
) -> None:
    dbn = day(tmp_path, schema)
    target = tmp_path / "day.parquet"
    write_client_parquet(dbn, target, price_type=price_type, pretty_ts=pretty_ts)
    expected = open_dbn(dbn)
    file = parquet(target)
    found = read(file, schema)
    for records in expected.records(schema=schema):
        for name in records.dtype.names or ():
            if not name.startswith("_"):
                np.testing.assert_array_equal(found[name], records[name], err_msg=name)
    seen = {int(number) for number in found["instrument_id"]}
    names = expected.metadata.instruments(DAY)
    assert file.metadata.instruments(DAY) == {n: names[n] for n in seen}
    assert file.metadata.start_date == DAY


def test_chunks_tell_their_place(tmp_path: Path) -> None:
    target = write_client_parquet(day(tmp_path), tmp_path / "day.parquet")
    passed = parquet(target).records(32)
    places = [(passed.first_record, len(chunk), passed.records_read) for chunk in passed]
    assert places == [(0, 32, 32), (32, 32, 64), (64, 6, 70)]
    assert passed.gateway_records == 0


def test_without_mapped_symbols_no_instrument_is_known(tmp_path: Path) -> None:
    target = write_client_parquet(day(tmp_path), tmp_path / "d.parquet", map_symbols=False)
    assert parquet(target).metadata.instruments(DAY) == {}


def test_without_ts_recv_the_event_time_stands_for_it(tmp_path: Path) -> None:
    target = write_client_parquet(day(tmp_path), tmp_path / "day.parquet")
    table = pq.read_table(target).drop_columns(["ts_recv"])
    pq.write_table(table, target)
    found = read(parquet(target), "mbo")
    assert (found["ts_recv"] == found["ts_event"]).all()
    nulls = table.append_column("ts_recv", pa.nulls(len(table), pa.timestamp("us", "UTC")))
    pq.write_table(nulls, target)
    assert (read(parquet(target), "mbo")["ts_recv"] == UNDEFINED_TIMESTAMP).all()


def test_parts_of_a_day_are_merged_as_those_of_dbn(tmp_path: Path) -> None:
    records = mbo()
    pieces = []
    for n in (0, 1):
        folder = tmp_path / str(n)
        dbn = day(folder, records=records[n::2])
        pieces.append(parquet(write_client_parquet(dbn, folder / "part.parquet")))
    merged = np.concatenate(list(PartedFile(pieces).records(8)))
    assert sorted(merged["sequence"].tolist()) == records["sequence"].tolist()


@pytest.mark.parametrize(
    ("schema", "asked", "missing"),
    [
        ("cmbp-1", "mbo", "channel_id, order_id, sequence"),
        ("mbo", "cmbp-1", "ask_pb_00, ask_px_00"),
    ],
)
def test_a_file_of_another_schema_names_the_missing_columns(
    tmp_path: Path, schema: str, asked: str, missing: str
) -> None:
    target = write_client_parquet(day(tmp_path, schema), tmp_path / "day.parquet")
    with pytest.raises(WrongSchemaError, match=f"columns of {asked}, found none named {missing}"):
        parquet(target).records(schema=asked)


def test_rows_of_another_record_type_are_named(tmp_path: Path) -> None:
    target = write_client_parquet(day(tmp_path), tmp_path / "day.parquet")
    table = pq.read_table(target)
    rtypes = np.full(len(table), 160, np.uint8)
    rtypes[40] = 1
    place = table.schema.get_field_index("rtype")
    pq.write_table(table.set_column(place, "rtype", pa.array(rtypes)), target)
    with pytest.raises(WrongSchemaError, match="row 40: expected records mbo, found mbp-1"):
        read(parquet(target), "mbo")


def test_an_instrument_of_two_symbols_is_refused(tmp_path: Path) -> None:
    target = write_client_parquet(day(tmp_path), tmp_path / "day.parquet")
    table = pq.read_table(target)
    names = pa.array(["ESH4"] * 69 + ["ESM4"])
    place = table.schema.get_field_index("symbol")
    pq.write_table(table.set_column(place, "symbol", names), target)
    with pytest.raises(UnknownSymbolError, match="is ESH4 in one row and ESM4 in another"):
        parquet(target).metadata.instruments(DAY)


def test_symbols_that_are_no_text_are_refused(tmp_path: Path) -> None:
    target = write_client_parquet(day(tmp_path), tmp_path / "day.parquet")
    table = pq.read_table(target)
    place = table.schema.get_field_index("symbol")
    names = pa.array([b"ESH4"] * 69 + [b"ES\xe0"])
    pq.write_table(table.set_column(place, "symbol", names), target)
    with pytest.raises(CorruptFileError, match="column symbol: expected text"):
        parquet(target).metadata.instruments(DAY)
    pq.write_table(table.set_column(place, "symbol", pa.array([b"ESH4"] * 70)), target)
    assert parquet(target).metadata.instruments(DAY) == {FRONT: "ESH4"}


def test_files_that_are_no_parquet_are_named(tmp_path: Path) -> None:
    target = tmp_path / "day.parquet"
    for content, error in (
        (b"", EmptyFileError),
        (b"DBN\x03 and more than that", BadMagicError),
        (b"PAR1", TruncatedFileError),
        (b"PAR1" + b"\0" * 20 + b"PAR1", CorruptFileError),
    ):
        target.write_bytes(content)
        with pytest.raises(error, match=r"day\.parquet"):
            parquet(target)


def test_a_file_cut_anywhere_is_noticed(tmp_path: Path) -> None:
    target = write_client_parquet(day(tmp_path), tmp_path / "day.parquet")
    whole = target.read_bytes()
    for size in np.linspace(1, len(whole) - 1, 40).astype(int).tolist():
        target.write_bytes(whole[:size])
        with pytest.raises((BadMagicError, TruncatedFileError)):
            parquet(target)


def test_a_flipped_byte_is_never_read_as_another_record(tmp_path: Path) -> None:
    dbn = day(tmp_path)
    target = tmp_path / "day.parquet"
    table = pq.read_table(write_client_parquet(dbn, target))
    pq.write_table(table, target, write_page_checksum=True, compression="zstd")
    whole = target.read_bytes()
    expected = read(parquet(target), "mbo").tolist()
    for place in np.linspace(4, len(whole) - 5, 150).astype(int).tolist():
        target.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            found = read(parquet(target), "mbo").tolist()
        except RawFileError:
            continue
        assert found == expected, place
