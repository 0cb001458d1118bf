"""The surfaces of a session: their names, numbers, tables and the columns read of each."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from contracts.registry import datasets
from spymaster_resources.instruments import EQUITY, EQUITY_OPTION, FUTURE, FUTURE_OPTION


class Surface(StrEnum):
    """What a stream may carry of each window, in the order in which it is sent."""

    SNAP = "snap"
    VELOCITY = "velocity"
    OPTIONS = "options"
    FORECAST = "forecast"
    WIDE = "wide"

    @property
    def number(self) -> int:
        """The surface id in a tile's header."""
        return tuple(Surface).index(self)


USUAL_SURFACES: Final = (Surface.SNAP, Surface.VELOCITY, Surface.OPTIONS, Surface.FORECAST)
"""What a client gets that asks for nothing in particular."""

VELOCITY_LAYERS: Final = (
    "liquidity_velocity",
    "rho",
    "nu",
    "kappa",
    "pressure_grad",
    "u_wave_energy",
    "Omega",
)

OPTION_LAYERS: Final = {
    "liquidity_velocity": "liquidity_velocity_opt",
    "pressure_grad": "pressure_grad_opt",
    "u_wave_energy": "u_opt_wave_energy",
    "nu": "nu_opt",
    "Omega": "Omega_opt",
}
"""The layers of the options, each the sum of a column over right and side."""

SIDES: Final = ("A", "B")
"""Ask and bid, in the sort order of the tables."""

HORIZONS: Final = 31
"""Rows of a window's forecast: horizon 0 carries the diagnostics, 1 … 30 the prediction."""

SESSION_PRODUCTS: Final = (FUTURE, EQUITY)
OPTION_PRODUCTS: Final = {FUTURE: FUTURE_OPTION, EQUITY: EQUITY_OPTION}
"""By the product type of a session that of the options on it."""

_CELLS: Final = (
    "window_end_ts_ns",
    "spot_ref_price_int",
    "rel_ticks",
    "side",
    "window_valid",
    *VELOCITY_LAYERS,
)

COLUMNS: Final[dict[Surface, tuple[str, ...]]] = {
    Surface.SNAP: (
        "window_end_ts_ns",
        "mid_price",
        "spot_ref_price_int",
        "book_valid",
        "best_bid_price_int",
        "best_ask_price_int",
        "trade_qty_buy",
        "trade_qty_sell",
    ),
    Surface.VELOCITY: _CELLS,
    Surface.OPTIONS: (
        "window_end_ts_ns",
        "spot_ref_price_int",
        "strike_price_int",
        "right",
        "side",
        "rel_ticks",
        *OPTION_LAYERS.values(),
    ),
    Surface.FORECAST: (
        "window_end_ts_ns",
        "horizon_s",
        "predicted_delta",
        "predicted_tick_delta",
        "predicted_spot_tick",
        "confidence",
        "band_lo_50",
        "band_hi_50",
        "band_lo_90",
        "band_hi_90",
        "RunScore_up",
        "RunScore_down",
        "D_up",
        "D_down",
    ),
    Surface.WIDE: _CELLS,
}
"""The columns read of the table of each surface."""

QUALITY_FLAGS: Final = ("price_outlier_flag", "spread_anomaly_flag")
"""Columns of the snapshot that the overview marks, read where the table has them."""


def datasets_of(product_type: str) -> dict[Surface, str]:
    """Return the datasets in which the surfaces of a product type's sessions may be published.

    Close-up views use the fine surface of an equity; its `physics_surface_1s` is the wide map.
    """
    fine = "physics_surface_tick_1s" if product_type == EQUITY else "physics_surface_1s"
    named = {
        Surface.SNAP: f"silver.{product_type}.book_snapshot_1s",
        Surface.VELOCITY: f"gold.{product_type}.{fine}",
        Surface.OPTIONS: f"gold.{OPTION_PRODUCTS[product_type]}.physics_surface_1s",
        Surface.FORECAST: f"gold.{product_type}.forecast_1s",
    }
    if product_type == EQUITY:
        named[Surface.WIDE] = f"gold.{product_type}.physics_surface_1s"
    return {surface: dataset for surface, dataset in named.items() if dataset in datasets()}


def records_of(product_type: str) -> str:
    """Return the dataset of the records that a product type's sessions were made of."""
    return f"bronze.{product_type}.mbo"


def parse_surface(name: str) -> Surface | None:
    """Return the surface called `name`, None for any other text."""
    return next((surface for surface in Surface if surface.value == name), None)
