"""The options' obstacles equal their definition, and leave alone what they do not concern."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book_engines.errors import SurfaceInputError
from book_engines.forces import Fields, window_forces
from book_engines.lattice import Placement, Snapshots, place
from book_engines.obstacles import StrikeObstacles, add_obstacles, spread_weights
from book_engines.surface_params import SurfaceParams
from tests.book_engines.planted import SECOND_NS, random_surface
from tests.book_engines.surface_cases import book, run
from tests.naive import forecast as naive
from tests.naive.surface import NaiveCell

TICK = 250_000_000
STEP = 20
SMALL = SurfaceParams(half=40, near_sigma=2.0, near_radius=5, far_sigma=6.0, far_radius=15)


def case(
    seed: int, params: SurfaceParams, windows: int = 4
) -> tuple[np.ndarray, Placement, np.ndarray, Fields]:
    """Return window ends, grids, Omega and fields of a random surface."""
    rng = np.random.default_rng(seed)
    fields, touch = random_surface(seed, windows, params.half)
    spot = rng.integers(990, 1010, windows)
    bid = spot + rng.integers(-3, 1, windows)
    ask = bid + rng.integers(1, 3, windows)
    ends = touch.window_end_ts_ns
    valid = np.ones(windows, np.bool_)
    placement = place(params, Snapshots(ends, spot * TICK, bid * TICK, ask * TICK, valid))
    Omega = rng.uniform(0, 9, fields.u_p.shape).astype(np.float32)
    return ends, placement, Omega, fields


def strikes_of(
    ends: np.ndarray, low_tick: int, omega: np.ndarray, step: int = STEP
) -> StrikeObstacles:
    low = np.full(ends.size, low_tick * TICK)
    return StrikeObstacles(ends, low, step * TICK, np.broadcast_to(omega, (ends.size, omega.size)))


@given(
    seed=st.integers(0, 2**32 - 1),
    low_tick=st.integers(900, 1060),
    omega=st.lists(st.floats(0, 50), min_size=1, max_size=6),
    step=st.sampled_from([1, 20, 33]),
)
@settings(max_examples=40, deadline=None)
def test_nu_and_prominence_equal_the_naive_sums(
    seed: int, low_tick: int, omega: list[float], step: int
) -> None:
    ends, placement, Omega, fields = case(seed, SMALL)
    strikes = strikes_of(ends, low_tick, np.array(omega), step)
    found = add_obstacles(SMALL, ends, placement, Omega, fields, strikes)
    for w in range(ends.size):
        low_cell, ask_lo, bid_hi = (int(column[w]) for column in placement[1:4])
        cells = range(low_cell, low_cell + SMALL.cells)
        added = naive.option_obstacles(
            {low_tick + k * step: value for k, value in enumerate(omega)}, cells
        )
        masks = (
            [k >= ask_lo for k in range(SMALL.cells)],
            [k <= bid_hi for k in range(SMALL.cells)],
        )
        for side, mask in enumerate(masks):
            own = Omega[w, :, side].astype(float).tolist()
            nu, prominence = naive.obstacles_with_options(SMALL, own, added, mask)
            np.testing.assert_allclose(found.nu[w, :, side], nu, rtol=1e-6)
            np.testing.assert_allclose(found.Omega_prom[w, :, side], prominence, atol=2e-6)


def test_spread_has_the_weight_and_falls_by_the_gaussian() -> None:
    weights = spread_weights()
    assert weights.size == 25
    assert weights[0] + 2 * weights[1:].sum() == pytest.approx(0.70)
    assert weights[8] / weights[0] == pytest.approx(np.exp(-0.5))


def test_options_without_obstacles_leave_what_the_surface_itself_has() -> None:
    params = SurfaceParams()
    rest = {
        (k, "B" if k <= 0 else "A"): NaiveCell(9, 9, depth_qty_rest=k % 9) for k in range(-90, 90)
    }
    surface = run(params, [book(0, rest)])
    fields = Fields._make(surface[name] for name in Fields._fields)
    ends, prices = np.array([SECOND_NS]), np.array([0])
    placement = place(params, Snapshots(ends, prices, prices, prices + TICK, np.array([True])))
    nothing = strikes_of(ends, -100, np.zeros(11))
    found = add_obstacles(params, ends, placement, surface["Omega"], fields, nothing)
    for ours, its_own in zip(found, fields, strict=True):
        np.testing.assert_allclose(ours, its_own, rtol=1e-6, atol=1e-6)


def test_only_nu_and_prominence_change_and_the_given_fields_stay() -> None:
    ends, placement, Omega, fields = case(3, SMALL)
    before = [field.copy() for field in fields]
    found = add_obstacles(SMALL, ends, placement, Omega, fields, strikes_of(ends, 1000, np.ones(2)))
    for name, ours, its_own, copied in zip(Fields._fields, found, fields, before, strict=True):
        np.testing.assert_array_equal(its_own, copied)
        assert (ours is its_own) == (name not in {"nu", "Omega_prom"})


def test_windows_that_have_no_options_or_no_spot_keep_their_fields() -> None:
    ends, placement, Omega, fields = case(4, SMALL)
    placement.has_spot[2] = False
    strikes = strikes_of(ends[1:], 1000, np.full(3, 5.0))
    found = add_obstacles(SMALL, ends, placement, Omega, fields, strikes)
    same = [(found.nu[w] == fields.nu[w]).all() for w in range(4)]
    assert same == [True, False, True, False]
    elsewhere = strikes_of(ends + 100 * SECOND_NS, 1000, np.ones(2))
    assert add_obstacles(SMALL, ends, placement, Omega, fields, elsewhere) is fields


def test_later_options_change_nothing_before_them() -> None:
    ends, placement, Omega, fields = case(5, SMALL)
    strikes = strikes_of(ends, 1000, np.full(3, 5.0))
    noise = strikes.omega.copy()
    noise[2:] = np.random.default_rng(1).uniform(0, 99, noise[2:].shape)
    found = add_obstacles(SMALL, ends, placement, Omega, fields, strikes)
    other = add_obstacles(SMALL, ends, placement, Omega, fields, strikes._replace(omega=noise))
    np.testing.assert_array_equal(found.nu[:2], other.nu[:2])
    assert (found.nu[2:] != other.nu[2:]).any()


def test_a_wall_of_options_raises_viscosity_and_draws_the_obstacle_to_its_strike() -> None:
    params = SurfaceParams()
    ends, spot = np.array([SECOND_NS]), np.array([1000 * TICK])
    placement = place(params, Snapshots(ends, spot, spot, spot + TICK, np.array([True])))
    empty = np.zeros((1, params.cells, 2), np.float32)
    fields = Fields(empty, empty, empty, empty, empty + 1, empty)
    wall = strikes_of(ends, 1040, np.array([30.0]))
    found = add_obstacles(params, ends, placement, empty, fields, wall)
    at = np.array
    touch_of = random_surface(0, 1)[1]._replace(
        window_end_ts_ns=ends, spot_tick=at([1e3]), bid_rel=at([0]), ask_rel=at([1]),
        mid_rel=at([0.5]), valid=at([True]),
    )  # fmt: skip
    forces = window_forces(found, touch_of)
    assert forces.diagnostics.d_up[0] == 40 - 1
    assert forces.diagnostics.d_down[0] == 64
    below = add_obstacles(
        params, ends, placement, empty, fields, strikes_of(ends, 1000, at([30.0]))
    )
    assert window_forces(below, touch_of).viscosity[0] > forces.viscosity[0] >= 1


def test_strikes_off_the_cells_are_refused() -> None:
    ends, placement, Omega, fields = case(6, SMALL)
    strikes = strikes_of(ends, 1000, np.ones(2))
    for wrong in (
        strikes._replace(step_int=TICK // 2),
        strikes._replace(low_strike_int=strikes.low_strike_int + 1),
    ):
        with pytest.raises(SurfaceInputError, match="multiples of a cell"):
            add_obstacles(SMALL, ends, placement, Omega, fields, wrong)
