"""Made-up surfaces and sessions for the tests of the forecast."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from book_engines.diagnostics import Diagnostics
from book_engines.dynamics import Parameters
from book_engines.forces import STATIC_SIGMAS, Fields, Forces, Touch
from book_engines.samples import Session

SECOND_NS = 1_000_000_000

TRUTH = Parameters(
    beta_flow=0.8, beta_static=0.3, beta_spring=0.5, gamma=1.1, decay=0.7, sigma_static=1.0
)


def random_surface(seed: int, windows: int = 20, half: int = 100) -> tuple[Fields, Touch]:
    """Return a surface of random fields around a wandering touch; some windows are invalid."""
    rng = np.random.default_rng(seed)
    shape = (windows, 2 * half + 1, 2)

    def field(low: float, high: float) -> npt.NDArray[np.float32]:
        return rng.uniform(low, high, shape).astype(np.float32)

    fields = Fields(
        u_p=field(-1, 1),
        u_p_slow=field(-1, 1),
        u_near=field(-1, 1),
        rho=field(0, 6),
        nu=field(1, 9),
        Omega_prom=field(-3, 1),
    )
    bid = rng.integers(-half, half, windows)
    ask = bid + rng.integers(1, 4, windows)
    touch = Touch(
        window_end_ts_ns=SECOND_NS * np.arange(1, windows + 1),
        spot_tick=rng.integers(19_000, 19_100, windows).astype(np.float64),
        bid_rel=bid,
        ask_rel=ask,
        mid_rel=(bid + ask) / 2,
        valid=rng.random(windows) < 0.9,
    )
    return fields, touch


def mirrored(fields: Fields, touch: Touch) -> tuple[Fields, Touch]:
    """Return the same market with sides swapped and prices flipped."""
    flipped = Fields(*(np.ascontiguousarray(field[:, ::-1, ::-1]) for field in fields))
    return flipped, touch._replace(
        spot_tick=-touch.spot_tick,
        bid_rel=-touch.ask_rel,
        ask_rel=-touch.bid_rel,
        mid_rel=-touch.mid_rel,
    )


def planted_session(seed: int, truth: Parameters, windows: int, noise: float = 0.5) -> Session:
    """Return a session whose price follows the dynamics with the parameters `truth`.

    Every force is an autoregression of coefficient λ, so that its expectation k seconds on is λ^k
    of what it is now, as the model supposes; `noise` is the standard deviation of the shocks to v.
    """
    rng = np.random.default_rng(seed)
    viscosity = rng.uniform(2, 6, windows)
    pushes = np.zeros((windows, 2 + len(STATIC_SIGMAS)))
    for t in range(1, windows):
        pushes[t] = truth.decay * pushes[t - 1] + rng.normal(0, 0.5, pushes.shape[1])
    flow, spring, static = pushes[:, 0], pushes[:, 1], pushes[:, 2:]
    chosen = static[:, STATIC_SIGMAS.index(truth.sigma_static)]
    force = truth.beta_flow * flow + truth.beta_static * chosen + truth.beta_spring * spring
    v = np.zeros(windows)
    for t in range(1, windows):
        v[t] = (1 - truth.gamma) * v[t - 1] + force[t - 1] + rng.normal(0, noise)
    scale = 1 + viscosity
    return session_of(
        20_000 + np.cumsum(v), flow * scale, static * scale[:, None], spring * scale, viscosity, rng
    )


def session_of(
    mid: npt.NDArray[np.float64],
    flow: npt.NDArray[np.float64],
    static: npt.NDArray[np.float64],
    spring: npt.NDArray[np.float64],
    viscosity: npt.NDArray[np.float64],
    rng: np.random.Generator,
) -> Session:
    """Return a session of these forces with random queues."""
    windows = mid.size
    nothing = np.zeros(windows)
    none = np.full(windows, 64, dtype=np.int32)
    forces = Forces(
        window_end_ts_ns=SECOND_NS * np.arange(1, windows + 1),
        valid=np.ones(windows, dtype=np.bool_),
        mid_tick=mid,
        flow=flow,
        static=static,
        spring=spring,
        viscosity=viscosity,
        diagnostics=Diagnostics(nothing, nothing, none, none),
    )
    return Session(forces, rng.normal(0, 50, windows), rng.uniform(-1, 1, windows))


def noise_session(seed: int, windows: int) -> Session:
    """Return a session whose price walks at random, whatever the forces say."""
    silent = planted_session(seed, TRUTH._replace(gamma=1.0), windows)
    rng = np.random.default_rng(seed + 10_000)
    mid = 20_000 + np.cumsum(rng.normal(0, 0.5, windows))
    return silent._replace(forces=silent.forces._replace(mid_tick=mid))
