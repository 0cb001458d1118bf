"""Random access to a published table, and what an instant means in its session."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spymaster_resources.lake import Lake
from spymaster_resources.trading_calendar import SECOND_NS, utc_ns
from tests.web.service.sample_lake import (
    CELLS,
    DT,
    FIRST_END_NS,
    SNAPSHOT,
    SURFACE,
    SYMBOL,
    WINDOWS,
    snapshot,
    write_session,
)
from web.service.cache import BoundedCache
from web.service.protocol import RefusalError
from web.service.session import Session
from web.service.sessions import SessionCatalogue
from web.service.symbols import Symbols
from web.service.tables import PinnedTable

COLUMNS = ("window_end_ts_ns", "side", "rho")
ROWS = WINDOWS * 2 * CELLS


@pytest.fixture(scope="module")
def table(lake: Lake) -> PinnedTable:
    return PinnedTable(lake.open(SURFACE, SYMBOL, DT, COLUMNS), BoundedCache(10_000_000))


@pytest.fixture(scope="module")
def whole(lake: Lake) -> pa.Table:
    return lake.read(SURFACE, SYMBOL, DT, COLUMNS)


@settings(deadline=None)
@given(first=st.integers(0, ROWS), count=st.integers(0, 120_000))
def test_any_rows_equal_the_lake(
    table: PinnedTable, whole: pa.Table, first: int, count: int
) -> None:
    count = min(count, ROWS - first)
    assert table.rows(first, count).equals(whole.slice(first, count))


@pytest.mark.parametrize(("first", "count"), [(-1, 2), (ROWS, 1), (0, ROWS + 1), (5, -1)])
def test_rows_outside_the_table_are_refused(table: PinnedTable, first: int, count: int) -> None:
    with pytest.raises(IndexError, match="rows"):
        table.rows(first, count)


def test_groups_are_the_whole_table_in_order(table: PinnedTable, whole: pa.Table) -> None:
    groups = list(table.groups(["rho"]))
    assert len(groups) == 5
    assert pa.Table.from_batches(groups).column(0).equals(whole.column("rho"))


def test_an_open_partition_outlives_its_replacement(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    write_session(lake, DT, seed=1)
    partition = lake.open(SURFACE, SYMBOL, DT, ["rho"])
    before = lake.read(SURFACE, SYMBOL, DT, ["rho"])
    write_session(lake, DT, seed=2)
    assert not lake.read(SURFACE, SYMBOL, DT, ["rho"]).equals(before)
    groups = [partition.read(n) for n in range(len(partition.row_counts))]
    assert pa.Table.from_batches(groups).equals(before)
    partition.close()


@pytest.mark.parametrize(
    ("instant", "index"),
    [(-SECOND_NS + 1, 0), (0, 0), (1, 1), (SECOND_NS, 1), ((WINDOWS - 1) * SECOND_NS, 299)],
)
def test_an_instant_is_the_window_that_covers_it(lake: Lake, instant: int, index: int) -> None:
    assert open_session(lake).index_of(FIRST_END_NS + instant) == index


@pytest.mark.parametrize("instant", [-SECOND_NS, WINDOWS * SECOND_NS])
def test_an_instant_outside_the_session_is_refused(lake: Lake, instant: int) -> None:
    with pytest.raises(RefusalError, match="end at"):
        open_session(lake).index_of(FIRST_END_NS + instant)


def test_an_evening_session_starts_by_the_new_york_clock_of_the_day_before(
    tmp_path: Path,
) -> None:
    """19:30 New York on the 28th is 00:30 UTC on the 29th, the date of the partition."""
    lake = Lake(str(tmp_path))
    shift = utc_ns(date(2026, 1, 28), time(19, 30)) - FIRST_END_NS
    rows = snapshot(DT, 120, 3)
    for index, name in enumerate(("window_start_ts_ns", "window_end_ts_ns")):
        moved = pc.add(rows.column(name), shift)
        rows = rows.set_column(index, rows.schema.field(name), moved)
    with lake.writer(SNAPSHOT, SYMBOL, DT, parameters={}, inputs=[], code_version="1") as writer:
        writer.write(rows)
        writer.publish()
    session = open_session(lake)
    assert session.start_index(0, time(19, 31, 5)) == 65
    assert session.describe()["session"]["open"] == "19:30:00"
    with pytest.raises(RefusalError, match="19:30:00 to 19:31:59"):
        session.start_index(0, time(9, 30))


def open_session(lake: Lake) -> Session:
    return SessionCatalogue(lake, BoundedCache(10_000_000), Symbols()).open(SYMBOL, DT)
