"""What a viewer must know of a session before the first window, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spymaster_resources.instruments import PRICE_SCALE, Instrument
from spymaster_resources.trading_calendar import NEW_YORK, SECOND_NS
from web.service.surfaces import (
    HORIZONS,
    OPTION_LAYERS,
    SIDES,
    VELOCITY_LAYERS,
    Surface,
    datasets_of,
)
from web.service.tiles import TILE_WINDOWS

if TYPE_CHECKING:
    from web.service.session import Session

_NAMES = {
    Surface.SNAP: "book snapshot",
    Surface.VELOCITY: "liquidity surface",
    Surface.OPTIONS: "options surface",
    Surface.FORECAST: "forecast",
    Surface.WIDE: "wide map",
}


def description(session: Session) -> dict[str, Any]:
    """Return the session's instrument, grids, clock and surfaces.

    Prices are whole numbers at 1e-9 dollars. A cell's price is that of its surface's
    `spot_ref_price_int`, which lies on the grid, and `rel_ticks` steps.
    """
    row, options, ends = session.instrument, session.options, session.window_ends_ns
    return {
        "symbol": session.key.symbol,
        "dt": session.key.dt.isoformat(),
        "product_type": session.key.product_type,
        "root": row.root,
        "name": row.name,
        "version": session.version,
        "tick_int": row.tick_int,
        "price_scale": PRICE_SCALE,
        "price_decimals": row.price_decimals,
        "strike_step_int": None if options is None else options.cell_int,
        "grid": _grid(session, Surface.VELOCITY),
        "wide_grid": _grid(session, Surface.WIDE) if row.fine_cell_int is not None else None,
        "strikes": None if options is None else _strikes(session, options),
        "session": {
            "open": session.clock(0),
            "close": session.clock(-1),
            "time_zone": NEW_YORK.key,
            "first_window_end_ts_ns": str(ends[0]),
            "last_window_end_ts_ns": str(ends[-1]),
            "window_ns": SECOND_NS,
            "windows": session.windows,
        },
        "tile_windows": TILE_WINDOWS,
        "tiles": session.tiles,
        "horizons_s": list(range(HORIZONS)),
        "calibrated": session.calibrated,
        "calibration": session.calibration,
        "scorecard": session.scorecard,
        "surfaces": {
            surface.value: _surface(session, surface)
            for surface in datasets_of(session.key.product_type)
        },
    }


def _grid(session: Session, surface: Surface) -> dict[str, Any]:
    """Return the grid of the published surface, or the catalogue's where there is none."""
    row = session.instrument
    step_int, half_width = row.cell_int, row.grid_half_width
    if surface is Surface.VELOCITY and row.fine_cell_int is not None:
        assert row.fine_half_width is not None
        step_int, half_width = row.fine_cell_int, row.fine_half_width
    cells = session.cells(surface) or 2 * half_width + 1
    return {
        "half_width": (cells - 1) // 2,
        "cells": cells,
        "step_int": step_int,
        "sides": list(SIDES),
        "layers": list(VELOCITY_LAYERS),
    }


def _strikes(session: Session, options: Instrument) -> dict[str, Any]:
    count = session.cells(Surface.OPTIONS) or 2 * options.grid_half_width + 1
    return {
        "product_type": options.product_type,
        "half_width": (count - 1) // 2,
        "count": count,
        "step_int": options.cell_int,
        "rel_tick_int": options.rel_tick_int,
        "layers": list(OPTION_LAYERS),
    }


def _surface(session: Session, surface: Surface) -> dict[str, Any]:
    manifest = session.manifests.get(surface)
    if manifest is None:
        return {
            "available": False,
            "reason": f"no {_NAMES[surface]} is published for this session",
        }
    if surface in session.stale:
        reason = f"the {_NAMES[surface]} was made of another version of {session.stale[surface]}"
        return {"available": False, "reason": f"{reason}: build it again"}
    return {
        "available": True,
        "rows_per_window": session.frame_rows(surface),
        "dataset": manifest.dataset,
        "contract_version": manifest.contract.version,
        "code_version": manifest.code_version,
        "manifest_sha256": manifest.sha256,
    }
