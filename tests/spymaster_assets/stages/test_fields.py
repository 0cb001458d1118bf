"""Forces read from a published surface are those of the arrays that went into it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from book_engines.errors import SurfaceInputError
from book_engines.forces import Fields, Kernels, Touch, window_forces
from book_engines.lattice import Snapshots, place
from book_engines.obstacles import StrikeObstacles, add_obstacles
from contracts.errors import ContractError, PartitionMissingError
from spymaster_assets.stages.fields import Reading, forecast_surface, read_forces, read_forces_by
from tests.spymaster_assets.stages.gold_days import (
    SYMBOL,
    best_prices,
    publish_day,
    publish_options,
    publish_snapshots,
    random_day,
    small_context,
)

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


def test_one_pass_gives_the_forces_of_several_readings(tmp_path: Path) -> None:
    ctx = small_context(tmp_path)
    fields, touch = random_day(1, 40)
    publish_day(ctx, DAY, fields, touch)
    narrow = Kernels(flow_sigma=3.0, viscosity_sigma=2.0)
    readings = [Reading(), Reading(narrow), Reading(u_p="u_near")]
    expected = [
        window_forces(fields, touch),
        window_forces(fields, touch, narrow),
        window_forces(fields._replace(u_p=fields.u_near), touch),
    ]
    found = read_forces_by(ctx, SYMBOL, DAY, "here", readings)
    for ours, theirs in zip(found, expected, strict=True):
        for a, b in zip(ours[:-1], theirs[:-1], strict=True):
            np.testing.assert_array_equal(a, b)


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


def test_forces_of_an_equity_stand_on_its_fine_cells_and_its_exact_mid(tmp_path: Path) -> None:
    ctx = small_context(tmp_path, "QQQ", "equity_mbo")
    fields, touch = random_day(4, 200)
    publish_day(ctx, DAY, fields, touch, symbol="QQQ")
    bid, ask = best_prices(ctx, touch)
    mid_cell = (bid + ask) / 2 / 50_000_000
    expected = window_forces(fields, touch._replace(mid_rel=mid_cell - touch.spot_tick))
    found = read_forces(ctx, "QQQ", DAY, "here")
    np.testing.assert_allclose(found.mid_tick, np.where(touch.valid, mid_cell, np.nan), rtol=1e-15)
    assert (found.mid_tick[touch.valid] % 0.5 != 0).any()
    assert set(found.spring[touch.valid].tolist()) == {0.5, -0.5}
    for ours, theirs in zip(found[3:-1], expected[3:-1], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(found.diagnostics, expected.diagnostics)


def test_snapshots_that_do_not_fit_an_equity_s_surface_are_refused(tmp_path: Path) -> None:
    ctx = small_context(tmp_path, "QQQ", "equity_mbo")
    fields, touch = random_day(4, 20)
    publish_day(ctx, DAY, fields, touch, symbol="QQQ")
    bid, ask = best_prices(ctx, touch)
    spot = (touch.spot_tick * 50_000_000).astype(np.int64)
    for ends, bids, says in (
        (touch.window_end_ts_ns + 1_000_000_000, bid, "expected the windows"),
        (touch.window_end_ts_ns, bid - 50_000_000, "expected the best prices"),
    ):
        values = {
            "best_bid_price_int": bids,
            "best_ask_price_int": ask,
            "spot_ref_price_int": spot,
        }
        publish_snapshots(ctx, DAY, "QQQ", ends, values)
        with pytest.raises(ContractError, match=says):
            read_forces(ctx, "QQQ", DAY, "here")


@pytest.mark.parametrize(
    ("name", "product_type", "symbol", "strike_int"),
    [("ES", "future_mbo", "ESH6", 5_000_000_000), ("QQQ", "equity_mbo", "QQQ", 1_000_000_000)],
)
def test_options_are_added_at_their_strikes_whatever_the_row_groups(
    tmp_path: Path, name: str, product_type: str, symbol: str, strike_int: int
) -> None:
    ctx = small_context(tmp_path, name, product_type)
    params = forecast_surface(ctx.instrument).params
    fields, touch = random_day(5, 150)
    rng = np.random.default_rng(5)
    Omega = rng.uniform(0, 9, fields.u_p.shape).astype(np.float32)
    publish_day(ctx, DAY, fields, touch, symbol=symbol, Omega=Omega)
    without = read_forces(ctx, symbol, DAY, "here")
    ends = np.delete(touch.window_end_ts_ns, [3, 4, 149])
    spot = (touch.spot_tick * params.cell_int).astype(np.int64)
    low = np.delete(spot // strike_int * strike_int - 2 * strike_int, [3, 4, 149])
    omega = rng.uniform(0, 30, (ends.size, 5, 4)).astype(np.float32)
    publish_options(ctx, DAY, ends, low, omega, symbol=symbol)
    bid, ask = best_prices(ctx, touch)
    placement = place(params, Snapshots(touch.window_end_ts_ns, spot, bid, ask, touch.valid))
    strikes = StrikeObstacles(ends, low, strike_int, omega.sum(axis=2, dtype=np.float64))
    whole = add_obstacles(params, touch.window_end_ts_ns, placement, Omega, fields, strikes)
    expected = window_forces(whole, touch)
    found = read_forces(ctx, symbol, DAY, "here")
    np.testing.assert_array_equal(found.viscosity, expected.viscosity)
    np.testing.assert_array_equal(found.diagnostics, expected.diagnostics)
    np.testing.assert_array_equal(found.flow, without.flow)
    np.testing.assert_array_equal(found.viscosity[[3, 4, 149]], without.viscosity[[3, 4, 149]])
    assert (found.viscosity[5:149] != without.viscosity[5:149])[touch.valid[5:149]].all()


def _until(past: int, mine: npt.NDArray[Any], others: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.concatenate([mine[:past], others[past:]])


def test_later_windows_and_options_change_no_force_before_them(tmp_path: Path) -> None:
    past, found = 60, []
    for number, seed in enumerate((6, 7)):
        ctx = small_context(tmp_path / str(number), "QQQ", "equity_mbo")
        (fields, touch), (others, later) = random_day(6, 120), random_day(seed, 120)
        fields = Fields._make(_until(past, *both) for both in zip(fields, others, strict=True))
        touch = Touch._make(_until(past, *both) for both in zip(touch, later, strict=True))
        rng = np.random.default_rng(6)
        Omega = rng.uniform(0, 9, fields.u_p.shape).astype(np.float32)
        omega = rng.uniform(0, 30, (120, 5, 4)).astype(np.float32)
        noise = np.random.default_rng(seed)
        Omega[past:] = noise.uniform(0, 9, Omega[past:].shape)
        omega[past:] = noise.uniform(0, 30, omega[past:].shape)
        publish_day(ctx, DAY, fields, touch, symbol="QQQ", Omega=Omega)
        low = np.full(120, 950_000_000_000)
        publish_options(ctx, DAY, touch.window_end_ts_ns, low, omega, symbol="QQQ")
        found.append(read_forces(ctx, "QQQ", DAY, "here").rows(0, past))
    for one, other in zip(found[0][:-1], found[1][:-1], strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(found[0].diagnostics, found[1].diagnostics)


def test_an_option_surface_with_strikes_off_the_cells_is_refused(tmp_path: Path) -> None:
    ctx = small_context(tmp_path)
    fields, touch = random_day(8, 2)
    publish_day(ctx, DAY, fields, touch)
    low = np.array([4_000_000_000_000, 4_000_000_000_001])
    omega = np.ones((2, 5, 4), np.float32)
    publish_options(ctx, DAY, touch.window_end_ts_ns, low, omega)
    with pytest.raises(SurfaceInputError, match="multiples of a cell"):
        read_forces(ctx, SYMBOL, DAY, "here")
