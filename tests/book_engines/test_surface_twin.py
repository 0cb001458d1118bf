"""The surface engine against its naive twin, on drawn books."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book_engines.surface import SurfaceEngine
from book_engines.surface_params import OPTION_LANES, PHYSICS_COLUMNS, SurfaceParams
from tests.book_engines.surface_cases import (
    FIRST_END_NS,
    book,
    dense,
    engine_input,
    histories,
    mirrored,
    run,
)
from tests.naive.surface import NaiveCell, NaiveWindow, surfaces

SMALL = SurfaceParams(half=7, near_sigma=1.5, near_radius=3, far_sigma=4.0, far_radius=10)
BUCKETS = replace(SMALL, cell_int=500_000_000, rel_tick_int=500_000_000, tick_int=10_000_000)
FUTURE_OPTIONS = SurfaceParams(
    half=5,
    cell_int=5_000_000_000,
    lanes=OPTION_LANES,
    near_sigma=1.0,
    near_radius=1,
    far_sigma=1.2,
    far_radius=3,
)
EQUITY_OPTIONS = replace(
    FUTURE_OPTIONS, half=6, cell_int=1_000_000_000, rel_tick_int=500_000_000, tick_int=10_000_000
)
LATTICES = pytest.mark.parametrize(
    "params",
    [
        pytest.param(SMALL, id="futures"),
        pytest.param(BUCKETS, id="buckets"),
        pytest.param(FUTURE_OPTIONS, id="future-options"),
        pytest.param(EQUITY_OPTIONS, id="equity-options"),
    ],
)
MIRROR_SIGN = {"du_dx": -1.0, "pressure_grad": -1.0}


def assert_equals_twin(params: SurfaceParams, windows: list[NaiveWindow]) -> None:
    found = run(params, windows)
    for name, expected in dense(params, surfaces(params, windows)).items():
        # Half a unit in the last place of float32, and the rounding of differences near zero.
        np.testing.assert_allclose(found[name], expected, rtol=1e-7, atol=1e-11, err_msg=name)


@LATTICES
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_engine_equals_naive_twin_on_every_lattice(
    params: SurfaceParams, data: st.DataObject
) -> None:
    assert_equals_twin(params, data.draw(histories(params)))


@given(histories(SurfaceParams(), max_windows=3))
@settings(max_examples=5, deadline=None)
def test_engine_equals_naive_twin_on_the_futures_grid(windows: list[NaiveWindow]) -> None:
    assert_equals_twin(SurfaceParams(), windows)


def test_derivatives_are_per_tick_where_a_cell_is_many_ticks() -> None:
    params = SurfaceParams(half=7, cell_int=5_000_000_000, near_radius=2, near_sigma=1.0)
    quiet = book(0, {(-2, "B"): NaiveCell(10, 30, 20)})
    assert_equals_twin(params, [quiet, quiet, book(20)])


def test_engine_equals_naive_twin_over_a_long_wandering_day() -> None:
    rng = np.random.default_rng(7)
    windows = []
    spot = 0
    for _ in range(600):
        spot += int(rng.choice([0, 0, 0, 1, -1, 9, -9]))
        cells = {}
        for price in rng.integers(spot - 7, spot + 8, 6).tolist():
            start, add = rng.integers(0, 40, 2).tolist()
            pull = int(rng.integers(0, start + add + 1))
            end = start + add - pull
            side = "B" if price <= spot else "A"
            cells[price, side] = NaiveCell(start, end, add, pull, 0, end // 2)
        windows.append(book(spot, cells, valid=bool(rng.random() > 0.05)))
    assert_equals_twin(SMALL, windows)


@pytest.mark.parametrize("params", [SMALL, FUTURE_OPTIONS])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_mirrored_book_gives_the_mirrored_surface_to_the_last_bit(
    params: SurfaceParams, data: st.DataObject
) -> None:
    windows = data.draw(histories(params, ties=False))
    found = run(params, windows)
    # Sides are swapped within each right.
    other_side = [lane ^ 1 for lane in range(params.lanes)]
    for name, image in run(params, mirrored(windows)).items():
        expected = MIRROR_SIGN.get(name, 1.0) * found[name][:, ::-1, other_side]
        np.testing.assert_array_equal(image, expected, err_msg=name)


@LATTICES
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_changing_the_future_changes_no_byte_of_the_past(
    params: SurfaceParams, data: st.DataObject
) -> None:
    past, future = data.draw(histories(params)), data.draw(histories(params))
    with_future = run(params, past + future)
    for name, expected in run(params, past).items():
        assert with_future[name][: len(past)].tobytes() == expected.tobytes(), name


@given(histories(FUTURE_OPTIONS))
@settings(max_examples=60, deadline=None)
def test_calls_and_puts_do_not_touch_each_other(windows: list[NaiveWindow]) -> None:
    calls_alone = [
        replace(w, cells={key: cell for key, cell in w.cells.items() if key[1][0] == "C"})
        for w in windows
    ]
    found, alone = run(FUTURE_OPTIONS, windows), run(FUTURE_OPTIONS, calls_alone)
    for name in PHYSICS_COLUMNS:
        np.testing.assert_array_equal(alone[name][..., :2], found[name][..., :2], err_msg=name)


@LATTICES
@given(data=st.data(), block_windows=st.sampled_from([1, 2, 3, 5, 64]))
@settings(max_examples=25, deadline=None)
def test_any_split_with_save_and_resume_gives_the_same_bytes(
    params: SurfaceParams, data: st.DataObject, block_windows: int
) -> None:
    windows = data.draw(histories(params))
    whole = run(params, windows)
    begin = 0
    state = None
    while begin < len(windows):
        engine = SurfaceEngine(params, state)
        block = windows[begin : begin + block_windows]
        first_end_ns = FIRST_END_NS + 1_000_000_000 * begin
        found = engine.advance(*engine_input(params, block, first_end_ns))
        for name, expected in whole.items():
            part = expected[begin : begin + len(block)]
            assert found.column(name).tobytes() == part.tobytes(), name
        state = engine.state()
        begin += len(block)


@given(histories(SMALL))
@settings(max_examples=60, deadline=None)
def test_saved_state_does_not_depend_on_the_split(windows: list[NaiveWindow]) -> None:
    states = []
    for block_windows in (1, 64):
        params = SurfaceParams(half=7, block_windows=block_windows)
        engine = SurfaceEngine(params)
        run(params, windows, engine)
        states.append(engine.state())
    one, other = states
    assert (one.windows, one.last_end_ns, one.pages) == (
        other.windows,
        other.last_end_ns,
        other.pages,
    )
    for name in ("fields", "first", "last"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()


@LATTICES
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_every_value_is_finite_and_within_its_bounds(
    params: SurfaceParams, data: st.DataObject
) -> None:
    windows = data.draw(histories(params))
    found = run(params, windows)
    for name, values in found.items():
        assert values.shape == (len(windows), params.cells, params.lanes)
        assert np.isfinite(values).all(), name
        assert not np.signbit(values[values == 0]).any(), f"{name} has a negative zero"
    for name in ("add_intensity", "pull_intensity", "fill_intensity", "phi_rest"):
        assert (found[name] >= 0).all(), name
        assert (found[name] < 1).all(), name
    assert (np.abs(found["liquidity_velocity"]) < 1).all()
    assert (np.abs(found["u_ema_128"]) < 1).all()
    np.testing.assert_allclose(found["kappa"] * found["nu"], 1.0, rtol=2e-7)
