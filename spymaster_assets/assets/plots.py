"""Small plots of a session for the metadata of its materialisations."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import dagster as dg
import numpy as np
import numpy.typing as npt

from spymaster_assets.figure import DOWN, INK, UP, dark_figure, png
from spymaster_resources.trading_calendar import NEW_YORK


def session_plot(
    window_end_ts_ns: npt.NDArray[np.int64],
    mid_price: npt.NDArray[np.float64],
    trade_qty_buy: npt.NDArray[np.int64],
    trade_qty_sell: npt.NDArray[np.int64],
) -> dg.MarkdownMetadataValue:
    """Return mid price over traded quantity, minute by minute, of one session."""
    figure, (top, bottom) = dark_figure(2, inches=(7.2, 3.0), ratios=[3, 1])
    seconds = np.arange(len(window_end_ts_ns))
    top.plot(seconds, mid_price, color=INK, linewidth=0.8)
    top.set_ylabel("mid, USD")
    top.set_xticks([])
    minutes = seconds[::60]
    bottom.bar(minutes, np.add.reduceat(trade_qty_buy, minutes), 50, color=UP)
    bottom.bar(minutes, -np.add.reduceat(trade_qty_sell, minutes), 50, color=DOWN)
    bottom.set_ylabel("lots / min")
    bottom.set_xlabel(_span(window_end_ts_ns))
    bottom.set_xticks([])
    return png_metadata(png(figure), "mid price and traded quantity of the session")


def surface_plot(
    window_end_ts_ns: npt.NDArray[np.int64],
    velocity: npt.NDArray[np.float32],
    cells: str = "cells from spot",
) -> dg.MarkdownMetadataValue:
    """Return the heat map of liquidity velocity; `velocity` is (windows, cells), sides summed."""
    figure, (axes,) = dark_figure(1, inches=(7.2, 2.4))
    half = velocity.shape[1] // 2
    bound = max(float(np.quantile(np.abs(velocity), 0.99)), 1e-6)
    axes.imshow(
        velocity.T,
        aspect="auto",
        origin="lower",
        cmap="RdBu_r",
        vmin=-bound,
        vmax=bound,
        extent=(0, len(velocity), -half, half),
        interpolation="nearest",
    )
    axes.set_xlabel(_span(window_end_ts_ns))
    axes.set_ylabel(cells)
    axes.set_xticks([])
    return png_metadata(png(figure), "liquidity velocity around spot")


def _span(window_end_ts_ns: npt.NDArray[np.int64]) -> str:
    first, last = (
        datetime.fromtimestamp(int(window_end_ts_ns[i]) // 1_000_000_000, UTC).astimezone(NEW_YORK)
        for i in (0, -1)
    )
    return f"{first:%H:%M:%S} to {last:%H:%M:%S} New York"


def png_metadata(image: bytes, alternative: str) -> dg.MarkdownMetadataValue:
    """Return a PNG file as metadata that the UI shows; `alternative` says what it is."""
    encoded = base64.b64encode(image).decode()
    return dg.MetadataValue.md(f"![{alternative}](data:image/png;base64,{encoded})")
