"""Trailing volatility equals the plain mean over the last minute and knows nothing of the next."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book_engines.forces import Forces
from book_engines.volatility import LEAST_SQUARE, trailing_volatility, typical_square
from tests.book_engines.planted import TRUTH, planted_session


def day(seed: int, windows: int, valid_share: float = 1.0) -> Forces:
    """Return a day whose mid moves in half ticks, with some windows unknown."""
    rng = np.random.default_rng(seed)
    forces = planted_session(seed, TRUTH, windows).forces
    mid = 20_000 + 0.5 * np.cumsum(rng.integers(-2, 3, windows)).astype(np.float64)
    valid = rng.random(windows) < valid_share
    return forces._replace(mid_tick=np.where(valid, mid, np.nan), valid=valid)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    windows=st.integers(1, 200),
    valid_share=st.floats(0.3, 1.0),
    typical=st.floats(0.01, 9.0),
)
def test_it_is_the_root_mean_square_of_the_last_minute(
    seed: int, windows: int, valid_share: float, typical: float
) -> None:
    forces = day(seed, windows, valid_share)
    mid = forces.mid_tick.tolist()
    squares = [typical] * 60
    for t, value in enumerate(trailing_volatility(forces, typical)):
        v = mid[t] - mid[t - 1] if t else math.nan
        squares.append(typical if math.isnan(v) else v * v)
        expected = math.sqrt(max(math.fsum(squares[-60:]) / 60, 0.25 / 60))
        assert value == pytest.approx(expected, rel=1e-12)


def test_a_silent_minute_is_as_if_half_a_tick_had_been_made() -> None:
    forces = day(1, 100)
    forces.mid_tick[:] = 20_000.0
    assert trailing_volatility(forces, 4.0)[-1] == pytest.approx(0.5 / math.sqrt(60))


def test_the_typical_square_is_the_mean_of_all_known_seconds() -> None:
    days = [day(seed, 90, 0.8) for seed in (1, 2)]
    known = [v * v for forces in days for v in np.diff(forces.mid_tick) if not math.isnan(v)]
    assert typical_square(days) == pytest.approx(np.mean(known))
    assert typical_square([]) == LEAST_SQUARE
