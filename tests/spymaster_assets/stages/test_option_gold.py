"""From silver of options in the lake to their surface of strikes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from book_engines.errors import SurfaceInputError
from book_engines.surface_params import PHYSICS_COLUMNS
from contracts.errors import ContractError
from contracts.registry import dataset
from spymaster_assets.stages import surface_stage
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.gold_batches import option_column
from spymaster_assets.stages.option_gold import build_gold, recipe
from spymaster_assets.stages.surface_tables import SurfaceTable, surface_tables
from tests.book_engines.surface_cases import FIRST_END_NS, dense
from tests.naive.surface import LANES, NaiveCell, NaiveWindow, nearest_cell, surfaces
from tests.spymaster_assets.stages.silver_days import (
    DT,
    SECOND_NS,
    SYMBOL,
    option_depth_table,
    publish_option_silver,
    small_context,
    wandering_options,
    with_reprices,
)

HALF = 4
CELLS = 2 * HALF + 1
ROWS = CELLS * 4
COUNT = 36


@pytest.fixture(params=[("ES", "future_option_mbo"), ("QQQ", "equity_option_cmbp_1")])
def ctx(request: pytest.FixtureRequest, tmp_path: Path) -> StageContext:
    name, product_type = request.param
    return small_context(tmp_path, name, product_type, HALF)


def table_of(ctx: StageContext) -> SurfaceTable:
    (table,) = surface_tables(ctx.instrument)
    return table


def day_of(ctx: StageContext, seed: int, count: int = COUNT) -> list[NaiveWindow]:
    windows = wandering_options(table_of(ctx).params, seed, count)
    is_consolidated = ctx.instrument.product_type == "equity_option_cmbp_1"
    return with_reprices(windows) if is_consolidated else windows


def built(ctx: StageContext, windows: list[NaiveWindow]) -> pa.Table:
    publish_option_silver(ctx, windows)
    build_gold(ctx, SYMBOL, DT)
    return ctx.lake.read(table_of(ctx).gold, SYMBOL, DT)


def test_lattice_of_each_product_is_that_of_its_catalogue_row(tmp_path: Path) -> None:
    found = {}
    for name, product in (("ES", "future_option_mbo"), ("QQQ", "equity_option_cmbp_1")):
        params = table_of(small_context(tmp_path, name, product, 10)).params
        found[product] = (params.cell_ticks, params.lanes, params.near_radius, params.far_radius)
        assert (params.near_sigma, params.far_sigma) == (1.0, 1.2)
    assert found == {"future_option_mbo": (20, 4, 1, 3), "equity_option_cmbp_1": (2, 4, 1, 3)}


def test_surface_equals_the_naive_twin_also_after_seconds_without_spot(ctx: StageContext) -> None:
    windows = day_of(ctx, 1)
    table = built(ctx, windows)
    params = table_of(ctx).params
    with_rows = [n for n, window in enumerate(windows) if window.spot is not None]
    assert len(with_rows) < COUNT
    for name, expected in dense(params, surfaces(params, windows)).items():
        found = table[option_column(name)].to_numpy().reshape(-1, CELLS, 4)
        np.testing.assert_allclose(found, expected[with_rows], rtol=1e-7, atol=1e-11, err_msg=name)


def test_every_window_with_spot_holds_every_strike_right_and_side(ctx: StageContext) -> None:
    windows = day_of(ctx, 2)
    rows = built(ctx, windows).to_pylist()
    params = table_of(ctx).params
    expected = []
    for number, window in enumerate(windows):
        if window.spot is None:
            continue
        centre = nearest_cell(window.spot, params.cell_ticks)
        for strike in range(centre - HALF, centre + HALF + 1):
            for lane in LANES[4]:
                cell = window.cells.get((strike, lane))
                expected.append(
                    {
                        "window_end_ts_ns": FIRST_END_NS + SECOND_NS * number,
                        "event_ts_ns": FIRST_END_NS + SECOND_NS * number,
                        "spot_ref_price_int": window.spot * params.rel_tick_int,
                        "strike_price_int": strike * params.cell_int,
                        "strike_points": strike * params.cell_int / 1e9,
                        "right": lane[0],
                        "side": lane[1],
                        "rel_ticks": strike * params.cell_ticks - window.spot,
                        "rel_ticks_side": None,
                        "window_valid": cell is None or cell.valid,
                    }
                )
    assert [{name: row[name] for name in expected[0]} for row in rows] == expected


def test_every_physics_column_is_in_the_contract_and_finite(ctx: StageContext) -> None:
    table = built(ctx, day_of(ctx, 3))
    names = [option_column(name) for name in PHYSICS_COLUMNS]
    floats = [f.name for f in dataset(table_of(ctx).gold).schema if f.type == pa.float32()]
    assert sorted(names) == sorted(floats)
    for name in names:
        assert np.isfinite(table[name].to_numpy()).all(), name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("u_p", "u_opt_p"),
        ("u_ema_8", "u_opt_ema_8"),
        ("d2u_dt2", "d2u_opt_dt2"),
        ("Omega", "Omega_opt"),
        ("Omega_near", "Omega_opt_near"),
        ("rho", "rho_opt"),
        ("nu", "nu_opt"),
        ("liquidity_velocity", "liquidity_velocity_opt"),
    ],
)
def test_a_symbol_takes_the_mark_and_a_word_the_suffix(name: str, expected: str) -> None:
    assert option_column(name) == expected


@pytest.mark.parametrize(
    "flag",
    [
        "price_outlier_flag",
        "crossed_market_flag",
        "spread_anomaly_flag",
        "iv_anomaly_flag",
        "arbitrage_violation_flag",
    ],
)
def test_a_flagged_option_contributes_no_flow_on_either_side_and_others_do(
    ctx: StageContext, flag: str
) -> None:
    windows = day_of(ctx, 10, 12)
    params = table_of(ctx).params
    number = next(n for n, w in enumerate(windows) if n and w.spot is not None)
    centre = nearest_cell(windows[number].spot or 0, params.cell_ticks)
    busy = NaiveCell(5, 9, 4, depth_qty_rest=5)
    windows[number].cells.update({(centre, lane): replace(busy) for lane in LANES[4]})
    quotes = [
        {
            "window_end_ts_ns": FIRST_END_NS + SECOND_NS * n,
            "instrument_id": k,
            "strike_price_int": (centre + k % 2) * params.cell_int,
            "right": "PPCC"[k],
            flag: (n, k) == (number, 0),
        }
        for n in range(12)
        for k in range(4)
    ]
    publish_option_silver(ctx, windows, quotes=quotes)
    (manifest,) = build_gold(ctx, SYMBOL, DT)
    for side in "AB":
        windows[number].cells[centre, f"P{side}"].valid = False
    found = ctx.lake.read(table_of(ctx).gold, SYMBOL, DT)
    with_rows = [n for n, window in enumerate(windows) if window.spot is not None]
    for name, expected in dense(params, surfaces(params, windows)).items():
        values = found[option_column(name)].to_numpy().reshape(-1, CELLS, 4)
        np.testing.assert_allclose(values, expected[with_rows], rtol=1e-7, atol=1e-11, err_msg=name)
    invalid = sum(not cell.valid for window in windows for cell in window.cells.values())
    assert manifest.counters["valid_rows"] == found.num_rows - invalid


def test_manifest_tells_inputs_lattice_and_counters(ctx: StageContext) -> None:
    windows = day_of(ctx, 4)
    publish_option_silver(ctx, windows)
    manifests = build_gold(ctx, SYMBOL, DT)
    (manifest,) = manifests
    table = table_of(ctx)
    assert {item.dataset for item in manifest.inputs} == {table.snapshot, table.depth}
    assert manifest.parameters["physics_surface_1s"]["lanes"] == 4
    without = sum(window.spot is None for window in windows)
    invalid = sum(not cell.valid for window in windows for cell in window.cells.values())
    rows = (COUNT - without) * ROWS
    assert manifest.row_count == rows
    assert manifest.counters["windows"] == COUNT - without
    assert manifest.counters["windows_without_rows"] == without
    assert manifest.counters["valid_rows"] == rows - invalid
    assert manifest.counters["valid_share"] == pytest.approx(1 - invalid / rows)
    velocity = dense(table.params, surfaces(table.params, windows))["liquidity_velocity"]
    assert manifest.counters["abs_u_sum"] == pytest.approx(np.abs(velocity).sum())
    assert recipe(ctx, SYMBOL, DT).current(ctx.lake, SYMBOL, DT) == manifests


def test_other_blocks_give_the_same_bytes(
    ctx: StageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_option_silver(ctx, day_of(ctx, 5))
    first = build_gold(ctx, SYMBOL, DT)
    table = table_of(ctx)
    in_fives = replace(table, params=replace(table.params, block_windows=5))
    monkeypatch.setattr(surface_stage, "surface_tables", lambda _: (in_fives,))
    assert build_gold(ctx, SYMBOL, DT) == first


def test_future_silver_changes_no_byte_of_earlier_windows(ctx: StageContext) -> None:
    past = 20
    found = []
    for seed in (6, 7):
        table = built(ctx, day_of(ctx, 6)[:past] + day_of(ctx, seed)[past:])
        last_past_end = FIRST_END_NS + SECOND_NS * (past - 1)
        found.append(table.filter(pc.less_equal(table["window_end_ts_ns"], last_past_end)))
    assert found[0].num_rows > 0
    assert found[0].equals(found[1])


def test_day_without_rows_gives_an_empty_table(ctx: StageContext) -> None:
    assert built(ctx, []).num_rows == 0


def refused(ctx: StageContext, depth: pa.Table) -> str:
    publish_option_silver(ctx, [], depth=depth)
    with pytest.raises((ContractError, SurfaceInputError)) as caught:
        build_gold(ctx, SYMBOL, DT)
    assert ctx.lake.manifest(table_of(ctx).gold, SYMBOL, DT) is None
    return str(caught.value)


def test_grid_with_a_hole_is_refused(ctx: StageContext) -> None:
    depth = option_depth_table(day_of(ctx, 8, 3), table_of(ctx))
    hole = pa.concat_tables([depth.slice(0, 7), depth.slice(8)])
    assert f"expected {ROWS} rows" in refused(ctx, hole)


def test_strikes_that_are_not_those_around_spot_are_refused(ctx: StageContext) -> None:
    table = table_of(ctx)
    depth = option_depth_table(day_of(ctx, 9, 3), table)
    shifted = pc.add(depth["strike_price_int"], table.params.cell_int)
    index = depth.schema.get_field_index("strike_price_int")
    moved = depth.set_column(index, depth.schema.field(index), shifted)
    assert "inside the grid" in refused(ctx, moved)
