"""What is written is read back, whatever the chunking, in folder and store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.errors import (
    ConfigurationError,
    ContractError,
    ContractVersionError,
    LakeError,
    PartitionMissingError,
)
from contracts.schema import Field
from spymaster_resources.lake import Lake, RawInput
from tests.spymaster_resources.lake.tables import (
    CONTRACT,
    DAY,
    NEXT_DAY,
    PICKS,
    QUOTES,
    ROW_GROUP_ROWS,
    TABLES,
    plain,
    put,
    quotes,
)


@pytest.mark.parametrize("rows", [0, 1, ROW_GROUP_ROWS, 5 * ROW_GROUP_ROWS + 3])
def test_rows_come_back_as_they_were(lake: Lake, rows: int) -> None:
    table = quotes(rows)
    manifest = put(lake, table)
    assert manifest.row_count == rows
    found = lake.read(QUOTES, "ESH4", DAY)
    assert found.schema.equals(CONTRACT.schema)
    assert plain(found) == plain(table)


def test_batches_are_the_row_groups_in_order(lake: Lake) -> None:
    table = quotes(3 * ROW_GROUP_ROWS + 5)
    put(lake, table)
    for prefetch in (False, True):
        batches = list(lake.batches(QUOTES, "ESH4", DAY, prefetch=prefetch))
        assert [batch.num_rows for batch in batches] == [ROW_GROUP_ROWS] * 3 + [5]
        assert plain(pa.Table.from_batches(batches)) == plain(table)


def test_an_open_partition_is_read_at_random(lake: Lake) -> None:
    table = quotes(2 * ROW_GROUP_ROWS + 5)
    put(lake, table)
    with lake.open(QUOTES, "ESH4", DAY, ["price_int", "side"]) as partition:
        put(lake, quotes(3, seed=1))
        assert partition.manifest.row_count == table.num_rows
        assert partition.row_counts == (ROW_GROUP_ROWS, ROW_GROUP_ROWS, 5)
        last = partition.read(2)
        assert last.to_pylist() == plain(table.select(["price_int", "side"]).slice(32))
        assert partition.read(0, ["side"]).schema.names == ["side"]
        with pytest.raises(ConfigurationError, match="depth"):
            partition.read(0, ["depth"])


def test_columns_come_in_the_order_asked_for(lake: Lake) -> None:
    table = quotes(20)
    put(lake, table)
    found = lake.read(QUOTES, "ESH4", DAY, columns=["valid", "ts_ns"])
    assert plain(found) == plain(table.select(["valid", "ts_ns"]))
    assert lake.read(QUOTES, "ESH4", DAY, ["side"]).schema.names == ["side"]
    with pytest.raises(ConfigurationError, match="nonsense"):
        lake.read(QUOTES, "ESH4", DAY, columns=["nonsense"])


def test_enumerations_are_coded_in_the_order_of_the_contract(folder_lake: Lake) -> None:
    table = quotes(6)
    other_codes = pa.DictionaryArray.from_arrays(
        pa.array([2, 1, 0] * 2, pa.int32()), pa.array(["A", "B", "N"])
    )
    put(folder_lake, table.set_column(1, CONTRACT.schema.field(1), other_codes))
    (batch,) = folder_lake.batches(QUOTES, "ESH4", DAY, ["side"])
    assert batch["side"].dictionary.to_pylist() == ["N", "B", "A"]
    assert batch["side"].indices.to_pylist() == [0, 1, 2] * 2


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), rows=st.integers(0, 70), threaded=st.booleans())
def test_bytes_do_not_depend_on_the_chunking(
    folder_lake: Lake, data: st.DataObject, rows: int, threaded: bool
) -> None:
    table = quotes(rows)
    whole = put(folder_lake, table)
    cuts = data.draw(st.lists(st.integers(0, rows), max_size=6).map(sorted))
    with folder_lake.writer(
        QUOTES, "ESH4", NEXT_DAY, parameters={}, inputs=[], code_version="1", threaded=threaded
    ) as writer:
        for start, end in zip([0, *cuts], [*cuts, rows], strict=True):
            piece = table.slice(start, end - start)
            venue = piece["venue"].cast(pa.utf8()).combine_chunks().dictionary_encode()
            piece = piece.set_column(5, CONTRACT.schema.field(5), venue)
            for batch in piece.to_batches():
                writer.write(batch)
        cut = writer.publish()
    assert cut.files == whole.files


@pytest.mark.parametrize("threaded", [False, True])
def test_the_caller_may_reuse_its_buffers(folder_lake: Lake, threaded: bool) -> None:
    schema = CONTRACT.schema
    expected = quotes(4 * ROW_GROUP_ROWS)
    buffer = np.empty(ROW_GROUP_ROWS, np.int64)
    with folder_lake.writer(
        QUOTES, "ESH4", DAY, parameters={}, inputs=[], code_version="1", threaded=threaded
    ) as writer:
        start = 0
        for count in (5, ROW_GROUP_ROWS, ROW_GROUP_ROWS, ROW_GROUP_ROWS, 11):
            piece = expected.slice(start, count).combine_chunks()
            buffer[:count] = piece["price_int"].to_numpy()
            shared = pa.Array.from_buffers(pa.int64(), count, [None, pa.py_buffer(buffer)])
            writer.write(piece.set_column(2, schema.field(2), shared))
            buffer[:] = -1
            start += count
        writer.publish()
    found = folder_lake.read(QUOTES, "ESH4", DAY, ["price_int"])
    assert found["price_int"].to_pylist() == expected["price_int"].to_pylist()


@pytest.mark.parametrize("threaded", [False, True])
def test_lent_rows_are_read_until_the_next_write_returned(
    folder_lake: Lake, threaded: bool
) -> None:
    schema = CONTRACT.schema
    counts = (ROW_GROUP_ROWS, ROW_GROUP_ROWS, 2 * ROW_GROUP_ROWS, 5, ROW_GROUP_ROWS, 7)
    expected = quotes(sum(counts))
    with folder_lake.writer(
        QUOTES, "ESH4", DAY, parameters={}, inputs=[], code_version="1", threaded=threaded
    ) as writer:
        start, before = 0, np.empty(0, np.int64)
        for count in counts:
            piece = expected.slice(start, count).combine_chunks()
            lent = piece["price_int"].to_numpy().copy()
            shared = pa.Array.from_buffers(pa.int64(), count, [None, pa.py_buffer(lent)])
            writer.write(piece.set_column(2, schema.field(2), shared), lent=True)
            before[:] = -1
            start, before = start + count, lent
        writer.publish()
    found = folder_lake.read(QUOTES, "ESH4", DAY, ["price_int"])
    assert found["price_int"].to_pylist() == expected["price_int"].to_pylist()


def test_inputs_may_be_told_when_the_last_row_is_written(folder_lake: Lake) -> None:
    early, late = RawInput("a.dbn", 1, "0" * 64), RawInput("b.dbn", 2, "1" * 64)
    whole = put(folder_lake, quotes(3), inputs=(early, late))
    with folder_lake.writer(
        QUOTES, "ESH4", DAY, parameters={"grid": 200}, inputs=[late], code_version="1"
    ) as writer:
        writer.write(quotes(3))
        assert writer.seal(inputs=[early]).manifest == whole


def test_two_lakes_get_the_same_bytes(folder_lake: Lake, store_lake: Lake) -> None:
    assert put(folder_lake, quotes(50)).to_bytes() == put(store_lake, quotes(50)).to_bytes()


def test_file_layout_is_the_one_stated(folder_lake: Lake) -> None:
    put(folder_lake, quotes(40))
    (path,) = folder_lake.files(QUOTES, "ESH4", DAY)
    metadata = pq.ParquetFile(path).metadata
    group = metadata.row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    assert [metadata.row_group(i).num_rows for i in range(3)] == [16, 16, 8]
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    assert "DELTA_BINARY_PACKED" in columns["ts_ns"].encodings
    assert "BYTE_STREAM_SPLIT" in columns["depth"].encodings
    assert columns["price_int"].has_dictionary_page
    assert not columns["note"].has_dictionary_page
    assert columns["ts_ns"].is_stats_set
    assert not columns["depth"].is_stats_set
    assert [column.column_index for column in group.sorting_columns] == [0, 1]


def test_other_engines_read_the_published_files(folder_lake: Lake, tmp_path: Path) -> None:
    table = quotes(40)
    put(folder_lake, table)
    pattern = f"{tmp_path}/lake/silver/symbol=*/table=quotes/dt=*/*.parquet"
    with duckdb.connect() as connection:
        query = "select count(*), sum(price_int) from read_parquet(?)"
        rows = connection.execute(query, [pattern]).fetchall()
    assert rows == [(40, sum(table["price_int"].to_pylist()))]


def test_staged_files_can_be_audited_and_match_no_reader_glob(
    folder_lake: Lake, tmp_path: Path
) -> None:
    with folder_lake.writer(
        QUOTES, "ESH4", DAY, parameters={}, inputs=[], code_version="1"
    ) as writer:
        writer.write(quotes(40))
        staged = writer.seal({"rejected": 2})
        with duckdb.connect() as connection:
            found = connection.execute(
                "select count(*) from read_parquet(?)", [list(staged.files)]
            ).fetchall()
        assert found == [(40,)]
        assert pq.ParquetFile(staged.files[0]).metadata.num_rows == 40
        assert not list(tmp_path.rglob("*.parquet"))
        assert folder_lake.manifest(QUOTES, "ESH4", DAY) is None
        assert writer.publish() == staged.manifest
    assert folder_lake.manifest(QUOTES, "ESH4", DAY) == staged.manifest
    assert staged.manifest.counters == {"rejected": 2}


def test_leaving_the_block_unpublished_leaves_nothing(folder_lake: Lake, tmp_path: Path) -> None:
    before = put(folder_lake, quotes(10))
    with folder_lake.writer(
        QUOTES, "ESH4", DAY, parameters={}, inputs=[], code_version="1"
    ) as writer:
        writer.write(quotes(40, seed=1))
        writer.seal()
        assert list(tmp_path.rglob(".staging-*"))
    assert folder_lake.manifest(QUOTES, "ESH4", DAY) == before
    assert not list(tmp_path.rglob(".staging-*"))


def test_a_writer_is_used_once(folder_lake: Lake) -> None:
    with folder_lake.writer(
        QUOTES, "ESH4", DAY, parameters={}, inputs=[], code_version="1"
    ) as writer:
        writer.seal()
        with pytest.raises(LakeError, match="after seal"):
            writer.write(quotes(1))
        with pytest.raises(LakeError, match="second"):
            writer.seal()
        writer.publish()
        with pytest.raises(LakeError, match="closed"):
            writer.publish()


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("price_int", pa.array([1, None, 3], pa.int64()), "price_int: expected no null, found 1"),
        (
            "price_int",
            pa.array([1, 2, 3], pa.int32()),
            "price_int: expected type int64, found int32",
        ),
        ("side", pa.array(["A", "X", "B"]).dictionary_encode(), r"side: expected one of .*'X'"),
    ],
)
def test_a_table_that_breaks_the_contract_is_refused(
    lake: Lake, column: str, value: pa.Array, message: str
) -> None:
    table = quotes(3)
    bad = table.set_column(table.schema.get_field_index(column), column, value)
    with pytest.raises(ContractError, match=message):
        put(lake, bad)
    with pytest.raises(ContractError, match="depth: expected, not found"):
        put(lake, table.drop_columns(["depth"]))
    assert lake.manifest(QUOTES, "ESH4", DAY) is None


@pytest.mark.parametrize("first", [1, 5, ROW_GROUP_ROWS])
def test_rows_out_of_order_are_refused(lake: Lake, first: int) -> None:
    table = quotes(40)
    order = list(range(40))
    order[first], order[first - 1] = order[first - 1], order[first]
    with pytest.raises(ContractError, match=f"row {first}: expected a sort key"):
        put(lake, table.take(order))


def test_the_manifest_holds_first_and_last_key(lake: Lake) -> None:
    manifest = put(lake, quotes(20))
    assert manifest.sort_key_min == {"ts_ns": 0, "side": "N"}
    assert manifest.sort_key_max == {"ts_ns": 6_000_000_000, "side": "B"}
    assert put(lake, quotes(0), dt=NEXT_DAY).sort_key_min is None


def test_reading_what_is_not_published_is_a_named_error(lake: Lake) -> None:
    with pytest.raises(PartitionMissingError, match="ESH4 2024-01-02"):
        lake.read(QUOTES, "ESH4", DAY)
    with pytest.raises(PartitionMissingError):
        lake.input(QUOTES, "ESH4", DAY)
    with pytest.raises(ConfigurationError, match="nonsense"):
        lake.read("nonsense", "ESH4", DAY)
    assert lake.manifest(QUOTES, "ESH4", DAY) is None


def test_partitions_are_listed_in_order(lake: Lake) -> None:
    for symbol, dt in (("NQH4", DAY), ("ESH4", NEXT_DAY), ("ESH4", DAY)):
        put(lake, quotes(3), symbol=symbol, dt=dt)
    put(lake, quotes(3), PICKS, None, None)
    assert [tuple(key) for key in lake.partitions()] == [
        (QUOTES, "ESH4", DAY),
        (QUOTES, "ESH4", NEXT_DAY),
        (QUOTES, "NQH4", DAY),
        (PICKS, None, None),
    ]
    assert [key.dataset for key in lake.partitions(PICKS)] == [PICKS]


def test_an_unpartitioned_table_is_also_one_plain_file(folder_lake: Lake, tmp_path: Path) -> None:
    put(folder_lake, quotes(5), PICKS, None, None)
    put(folder_lake, quotes(7, seed=3), PICKS, None, None)
    assert plain(folder_lake.read(PICKS, None, None)) == plain(quotes(7, seed=3))
    file = tmp_path / "lake" / "selection" / "picks.parquet"
    assert plain(pq.ParquetFile(file).read()) == plain(quotes(7, seed=3))


def _with_contract(lake: Lake, **changes: object) -> Lake:
    contract = replace(CONTRACT, **changes)  # type: ignore[arg-type]
    return Lake(lake.root, {QUOTES: replace(TABLES[QUOTES], contract=contract)})


def test_an_older_version_is_read_where_the_columns_are_the_same(lake: Lake) -> None:
    put(lake, quotes(5))
    added = Field("new", pa.int64(), True, doc="-", unit="-", formula="-", symbols=None)
    newer = _with_contract(lake, version=3, fields=(*CONTRACT.fields, added))
    assert newer.read(QUOTES, "ESH4", DAY, ["ts_ns", "depth"]).num_rows == 5
    with pytest.raises(ContractVersionError, match=r"version 3, found 2.*new: expected, not found"):
        newer.read(QUOTES, "ESH4", DAY)


def test_a_newer_version_is_a_named_upgrade_error(lake: Lake) -> None:
    put(lake, quotes(5))
    with pytest.raises(ContractVersionError, match="expected version 1, found 2"):
        _with_contract(lake, version=1).read(QUOTES, "ESH4", DAY)


def test_a_file_that_breaks_its_contract_is_refused_on_read(lake: Lake) -> None:
    put(lake, quotes(5))
    fewer = _with_contract(lake, fields=CONTRACT.fields[:-1])
    with pytest.raises(ContractError, match="expected columns"):
        fewer.read(QUOTES, "ESH4", DAY)


def test_documents_are_written_whole(lake: Lake) -> None:
    path = "calibration/physics_beta_gamma.json"
    assert lake.document(path) is None
    lake.put_document(path, b"{}")
    lake.put_document(path, b'{"beta": 1}')
    assert lake.document(path) == b'{"beta": 1}'
    lake.update_document(path, lambda content: (content or b"") + b" ")
    assert lake.document(path) == b'{"beta": 1} '


def test_updates_of_a_document_at_once_are_all_kept(folder_lake: Lake) -> None:
    path = "calibration/list.json"

    def append(text: bytes) -> None:
        for _ in range(10):
            folder_lake.update_document(path, lambda content: (content or b"") + text)

    with ThreadPoolExecutor(3) as executor:
        list(executor.map(append, [b"a", b"b", b"c"]))
    assert sorted(folder_lake.document(path) or b"") == sorted(b"abc" * 10)
