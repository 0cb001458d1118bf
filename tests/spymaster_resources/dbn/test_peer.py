"""Files decode as the vendor's own decoder decodes them; files we write are read by it alike."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import databento
import numpy as np
import pytest
from numpy.typing import NDArray

from spymaster_resources.dbn.header import DbnMetadata, encode_metadata
from spymaster_resources.dbn.stream import open_dbn
from tests.spymaster_resources.dbn.conftest import Write
from tests.spymaster_resources.dbn.dbn_records import DAY, some_records

FIXTURES = (
    "fixtures/dbn/test_data.mbo.dbn",
    "fixtures/dbn/test_data.mbo.v3.dbn",
    "fixtures/dbn/test_data.mbo.v1.dbn.zst",
    "fixtures/dbn/test_data.mbo.v2.dbn.zst",
    "fixtures/dbn/test_data.mbo.v3.dbn.zst",
    "fixtures/databento-python/GLBX.MDP3/test_data.mbo.dbn.zst",
    "fixtures/databento-python/IFEU.IMPACT/test_data.mbo.dbn.zst",
    "fixtures/databento-python/NDEX.IMPACT/test_data.mbo.dbn.zst",
    "fixtures/databento-python/XNAS.ITCH/test_data.mbo.dbn.zst",
    "glbx-mbo/esh4-glbx-mdp3-20231224.mbo.dbn.zst",
    "glbx-mbo/esh4-glbx-mdp3-20231225.mbo.dbn.zst",
    "glbx-mbo/orderbooks_mbo_2024-05-08T00-00-00_2024-05-08T00-00-02.dbn.zst",
)


def decoded(path: Path, chunk_records: int = 1 << 16) -> NDArray[np.void]:
    return np.concatenate([chunk.copy() for chunk in open_dbn(path).records(chunk_records)])


def vendor_store(path: Path) -> databento.DBNStore:
    # from_bytes, because the store never closes a file that it opened itself.
    return databento.DBNStore.from_bytes(path.read_bytes())


def assert_same_metadata(ours: DbnMetadata, vendor: Any) -> None:
    assert ours.version == vendor.version
    assert ours.dataset == vendor.dataset
    assert ours.schema == str(vendor.schema)
    assert (ours.start_ns, ours.end_ns) == (vendor.start, vendor.end)
    assert ours.limit == vendor.limit
    assert ours.stype_in == str(vendor.stype_in)
    assert ours.stype_out == str(vendor.stype_out)
    assert ours.ts_out == vendor.ts_out
    assert list(ours.symbols) == vendor.symbols
    assert list(ours.partial) == vendor.partial
    assert list(ours.not_found) == vendor.not_found
    assert {
        mapping.raw_symbol: [interval._asdict() for interval in mapping.intervals]
        for mapping in ours.mappings
    } == vendor.mappings


@pytest.mark.parametrize("name", FIXTURES)
def test_decodes_as_the_vendor_does(real_data: Path, name: str) -> None:
    path = real_data / name
    vendor = vendor_store(path)
    expected = vendor.to_ndarray()
    assert decoded(path).tobytes() == expected.tobytes()
    assert_same_metadata(open_dbn(path).metadata, vendor.metadata)


@pytest.mark.parametrize(
    ("name", "mappings"),
    [("definition-glbx-es-opt.dbn.zst", 11_294), ("definition-opra.dbn.zst", 13_492)],
)
def test_reads_headers_of_thousands_of_mappings(real_data: Path, name: str, mappings: int) -> None:
    path = real_data / "definitions" / name
    metadata = open_dbn(path).metadata
    assert len(metadata.mappings) == mappings
    assert_same_metadata(metadata, vendor_store(path).metadata)


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("suffix", ["dbn", "dbn.zst"])
@pytest.mark.parametrize("ts_out", [False, True])
def test_what_is_written_is_read_back_by_us_and_by_the_vendor(
    write: Write, version: int, suffix: str, ts_out: bool
) -> None:
    records = some_records(1_000, version=version, ts_out=ts_out)
    path = write(
        records,
        f"day-20240312.mbo.{suffix}",
        version=version,
        ts_out=ts_out,
        stype_in="parent",
        symbols=["ES.FUT"],
        mappings={
            "ESH4": [(date(2024, 3, 1), DAY, 5), (DAY, date(2024, 3, 13), 17_077)],
            "ESH4-ESM4": [(DAY, date(2024, 3, 13), 99)],
        },
    )
    file = open_dbn(path)
    assert decoded(path).tobytes() == records.tobytes()
    assert file.symbol_of(17_077, DAY) == "ESH4"
    assert file.symbol_of(5, DAY) is None
    vendor = vendor_store(path)
    assert_same_metadata(file.metadata, vendor.metadata)
    messages = list(vendor)
    assert len(messages) == len(records)
    for message, record in zip(messages[::97], records[::97], strict=True):
        assert message.order_id == record["order_id"]
        assert message.price == record["price"]
        assert message.sequence == record["sequence"]
        assert str(message.action) == chr(record["action"])
        assert message.ts_recv == record["ts_recv"]
        if ts_out:
            assert message.ts_out == record["ts_out"]


@pytest.mark.parametrize("chunk_records", [1, 2, 7, 999, 1_000, 1_001, 5_000])
def test_chunk_size_changes_nothing(write: Write, chunk_records: int) -> None:
    records = some_records(1_000)
    path = write(records)
    stream = open_dbn(path).records(chunk_records)
    seen = b""
    for chunk in stream:
        assert stream.first_record * 56 == len(seen)
        seen += chunk.tobytes()
    assert seen == records.tobytes()
    assert stream.records_read == 1_000
    assert stream.raw_bytes == path.stat().st_size


def test_a_file_without_records_has_no_chunk(write: Write) -> None:
    assert list(open_dbn(write(some_records(0))).records()) == []


def test_tap_gets_every_byte_once_in_order(write: Write) -> None:
    path = write(some_records(50_000))
    pieces: list[bytes] = []
    for _ in open_dbn(path).records(1_000, tap=lambda piece: pieces.append(bytes(piece))):
        pass
    assert b"".join(pieces) == path.read_bytes()


def test_gateway_records_are_counted_and_left_out(tmp_path: Path) -> None:
    records = some_records(10)
    gateway = np.zeros(1, [("length", "u1"), ("rtype", "u1"), ("rest", "V78")])
    gateway["length"] = 20
    bodies = []
    for place, rtype in ((0, 21), (4, 22), (5, 23), (9, 23)):
        gateway["rtype"] = rtype
        bodies.append((place, gateway.tobytes()))
    body = b""
    for place in range(10):
        body += b"".join(raw for at, raw in bodies if at == place) + records[place].tobytes()
    path = tmp_path / "live.dbn"
    metadata = DbnMetadata(3, "GLBX.MDP3", None, 0, None, stype_in=None)
    path.write_bytes(encode_metadata(metadata) + body)
    for chunk_records in (1, 3, 100):
        stream = open_dbn(path).records(chunk_records)
        assert np.concatenate([c.copy() for c in stream]).tobytes() == records.tobytes()
        assert stream.gateway_records == 4
