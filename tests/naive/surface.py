"""The liquidity surface by its definitions: dicts, lists and one loop per symbol."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from book_engines.surface_params import SurfaceParams

TAUS = (2, 8, 32, 128)
LANES = {2: ("A", "B"), 4: ("CA", "CB", "PA", "PB")}
"""Names of a cell's lanes by their number: side, or right and side."""


@dataclass
class NaiveCell:
    """Silver row of one price and lane: quantities in lots, and whether its flow counts."""

    depth_qty_start: int = 0
    depth_qty_end: int = 0
    add_qty: int = 0
    pull_qty: int = 0
    fill_qty: int = 0
    depth_qty_rest: int = 0
    add_reprice_qty: int = 0
    pull_reprice_qty: int = 0
    valid: bool = True


@dataclass
class NaiveWindow:
    """One second of silver: spot in rel ticks, best prices in price steps, rows by cell and lane.

    None where there is no price. On the futures' lattice the three units are one.
    """

    spot: int | None
    best_bid: int | None
    best_ask: int | None
    valid: bool
    cells: dict[tuple[int, str], NaiveCell] = field(default_factory=dict)


@dataclass
class _History:
    age: int = 0
    plain: dict[int, float] = field(default_factory=lambda: dict.fromkeys(TAUS, 0.0))
    average: dict[int, float] = field(default_factory=lambda: dict.fromkeys(TAUS, 0.0))
    du_dt: float = 0.0
    d2u_dt2: float = 0.0

    def second(self, u: float) -> None:
        self.age += 1
        before = self.average[2]
        for tau in TAUS:
            alpha = 1.0 - math.exp(-1.0 / tau)
            self.plain[tau] = (1.0 - alpha) * self.plain[tau] + alpha * u
            self.average[tau] = self.plain[tau] / (1.0 - (1.0 - alpha) ** self.age)
            if abs(self.average[tau]) < 1e-12:
                self.plain[tau] = self.average[tau] = 0.0
        rate = self.average[2] - before if self.age >= 2 else 0.0
        self.d2u_dt2 = rate - self.du_dt if self.age >= 3 else 0.0
        self.du_dt = rate


Row = dict[str, float]
Surface = dict[tuple[int, str], Row]
"""Physics by (relative cell, lane)."""


def nearest_cell(price: int, in_a_cell: int) -> int:
    """Return the cell nearest to a price that counts units of which a cell has `in_a_cell`."""
    below = price // in_a_cell
    return min(
        (below + 1, below), key=lambda cell: abs(price - cell * in_a_cell)
    )  # the first, higher one on a tie


def surfaces(params: SurfaceParams, windows: list[NaiveWindow]) -> list[Surface]:
    """Return the surface of every window."""
    histories: dict[tuple[int, str], _History] = {}
    return [_surface(params, window, histories) for window in windows]


def smooth(values: list[float], mask: list[bool], sigma: float, radius: int) -> list[float]:
    """Return the masked, renormalised Gaussian mean around each place, 0 outside the mask."""
    result = []
    for centre in range(len(values)):
        total = weight_sum = 0.0
        for place in range(max(0, centre - radius), min(len(values), centre + radius + 1)):
            if mask[place]:
                weight = math.exp(-((place - centre) ** 2) / (2.0 * sigma**2))
                total += weight * values[place]
                weight_sum += weight
        result.append(total / weight_sum if mask[centre] else 0.0)
    return result


