"""The kernels equal their naive twins on arbitrary records."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from spymaster_resources.dbn import route
from spymaster_resources.dbn.layouts import MBO_DTYPE, layout_of, new_records
from spymaster_resources.dbn.scan import ALL_KNOWN, GATEWAY, scan_records
from spymaster_resources.dbn.split import MboBatch, gather_mbo, packed_mbo, split_mbo
from spymaster_resources.dbn.stream import open_dbn
from spymaster_resources.dbn.writer import DbnWriter
from tests.naive import dbn as naive
from tests.spymaster_resources.dbn.dbn_records import DAY, DAY_NS, DAY_START_NS, some_records


@st.composite
def any_records(draw: st.DrawFn) -> NDArray[np.void]:
    """Draw records with every field at will but the header's length and type."""
    rows = draw(st.integers(0, 40))
    records = new_records(layout_of("mbo", 3), rows)
    for name in (MBO_DTYPE.names or ())[2:]:
        records[name] = draw(hnp.arrays(MBO_DTYPE[name], rows))
    return records


@given(records=any_records(), version=st.sampled_from([1, 2, 3]), chunk=st.integers(1, 50))
@settings(max_examples=40, deadline=None)
def test_any_records_survive_a_file(records: NDArray[np.void], version: int, chunk: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.dbn.zst"
        with DbnWriter(
            path,
            version=version,
            dataset="GLBX.MDP3",
            schema="mbo",
            start_ns=DAY_START_NS,
            end_ns=None,
            symbols=["É" * 5],
            mappings={"É": [(DAY, DAY + timedelta(days=1), 2**32 - 1)]},
        ) as writer:
            writer.write(records[:7])
            writer.write(records[7:])
        file = open_dbn(path)
        assert file.metadata == writer.metadata
        found = b"".join(c.tobytes() for c in file.records(chunk))
    assert found == records.tobytes()


@given(any_records())
@settings(max_examples=60, deadline=None)
def test_split_equals_its_twin(records: NDArray[np.void]) -> None:
    batch = split_mbo(records, MboBatch.empty(len(records) + 3))
    expected = naive.decode(records.tobytes())
    for name, column in batch._asdict().items():
        field = name.removesuffix("_int").removesuffix("_ns")
        values = [getattr(record, field) for record in expected]
        if field in ("action", "side"):
            values = [value[0] for value in values]
        if field in ("ts_recv", "ts_event"):
            values = [value - 2**64 if value >= 2**63 else value for value in values]
        assert column.tolist() == values


def test_gather_takes_rows_in_the_order_given() -> None:
    records = some_records(10)
    batch = gather_mbo(records, np.array([7, 0, 7], np.int32), MboBatch.empty(3))
    assert batch.sequence.tolist() == [1_007, 1_000, 1_007]


def test_split_refuses_short_buffers() -> None:
    with pytest.raises(ValueError, match="10 records do not fit into buffers of 9 rows"):
        split_mbo(some_records(10), MboBatch.empty(9))


def test_packed_copies_only_what_kernels_cannot_take() -> None:
    records = some_records(10)
    assert packed_mbo(records) is records
    read_only = np.frombuffer(records.tobytes(), MBO_DTYPE)
    assert packed_mbo(read_only).tobytes() == records.tobytes()
    with_ts_out = some_records(10, ts_out=True)
    packed = packed_mbo(with_ts_out)
    assert packed.dtype == MBO_DTYPE
    assert packed["sequence"].tolist() == with_ts_out["sequence"].tolist()


@given(
    st.lists(
        st.tuples(
            st.sampled_from([14, 14, 14, 4, 5, 20, 3, 0, 13, 255]),
            st.sampled_from([160, 160, 160, 21, 22, 23, 1, 161]),
        ),
        max_size=12,
    ),
    st.integers(0, 60),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_scan_equals_its_twin(headers: list[tuple[int, int]], cut: int, mixed: bool) -> None:
    content = b"".join(
        bytes([length, rtype]) + bytes(range(2, max(length * 4, 2))) if length < 60
        else bytes([length, rtype]) + bytes(1018)
        for length, rtype in headers
    )  # fmt: skip
    content = content[: max(len(content) - cut, 0)]
    data = np.frombuffer(content + bytes(100), np.uint8).copy()
    leave_out = ALL_KNOWN if mixed else GATEWAY
    kept, consumed, dropped, status = scan_records(data, len(content), 56, 160, leave_out)
    expected = naive.scan(content, 56, 160, (1, 21, 22, 23) if mixed else (21, 22, 23))
    assert (data[: kept * 56].tobytes(), consumed, dropped, status) == expected


@given(records=any_records(), data=st.data())
@settings(max_examples=150, deadline=None)
def test_route_equals_its_twin(records: NDArray[np.void], data: st.DataObject) -> None:
    rows = len(records)
    instruments = np.array([3, 17, 90], np.uint32)
    slots, ordinals = np.array([1, 0, 2], np.int32), np.array([5, 9, 7], np.int32)
    pick = data.draw(st.lists(st.integers(0, 2), min_size=rows, max_size=rows))
    records["instrument_id"] = instruments[np.array(pick, np.int64)]
    records["action"] = np.frombuffer(b"ACMRTFN", np.uint8)[records["size"] % 7]
    records["side"] = np.frombuffer(b"ABN", np.uint8)[records["sequence"] % 3]
    records["ts_recv"] = DAY_START_NS + records["ts_recv"] % np.uint64(DAY_NS)
    faults: dict[str, int] = {
        "instrument_id": 4, "ts_recv": DAY_START_NS + DAY_NS, "action": 66, "side": 0
    }  # fmt: skip
    if rows and (field := data.draw(st.sampled_from([None, *faults]))):
        records[field][data.draw(st.integers(0, rows - 1))] = faults[field]
    found_rows, ordinal_of = np.empty((2, rows), np.int32)
    bounds = np.empty(4, np.int64)
    by_action = np.zeros((3, 7), np.int64)
    row, status = route.route_records(
        records,
        instruments,
        slots,
        ordinals,
        np.uint64(DAY_START_NS),
        np.uint64(DAY_START_NS + DAY_NS),
        route.ACTION_CODES,
        route.SIDE_CODES,
        np.empty(rows, np.int32),
        ordinal_of,
        found_rows,
        bounds,
        by_action,
    )
    twin = naive.decode(records.tobytes())
    expected, expected_row, expected_status = naive.route(
        twin, {3: 1, 17: 0, 90: 2}, (DAY_START_NS, DAY_START_NS + DAY_NS)
    )
    assert (row, status) == (expected_row, expected_status)
    if status == route.SOUND:
        ordinal = dict(zip(instruments.tolist(), ordinals.tolist(), strict=True))
        assert ordinal_of.tolist() == [ordinal[record.instrument_id] for record in twin]
        for slot in range(3):
            mine = found_rows[bounds[slot] : bounds[slot + 1]].tolist()
            assert mine == expected.get(slot, [])
            actions = [twin[r].action for r in mine]
            assert by_action[slot].tolist() == [actions.count(bytes([a])) for a in b"ACMRTFN"]


@given(
    instruments=st.lists(st.integers(0, 2**32 - 1), unique=True, max_size=200),
    others=st.lists(st.integers(0, 2**32 - 1), max_size=20),
)
@settings(max_examples=100, deadline=None)
def test_every_instrument_is_found_at_its_place(instruments: list[int], others: list[int]) -> None:
    ids = np.array(instruments, np.uint32)
    table = route.instrument_table(ids)
    places = [route.place_of(table, ids, np.uint32(one)) for one in (*instruments, *others)]
    known = {one: place for place, one in enumerate(instruments)}
    assert places == [known.get(one, -1) for one in (*instruments, *others)]


def test_symbols_are_resolved_by_date() -> None:
    from spymaster_resources.dbn.header import DbnMetadata, SymbolInterval, SymbolMapping

    def day(number: int) -> date:
        return date(2024, 3, number)

    metadata = DbnMetadata(
        3,
        "GLBX.MDP3",
        "mbo",
        DAY_START_NS,
        None,
        mappings=(
            SymbolMapping("ESH4", (SymbolInterval(day(1), day(5), "7"),)),
            SymbolMapping("ESM4", (SymbolInterval(day(8), day(9), "7"),)),
            SymbolMapping("GONE", (SymbolInterval(day(1), day(9), ""),)),
        ),
    )
    names = [metadata.symbol_of(7, day(n)) for n in (1, 4, 5, 7, 8, 9)]
    assert names == ["ESH4", "ESH4", None, None, "ESM4", None]
    assert metadata.instruments(day(8)) == {7: "ESM4"}
    assert metadata.instruments(day(6)) == {}
