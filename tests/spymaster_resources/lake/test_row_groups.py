"""Row groups: their sizes, and whose memory they lie in."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from spymaster_resources.lake.row_groups import RowGroupAssembler
from tests.spymaster_resources.lake.tables import CONTRACT, quotes


@pytest.mark.parametrize(
    ("written", "groups"),
    [([16], [16]), ([5, 11], [16]), ([40], [16, 16, 8]), ([1] * 17, [16, 1]), ([0, 0], [])],
)
def test_groups_have_the_size_of_the_contract(written: list[int], groups: list[int]) -> None:
    assembler = RowGroupAssembler(CONTRACT, 16)
    found = [group.num_rows for rows in written for group in assembler.add(quotes(rows), own=False)]
    assert found + [group.num_rows for group in assembler.finish()] == groups


@pytest.mark.parametrize("own", [False, True])
def test_a_whole_group_is_copied_only_when_it_outlives_the_call(own: bool) -> None:
    buffer = np.arange(16)
    column = pa.Array.from_buffers(pa.int64(), 16, [None, pa.py_buffer(buffer)])
    table = quotes(16).set_column(2, CONTRACT.schema.field(2), column)
    (group,) = RowGroupAssembler(CONTRACT, 16).add(table, own=own)
    buffer[:] = -1
    assert group["price_int"].to_pylist() == (list(range(16)) if own else [-1] * 16)
