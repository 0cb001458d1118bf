"""Sessions for the browser: some that look like a market, one whose every cell is known.

A lively session, one of the future and one of the equity, is drawn from a seeded random walk with
walls, waves of liquidity and trades, and its fields follow the definitions of the liquidity surface
closely enough to be looked at. Its forecast is published as calibrated, with bands that held half
and nine tenths of its own mids. The pattern session holds a single bright cell a window, so that a
picture can be checked pixel by pixel. All are written by the real writer under the real contracts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import date, time
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from contracts.registry import dataset
from spymaster_resources.lake import Lake
from spymaster_resources.trading_calendar import SECOND_NS, utc_ns
from tests.web.ui.options import (
    ES_CHAIN,
    QQQ_CHAIN,
    Chain,
    lively_walls,
    one_wall,
    options_table,
)

PRICES_DT: Final = date(2026, 1, 28)
LIVELY_DT: Final = date(2026, 1, 29)
PATTERN_DT: Final = date(2026, 1, 30)
OPEN: Final = time(9, 30)
LIVELY_WINDOWS: Final = 1201
EQUITY_WINDOWS: Final = 481
PATTERN_WINDOWS: Final = 181
HALF: Final = 200
CELLS: Final = 2 * HALF + 1
WIDE_HALF: Final = 100
WIDE_CELL_INT: Final = 500_000_000
WIDE_BRIGHT: Final = 4
HORIZONS: Final = 31
FIRST_TICK: Final = 24_120
EQUITY_FIRST_CELL: Final = 12_412

LIT_STRIKE_INT: Final = 6_035 * 10**9

EVALUATION: Final = "calibration/physics_beta_gamma_eval.json"
VERDICT: Final = "Against zero change on held-out days: skill at 1 s, 2 s; undecided at 5 s, 10 s."

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Product:
    """What is traded: its tables and sizes at 1e-9 dollars, and the chain of options on it."""

    symbol: str
    product_type: str
    surface: str
    tick_int: int
    cell_int: int
    chain: Chain

    def key(self, layer: str, table: str) -> str:
        """Return the key of one of its tables."""
        return f"{layer}.{self.product_type}.{table}"


ES: Final = Product("ESH6", "future_mbo", "physics_surface_1s", 250_000_000, 250_000_000, ES_CHAIN)
QQQ: Final = Product(
    "QQQ", "equity_mbo", "physics_surface_tick_1s", 10_000_000, 50_000_000, QQQ_CHAIN
)


@dataclass
class Session:
    """Everything the tables need; prices are int64 (W,) ticks, fields float32 (W, 401, 2)."""

    product: Product
    dt: date
    bid: Ints
    ask: Ints
    spot: Ints
    bought: Ints
    sold: Ints
    valid: npt.NDArray[np.bool_]
    outlier: npt.NDArray[np.bool_]
    delta: Floats  # (W, 31) predicted move in ticks
    runs: Floats  # (W, 2) RunScore up and down
    walls: Ints  # (W, 2) D up and down
    confidence: Floats | None = None  # (31,), None for a forecast that is not calibrated
    bands: Floats | None = None  # (31, 2) half widths of the 50 % and 90 % bands in ticks
    fields: dict[str, npt.NDArray[np.float32]] = field(default_factory=dict)
    options: dict[str, Floats] | None = None  # layers (W, strikes), None for a day without

    @property
    def spot_int(self) -> Ints:
        """Spot at 1e-9 dollars."""
        return self.spot * self.product.tick_int

    @property
    def cell_spot_int(self) -> Ints:
        """The cell that spot lies in, at 1e-9 dollars."""
        return _cells(self.product, self.spot_int) * self.product.cell_int


def write_lake(root: str) -> None:
    """Write all sessions, of one the prices alone: its surface is not published yet."""
    lake = Lake(root)
    prices = replace(pattern_session(), dt=PRICES_DT)
    _write(lake, prices, ES.key("silver", "book_snapshot_1s"), _snapshot(prices))
    for session in (lively_session(), pattern_session(), equity_session()):
        write_session(lake, session)
    lake.put_document(EVALUATION, json.dumps({"ES": {"verdict": VERDICT}}).encode())


def write_session(lake: Lake, session: Session) -> None:
    """Write one session's tables."""
    product = session.product
    _write(lake, session, product.key("silver", "book_snapshot_1s"), _snapshot(session))
    _write(lake, session, product.key("gold", product.surface), _surface(session))
    _write(lake, session, product.key("gold", "forecast_1s"), _forecast(session))
    if product is QQQ:
        _write(lake, session, product.key("gold", "physics_surface_1s"), _wide_map(session))
    if session.options is not None:
        chain = product.chain
        table = options_table(chain, _ends(session), session.spot_int, session.options)
        _write(lake, session, chain.key, table)


