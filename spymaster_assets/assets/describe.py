"""What a materialisation tells of its partition: counters, rates and a plot of the session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import dagster as dg
import numpy as np

from spymaster_assets.assets.plots import session_plot, surface_plot
from spymaster_resources.lake import Lake, Manifest
from spymaster_resources.scorecard import scorecard
from spymaster_resources.selection_map import Selection

Metadata = dict[str, Any]

_CELLS_PLOTTED: Final = 60
"""Cells on either side of spot in the surface's thumbnail."""


def describe(lake: Lake, manifest: Manifest) -> Metadata:
    """Return the metadata of a partition's materialisation."""
    plot = _PLOTS.get(manifest.dataset)
    session = {"session": plot(lake, manifest)} if plot is not None and manifest.row_count else {}
    return {
        **session,
        **counters(manifest),
        **scorecard(manifest),
        "dagster/uri": lake.files(manifest.dataset, manifest.symbol, manifest.dt)[0],
    }


def counters(manifest: Manifest) -> Metadata:
    """Return the manifest's counters: numbers and texts as they are, groups as JSON."""
    return {
        name: dg.MetadataValue.json(value) if isinstance(value, Mapping | list) else value
        for name, value in manifest.counters.items()
        if value is not None
    }


def selection(row: Selection) -> Metadata:
    """Return the metadata of one session's contract selection."""
    return {
        "selected_symbol": row.selected_symbol,
        "selected_exp_date": row.selected_exp_date.isoformat(),
        "prev_trading_date": str(row.prev_trading_date),
        "prev_volume_selected": row.prev_volume_selected or 0,
        "prev_volume_rank2": row.prev_volume_rank2 or 0,
        "roll_flag": row.roll_flag,
        "reason": row.reason,
    }


def _snapshot_plot(lake: Lake, manifest: Manifest) -> dg.MarkdownMetadataValue:
    columns = ["window_end_ts_ns", "mid_price", "trade_qty_buy", "trade_qty_sell"]
    table = lake.read(manifest.dataset, manifest.symbol, manifest.dt, columns=columns)
    times, mid, buy, sell = (table[c].to_numpy() for c in columns)
    return session_plot(times, mid, buy, sell)


def _surface_plot(lake: Lake, manifest: Manifest) -> dg.MarkdownMetadataValue:
    columns = ["window_end_ts_ns", "liquidity_velocity"]
    times, rows = [], []
    for batch in lake.batches(manifest.dataset, manifest.symbol, manifest.dt, columns=columns):
        ends = np.unique(batch["window_end_ts_ns"].to_numpy())
        velocity = batch["liquidity_velocity"].to_numpy().reshape(len(ends), -1, 2).sum(axis=2)
        middle = velocity.shape[1] // 2
        near = min(_CELLS_PLOTTED, middle)
        rows.append(velocity[:, middle - near : middle + near + 1])
        times.append(ends)
    return surface_plot(np.concatenate(times), np.concatenate(rows))


def _strike_plot(lake: Lake, manifest: Manifest) -> dg.MarkdownMetadataValue:
    columns = ["window_end_ts_ns", "liquidity_velocity_opt"]
    table = lake.read(manifest.dataset, manifest.symbol, manifest.dt, columns=columns)
    ends = np.unique(table["window_end_ts_ns"].to_numpy())
    velocity = table["liquidity_velocity_opt"].to_numpy().reshape(len(ends), -1, 4).sum(axis=2)
    return surface_plot(ends, velocity, "strikes from spot")


_PLOTS: Final[Mapping[str, Callable[[Lake, Manifest], dg.MarkdownMetadataValue]]] = {
    "silver.future_mbo.book_snapshot_1s": _snapshot_plot,
    "silver.equity_mbo.book_snapshot_1s": _snapshot_plot,
    "gold.future_mbo.physics_surface_1s": _surface_plot,
    "gold.equity_mbo.physics_surface_1s": _surface_plot,
    "gold.equity_mbo.physics_surface_tick_1s": _surface_plot,
    "gold.future_option_mbo.physics_surface_1s": _strike_plot,
    "gold.equity_option_cmbp_1.physics_surface_1s": _strike_plot,
}
