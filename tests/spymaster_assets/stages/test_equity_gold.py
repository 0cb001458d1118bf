"""From an equity's silver to its two surfaces: wide buckets, and fine cells around the touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contracts.errors import DataQualityError, PartitionMissingError
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.gold import build_gold, recipe
from spymaster_assets.stages.surface_tables import surface_tables
from spymaster_resources.lake import StagedPartition
from tests.book_engines.surface_cases import dense
from tests.naive.surface import NaiveWindow, nearest_cell, surfaces
from tests.spymaster_assets.stages.silver_days import (
    DT,
    SYMBOL,
    publish_equity_silver,
    small_context,
    wandering_equity,
)

WIDE = "gold.equity_mbo.physics_surface_1s"
FINE = "gold.equity_mbo.physics_surface_tick_1s"
CENT = 10_000_000


@pytest.fixture
def ctx(tmp_path: Path) -> StageContext:
    return small_context(tmp_path, "QQQ", "equity_mbo")


def published(ctx: StageContext, seed: int, count: int = 40) -> list[list[NaiveWindow]]:
    days = wandering_equity(surface_tables(ctx.instrument), seed, count)
    publish_equity_silver(ctx, days)
    return days


def test_both_surfaces_equal_the_naive_twin_on_their_own_cells(ctx: StageContext) -> None:
    days = published(ctx, 1)
    assert [m.dataset for m in build_gold(ctx, SYMBOL, DT)] == [WIDE, FINE]
    for windows, table in zip(days, surface_tables(ctx.instrument), strict=True):
        found = ctx.lake.read(table.gold, SYMBOL, DT)
        params = table.params
        for name, expected in dense(params, surfaces(params, windows)).items():
            values = found[name].to_numpy().reshape(len(windows), params.cells, 2)
            np.testing.assert_allclose(values, expected, rtol=1e-7, atol=1e-11, err_msg=name)


def test_cells_and_best_prices_are_counted_in_the_table_s_own_cell(ctx: StageContext) -> None:
    days = published(ctx, 2)
    build_gold(ctx, SYMBOL, DT)
    for windows, table, width_int in zip(
        days, surface_tables(ctx.instrument), (50 * CENT, 5 * CENT), strict=True
    ):
        params = table.params
        assert params.cell_int == params.rel_tick_int == width_int
        rows = ctx.lake.read(table.gold, SYMBOL, DT).to_pylist()
        places = [
            (w, rel, s)
            for w in windows
            for rel in range(-params.half, params.half + 1)
            for s in "AB"
        ]
        for row, (window, rel, side) in zip(rows, places, strict=True):
            assert (row["rel_ticks"], row["side"]) == (rel, side)
            assert row["window_valid"] == window.valid
            best = window.best_ask if side == "A" else window.best_bid
            if window.spot is None or best is None:
                assert row["spot_ref_price_int"] is None
                assert row["rel_ticks_side"] is None
                continue
            assert row["spot_ref_price_int"] == window.spot * width_int
            best_cell = nearest_cell(best * CENT, width_int)
            assert row["rel_ticks_side"] == window.spot + rel - best_cell


def test_manifests_name_the_three_silver_tables_and_both_lattices(ctx: StageContext) -> None:
    published(ctx, 3)
    wide, fine = build_gold(ctx, SYMBOL, DT)
    for manifest in (wide, fine):
        assert sorted(item.dataset for item in manifest.inputs) == [
            "silver.equity_mbo.book_snapshot_1s",
            "silver.equity_mbo.depth_and_flow_1s",
            "silver.equity_mbo.depth_and_flow_tick_1s",
        ]
        assert manifest.parameters["physics_surface_1s"]["cell_int"] == 50 * CENT
        assert manifest.parameters["physics_surface_tick_1s"]["cell_int"] == 5 * CENT
    assert wide.counters["windows"] == fine.counters["windows"] == 40
    assert recipe(ctx, SYMBOL, DT).current(ctx.lake, SYMBOL, DT) == [wide, fine]


def test_building_again_gives_the_same_bytes(ctx: StageContext) -> None:
    published(ctx, 4, 12)
    assert build_gold(ctx, SYMBOL, DT) == build_gold(ctx, SYMBOL, DT)


def test_red_audit_publishes_neither_surface(ctx: StageContext) -> None:
    seen: list[str] = []

    def audit(staged: Sequence[StagedPartition]) -> None:
        seen.extend(partition.dataset for partition in staged)
        raise DataQualityError(FINE, ["no NaN"])

    published(ctx, 5, 5)
    with pytest.raises(DataQualityError):
        build_gold(replace(ctx, audit=audit), SYMBOL, DT)
    assert seen == [WIDE, FINE]
    assert ctx.lake.manifest(WIDE, SYMBOL, DT) is None
    assert ctx.lake.manifest(FINE, SYMBOL, DT) is None


def test_future_silver_changes_no_byte_of_earlier_windows(tmp_path: Path) -> None:
    past, rows = 20, []
    for number, seed in enumerate((6, 7)):
        ctx = small_context(tmp_path / str(number), "QQQ", "equity_mbo")
        tables = surface_tables(ctx.instrument)
        same, other = (
            wandering_equity(tables, 6, 2 * past),
            wandering_equity(tables, seed, 2 * past),
        )
        publish_equity_silver(ctx, [a[:past] + b[past:] for a, b in zip(same, other, strict=True)])
        build_gold(ctx, SYMBOL, DT)
        rows.append(
            [ctx.lake.read(t.gold, SYMBOL, DT).slice(0, past * t.params.cells * 2) for t in tables]
        )
    for one, other_rows in zip(*rows, strict=True):
        assert one.equals(other_rows)


def test_missing_silver_is_named(ctx: StageContext) -> None:
    with pytest.raises(PartitionMissingError, match=r"silver\.equity_mbo"):
        build_gold(ctx, SYMBOL, DT)
