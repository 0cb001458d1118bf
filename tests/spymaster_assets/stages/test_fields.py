"""Forces read from a published surface are those of the arrays that went into it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from book_engines.forces import Fields, window_forces
from contracts.errors import ContractError, PartitionMissingError
from spymaster_assets.stages.fields import read_forces
from tests.spymaster_assets.stages.gold_days import SYMBOL, publish_day, random_day, small_context

DAY = date(2026, 1, 5)


def test_forces_of_the_table_are_those_of_the_arrays(tmp_path: Path) -> None:
    ctx = small_context(tmp_path)
    fields, touch = random_day(1, 400)  # 112,800 rows: row groups end inside windows
    publish_day(ctx, DAY, fields, touch)
    told: list[tuple[str, int, int | None]] = []
    ctx = type(ctx)(ctx.lake, ctx.instrument, ctx.calendar, ctx.session, progress=_note(told))
    found, expected = read_forces(ctx, SYMBOL, DAY, "here"), window_forces(fields, touch)
    for ours, theirs in zip(found[:-1], expected[:-1], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(found.diagnostics, expected.diagnostics)
    assert told[-1] == ("here", 400, 400)
    assert len(told) == 3


def _note(told: list[tuple[str, int, int | None]]):  # type: ignore[no-untyped-def]
    def note(stage: str, done: int, total: int | None) -> None:
        told.append((stage, done, total))

    return note


def test_a_grid_with_a_hole_is_refused(tmp_path: Path) -> None:
    ctx = small_context(tmp_path)
    fields, touch = random_day(2, 30)
    narrow = Fields._make(np.ascontiguousarray(field[:, 1:-1]) for field in fields)
    publish_day(ctx, DAY, narrow, touch)
    with pytest.raises(ContractError, match="column rel_ticks: expected −70…70"):
        read_forces(ctx, SYMBOL, DAY, "here")


def test_a_cut_last_window_is_refused(tmp_path: Path) -> None:
    ctx = small_context(tmp_path)
    fields, touch = random_day(2, 1)
    narrow = Fields._make(np.ascontiguousarray(field[:, 1:-1]) for field in fields)
    publish_day(ctx, DAY, narrow, touch)
    with pytest.raises(ContractError, match="expected 282 rows a window, found 278"):
        read_forces(ctx, SYMBOL, DAY, "here")


def test_a_missing_second_is_refused(tmp_path: Path) -> None:
    ctx = small_context(tmp_path)
    fields, touch = random_day(3, 30)
    touch.window_end_ts_ns[10:] += 1_000_000_000
    publish_day(ctx, DAY, fields, touch)
    with pytest.raises(ContractError, match="expected a window every second"):
        read_forces(ctx, SYMBOL, DAY, "here")


def test_a_surface_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PartitionMissingError, match="physics_surface_1s"):
        read_forces(small_context(tmp_path), SYMBOL, DAY, "here")
