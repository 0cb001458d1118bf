"""The session at a glance, for the scrubber: mid, wave energy and where the data is in doubt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from web.service.surfaces import QUALITY_FLAGS, Surface
from web.service.tables import PinnedTable

MAX_POINTS: Final = 1000
GAP_WINDOWS: Final = 60
"""A busy instrument is never silent for so long in its session: the data has a gap."""

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def overview(tables: Mapping[Surface, PinnedTable], windows: int) -> dict[str, Any]:
    """Return series of at most `MAX_POINTS` points, point k over windows [k·stride, (k+1)·stride).

    `mid` is the last mid price in dollars of each point's windows, `wave_energy` the mean over
    windows and cells; null where there is none. `quality_marks` are runs of windows of one kind:
    `invalid` (no valid book), `crossed` (best bid at or above best ask), `gap` (a minute or more in
    which a valid book did not change) and the other flags of the snapshot, which a table of an
    older contract lacks.
    """
    stride = max(1, -(-windows // MAX_POINTS))
    snap = tables[Surface.SNAP].rows(0, windows)
    invalid = ~snap.column("book_valid").to_numpy()
    mid, bid, ask = (
        snap.column(name).to_numpy().astype(np.float64)  # null becomes NaN
        for name in ("mid_price", "best_bid_price_int", "best_ask_price_int")
    )
    energy, silent = np.full(windows, np.nan), np.zeros(windows, np.bool_)
    if Surface.VELOCITY in tables:
        energy, silent = _energy_and_silence(tables[Surface.VELOCITY], windows)
    return {
        "stride_windows": stride,
        "mid": _nullable(_last(mid, stride)),
        "wave_energy": _nullable(_mean(energy, stride)),
        "quality_marks": [
            *_runs("invalid", invalid),
            *_runs("crossed", bid >= ask),
            *_runs("gap", silent & ~invalid, GAP_WINDOWS),
            *(
                mark
                for name in QUALITY_FLAGS
                if name in snap.column_names
                for mark in _runs(name.removesuffix("_flag"), snap.column(name).to_numpy())
            ),
        ],
    }


def _energy_and_silence(surface: PinnedTable, windows: int) -> tuple[Floats, Flags]:
    """Return by window the mean of u_wave_energy over the cells, and whether nothing flowed.

    Reads one row group at a time.
    """
    per_window = surface.num_rows // windows
    total, flow = np.zeros(windows), np.zeros(windows)
    row = 0
    for group in surface.groups(["u_wave_energy", "liquidity_velocity"]):
        energy, velocity = (column.to_numpy() for column in group.columns)
        of_row = np.arange(row, row + len(energy)) // per_window
        first = of_row[0]
        for sums, values in ((total, energy), (flow, np.abs(velocity))):
            found = np.bincount(of_row - first, weights=values)
            sums[first : first + len(found)] += found
        row += len(energy)
    return total / per_window, flow == 0.0


def _last(values: Floats, stride: int) -> Floats:
    """Return the last value of each point that is a number."""
    points = _points(values, stride)
    known = ~np.isnan(points)
    last = points.shape[1] - 1 - np.argmax(known[:, ::-1], axis=1)
    found: Floats = points[np.arange(len(points)), last]
    return found


def _mean(values: Floats, stride: int) -> Floats:
    points = _points(values, stride)
    known = ~np.isnan(points)
    count = known.sum(axis=1)
    total = np.where(known, points, 0.0).sum(axis=1)
    mean: Floats = np.divide(total, count, out=np.full(len(points), np.nan), where=count > 0)
    return mean


def _points(values: Floats, stride: int) -> Floats:
    filled = np.full(-(-len(values) // stride) * stride, np.nan)
    filled[: len(values)] = values
    return filled.reshape(-1, stride)


def _nullable(values: Floats) -> list[float | None]:
    return [None if np.isnan(v) else round(float(v), 9) for v in values]


def _runs(kind: str, flags: Flags, at_least: int = 1) -> list[dict[str, Any]]:
    """Return the runs of so many set flags or more as first and last window index."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [
        {"kind": kind, "first_window": int(first), "last_window": int(stop) - 1}
        for first, stop in zip(edges[::2], edges[1::2], strict=True)
        if stop - first >= at_least
    ]
