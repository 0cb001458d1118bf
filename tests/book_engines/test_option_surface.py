"""What the surface does on a lattice of strikes and on wide buckets, by examples."""

from __future__ import annotations

import math

import numpy as np
import pytest

from book_engines.surface import SurfaceEngine
from book_engines.surface_params import OPTION_LANES, PHYSICS_COLUMNS, SurfaceParams
from tests.book_engines.surface_cases import engine_input, run
from tests.naive.surface import NaiveCell, NaiveWindow

POINT = 1_000_000_000
STEP = 20
"""Ticks of $0.25 from one $5 strike to the next."""
OPTIONS = SurfaceParams(
    half=10,
    cell_int=5 * POINT,
    lanes=OPTION_LANES,
    near_sigma=1.0,
    near_radius=1,
    far_sigma=1.2,
    far_radius=3,
)
BUCKETS = SurfaceParams(
    half=100, cell_int=POINT // 2, rel_tick_int=POINT // 2, tick_int=POINT // 100
)
CALL_ASK, CALL_BID, PUT_ASK, PUT_BID = range(OPTION_LANES)
MIDDLE = OPTIONS.half
GROWS = NaiveCell(depth_qty_start=9, depth_qty_end=39, add_qty=30, depth_qty_rest=9)
U = 30 / 40


def strikes(
    spot: int, cells: dict[tuple[int, str], NaiveCell] | None = None, *, valid: bool = True
) -> NaiveWindow:
    """Return a window of options: spot in ticks, cells by strike (in steps) and lane."""
    return NaiveWindow(spot, None, None, valid, cells or {})


@pytest.mark.parametrize(
    ("spot", "nearest", "first_rel"),
    [(1000, 50, -200), (1001, 50, -201), (1009, 50, -209), (1010, 51, -190), (990, 50, -190)],
)
def test_grid_is_centred_on_the_nearest_strike_and_rel_ticks_are_exact(
    spot: int, nearest: int, first_rel: int
) -> None:
    flow = {(nearest, "CB"): GROWS}
    block = SurfaceEngine(OPTIONS).advance(*engine_input(OPTIONS, [strikes(spot, flow)]))
    assert block.rel_ticks[0].tolist() == list(range(first_rel, first_rel + 401, STEP))
    assert block.rel_ticks[0, MIDDLE] == nearest * STEP - spot
    assert block.column("liquidity_velocity")[0, MIDDLE, CALL_BID] == np.float32(U)
    assert not block.has_rel_ticks_side.any()


def test_constant_flow_gives_that_constant_in_every_average_and_along_the_strikes() -> None:
    everywhere = {(k, "PA"): GROWS for k in range(40, 61)}
    found = run(OPTIONS, [strikes(1003, everywhere)] * 30)
    for name in ("u_ema_2", "u_ema_8", "u_ema_32", "u_ema_128", "u_near", "u_far"):
        np.testing.assert_allclose(found[name][:, :, PUT_ASK], U, rtol=1e-7, err_msg=name)
    for name in ("u_wave_energy", "du_dt", "d2u_dt2", "u_prom", "du_dx", "d2u_dx2", "Omega_prom"):
        np.testing.assert_allclose(found[name][:, :, PUT_ASK], 0, atol=1e-12, err_msg=name)
    for name in PHYSICS_COLUMNS:
        if name not in {"nu", "kappa"}:
            assert not found[name][:, :, [CALL_ASK, CALL_BID, PUT_BID]].any(), name


@pytest.mark.parametrize("tau", [2, 8, 32, 128])
def test_impulse_at_a_strike_decays_by_the_closed_form(tau: int) -> None:
    quiet, impulse = strikes(1003), strikes(1003, {(49, "CA"): GROWS})
    found = run(OPTIONS, [quiet] * 4 + [impulse] + [quiet] * 60)[f"u_ema_{tau}"]
    a = 1 - math.exp(-1 / tau)
    for n in range(5, 66):
        expected = U * a * (1 - a) ** (n - 5) / (1 - (1 - a) ** n)
        assert found[n - 1, MIDDLE - 1, CALL_ASK] == pytest.approx(max(expected, 0), rel=2e-7)


def test_impulse_spreads_one_step_near_and_three_far_per_tick() -> None:
    found = run(OPTIONS, [strikes(1000, {(50, "CB"): GROWS})])
    near = [math.exp(-0.5), 1.0, math.exp(-0.5)]
    far = [math.exp(-0.5 * (k / 1.2) ** 2) for k in range(-3, 4)]
    u_near = found["u_near"][0, :, CALL_BID]
    np.testing.assert_allclose(u_near[9:12], [U * w / sum(near) for w in near], rtol=1e-6)
    assert np.count_nonzero(u_near) == 3
    u_far = found["u_far"][0, :, CALL_BID]
    np.testing.assert_allclose(u_far[7:14], [U * w / sum(far) for w in far], rtol=1e-6)
    assert np.count_nonzero(u_far) == 7
    slope = u_near[10] / (2 * STEP)
    np.testing.assert_allclose(found["du_dx"][0, [9, 11], CALL_BID], [slope, -slope], rtol=1e-6)
    bend = (2 * u_near[9] - 2 * u_near[10]) / STEP**2
    np.testing.assert_allclose(found["d2u_dx2"][0, 10, CALL_BID], bend, rtol=1e-6)


