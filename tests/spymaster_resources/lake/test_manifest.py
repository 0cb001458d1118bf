"""The manifest: what it says, its hash, and its independence of place and hour."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.errors import ConfigurationError, PartitionCorruptError
from spymaster_resources.lake import InputRef, Lake, Manifest, RawInput
from spymaster_resources.lake.manifest import ManifestError, hash_file
from tests.spymaster_resources.lake.tables import DAY, DERIVED, QUOTES, TABLES, put, quotes

MANIFEST = "silver/symbol=ESH4/table=quotes/dt=2024-01-02/_MANIFEST.json"


def test_it_says_everything_the_partition_was_made_of(lake: Lake) -> None:
    put(lake, quotes(20))
    raw = RawInput("glbx.dbn.zst", 7, "ab" * 32)
    reference = lake.input(QUOTES, "ESH4", DAY)
    put(lake, quotes(3), DERIVED, inputs=(raw, reference))
    document = json.loads(
        lake.file_system.read_bytes("gold/symbol=ESH4/table=derived/dt=2024-01-02/_MANIFEST.json")
    )
    assert document["dataset"] == DERIVED
    assert (document["symbol"], document["dt"], document["row_count"]) == ("ESH4", "2024-01-02", 3)
    assert document["contract"] == {"name": "test.quotes", "version": 2, "sha256": "c" * 64}
    assert (document["code_version"], document["parameters"]) == ("1", {"grid": 200})
    assert document["inputs"] == [
        {
            "dataset": QUOTES,
            "symbol": "ESH4",
            "dt": "2024-01-02",
            "manifest_sha256": reference.manifest_sha256,
        }
    ]
    assert document["raw_inputs"] == [{"name": "glbx.dbn.zst", "size": 7, "sha256": "ab" * 32}]


def test_sizes_and_hashes_are_those_of_the_files(folder_lake: Lake) -> None:
    manifest = put(folder_lake, quotes(50))
    (path,) = folder_lake.files(QUOTES, "ESH4", DAY)
    (file,) = manifest.files
    assert hash_file(Path(path)) == (file.size, file.sha256)
    assert Path(path).name == file.name


def test_place_and_hour_leave_no_trace(tmp_path: Path) -> None:
    contents = []
    for name in ("first", "second"):
        lake = Lake(str(tmp_path / name), TABLES)
        put(lake, quotes(50))
        os.utime(lake.files(QUOTES, "ESH4", DAY)[0], (1, 1))
        put(lake, quotes(50))
        contents.append(lake.file_system.read_bytes(MANIFEST))
        contents.append(Path(lake.files(QUOTES, "ESH4", DAY)[0]).read_bytes())
    assert contents[:2] == contents[2:]
    for content in contents:
        assert str(tmp_path).encode() not in content
        assert socket.gethostname().encode() not in content


def test_the_order_of_inputs_is_the_same_whoever_lists_them(lake: Lake) -> None:
    inputs = (RawInput("b", 1, "0"), RawInput("a", 1, "0"), InputRef(QUOTES, "ESH4", DAY, "1"))
    first = put(lake, quotes(3), DERIVED, inputs=inputs)
    assert put(lake, quotes(3), DERIVED, inputs=inputs[::-1]) == first


def test_it_comes_back_from_its_bytes(lake: Lake) -> None:
    manifest = put(lake, quotes(50))
    found = Manifest.from_bytes(manifest.to_bytes())
    assert found == manifest
    assert found.sha256 == manifest.sha256


def test_every_field_changes_the_hash(lake: Lake) -> None:
    manifest = put(lake, quotes(50))
    changes: list[Manifest] = [
        replace(manifest, row_count=51),
        replace(manifest, symbol="ESM4"),
        replace(manifest, code_version="2"),
        replace(manifest, parameters={"grid": 201}),
        replace(manifest, counters={"late": 1}),
        replace(manifest, sort_key_max=None),
        replace(manifest, contract=replace(manifest.contract, version=3)),
        replace(manifest, files=(replace(manifest.files[0], size=1),)),
        replace(manifest, raw_inputs=(RawInput("x", 1, "0"),)),
        replace(manifest, inputs=(manifest.reference,)),
    ]
    hashes = {manifest.sha256, *(changed.sha256 for changed in changes)}
    assert len(hashes) == len(changes) + 1


def test_any_changed_byte_is_noticed(lake: Lake) -> None:
    manifest = put(lake, quotes(5))
    content = manifest.to_bytes()
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1
        try:
            found = Manifest.from_bytes(bytes(damaged))
        except ManifestError:
            continue
        # Only white space may change without a trace.
        assert content[place : place + 1].isspace()
        assert found == manifest


def test_a_damaged_manifest_is_a_named_error(lake: Lake) -> None:
    manifest = put(lake, quotes(5))
    other = replace(manifest, symbol="NQH4")
    for content in (b"", b"{}", b"[]", manifest.to_bytes()[:-40], other.to_bytes()):
        lake.file_system.put(MANIFEST, content)
        with pytest.raises(PartitionCorruptError, match=r"ESH4 2024-01-02: _MANIFEST\.json"):
            lake.read(QUOTES, "ESH4", DAY)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), b"x", {1, 2}])
def test_values_that_json_cannot_hold_are_refused(lake: Lake, value: object) -> None:
    with pytest.raises(ConfigurationError, match="parameters"):
        lake.writer(
            QUOTES, "ESH4", DAY, parameters={"x": value}, inputs=[], code_version="1"
        ).discard()
    with (
        lake.writer(QUOTES, "ESH4", DAY, parameters={}, inputs=[], code_version="1") as writer,
        pytest.raises(ConfigurationError, match="counters"),
    ):
        writer.seal({"x": value})  # type: ignore[dict-item]
