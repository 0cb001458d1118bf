"""Which option surface a forecast takes in, and the obstacles read from it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

import numpy as np

from book_engines.obstacles import StrikeObstacles
from contracts.errors import ContractError
from spymaster_assets.stages import versions
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.window_rows import whole_windows
from spymaster_resources.instruments import UNDERLYING_PRODUCTS
from spymaster_resources.lake import InputRef, PartitionStatus

OPTION_SURFACES: Final[Mapping[str, str]] = {
    underlying: f"gold.{product}.physics_surface_1s"
    for product, underlying in UNDERLYING_PRODUCTS.items()
    if underlying is not None
}
"""The surface of the options on each product type."""

_COLUMNS: Final = ("window_end_ts_ns", "strike_price_int", "Omega_opt")


def current_options(ctx: StageContext, symbol: str, dt: date) -> InputRef | None:
    """Return the option surface on `symbol` and `dt`, None unless it is published and current."""
    table = OPTION_SURFACES[ctx.instrument.product_type]
    report = ctx.lake.explain(table, symbol, dt, code_version=versions.OPTION_GOLD)
    if report.status is not PartitionStatus.CURRENT or report.manifest is None:
        return None
    return report.manifest.reference


def read_obstacles(ctx: StageContext, options: InputRef) -> StrikeObstacles:
    """Return the obstacles of every window of an option surface, right and side summed.

    One row group is held at a time, and 8 bytes a window and strike. Raises the lake's errors,
    and ContractError when a window's strikes are not evenly spaced.
    """
    key = (options.dataset, options.symbol, options.dt)
    manifest = ctx.lake.manifest(*key)
    lattice = manifest.parameters["physics_surface_1s"] if manifest else {}
    strikes, lanes, step_int = 2 * lattice["half"] + 1, lattice["lanes"], lattice["cell_int"]
    ends, lowest, omegas = [], [], []
    for block in whole_windows(options.dataset, ctx.lake.batches(*key, _COLUMNS), strikes * lanes):
        end, strike, omega = (
            block[name].to_numpy().reshape(-1, strikes, lanes) for name in _COLUMNS
        )
        low = strike[:, 0, 0]
        if (strike != low[:, None, None] + step_int * np.arange(strikes)[None, :, None]).any():
            message = f"expected {strikes} strikes, {step_int} apart, in every window"
            raise ContractError(options.dataset, [message])
        ends.append(end[:, 0, 0])
        lowest.append(low)
        omegas.append(omega.sum(axis=2, dtype=np.float64))
    return StrikeObstacles(
        np.concatenate([np.empty(0, np.int64), *ends]),
        np.concatenate([np.empty(0, np.int64), *lowest]),
        step_int,
        np.concatenate([np.empty((0, strikes)), *omegas]),
    )