@pytest.mark.parametrize("move", [3, 20, -20, 57])
def test_reanchored_spot_changes_no_field_at_a_fixed_strike(move: int) -> None:
    flows = {(48, "PB"): GROWS, (51, "CA"): NaiveCell(20, 10, pull_qty=10, depth_qty_rest=5)}
    stay = [strikes(1000, flows)] * 20
    found, moved = run(OPTIONS, stay), run(OPTIONS, stay[:10] + [strikes(1000 + move, flows)] * 10)
    shift = round(move / STEP)
    kept = np.arange(6, 15)  # strikes whose smoothing sees no edge of either grid
    for name in PHYSICS_COLUMNS:
        np.testing.assert_array_equal(
            moved[name][10:, kept - shift], found[name][10:, kept], err_msg=name
        )


def test_strike_that_leaves_the_grid_returns_with_its_history() -> None:
    seen = [strikes(1000, {(41, "PB"): GROWS})] * 5
    found = run(OPTIONS, seen + [strikes(1200)] * 7 + [strikes(1000)])
    watched = run(OPTIONS, seen + [strikes(1000)] * 8)
    for name in ("u_ema_2", "u_ema_8", "u_ema_32", "u_ema_128", "du_dt", "d2u_dt2"):
        back = found[name][12, 1, PUT_BID]
        assert back == pytest.approx(watched[name][12, 1, PUT_BID], rel=1e-6), name
        assert back != 0.0


def test_strikes_have_no_touch_so_every_strike_is_inside_the_mask() -> None:
    lanes = ("CA", "CB", "PA", "PB")
    rest = NaiveCell(100, 100, depth_qty_rest=100)
    found = run(
        OPTIONS, [strikes(1000, {(k, lane): rest for k in range(40, 61) for lane in lanes})]
    )
    assert (found["Omega_near"] > 0).all()
    assert (found["nu"] > 1).all()


def test_pressure_is_that_on_the_premium_of_calls_and_puts_alike() -> None:
    lanes = ("CA", "CB", "PA", "PB")
    found = run(OPTIONS, [strikes(1000, {(50, lane): GROWS for lane in lanes})])
    push = np.float32(U * 9 / 40)
    assert found["pressure_grad"][0, MIDDLE].tolist() == [-push, push, -push, push]


def test_repriced_quantity_is_no_intensity_but_part_of_what_came() -> None:
    # The quote of 10 moves to another price, where 4 of it are then pulled and 2 more added.
    moved = NaiveCell(10, 8, 12, 14, 0, 0, add_reprice_qty=10, pull_reprice_qty=10)
    found = run(OPTIONS, [strikes(1000, {(50, "CB"): moved})])
    here = (0, MIDDLE, CALL_BID)
    assert found["add_intensity"][here] == np.float32(2 / 23)
    assert found["pull_intensity"][here] == np.float32(4 / 23)
    assert found["liquidity_velocity"][here] == np.float32(-2 / 23)


def test_quantity_that_was_repriced_and_then_pulled_keeps_the_intensity_below_one() -> None:
    gone = NaiveCell(0, 0, add_qty=500, pull_qty=500, add_reprice_qty=500)
    found = run(OPTIONS, [strikes(1000, {(50, "CB"): gone})])
    assert found["pull_intensity"][0, MIDDLE, CALL_BID] == np.float32(500 / 501)
    assert found["liquidity_velocity"][0, MIDDLE, CALL_BID] == np.float32(-500 / 501)


def test_invalid_pair_has_no_flow_and_leaves_the_others_alone() -> None:
    bad = NaiveCell(9, 39, 30, depth_qty_rest=9, valid=False)
    found = run(OPTIONS, [strikes(1000, {(50, "CB"): bad, (50, "PB"): GROWS})])
    assert found["liquidity_velocity"][0, MIDDLE].tolist() == [0, 0, 0, np.float32(U)]
    assert found["rho"][0, MIDDLE, CALL_BID] == found["rho"][0, MIDDLE, PUT_BID]


def bucket_mask(best_bid: int | None, best_ask: int | None) -> tuple[list[int], list[int]]:
    """Return relative buckets of asks and bids inside the mask; prices in cents, spot $600."""
    rest = NaiveCell(100, 100, depth_qty_rest=100)
    cells = {(1200 + k, side): rest for k in range(-100, 101) for side in "AB"}
    found = run(BUCKETS, [NaiveWindow(1200, best_bid, best_ask, True, cells)])
    inside = found["Omega_near"][0] > 0
    asks, bids = (np.flatnonzero(inside[:, side]) - BUCKETS.half for side in (0, 1))
    return asks.tolist(), bids.tolist()


@pytest.mark.parametrize(
    ("best_bid", "best_ask", "lowest_ask", "highest_bid"),
    [
        (60010, 60011, 0, 0),  # one bucket holds both sides of the touch
        (60024, 60025, 1, 0),  # $600.25 belongs to the bucket above
        (60023, 60024, 0, 0),
        (60024, 60026, 1, 1),  # a bid at $600.25 may come
        (59980, 60120, 0, 2),
        (60100, 60000, 2, 0),  # crossed
    ],
)
def test_bucket_is_inside_the_mask_of_a_side_that_can_stand_in_it(
    best_bid: int, best_ask: int, lowest_ask: int, highest_bid: int
) -> None:
    asks, bids = bucket_mask(best_bid, best_ask)
    assert asks == list(range(lowest_ask, 101))
    assert bids == list(range(-100, highest_bid + 1))


def test_best_prices_of_buckets_are_raw_and_rel_ticks_side_counts_buckets() -> None:
    window = NaiveWindow(1200, 60024, 60025, True)
    block = SurfaceEngine(BUCKETS).advance(*engine_input(BUCKETS, [window]))
    assert block.rel_ticks_side[0, BUCKETS.half].tolist() == [-1, 0]
    assert block.rel_ticks[0, [0, -1]].tolist() == [-100, 100]
