"""Every way in which a file can be wrong has a named error that tells file and place."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import zstandard

from contracts.errors import (
    BadMagicError,
    CorruptFileError,
    EmptyFileError,
    RawFileError,
    TruncatedFileError,
    UnknownVersionError,
    WrongSchemaError,
)
from spymaster_resources.dbn.stream import open_dbn
from tests.spymaster_resources.dbn.conftest import Write
from tests.spymaster_resources.dbn.dbn_records import some_records

HEADER_BYTES = 360  # one symbol, one mapping, version 3


def read_all(path: Path) -> bytes:
    return b"".join(chunk.tobytes() for chunk in open_dbn(path).records(64))


def zstd(content: bytes, *, checksum: bool = True) -> bytes:
    return zstandard.ZstdCompressor(level=1, write_checksum=checksum).compress(content)


@pytest.fixture
def plain(write: Write) -> Path:
    return write(some_records(200), "day-20240312.mbo.dbn")


def changed(path: Path, at: int, content: bytes) -> Path:
    raw = bytearray(path.read_bytes())
    raw[at : at + len(content)] = content
    path.write_bytes(raw)
    return path


def test_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "x.mbo.dbn"
    path.touch()
    with pytest.raises(EmptyFileError, match="no byte"):
        open_dbn(path)


def test_empty_zstd_frame(tmp_path: Path) -> None:
    path = tmp_path / "x.mbo.dbn.zst"
    path.write_bytes(zstd(b""))
    with pytest.raises(EmptyFileError, match="no byte"):
        open_dbn(path)


def test_other_magic(tmp_path: Path) -> None:
    path = tmp_path / "x.mbo.dbn"
    path.write_bytes(b"PAR1 is no DBN file")
    with pytest.raises(BadMagicError, match=r"x\.mbo\.dbn, byte 0: expected the magic bytes DBN"):
        open_dbn(path)


@pytest.mark.parametrize(
    "name",
    ["test_data.definition.v1.dbn.frag", "test_data.definition.v2.dbn.frag",
     "test_data.definition.v3.dbn.frag.zst", "multi-frame.definition.v1.dbn.frag.zst"],
)  # fmt: skip
def test_fragments_are_told_from_other_files(real_data: Path, name: str) -> None:
    with pytest.raises(BadMagicError, match="fragment, records without metadata"):
        open_dbn(real_data / "fixtures" / "dbn" / name)


@pytest.mark.parametrize("version", [0, 4, 255])
def test_unknown_version(plain: Path, version: int) -> None:
    with pytest.raises(UnknownVersionError, match=f"byte 3: .*found {version}"):
        open_dbn(changed(plain, 3, bytes([version])))


def test_trades_given_as_mbo(real_data: Path) -> None:
    file = open_dbn(real_data / "fixtures" / "dbn" / "test_data.trades.v3.dbn.zst")
    with pytest.raises(WrongSchemaError, match="expected schema mbo, found trades"):
        file.records()


def test_records_of_another_schema_in_a_live_capture(real_data: Path) -> None:
    path = real_data / "fixtures" / "databento-python" / "LIVE" / "test_data.live.dbn.zst"
    with pytest.raises(WrongSchemaError, match=r"record \d+, byte \d+: .*found ohlcv-1m"):
        read_all(path)


@pytest.mark.parametrize("kept", [1, 3, 4, 7])
def test_cut_inside_the_prelude(plain: Path, kept: int) -> None:
    plain.write_bytes(plain.read_bytes()[:kept])
    with pytest.raises(TruncatedFileError, match=f"byte {kept}"):
        open_dbn(plain)


@pytest.mark.parametrize("kept", [8, 100, HEADER_BYTES - 1])
def test_cut_inside_the_metadata(plain: Path, kept: int) -> None:
    plain.write_bytes(plain.read_bytes()[:kept])
    with pytest.raises(TruncatedFileError, match=f"byte {kept}: the metadata"):
        open_dbn(plain)


@pytest.mark.parametrize("left", [1, 15, 16, 55])
def test_cut_inside_a_record(plain: Path, left: int) -> None:
    plain.write_bytes(plain.read_bytes()[: HEADER_BYTES + 130 * 56 + left])
    with pytest.raises(TruncatedFileError, match=f"record 130, byte {HEADER_BYTES + 130 * 56}"):
        read_all(plain)


def test_cut_between_records_is_seen_in_zstd_only(write: Write, plain: Path) -> None:
    plain.write_bytes(plain.read_bytes()[: HEADER_BYTES + 130 * 56])
    assert len(read_all(plain)) == 130 * 56
    compressed = plain.with_suffix(".zst")
    whole = zstd(plain.read_bytes())
    compressed.write_bytes(whole[:-5])
    with pytest.raises(TruncatedFileError, match=f"byte {len(whole) - 5}: the zstd frame"):
        read_all(compressed)


def test_every_cut_of_a_zstd_file_is_seen(write: Write) -> None:
    path = write(some_records(20))
    whole = path.read_bytes()
    second_frame = whole.index(b"\x28\xb5\x2f\xfd", 4)
    for kept in range(1, len(whole)):
        path.write_bytes(whole[:kept])
        if kept == second_frame:  # metadata alone, every frame whole: an empty day
            assert read_all(path) == b""
            continue
        with pytest.raises((TruncatedFileError, BadMagicError)) as caught:
            read_all(path)
        assert str(path) in str(caught.value)


def test_records_before_a_cut_are_given_first(write: Write) -> None:
    records = some_records(30_000)
    path = write(records)
    path.write_bytes(path.read_bytes()[:-100])
    stream = open_dbn(path).records(100)
    chunks: list[bytes] = []
    with pytest.raises(TruncatedFileError):
        chunks.extend(chunk.tobytes() for chunk in stream)
    assert stream.records_read > 20_000
    whole = records[: stream.records_read].tobytes()
    assert b"".join(chunks) == whole[: len(b"".join(chunks))]


def test_content_checksum_is_verified(write: Write) -> None:
    path = write(some_records(300))
    whole = path.read_bytes()
    with pytest.raises(CorruptFileError, match=r"does not decompress.*checksum"):
        read_all(changed(path, len(whole) - 1, bytes([whole[-1] ^ 1])))


def test_bytes_behind_the_last_frame(write: Write) -> None:
    path = write(some_records(300))
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + b"garbage")
    with pytest.raises(CorruptFileError, match=f"byte {size}: expected a zstd frame"):
        read_all(path)


def test_frames_of_every_kind_are_read(plain: Path) -> None:
    content = plain.read_bytes()
    skippable = (0x184D2A53).to_bytes(4, "little") + (11).to_bytes(4, "little") + b"x" * 11
    path = plain.with_suffix(".zst")
    frames = [zstd(content[i : i + 1_000], checksum=i % 2 == 0) for i in range(0, 11_560, 1_000)]
    path.write_bytes(skippable + skippable.join(frames) + zstd(b"") + skippable)
    assert read_all(path) == content[HEADER_BYTES:]


def test_a_frame_of_repeated_bytes_is_walked(plain: Path) -> None:
    content = plain.read_bytes()[:HEADER_BYTES] + some_records(1).tobytes()
    path = plain.with_suffix(".zst")
    path.write_bytes(zstd(content) + zstd(b"") + zstd(b"\0" * 600_000))
    with pytest.raises(CorruptFileError, match=r"record 1, byte 416: .*of 0 bytes"):
        read_all(path)


@pytest.mark.parametrize(
    ("at", "value", "error", "message"),
    [
        (0, 0, CorruptFileError, "of 0 bytes"),
        (0, 3, CorruptFileError, "of 12 bytes"),
        (0, 15, CorruptFileError, "expected a record mbo of 56 bytes, found mbo of 60 bytes"),
        (1, 161, CorruptFileError, "found type 161"),
        (1, 1, WrongSchemaError, "found mbp-1"),
    ],
)
def test_bad_record_header(
    plain: Path, at: int, value: int, error: type[RawFileError], message: str
) -> None:
    byte = HEADER_BYTES + 77 * 56
    with pytest.raises(error, match=f"record 77, byte {byte}: .*{message}"):
        read_all(changed(plain, byte + at, bytes([value])))


@pytest.mark.parametrize(
    ("at", "content", "message"),
    [
        (4, b"\xff\xff\xff\xff", "beyond the bound"),
        (4, b"\x40\x00\x00\x00", "the metadata ends"),
        (24, b"\x63\x00", "unknown schema code 99"),
        (50, b"\x63", "unknown symbology code 99"),
        (53, b"\x01\x00", "holds no symbol"),
        (108, b"\xff\xff\xff\x7f", "do not fit"),
        (112, b"\xff\xff\xff\x7f", "symbols do not fit"),
        (116, b"\xff", "no UTF-8 text"),
    ],
)
def test_bad_metadata(plain: Path, at: int, content: bytes, message: str) -> None:
    with pytest.raises(CorruptFileError, match=message):
        open_dbn(changed(plain, at, content))


def test_bad_date_in_a_mapping(plain: Path) -> None:
    at = plain.read_bytes().index((20_240_312).to_bytes(4, "little"))
    with pytest.raises(CorruptFileError, match="expected a date as YYYYMMDD, found 20241312"):
        open_dbn(changed(plain, at, (20_241_312).to_bytes(4, "little")))


@pytest.mark.parametrize("suffix", ["dbn", "dbn.zst"])
def test_random_damage_gives_the_data_or_a_named_error(write: Write, suffix: str) -> None:
    """A checksummed file never gives other data; a plain one cannot see a change of a value."""
    path = write(some_records(300), f"day-20240312.mbo.{suffix}")
    whole = path.read_bytes()
    expected = read_all(path)
    header = open_dbn(path).metadata
    dice = random.Random(7)
    outcomes = set()
    for _ in range(500):
        damaged = bytearray(whole)
        for _ in range(dice.choice((1, 1, 1, 2, 8))):
            damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
        if dice.random() < 0.2:
            del damaged[dice.randrange(len(damaged)) :]
        path.write_bytes(damaged)
        try:
            found = read_all(path)
        except RawFileError as error:
            outcomes.add((type(error).__name__, error.path))
            continue
        # A cut between the two frames leaves a whole file of an empty day.
        if suffix == "dbn.zst" and found:
            assert (found, open_dbn(path).metadata) == (expected, header)
        outcomes.add(("read", str(path)))
    assert {path for _, path in outcomes} == {str(path)}
    kinds = {"CorruptFileError", "TruncatedFileError"} | ({"read"} if suffix == "dbn" else set())
    assert kinds <= {kind for kind, _ in outcomes}


def test_peak_memory_does_not_follow_a_bomb(tmp_path: Path, write: Write) -> None:
    """A few bytes that decompress to gigabytes are refused at the first bad record."""
    path = write(some_records(1))
    bomb = zstd(bytes(1 << 24))
    path.write_bytes(path.read_bytes() + bomb * 64)
    with pytest.raises(CorruptFileError, match="record 1"):
        read_all(path)