def pattern_session(brightness: float = 1.0) -> Session:
    """Return a session whose window j has one bright cell, on the ask, at `bright_tick(j)`.

    Spot is FIRST_TICK, three ticks more for odd j, the touch one tick to either side of it. Every
    fourth window buys 40 lots, the second after it sells 40. The path rises 0.2 ticks a second.
    The options are empty but for the obstacle at LIT_STRIKE_INT.
    """
    j = np.arange(PATTERN_WINDOWS)
    spot = FIRST_TICK + 3 * (j % 2)
    velocity = np.zeros((PATTERN_WINDOWS, CELLS, 2), np.float32)
    velocity[j, bright_tick(j) - spot + HALF, 0] = brightness
    return Session(
        product=ES,
        dt=PATTERN_DT,
        bid=spot - 1,
        ask=spot + 1,
        spot=spot,
        bought=np.where(j % 4 == 0, 40, 0),
        sold=np.where(j % 4 == 2, 40, 0),
        valid=np.ones(PATTERN_WINDOWS, np.bool_),
        outlier=np.zeros(PATTERN_WINDOWS, np.bool_),
        delta=np.tile(np.linspace(0.0, 6.0, HORIZONS), (PATTERN_WINDOWS, 1)),
        runs=np.tile([0.25, -0.125], (PATTERN_WINDOWS, 1)),
        walls=np.tile([7, 11], (PATTERN_WINDOWS, 1)),
        fields={"liquidity_velocity": velocity},
        options=one_wall(ES_CHAIN, spot * ES.tick_int, LIT_STRIKE_INT),
    )


def bright_tick(j: Ints) -> Ints:
    """Return the tick of the bright cell of window `j`: seven rungs that no price line crosses."""
    ticks: Ints = FIRST_TICK + 8 + 2 * (j % 7)
    return ticks


def lively_session() -> Session:
    """Return twenty minutes of a made-up future."""
    rng = np.random.default_rng(20260129)
    return _lively(rng, ES, LIVELY_WINDOWS, FIRST_TICK)


def equity_session() -> Session:
    """Return eight minutes of a made-up equity: cells of five ticks, options at every dollar."""
    return _lively(np.random.default_rng(620), QQQ, EQUITY_WINDOWS, EQUITY_FIRST_CELL)


