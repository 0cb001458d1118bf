"""A day in several parts reads as the one file that a single request would have given."""

from __future__ import annotations

import heapq
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from contracts.errors import WrongDayError, WrongSchemaError
from spymaster_resources.dbn.layouts import UNDEFINED_TIMESTAMP
from spymaster_resources.dbn.parts import PartedFile
from spymaster_resources.dbn.stream import open_dbn
from tests.spymaster_assets.stages.raw_days import write_day
from tests.spymaster_resources.dbn.dbn_records import DAY_NS, DAY_START_NS, some_records

Records = NDArray[np.void]


def parts_of(folder: Path, *parts: Records, **options: object) -> PartedFile:
    return PartedFile(
        [
            open_dbn(
                write_day(
                    folder / f"glbx-mdp3-part{n}-20240312.mbo.dbn",
                    records,
                    mappings={f"ES{n}": n},
                    **options,  # type: ignore[arg-type]
                )
            )
            for n, records in enumerate(parts, start=1)
        ]
    )


def merged_naively(*parts: Records) -> list[tuple[object, ...]]:
    """Return what a merge gives that looks at one record at a time."""
    keyed = []
    for n, records in enumerate(parts):
        due, rows = 0, []
        for place, row in enumerate(records.tolist()):
            time = int(records["ts_recv"][place])
            due = max(due, 0 if time == UNDEFINED_TIMESTAMP else time)
            rows.append((due, n, place, row))
        keyed.append(rows)
    return [row for *_, row in heapq.merge(*keyed)]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    times=st.lists(
        st.lists(st.integers(0, 6) | st.just(None), max_size=12), min_size=2, max_size=3
    ),
    chunk=st.integers(1, 5),
)
def test_parts_are_merged_by_capture_time(
    times: list[list[int | None]], chunk: int, tmp_path: Path
) -> None:
    parts = []
    for n, column in enumerate(times):
        records = some_records(len(column))
        records["order_id"] += 1_000 * n
        records["ts_recv"] = [
            UNDEFINED_TIMESTAMP if t is None else DAY_START_NS + t for t in column
        ]
        parts.append(records)
    merged = parts_of(tmp_path, *parts).records(chunk)
    found, firsts = [], []
    for records in merged:
        assert 0 < len(records) <= chunk
        firsts.append(merged.first_record)
        found += records.tolist()
        assert merged.records_read == len(found)
    assert found == merged_naively(*parts)
    assert firsts == sorted(firsts)
    assert merged.gateway_records == 0


def test_a_whole_day_split_by_instrument_comes_back_in_its_order(tmp_path: Path) -> None:
    records = some_records(200_000)
    records["instrument_id"] = 1 + np.arange(len(records)) * 7 % 3
    pieces = [records[records["instrument_id"] == n] for n in (1, 2, 3)]
    merged = parts_of(tmp_path, *pieces).records()
    np.testing.assert_array_equal(np.concatenate(list(merged)), records)


def test_parts_name_the_instruments_of_all(tmp_path: Path) -> None:
    parted = parts_of(tmp_path, some_records(1), some_records(0), some_records(2))
    assert parted.metadata.instruments(parted.metadata.start_date) == {
        1: "ES1",
        2: "ES2",
        3: "ES3",
    }
    assert parted.path.count("-part") == 3


def test_parts_of_different_days_or_forms_are_refused(tmp_path: Path) -> None:
    first = open_dbn(write_day(tmp_path / "a.dbn", some_records(1)))
    start_ns = DAY_START_NS + DAY_NS
    later = write_day(tmp_path / "b.dbn", some_records(1), start_ns=start_ns, days=2)
    with pytest.raises(WrongDayError, match=r"b\.dbn: expected a part of 2024-03-12 .*2024-03-13"):
        PartedFile([first, open_dbn(later)])
    other = write_day(tmp_path / "c.dbn", some_records(1), schema="trades")
    with pytest.raises(WrongSchemaError, match=r"GLBX\.MDP3 mbo in DBN 3 .* found .* trades"):
        PartedFile([first, open_dbn(other)])
    older = write_day(tmp_path / "d.dbn", some_records(1), version=1)
    with pytest.raises(WrongSchemaError, match=r"found GLBX\.MDP3 mbo in DBN 1"):
        PartedFile([first, open_dbn(older)])
