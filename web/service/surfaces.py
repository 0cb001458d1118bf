"""The four surfaces of a session: their names, numbers, tables and the columns read of each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Surface(StrEnum):
    """What a stream carries of each window, in the order in which it is sent."""

    SNAP = "snap"
    VELOCITY = "velocity"
    OPTIONS = "options"
    FORECAST = "forecast"

    @property
    def number(self) -> int:
        """The surface id in a tile's header."""
        return tuple(Surface).index(self)


VELOCITY_LAYERS: Final = (
    "liquidity_velocity",
    "rho",
    "nu",
    "kappa",
    "pressure_grad",
    "u_wave_energy",
    "Omega",
)

SIDES: Final = ("A", "B")
"""Ask and bid, in the sort order of the tables."""

HORIZONS: Final = 31
"""Rows of a window's forecast: horizon 0 carries the diagnostics, 1 … 30 the prediction."""


@dataclass(frozen=True, slots=True)
class Source:
    """The table a surface is read from."""

    layer: str
    table: str
    columns: tuple[str, ...]

    def dataset(self, product_type: str) -> str:
        """Return the dataset key for one product type."""
        return f"{self.layer}.{product_type}.{self.table}"


# Options have no source until a product type publishes their surface; the stream then announces
# them as missing and sends their schema without rows.
SOURCES: Final[dict[Surface, Source]] = {
    Surface.SNAP: Source(
        "silver",
        "book_snapshot_1s",
        (
            "window_end_ts_ns",
            "mid_price",
            "spot_ref_price_int",
            "book_valid",
            "best_bid_price_int",
            "best_ask_price_int",
            "trade_qty_buy",
            "trade_qty_sell",
        ),
    ),
    Surface.VELOCITY: Source(
        "gold",
        "physics_surface_1s",
        (
            "window_end_ts_ns",
            "spot_ref_price_int",
            "rel_ticks",
            "side",
            "window_valid",
            *VELOCITY_LAYERS,
        ),
    ),
    Surface.FORECAST: Source(
        "gold",
        "forecast_1s",
        (
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
    ),
}


def parse_surface(name: str) -> Surface | None:
    """Return the surface called `name`, None for any other text."""
    return next((surface for surface in Surface if surface.value == name), None)