def _lively(rng: np.random.Generator, product: Product, windows: int, first_cell: int) -> Session:
    velocity = np.zeros(windows)
    for t in range(1, windows):
        velocity[t] = 0.9 * velocity[t - 1] + rng.normal(0, 0.13)
    latent = first_cell + np.cumsum(velocity) + 9 * np.sin(np.arange(windows) / 131)
    ticks_per_cell = product.cell_int // product.tick_int
    bid = np.floor(latent * ticks_per_cell).astype(np.int64)
    spot = bid + (rng.random(windows) < 0.5)
    spot_int = spot * product.tick_int
    fields = _lively_fields(rng, np.floor(latent).astype(np.int64), _cells(product, spot_int))
    speed = np.gradient(latent)
    bought = rng.poisson(np.clip(14 + 55 * speed, 1, 120))
    sold = rng.poisson(np.clip(14 - 55 * speed, 1, 120))
    horizon = np.arange(HORIZONS)
    path = np.cumsum(0.8**horizon) - 1.0
    delta = velocity[:, None] * 1.6 * path[None, :]
    valid = np.ones(windows, np.bool_)
    valid[700:706] = False
    outlier = np.zeros(windows, np.bool_)
    outlier[330:334] = True
    return Session(
        product=product,
        dt=LIVELY_DT,
        bid=bid,
        ask=bid + 1,
        spot=spot,
        bought=np.where(rng.random(windows) < 0.55, bought, 0),
        sold=np.where(rng.random(windows) < 0.55, sold, 0),
        valid=valid,
        outlier=outlier,
        delta=delta,
        runs=np.stack([0.18 + 0.4 * velocity, 0.18 - 0.4 * velocity], axis=1),
        walls=rng.integers(4, 40, (windows, 2)),
        confidence=0.5 + 0.32 * np.exp(-horizon / 12),
        bands=_bands((bid + 0.5) / ticks_per_cell, delta),
        fields=fields,
        options=lively_walls(product.chain, spot_int, rng),
    )


