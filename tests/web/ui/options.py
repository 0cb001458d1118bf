"""Options for the browser's sessions: a lattice of strikes around spot, as the gold table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from contracts.registry import dataset

ROWS_PER_STRIKE: Final = 4
OMEGA: Final = "Omega_opt"

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Chain:
    """The options on one product: prices and steps at 1e-9 dollars."""

    key: str
    strikes: int
    step_int: int
    rel_tick_int: int

    def lattice(self, spot_int: Ints) -> Ints:
        """Return int64 (W, strikes): the listed strikes around each spot, ties upwards."""
        centre = (spot_int + self.step_int // 2) // self.step_int * self.step_int
        steps = np.arange(self.strikes) - self.strikes // 2
        strikes: Ints = centre[:, None] + steps * self.step_int
        return strikes


ES_CHAIN: Final = Chain("gold.future_option_mbo.physics_surface_1s", 21, 5 * 10**9, 250_000_000)
QQQ_CHAIN: Final = Chain("gold.equity_option_cmbp_1.physics_surface_1s", 51, 10**9, 500_000_000)


def one_wall(chain: Chain, spot_int: Ints, strike_int: int) -> dict[str, Floats]:
    """Return the layers of a chain that is empty but for Omega at one strike."""
    at_strike = chain.lattice(spot_int) == strike_int
    return {OMEGA: np.where(at_strike, 3.0, 0.0)}


def lively_walls(chain: Chain, spot_int: Ints, rng: np.random.Generator) -> dict[str, Floats]:
    """Return layers (W, strikes), sums over right and side, of walls that come and go."""
    lattice = chain.lattice(spot_int)
    first = int(lattice.min())
    at = (lattice - first) // chain.step_int
    count = int(at.max()) + 1
    when = np.arange(len(spot_int))[:, None]
    phase, period = rng.uniform(0, 6, count), rng.uniform(60, 240, count)
    height = rng.gamma(1.3, 1.0, count) * np.where(np.arange(count) % 5 == 0, 2.0, 1.0)
    swell = 1 + 0.55 * np.sin(when / period * 6 + phase)
    omega = np.take_along_axis(height * swell, at, axis=1)
    move = np.take_along_axis(np.cos(when / period * 6 + phase) * height / 20, at, axis=1)
    noise = rng.normal(0, 0.02, move.shape)
    return {
        OMEGA: omega,
        "liquidity_velocity_opt": move + noise,
        "pressure_grad_opt": 0.6 * move,
        "u_opt_wave_energy": np.abs(move) + 0.3 * np.abs(noise),
        "nu_opt": ROWS_PER_STRIKE + 1.8 * omega,
    }


def options_table(chain: Chain, ends: Ints, spot_int: Ints, layers: dict[str, Floats]) -> pa.Table:
    """Return the gold table; each layer is shared evenly by the rights and sides of a strike."""
    lattice = chain.lattice(spot_int)
    rows_per_window = chain.strikes * ROWS_PER_STRIKE
    rows = len(ends) * rows_per_window
    strike = np.repeat(lattice.reshape(-1), ROWS_PER_STRIKE)
    spot = np.repeat(spot_int, rows_per_window)
    end = np.repeat(ends, rows_per_window)
    columns: dict[str, Any] = {
        "window_end_ts_ns": end,
        "event_ts_ns": end,
        "spot_ref_price_int": spot,
        "strike_price_int": strike,
        "strike_points": strike / 1e9,
        "right": _enumeration([0, 0, 1, 1], ["C", "P"], rows),
        "side": _enumeration([0, 1, 0, 1], ["A", "B"], rows),
        "rel_ticks": ((strike - spot) // chain.rel_tick_int).astype(np.int32),
        "rel_ticks_side": pa.nulls(rows, pa.int32()),
        "window_valid": np.ones(rows, np.bool_),
    }
    schema = dataset(chain.key).schema
    for name in schema.names[len(columns) :]:
        values = layers.get(name, np.zeros(lattice.shape))
        columns[name] = np.repeat(
            values.astype(np.float32).reshape(-1) / ROWS_PER_STRIKE, ROWS_PER_STRIKE
        )
    return pa.Table.from_arrays([pa.array(columns[n]) for n in schema.names], schema=schema)


def _enumeration(codes: list[int], symbols: list[str], rows: int) -> pa.DictionaryArray:
    indices = pa.array(np.tile(np.array(codes, np.int32), rows // ROWS_PER_STRIKE))
    return pa.DictionaryArray.from_arrays(indices, pa.array(symbols))
