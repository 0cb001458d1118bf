"""From silver in the lake to gold in the lake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from book_engines.errors import SurfaceInputError
from book_engines.surface_params import PHYSICS_COLUMNS
from contracts.errors import DataQualityError
from contracts.registry import dataset
from spymaster_assets.stages import surface_stage
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.gold import build_gold
from spymaster_assets.stages.gold_input import SilverDay
from spymaster_assets.stages.surface_tables import SurfaceTable, surface_tables
from spymaster_resources.lake import Lake, StagedPartition
from tests.book_engines.surface_cases import FIRST_END_NS, dense, engine_input
from tests.naive.surface import NaiveWindow, surfaces
from tests.spymaster_assets.stages.silver_days import (
    DT,
    HALF,
    SYMBOL,
    depth_table,
    publish_silver,
    small_context,
    snapshot_table,
    wandering_windows,
)

CELLS = 2 * HALF + 1
SECOND_NS = 1_000_000_000
SURFACE = "gold.future_mbo.physics_surface_1s"
SNAPSHOT = "silver.future_mbo.book_snapshot_1s"
DEPTH = "silver.future_mbo.depth_and_flow_1s"


class BatchesOf:
    """Stands for a lake whose depth table has row groups of given sizes."""

    def __init__(self, snapshot: pa.Table, depth: pa.Table, rows: int) -> None:
        self._snapshot = snapshot
        self._depth = depth
        self._rows = rows

    def read(self, name: str, symbol: str, dt: date, columns: Sequence[str]) -> pa.Table:
        assert name == SNAPSHOT
        return self._snapshot.select(columns)

    def batches(
        self, name: str, symbol: str, dt: date, columns: Sequence[str]
    ) -> Iterator[pa.RecordBatch]:
        assert name == DEPTH
        table = self._depth.select(columns).unify_dictionaries().combine_chunks()
        return iter(table.to_batches(max_chunksize=self._rows))


def built(tmp_path: Path, windows: list[NaiveWindow]) -> pa.Table:
    ctx = small_context(tmp_path)
    publish_silver(ctx, windows)
    build_gold(ctx, SYMBOL, DT)
    return ctx.lake.read(SURFACE, SYMBOL, DT)


def table_of(ctx: StageContext) -> SurfaceTable:
    (table,) = surface_tables(ctx.instrument)
    return table


def without_window(table: pa.Table, number: int) -> pa.Table:
    end = FIRST_END_NS + SECOND_NS * number
    return table.filter(pc.not_equal(table["window_end_ts_ns"], end))


def test_gold_in_the_lake_equals_the_naive_twin(tmp_path: Path) -> None:
    windows = wandering_windows(1, 40)
    table = built(tmp_path, windows)
    params = table_of(small_context(tmp_path)).params
    for name, expected in dense(params, surfaces(params, windows)).items():
        found = table[name].to_numpy().reshape(len(windows), CELLS, 2)
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-11, err_msg=name)


def test_every_window_holds_every_cell_and_side_in_the_order_of_the_key(tmp_path: Path) -> None:
    windows = wandering_windows(2, 40)
    table = built(tmp_path, windows)
    expected = [
        (FIRST_END_NS + SECOND_NS * number, rel, side)
        for number in range(len(windows))
        for rel in range(-HALF, HALF + 1)
        for side in "AB"
    ]
    keys = [table[name].to_pylist() for name in dataset(SURFACE).key_columns]
    assert list(zip(*keys, strict=True)) == expected
    assert table["event_ts_ns"].equals(table["window_end_ts_ns"])
    for name in PHYSICS_COLUMNS:
        assert np.isfinite(table[name].to_numpy()).all(), name


def test_keys_are_null_exactly_where_the_book_lacks_them(tmp_path: Path) -> None:
    windows = wandering_windows(3, 40)
    tick = small_context(tmp_path).instrument.tick_int
    for row, (number, rel, side) in zip(
        built(tmp_path, windows).to_pylist(),
        ((n, r, s) for n in range(40) for r in range(-HALF, HALF + 1) for s in "AB"),
        strict=True,
    ):
        window = windows[number]
        best = window.best_ask if side == "A" else window.best_bid
        assert row["window_valid"] == window.valid
        if window.spot is None:
            assert row["spot_ref_price_int"] is None
            assert row["rel_ticks_side"] is None
        else:
            assert row["spot_ref_price_int"] == window.spot * tick
            expected = None if best is None else window.spot + rel - best
            assert row["rel_ticks_side"] == expected


@pytest.mark.parametrize(
    "flag", ["price_outlier_flag", "crossed_market_flag", "spread_anomaly_flag"]
)
def test_a_flagged_window_contributes_no_flow_and_is_not_valid(tmp_path: Path, flag: str) -> None:
    ctx = small_context(tmp_path)
    windows = wandering_windows(8, 30)
    number = next(n for n, window in enumerate(windows) if n > 3 and window.valid)
    table = snapshot_table(windows, table_of(ctx))
    place = table.schema.get_field_index(flag)
    flagged = pa.array([n == number for n in range(30)])
    publish_silver(
        ctx, windows, snapshot=table.set_column(place, table.schema.field(place), flagged)
    )
    (manifest,) = build_gold(ctx, SYMBOL, DT)
    unclean = [replace(w, valid=w.valid and n != number) for n, w in enumerate(windows)]
    params = table_of(ctx).params
    found = ctx.lake.read(SURFACE, SYMBOL, DT)
    for name, expected in dense(params, surfaces(params, unclean)).items():
        values = found[name].to_numpy().reshape(len(windows), CELLS, 2)
        np.testing.assert_allclose(values, expected, rtol=1e-7, atol=1e-11, err_msg=name)
    valid_rows = sum(window.valid for window in unclean) * CELLS * 2
    assert manifest.counters["valid_rows"] == valid_rows


def test_manifest_tells_inputs_parameters_and_counters(tmp_path: Path) -> None:
    ctx = small_context(tmp_path)
    windows = wandering_windows(4, 40)
    publish_silver(ctx, windows)
    (manifest,) = build_gold(ctx, SYMBOL, DT)
    assert manifest.row_count == 40 * CELLS * 2
    assert {item.dataset for item in manifest.inputs} == {SNAPSHOT, DEPTH}
    assert manifest.parameters["physics_surface_1s"]["half"] == HALF
    assert "block_windows" not in manifest.parameters["physics_surface_1s"]
    params = table_of(ctx).params
    velocity = dense(params, surfaces(params, windows))["liquidity_velocity"]
    valid = sum(window.valid for window in windows)
    assert manifest.counters["windows"] == 40
    assert manifest.counters["windows_without_rows"] == 0
    assert manifest.counters["valid_rows"] == valid * CELLS * 2
    assert manifest.counters["valid_share"] == pytest.approx(valid / 40)
    assert manifest.counters["abs_u_sum"] == pytest.approx(np.abs(velocity).sum())


def test_building_again_in_other_blocks_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = small_context(tmp_path)
    publish_silver(ctx, wandering_windows(5, 40))
    first = build_gold(ctx, SYMBOL, DT)
    assert [m.files for m in build_gold(ctx, SYMBOL, DT)] == [m.files for m in first]
    table = table_of(ctx)
    in_sevens = replace(table, params=replace(table.params, block_windows=7))
    monkeypatch.setattr(surface_stage, "surface_tables", lambda _: (in_sevens,))
    assert build_gold(ctx, SYMBOL, DT) == first


@pytest.mark.parametrize("rows", [1, 3, 50, 10_000])
@pytest.mark.parametrize("block_windows", [1, 7, 64])
def test_blocks_align_whatever_the_row_groups(rows: int, block_windows: int) -> None:
    windows = wandering_windows(6, 30)
    table = table_of(small_context(Path("unused")))
    lake = BatchesOf(snapshot_table(windows, table), depth_table(windows, table), rows)
    day = SilverDay(cast(Lake, lake), table, SYMBOL, DT)
    assert day.windows == 30
    begin = 0
    for block in day.blocks(block_windows):
        part = windows[begin : begin + block_windows]
        snapshots, first_row, cells = engine_input(
            table.params, part, FIRST_END_NS + SECOND_NS * begin
        )
        for found, expected in zip(block.snapshots, snapshots, strict=True):
            np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(block.first_row, first_row)
        for values, should_be in zip(block.cells, cells, strict=True):
            np.testing.assert_array_equal(values, should_be)
        begin += block_windows
    assert begin >= 30


def test_day_without_windows_gives_an_empty_table(tmp_path: Path) -> None:
    assert built(tmp_path, []).num_rows == 0


def test_day_without_depth_is_dense_and_invalid(tmp_path: Path) -> None:
    table = built(tmp_path, [NaiveWindow(None, None, None, valid=False)] * 3)
    assert table.num_rows == 3 * CELLS * 2
    assert not any(table["window_valid"].to_pylist())


def refused(tmp_path: Path, **tables: Any) -> str:
    ctx = small_context(tmp_path)
    publish_silver(ctx, [], **tables)
    with pytest.raises(SurfaceInputError) as caught:
        build_gold(ctx, SYMBOL, DT)
    assert ctx.lake.manifest(SURFACE, SYMBOL, DT) is None
    return str(caught.value)


def test_missing_window_is_refused_and_nothing_published(tmp_path: Path) -> None:
    windows = wandering_windows(7, 10)
    table = table_of(small_context(tmp_path))
    message = refused(
        tmp_path,
        snapshot=without_window(snapshot_table(windows, table), 3),
        depth=without_window(depth_table(windows, table), 3),
    )
    assert "consecutive" in message


@pytest.mark.parametrize(("number", "says"), [(3, "without snapshot"), (9, "after the last")])
def test_depth_of_a_window_without_snapshot_is_refused(
    tmp_path: Path, number: int, says: str
) -> None:
    windows = wandering_windows(8, 10)
    table = table_of(small_context(tmp_path))
    message = refused(
        tmp_path,
        snapshot=without_window(snapshot_table(windows, table), number),
        depth=depth_table(windows, table),
    )
    assert says in message


def test_red_audit_keeps_gold_unpublished(tmp_path: Path) -> None:
    seen: list[str] = []

    def audit(staged: Sequence[StagedPartition]) -> None:
        seen.extend(partition.dataset for partition in staged)
        raise DataQualityError(SURFACE, ["no NaN"])

    ctx: StageContext = replace(small_context(tmp_path), audit=audit)
    publish_silver(ctx, wandering_windows(9, 5))
    with pytest.raises(DataQualityError):
        build_gold(ctx, SYMBOL, DT)
    assert seen == [SURFACE]
    assert ctx.lake.manifest(SURFACE, SYMBOL, DT) is None


def test_progress_ends_at_the_number_of_windows(tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    ctx = replace(small_context(tmp_path), progress=lambda *said: told.append(said))
    publish_silver(ctx, wandering_windows(10, 12))
    build_gold(ctx, SYMBOL, DT)
    assert told[-1] == ("gold", 12, 12)