def _cells(product: Product, price_int: Ints) -> Ints:
    """Return the number of the cell that each price lies in: the nearest, ties upwards."""
    cells: Ints = (price_int + product.cell_int // 2) // product.cell_int
    return cells


def _bands(mid: Floats, delta: Floats) -> Floats:
    """Return the half widths within which half and nine tenths of the mids came to lie."""
    bands = np.zeros((HORIZONS, 2))
    for horizon in range(1, HORIZONS):
        error = np.abs(mid[horizon:] - mid[:-horizon] - delta[:-horizon, horizon])
        bands[horizon] = np.quantile(error, [0.5, 0.9])
    return bands


def _lively_fields(
    rng: np.random.Generator, bid: Ints, spot: Ints
) -> dict[str, npt.NDArray[np.float32]]:
    """Run add, pull and fill over absolute prices and project the fields to the grid."""
    windows = len(bid)
    base = int(spot.min()) - HALF - 1
    prices = base + np.arange(int(spot.max()) + HALF + 2 - base)
    names = ("liquidity_velocity", "rho", "nu", "kappa", "pressure_grad", "u_wave_energy", "Omega")
    out = {name: np.zeros((windows, CELLS, 2), np.float32) for name in names}
    walls = _walls(rng, prices, windows)
    side = np.zeros((2, len(prices)))
    depth = side + 30.0
    taus = (2, 8, 32, 128)
    ema = np.zeros((4, 2, len(prices)))
    kernel = np.exp(-0.5 * (np.arange(-16, 17) / 6.0) ** 2)
    for t in range(windows):
        distance = np.stack([prices - bid[t] - 1, bid[t] - prices])  # ask, bid; 0 is the touch
        live = distance >= 0
        near = np.exp(-np.maximum(distance, 0) / 11)
        target = 18 + 70 * (1 - np.exp(-np.maximum(distance, 0) / 9)) + walls[t]
        phase = distance / 4.5 - t / 11 + 2 * np.sin(t / 37)
        swell = 1 + 0.8 * np.sin(phase) * np.exp(-np.maximum(distance, 0) / 46)
        busy = rng.random(depth.shape) < 0.1 + 0.85 * near
        rate = (0.02 + 0.34 * near) * busy
        add = rng.poisson(np.clip(rate * (target * swell + np.maximum(0, target - depth)), 0, None))
        add = add * live
        pull = rng.poisson(rate * (depth * (2 - swell) + np.maximum(0, depth - target)))
        pull = np.minimum(pull, depth) * live
        u = (add - pull) / (depth + add + 1) * live
        depth = np.where(live, np.clip(depth + add - pull, 0, None), 0.0)
        for e, tau in enumerate(taus):
            ema[e] += (1 - np.exp(-1 / tau)) * (u - ema[e])
        ema[:, ~live] = 0.0
        bands = ema[:-1] - ema[1:]
        rho = np.log1p(depth)
        omega = rho * 0.85 * (1 + np.maximum(0, 0.7 * ema[2]))
        weight = np.stack([np.convolve(m, kernel, "same") for m in live.astype(float)])
        smooth = np.stack([np.convolve(o, kernel, "same") for o in omega * live])
        omega_near = np.divide(smooth, weight, out=np.zeros_like(smooth), where=weight > 1e-9)
        nu = np.where(live, 1 + omega_near + 2 * np.maximum(0, omega - omega_near), 1.0)
        first = int(spot[t]) - HALF - base
        cut = slice(first, first + CELLS)
        sign = np.array([[-1.0], [1.0]])
        values = {
            "liquidity_velocity": u,
            "rho": rho,
            "nu": nu,
            "kappa": 1 / nu,
            "pressure_grad": sign * 0.7 * ema[1],
            "u_wave_energy": np.sqrt((bands**2).sum(axis=0)),
            "Omega": omega,
        }
        for name, value in values.items():
            out[name][t] = value[:, cut].T
    return out


def _walls(rng: np.random.Generator, prices: Ints, windows: int) -> Floats:
    """Return extra depth by window and price: walls that come, stay a while and go."""
    walls = np.zeros((windows, len(prices)))
    when = np.arange(windows)
    for _ in range(90):
        at = int(rng.integers(0, len(prices)))
        if rng.random() < 0.6:
            at -= int(prices[at] % 20)
        start, length = rng.integers(-120, windows), rng.integers(60, 420)
        rise = 1 / (1 + np.exp(-(when - start) / 3)) - 1 / (
            1 + np.exp(-(when - start - length) / 3)
        )
        walls[:, max(0, at)] += rng.uniform(120, 520) * rise
    return walls


def _ends(session: Session) -> Ints:
    count = len(session.spot)
    return utc_ns(session.dt, OPEN) + np.arange(count, dtype=np.int64) * SECOND_NS


def _snapshot(session: Session) -> pa.Table:
    ends = _ends(session)
    tick = session.product.tick_int
    quantity = np.full(len(ends), 20, np.int64)
    return _table(
        session.product.key("silver", "book_snapshot_1s"),
        {
            "window_start_ts_ns": ends - SECOND_NS,
            "window_end_ts_ns": ends,
            "best_bid_price_int": session.bid * tick,
            "best_bid_qty": quantity,
            "best_ask_price_int": session.ask * tick,
            "best_ask_qty": quantity,
            "mid_price": (session.bid + session.ask) * tick / 2e9,
            "mid_price_int": (session.bid + session.ask) * tick // 2,
            "last_trade_price_int": session.spot_int,
            "spot_ref_price_int": session.spot_int,
            "book_valid": session.valid,
            "trade_qty_buy": session.bought,
            "trade_qty_sell": session.sold,
            "trade_count": session.bought + session.sold,
            "price_outlier_flag": session.outlier,
            "crossed_market_flag": session.bid >= session.ask,
            "spread_anomaly_flag": np.zeros(len(ends), np.bool_),
        },
    )


def _surface(session: Session) -> pa.Table:
    key = session.product.key("gold", session.product.surface)
    return _cells_table(session, key, HALF, session.cell_spot_int, session.fields)


def _wide_map(session: Session) -> pa.Table:
    """Return buckets that are empty but for one, WIDE_BRIGHT above spot's, on the ask."""
    velocity = np.zeros((len(session.spot), 2 * WIDE_HALF + 1, 2), np.float32)
    velocity[:, WIDE_HALF + WIDE_BRIGHT, 0] = 1.0
    spot_int = (session.spot_int + WIDE_CELL_INT // 2) // WIDE_CELL_INT * WIDE_CELL_INT
    key = session.product.key("gold", "physics_surface_1s")
    return _cells_table(session, key, WIDE_HALF, spot_int, {"liquidity_velocity": velocity})


def _cells_table(
    session: Session,
    key: str,
    half: int,
    spot_int: Ints,
    fields: dict[str, npt.NDArray[np.float32]],
) -> pa.Table:
    """Return the dense surface of `key`: 2 half + 1 cells a side around `spot_int` (W,)."""
    windows, cells = len(session.spot), 2 * half + 1
    rows = windows * cells * 2
    rel_ticks = np.tile(np.repeat(np.arange(-half, half + 1, dtype=np.int32), 2), windows)
    ends = np.repeat(_ends(session), cells * 2)
    columns: dict[str, Any] = {
        "window_end_ts_ns": ends,
        "event_ts_ns": ends,
        "spot_ref_price_int": np.repeat(spot_int, cells * 2),
        "rel_ticks": rel_ticks,
        "rel_ticks_side": rel_ticks,
        "side": pa.DictionaryArray.from_arrays(
            pa.array(np.tile(np.array([0, 1], np.int32), rows // 2)), pa.array(["A", "B"])
        ),
        "window_valid": np.repeat(session.valid, cells * 2),
    }
    zeros = np.zeros(rows, np.float32)
    for name in dataset(key).schema.names[len(columns) :]:
        values = fields.get(name)
        columns[name] = zeros if values is None else values.reshape(-1)
    return _table(key, columns)


def _forecast(session: Session) -> pa.Table:
    windows = len(session.spot)
    rows = windows * HORIZONS
    horizon = np.tile(np.arange(HORIZONS, dtype=np.int32), windows)
    diagnostic = horizon == 0
    delta = session.delta.reshape(-1)
    rounded = np.rint(delta).astype(np.int64)
    nothing = pa.nulls(rows, pa.float64())

    def of_horizon(values: Floats | None) -> Any:
        return nothing if values is None else pa.array(np.tile(values, windows), mask=diagnostic)

    def edge(sign: int, band: int) -> Any:
        if session.bands is None:
            return nothing
        half = np.tile(session.bands[:, band], windows)
        return pa.array(delta + sign * half, mask=diagnostic)

    return _table(
        session.product.key("gold", "forecast_1s"),
        {
            "window_end_ts_ns": np.repeat(_ends(session), HORIZONS),
            "horizon_s": horizon,
            "predicted_delta": pa.array(delta, mask=diagnostic),
            "predicted_tick_delta": pa.array(rounded, mask=diagnostic),
            "predicted_spot_tick": pa.array(
                np.repeat(_cells(session.product, session.spot_int), HORIZONS) + rounded,
                mask=diagnostic,
            ),
            "confidence": of_horizon(session.confidence),
            "band_lo_50": edge(-1, 0),
            "band_hi_50": edge(1, 0),
            "band_lo_90": edge(-1, 1),
            "band_hi_90": edge(1, 1),
            "RunScore_up": pa.array(np.repeat(session.runs[:, 0], HORIZONS), mask=~diagnostic),
            "RunScore_down": pa.array(np.repeat(session.runs[:, 1], HORIZONS), mask=~diagnostic),
            "D_up": pa.array(
                np.repeat(session.walls[:, 0], HORIZONS).astype(np.int32), mask=~diagnostic
            ),
            "D_down": pa.array(
                np.repeat(session.walls[:, 1], HORIZONS).astype(np.int32), mask=~diagnostic
            ),
        },
    )


def _table(key: str, columns: dict[str, Any]) -> pa.Table:
    schema = dataset(key).schema
    return pa.Table.from_arrays([pa.array(columns[name]) for name in schema.names], schema=schema)


def _write(lake: Lake, session: Session, key: str, table: pa.Table) -> None:
    parameters = {"calibrated": session.confidence is not None}
    symbol, dt = session.product.symbol, session.dt
    with lake.writer(key, symbol, dt, parameters=parameters, inputs=[], code_version="1") as writer:
        writer.write(table)
        writer.publish()
