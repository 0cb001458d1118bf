"""Small plots of a session for the metadata of its materialisations."""

from __future__ import annotations

import base64
import io
from datetime import UTC, datetime
from typing import Any, Final

import dagster as dg
import numpy as np
import numpy.typing as npt

from spymaster_resources.trading_calendar import NEW_YORK

_BACKGROUND: Final = "#10141b"
_INK: Final = "#c9d3e0"
_BID: Final = "#3fb68b"
_ASK: Final = "#e0705f"


def session_plot(
    window_end_ts_ns: npt.NDArray[np.int64],
    mid_price: npt.NDArray[np.float64],
    trade_qty_buy: npt.NDArray[np.int64],
    trade_qty_sell: npt.NDArray[np.int64],
) -> dg.MarkdownMetadataValue:
    """Return mid price over traded quantity, minute by minute, of one session."""
    figure, (top, bottom) = _figure(2, ratios=[3, 1])
    seconds = np.arange(len(window_end_ts_ns))
    top.plot(seconds, mid_price, color=_INK, linewidth=0.8)
    top.set_ylabel("mid, USD")
    top.set_xticks([])
    minutes = seconds[::60]
    bottom.bar(minutes, np.add.reduceat(trade_qty_buy, minutes), 50, color=_BID)
    bottom.bar(minutes, -np.add.reduceat(trade_qty_sell, minutes), 50, color=_ASK)
    bottom.set_ylabel("lots / min")
    bottom.set_xlabel(_span(window_end_ts_ns))
    bottom.set_xticks([])
    return _markdown(figure, "mid price and traded quantity of the session")


def surface_plot(
    window_end_ts_ns: npt.NDArray[np.int64],
    velocity: npt.NDArray[np.float32],
    cells: str = "cells from spot",
) -> dg.MarkdownMetadataValue:
    """Return the heat map of liquidity velocity; `velocity` is (windows, cells), sides summed."""
    figure, (axes,) = _figure(1, ratios=[1])
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
    return _markdown(figure, "liquidity velocity around spot")


def _span(window_end_ts_ns: npt.NDArray[np.int64]) -> str:
    first, last = (
        datetime.fromtimestamp(int(window_end_ts_ns[i]) // 1_000_000_000, UTC).astimezone(NEW_YORK)
        for i in (0, -1)
    )
    return f"{first:%H:%M:%S} to {last:%H:%M:%S} New York"


def _figure(rows: int, ratios: list[int]) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 2.4 if rows == 1 else 3.0), facecolor=_BACKGROUND)
    axes = figure.subplots(rows, 1, squeeze=False, gridspec_kw={"height_ratios": ratios})[:, 0]
    for each in axes:
        each.set_facecolor(_BACKGROUND)
        each.tick_params(colors=_INK, labelsize=7)
        each.yaxis.label.set_color(_INK)
        each.xaxis.label.set_color(_INK)
        for spine in each.spines.values():
            spine.set_color("#2b3442")
    figure.set_layout_engine("constrained")
    return figure, axes


def _markdown(figure: Any, alternative: str) -> dg.MarkdownMetadataValue:
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=100)
    encoded = base64.b64encode(image.getvalue()).decode()
    return dg.MetadataValue.md(f"![{alternative}](data:image/png;base64,{encoded})")
