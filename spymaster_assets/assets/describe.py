"""What a materialisation tells of its partition: counters, rates and a plot of the session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import dagster as dg
import numpy as np

from spymaster_assets.assets.plots import session_plot, surface_plot
from spymaster_resources.lake import Lake, Manifest
from spymaster_resources.selection_map import Selection

Metadata = dict[str, Any]

_CELLS_PLOTTED: Final = 60
"""Ticks on either side of spot in the surface's thumbnail."""


def describe(lake: Lake, manifest: Manifest) -> Metadata:
    """Return the metadata of a partition's materialisation."""
    plot = _PLOTS.get(manifest.dataset)
    session = {"session": plot(lake, manifest)} if plot is not None and manifest.row_count else {}
    return {
        **session,
        **counters(manifest),
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
    columns = ["window_end_ts_ns", "rel_ticks", "liquidity_velocity"]
    times, rows = [], []
    for batch in lake.batches(manifest.dataset, manifest.symbol, manifest.dt, columns=columns):
        ticks = batch["rel_ticks"].to_numpy()
        near = np.abs(ticks) <= _CELLS_PLOTTED
        velocity = batch["liquidity_velocity"].to_numpy()[near]
        rows.append(velocity.reshape(-1, 2 * _CELLS_PLOTTED + 1, 2).sum(axis=2))
        times.append(batch["window_end_ts_ns"].to_numpy()[ticks == 0][::2])
    return surface_plot(np.concatenate(times), np.concatenate(rows))


_PLOTS: Final[Mapping[str, Callable[[Lake, Manifest], dg.MarkdownMetadataValue]]] = {
    "silver.future_mbo.book_snapshot_1s": _snapshot_plot,
    "gold.future_mbo.physics_surface_1s": _surface_plot,
}
