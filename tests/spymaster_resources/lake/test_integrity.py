"""A flipped bit anywhere in a published file is never read as data."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import PartitionCorruptError
from spymaster_resources.lake import Lake, PartitionStatus
from tests.spymaster_resources.lake.tables import DAY, QUOTES, put, quotes


def _published_file(lake: Lake, rows: int) -> Path:
    put(lake, quotes(rows))
    return Path(lake.files(QUOTES, "ESH4", DAY)[0])


def _flip(path: Path, content: bytes, bit: int) -> None:
    damaged = bytearray(content)
    damaged[bit // 8] ^= 1 << bit % 8
    path.write_bytes(damaged)


def test_a_bit_flipped_in_a_data_page_is_noticed(folder_lake: Lake) -> None:
    path = _published_file(folder_lake, 64)
    content = path.read_bytes()
    group = pq.ParquetFile(path).metadata.row_group(2)
    for index in range(group.num_columns):
        column = group.column(index)
        start = column.dictionary_page_offset or column.data_page_offset
        last_byte = start + column.total_compressed_size - 1
        _flip(path, content, last_byte * 8)
        with pytest.raises(PartitionCorruptError, match=r"part-.*row group 2.*ecksum"):
            folder_lake.read(QUOTES, "ESH4", DAY)


def test_without_checksums_arrow_would_read_flipped_bits_as_data(folder_lake: Lake) -> None:
    path = _published_file(folder_lake, 64)
    content = path.read_bytes()
    table = pq.ParquetFile(path).read()
    column = pq.ParquetFile(path).metadata.row_group(0).column(3)
    wrong = 0
    for byte in range(column.data_page_offset, column.data_page_offset + 120):
        _flip(path, content, byte * 8)
        try:
            wrong += not pq.ParquetFile(path).read().equals(table)
        except (OSError, pa.ArrowInvalid):
            continue
    assert wrong > 0


def test_no_flipped_bit_of_a_file_reads_as_other_data(folder_lake: Lake) -> None:
    path = _published_file(folder_lake, 20)
    content = path.read_bytes()
    table = folder_lake.read(QUOTES, "ESH4", DAY)
    refused = 0
    bits = random.Random(7).sample(range(len(content) * 8), 800)
    for bit in bits:
        _flip(path, content, bit)
        try:
            found = folder_lake.read(QUOTES, "ESH4", DAY)
        except PartitionCorruptError:
            refused += 1
            continue
        assert found.equals(table), f"bit {bit}"
    assert refused > 0.9 * len(bits)


@pytest.mark.parametrize("kept", [0, 7, 100, -1])
def test_a_file_cut_short_is_noticed(folder_lake: Lake, kept: int) -> None:
    path = _published_file(folder_lake, 64)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(PartitionCorruptError, match="bytes"):
        folder_lake.read(QUOTES, "ESH4", DAY)
    assert folder_lake.status(QUOTES, "ESH4", DAY) is PartitionStatus.CORRUPT


def test_an_absent_file_is_corruption_not_an_empty_table(lake: Lake) -> None:
    manifest = put(lake, quotes(64))
    lake.file_system.delete(
        f"silver/symbol=ESH4/table=quotes/dt=2024-01-02/{manifest.files[0].name}"
    )
    with pytest.raises(PartitionCorruptError):
        lake.read(QUOTES, "ESH4", DAY)
    assert lake.status(QUOTES, "ESH4", DAY) is PartitionStatus.CORRUPT


def test_a_file_of_another_partition_is_noticed(folder_lake: Lake) -> None:
    path = _published_file(folder_lake, 64)
    put(folder_lake, quotes(64, seed=1), symbol="NQH4")
    path.write_bytes(Path(folder_lake.files(QUOTES, "NQH4", DAY)[0]).read_bytes())
    with pytest.raises(PartitionCorruptError):
        folder_lake.read(QUOTES, "ESH4", DAY)


def test_a_damaged_partition_is_healed_by_the_next_write(folder_lake: Lake) -> None:
    path = _published_file(folder_lake, 64)
    path.write_bytes(b"")
    put(folder_lake, quotes(64))
    assert folder_lake.status(QUOTES, "ESH4", DAY) is PartitionStatus.CURRENT
    assert folder_lake.read(QUOTES, "ESH4", DAY).num_rows == 64