def _surface(
    params: SurfaceParams, window: NaiveWindow, histories: dict[tuple[int, str], _History]
) -> Surface:
    flows: dict[tuple[int, str], float] = {}
    rows: Surface = {}
    relative = range(-params.half, params.half + 1)
    for rel in relative:
        for lane in LANES[params.lanes]:
            row = dict.fromkeys(("add_intensity", "pull_intensity", "fill_intensity"), 0.0)
            row |= {"liquidity_velocity": 0.0, "rho": 0.0, "phi_rest": 0.0}
            rows[rel, lane] = row
            if window.spot is None:
                continue
            price = nearest_cell(window.spot, params.cell_ticks) + rel
            histories.setdefault((price, lane), _History())
            cell = window.cells.get((price, lane), NaiveCell())
            row["rho"] = math.log(1 + cell.depth_qty_end)
            row["phi_rest"] = cell.depth_qty_rest / (cell.depth_qty_end + 1)
            if window.valid and cell.valid:
                size = cell.depth_qty_start + cell.add_qty + 1
                add = cell.add_qty - cell.add_reprice_qty
                pull = cell.pull_qty - cell.pull_reprice_qty
                row["add_intensity"] = add / size
                row["pull_intensity"] = pull / size
                row["fill_intensity"] = cell.fill_qty / size
                row["liquidity_velocity"] = (add - pull - cell.fill_qty) / size
                flows[price, lane] = row["liquidity_velocity"]
    for key, history in histories.items():
        history.second(flows.get(key, 0.0))
    for lane in LANES[params.lanes]:
        _fill_lane(params, window, lane, [rows[rel, lane] for rel in relative], histories)
    return rows


def _fill_lane(
    params: SurfaceParams,
    window: NaiveWindow,
    lane: str,
    rows: list[Row],
    histories: dict[tuple[int, str], _History],
) -> None:
    centre = nearest_cell(window.spot or 0, params.cell_ticks)
    prices = [centre + rel for rel in range(-params.half, params.half + 1)]
    for price, row in zip(prices, rows, strict=True):
        history = _History() if window.spot is None else histories[price, lane]
        for tau in TAUS:
            row[f"u_ema_{tau}"] = history.average[tau]
        row["u_band_fast"] = row["u_ema_2"] - row["u_ema_8"]
        row["u_band_mid"] = row["u_ema_8"] - row["u_ema_32"]
        row["u_band_slow"] = row["u_ema_32"] - row["u_ema_128"]
        bands = (row["u_band_fast"], row["u_band_mid"], row["u_band_slow"])
        row["u_wave_energy"] = math.hypot(*bands)
        row["du_dt"] = history.du_dt
        row["d2u_dt2"] = history.d2u_dt2
        row["u_p"] = row["phi_rest"] * row["u_ema_8"]
        row["u_p_slow"] = row["phi_rest"] * row["u_ema_32"]
        row["Omega"] = row["rho"] * (0.5 + 0.5 * row["phi_rest"]) * (1 + max(0, row["u_p_slow"]))
        row["pressure_grad"] = row["u_p"] if lane[-1] == "B" else -row["u_p"]
    mask = [_can_have_liquidity(params, window, lane[-1], price) for price in prices]
    near = (mask, params.near_sigma, params.near_radius)
    far = (mask, params.far_sigma, params.far_radius)
    smoothed = {
        "u_near": smooth([row["u_ema_8"] for row in rows], *near),
        "u_far": smooth([row["u_ema_32"] for row in rows], *far),
        "Omega_near": smooth([row["Omega"] for row in rows], *near),
        "Omega_far": smooth([row["Omega"] for row in rows], *far),
    }
    for place, row in enumerate(rows):
        row |= {name: values[place] for name, values in smoothed.items()}
        row["u_prom"] = row["u_near"] - row["u_far"]
        row["Omega_prom"] = row["Omega_near"] - row["Omega_far"]
        row["nu"] = 1 + row["Omega_near"] + 2 * max(0, row["Omega_prom"])
        row["kappa"] = 1 / row["nu"]
        row["du_dx"] = row["d2u_dx2"] = 0.0
        if 0 < place < len(rows) - 1 and all(mask[place - 1 : place + 2]):
            below, here, above = smoothed["u_near"][place - 1 : place + 2]
            row["du_dx"] = (above - below) / (2 * params.cell_ticks)
            row["d2u_dx2"] = (above - 2 * here + below) / params.cell_ticks**2


def _can_have_liquidity(params: SurfaceParams, window: NaiveWindow, side: str, cell: int) -> bool:
    in_a_cell = params.cell_int // params.tick_int
    near = range((cell - 1) * in_a_cell, (cell + 1) * in_a_cell + 1)
    steps = [step for step in near if nearest_cell(step, in_a_cell) == cell]
    if side == "A":
        return window.best_bid is None or any(step > window.best_bid for step in steps)
    return window.best_ask is None or any(step < window.best_ask for step in steps)
