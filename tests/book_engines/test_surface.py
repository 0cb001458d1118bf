"""What the surface does, by examples with closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from book_engines.errors import SurfaceInputError
from book_engines.lattice import NO_PRICE, Snapshots
from book_engines.surface import SurfaceEngine
from book_engines.surface_kernels import CellRows
from book_engines.surface_params import PHYSICS_COLUMNS, SurfaceParams
from tests.book_engines.surface_cases import book, engine_input, run
from tests.naive.surface import NaiveCell, NaiveWindow

FUTURES = SurfaceParams()
HALF = FUTURES.half
ASK, BID = 0, 1
GROWS = NaiveCell(depth_qty_start=9, depth_qty_end=39, add_qty=30, depth_qty_rest=9)
U = 30 / 40


def at(spot: int, price: int) -> int:
    return HALF + price - spot


def alpha(tau: int) -> float:
    return 1 - math.exp(-1 / tau)


def test_intensities_count_what_was_there_and_what_came() -> None:
    cell = NaiveCell(10, 11, add_qty=9, pull_qty=5, fill_qty=3, depth_qty_rest=6)
    found = run(FUTURES, [book(100, {(98, "B"): cell})])
    here = (0, at(100, 98), BID)
    assert found["add_intensity"][here] == np.float32(9 / 20)
    assert found["pull_intensity"][here] == np.float32(5 / 20)
    assert found["fill_intensity"][here] == np.float32(3 / 20)
    assert found["liquidity_velocity"][here] == np.float32(1 / 20)
    assert found["rho"][here] == np.float32(math.log(12))
    assert found["phi_rest"][here] == np.float32(6 / 12)
    assert np.count_nonzero(found["liquidity_velocity"]) == 1


def test_constant_flow_gives_that_constant_in_every_average_from_the_first_second() -> None:
    found = run(FUTURES, [book(0, {(-3, "B"): GROWS})] * 50)
    for tau in (2, 8, 32, 128):
        assert (found[f"u_ema_{tau}"][:, at(0, -3), BID] == np.float32(U)).all()
    for name in ("u_wave_energy", "du_dt", "d2u_dt2"):
        assert not found[name].any(), name


@pytest.mark.parametrize("tau", [2, 8, 32, 128])
def test_impulse_decays_by_the_closed_form(tau: int) -> None:
    quiet, impulse = book(0), book(0, {(2, "A"): GROWS})
    found = run(FUTURES, [quiet] * 4 + [impulse] + [quiet] * 100)[f"u_ema_{tau}"]
    a = alpha(tau)
    for n in range(1, 106):
        expected = U * a * (1 - a) ** (n - 5) / (1 - (1 - a) ** n) if n >= 5 else 0.0
        expected = expected if expected >= 1e-12 else 0.0
        assert found[n - 1, at(0, 2), ASK] == pytest.approx(expected, rel=2e-7)


def test_averages_below_the_floor_are_zero() -> None:
    found = run(FUTURES, [book(0, {(2, "A"): GROWS})] + [book(0)] * 100)
    fast = found["u_ema_2"][:, at(0, 2), ASK]
    last = np.flatnonzero(fast)[-1]
    assert 1e-12 <= fast[last] < 1e-12 * math.exp(1 / 2) * 1.001
    assert not fast[last + 1 :].any()


def test_differences_in_time_start_when_they_have_an_earlier_value() -> None:
    found = run(FUTURES, [book(0, {(2, "A"): GROWS}), book(0), book(0)])
    here = (slice(None), at(0, 2), ASK)
    a = alpha(2)
    ema = [U * a * (1 - a) ** n / (1 - (1 - a) ** (n + 1)) for n in range(3)]
    assert found["u_ema_2"][here] == pytest.approx(ema, rel=2e-7)
    assert found["du_dt"][here] == pytest.approx([0, ema[1] - ema[0], ema[2] - ema[1]], rel=2e-7)
    second = ema[2] - 2 * ema[1] + ema[0]
    assert found["d2u_dt2"][here] == pytest.approx([0, 0, second], rel=2e-7)


@pytest.mark.parametrize("k", [1, -1, 37, -37])
def test_reanchored_spot_changes_no_field_at_a_fixed_price(k: int) -> None:
    flows = {(-3, "B"): GROWS, (4, "A"): NaiveCell(20, 10, pull_qty=10, depth_qty_rest=5)}
    stay = [NaiveWindow(0, -1, 1, True, flows)] * 20
    move = stay[:10] + [NaiveWindow(k, -1, 1, True, flows)] * 10
    found, moved = run(FUTURES, stay), run(FUTURES, move)
    # Prices whose smoothing sees no edge of either grid.
    prices = np.arange(-90, 91)
    for name in PHYSICS_COLUMNS:
        np.testing.assert_array_equal(
            moved[name][10:, HALF + prices - k], found[name][10:, HALF + prices], err_msg=name
        )


def test_price_that_leaves_decays_and_returns_with_its_history() -> None:
    away = 600
    seen = [book(0, {(-3, "B"): GROWS})] * 5
    found = run(FUTURES, seen + [book(away)] * 7 + [book(0)])
    watched = run(FUTURES, seen + [book(0)] * 8)
    for name in ("u_ema_2", "u_ema_8", "u_ema_32", "u_ema_128", "du_dt", "d2u_dt2"):
        back = found[name][12, at(0, -3), BID]
        assert back == pytest.approx(watched[name][12, at(0, -3), BID], rel=1e-6), name
        assert back != 0.0


def test_price_that_enters_starts_its_averages_there() -> None:
    first_seen = book(600, {(598, "B"): GROWS})
    found = run(FUTURES, [book(0)] * 50 + [first_seen])
    assert found["u_ema_128"][50, at(600, 598), BID] == np.float32(U)


def test_price_that_was_always_in_the_grid_has_aged_there() -> None:
    found = run(FUTURES, [book(0)] * 50 + [book(0, {(-2, "B"): GROWS})])
    a = alpha(128)
    expected = U * a / (1 - (1 - a) ** 51)
    assert found["u_ema_128"][50, at(0, -2), BID] == pytest.approx(expected, rel=2e-7)


def test_invalid_window_keeps_depth_takes_flow_as_zero_and_lets_time_pass() -> None:
    seen, flow = book(0, {(-3, "B"): GROWS}), {(-3, "B"): GROWS}
    found = run(FUTURES, [seen, book(0, flow, valid=False), seen])
    still = run(FUTURES, [seen, book(0), seen])
    here = (1, at(0, -3), BID)
    assert found["rho"][here] == np.float32(math.log(40))
    assert found["phi_rest"][here] == np.float32(9 / 40)
    for name in ("add_intensity", "liquidity_velocity"):
        assert not found[name][1].any()
    for name in ("u_ema_2", "u_ema_128", "du_dt"):
        np.testing.assert_array_equal(found[name], still[name])


def test_window_without_spot_is_dense_flagged_and_without_physics() -> None:
    nothing = NaiveWindow(None, None, None, valid=True)
    block = SurfaceEngine(FUTURES).advance(*engine_input(FUTURES, [nothing, book(0)]))
    assert block.window_valid.tolist() == [False, True]
    assert block.has_rel_ticks_side.tolist() == [[False, False], [True, True]]
    for name in PHYSICS_COLUMNS:
        expected = 1.0 if name in {"nu", "kappa"} else 0.0
        assert (block.column(name)[0] == expected).all(), name


def test_price_ages_while_there_is_no_spot() -> None:
    seen, nothing = book(0, {(-3, "B"): GROWS}), NaiveWindow(None, None, None, valid=False)
    found = run(FUTURES, [seen, nothing, nothing, book(0)])
    watched = run(FUTURES, [seen, book(0), book(0), book(0)])
    for name in ("u_ema_2", "u_ema_128", "du_dt", "d2u_dt2"):
        expected = watched[name][3, at(0, -3), BID]
        assert found[name][3, at(0, -3), BID] == pytest.approx(expected, rel=1e-6)


def test_level_far_from_the_touch_changes_no_near_field_at_the_touch() -> None:
    touch = {(0, "B"): GROWS, (1, "A"): GROWS}
    alone = run(FUTURES, [book(0, touch)] * 3)
    with_far = run(FUTURES, [book(0, touch | {(-80, "B"): GROWS, (90, "A"): GROWS})] * 3)
    around_touch = slice(HALF - 10, HALF + 12)
    for name in PHYSICS_COLUMNS:
        np.testing.assert_array_equal(with_far[name][:, around_touch], alone[name][:, around_touch])
    assert with_far["Omega_near"][0, at(0, -80 - 16), BID] > 0
    assert with_far["Omega_near"][0, at(0, -80 - 17), BID] == 0


def test_fields_outside_the_mask_are_zero_and_nu_and_kappa_one() -> None:
    flows = {(0, "B"): GROWS, (1, "A"): GROWS}
    found = run(FUTURES, [book(0, flows)])
    asks_below, bids_above = (0, slice(0, HALF + 1), ASK), (0, slice(HALF + 1, None), BID)
    for outside in (asks_below, bids_above):
        for name in ("u_near", "u_far", "Omega_near", "Omega_far", "u_prom", "Omega_prom", "du_dx"):
            assert not found[name][outside].any(), name
        assert (found["nu"][outside] == 1).all()
        assert (found["kappa"][outside] == 1).all()
    assert found["Omega_near"][0, HALF + 1, ASK] > 0
    assert found["Omega_near"][0, HALF, BID] > 0


def test_walls_raise_viscosity_and_lower_permeability() -> None:
    wall = NaiveCell(400, 400, depth_qty_rest=400)
    found = run(FUTURES, [book(0, {(20, "A"): wall})])
    here = (0, at(0, 20), ASK)
    omega = math.log(401) * (0.5 + 0.5 * 400 / 401)
    assert found["Omega"][here] == pytest.approx(omega, rel=1e-7)
    prominence = found["Omega_near"][here] - found["Omega_far"][here]
    assert found["Omega_prom"][here] == pytest.approx(prominence, rel=1e-6)
    assert found["nu"][here] == pytest.approx(1 + found["Omega_near"][here] + 2 * prominence)
    assert found["kappa"][here] < 1


def test_growth_pushes_up_on_the_bid_and_down_on_the_ask() -> None:
    found = run(FUTURES, [book(0, {(0, "B"): GROWS, (1, "A"): GROWS})])
    push = np.float32(U * 9 / 40)
    assert found["pressure_grad"][0, at(0, 0), BID] == push
    assert found["pressure_grad"][0, at(0, 1), ASK] == -push


def test_keys_of_the_block() -> None:
    windows = [NaiveWindow(10, 8, 11, True), NaiveWindow(10, None, 10, False)]
    block = SurfaceEngine(FUTURES).advance(*engine_input(FUTURES, windows))
    assert block.rel_ticks[0, [0, HALF, -1]].tolist() == [-200, 0, 200]
    assert block.rel_ticks_side[0, HALF].tolist() == [-1, 2]
    assert block.rel_ticks_side[1, HALF].tolist() == [0, 0]
    assert block.has_rel_ticks_side.tolist() == [[True, True], [True, False]]
    assert block.window_valid.tolist() == [True, False]


def test_a_block_stands_while_the_other_turn_is_taken() -> None:
    engine = SurfaceEngine(FUTURES)
    first, second = (book(0, {(-3, side): GROWS}) for side in "BA")
    whole = engine_input(FUTURES, [first, second])
    block = engine.advance(*engine_input(FUTURES, [first]))
    physics, keys = block.physics.copy(), block.rel_ticks_side.copy()
    ends = whole[0].window_end_ts_ns[1:]
    snapshots, first_row, cells = engine_input(FUTURES, [second])
    engine.advance(snapshots._replace(window_end_ts_ns=ends), first_row, cells, turn=1)
    assert block.physics.tobytes() == physics.tobytes()
    assert block.rel_ticks_side.tobytes() == keys.tobytes()


def test_spot_may_jump_anywhere_and_state_stays_with_its_price() -> None:
    far = 30_000_000_000
    seen = book(0, {(-3, "B"): GROWS})
    engine = SurfaceEngine(FUTURES)
    found = run(FUTURES, [seen, book(far), book(-far), book(0)], engine)
    assert found["u_ema_128"][3, at(0, -3), BID] > 0
    assert len(engine.state().pages) <= 6


@pytest.mark.parametrize("step_ns", [0, 2_000_000_000, -1_000_000_000, 999_999_999])
def test_missing_repeated_or_ragged_window_is_refused(step_ns: int) -> None:
    snapshots, first_row, cells = engine_input(FUTURES, [book(0), book(0)])
    ends = snapshots.window_end_ts_ns.copy()
    ends[1] = ends[0] + step_ns
    with pytest.raises(SurfaceInputError, match="consecutive") as caught:
        SurfaceEngine(FUTURES).advance(snapshots._replace(window_end_ts_ns=ends), first_row, cells)
    assert caught.value.window_end_ts_ns == ends[1]


def test_window_missing_between_blocks_is_refused() -> None:
    engine = SurfaceEngine(FUTURES)
    block = engine_input(FUTURES, [book(0)])
    engine.advance(*block)
    with pytest.raises(SurfaceInputError, match="consecutive"):
        engine.advance(*block)


@pytest.mark.parametrize(
    ("column", "change", "message"),
    [
        ("price_int", 1, "whole number of cells"),
        ("price_int", 250_000_000 * 300, "inside the grid"),
        ("price_int", -250_000_000 * 300, "inside the grid"),
        ("lane", 1, "sorted"),
    ],
)
def test_row_out_of_place_is_refused(column: str, change: int, message: str) -> None:
    window = book(0, {(-3, "A"): GROWS, (-3, "B"): GROWS})
    snapshots, first_row, cells = engine_input(FUTURES, [window])
    values = getattr(cells, column).copy()
    values[0] += change
    wrong: CellRows = cells._replace(**{column: values})
    with pytest.raises(SurfaceInputError, match=message):
        SurfaceEngine(FUTURES).advance(snapshots, first_row, wrong)


def test_rows_of_a_window_without_spot_are_refused() -> None:
    snapshots, first_row, cells = engine_input(FUTURES, [book(0, {(-3, "B"): GROWS})])
    nowhere = snapshots._replace(spot_ref_price_int=np.array([NO_PRICE]))
    with pytest.raises(SurfaceInputError, match="inside the grid"):
        SurfaceEngine(FUTURES).advance(nowhere, first_row, cells)


@pytest.mark.parametrize("name", ["spot_ref_price_int", "best_bid_price_int", "best_ask_price_int"])
def test_price_off_the_lattice_is_refused(name: str) -> None:
    snapshots, first_row, cells = engine_input(FUTURES, [book(0)])
    wrong: Snapshots = snapshots._replace(**{name: getattr(snapshots, name) + 1})
    with pytest.raises(SurfaceInputError, match=name):
        SurfaceEngine(FUTURES).advance(wrong, first_row, cells)


def test_rows_must_be_parted_into_the_windows() -> None:
    snapshots, first_row, cells = engine_input(FUTURES, [book(0, {(-3, "B"): GROWS})])
    with pytest.raises(SurfaceInputError, match="part all rows"):
        SurfaceEngine(FUTURES).advance(snapshots, first_row - 1, cells)


def test_block_larger_than_the_buffers_is_refused() -> None:
    params = SurfaceParams(block_windows=1)
    with pytest.raises(SurfaceInputError, match="1 to 1 windows"):
        SurfaceEngine(params).advance(*engine_input(params, [book(0), book(0)]))


@pytest.mark.parametrize(
    "change", [{"half": 0}, {"near_sigma": 0.0}, {"far_radius": -1}, {"lanes": 3}, {"tick_int": 3}]
)
def test_parameters_without_meaning_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"must be|needs"):
        SurfaceParams(**change)
