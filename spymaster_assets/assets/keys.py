"""The names of one futures root's assets, and which table of the lake each one is."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import dagster as dg

PRODUCT: Final = "future_mbo"
MBO: Final = "bronze.future_mbo.mbo"
SNAPSHOT: Final = "silver.future_mbo.book_snapshot_1s"
DEPTH: Final = "silver.future_mbo.depth_and_flow_1s"
SURFACE: Final = "gold.future_mbo.physics_surface_1s"
FORECAST: Final = "gold.future_mbo.forecast_1s"


class Keys:
    """The asset keys of one root."""

    def __init__(self, root: str) -> None:
        self.raw = dg.AssetKey(["raw", PRODUCT, root, "market_by_order_dbn"])
        self.bronze = dg.AssetKey(["bronze", PRODUCT, root, "mbo"])
        self.selection = dg.AssetKey(["selection", root, "mbo_contract_day_selection"])
        self.snapshot = dg.AssetKey(["silver", PRODUCT, root, "book_snapshot_1s"])
        self.depth = dg.AssetKey(["silver", PRODUCT, root, "depth_and_flow_1s"])
        self.surface = dg.AssetKey(["gold", PRODUCT, root, "physics_surface_1s"])
        self.calibration = dg.AssetKey(["calibration", root, "physics_beta_gamma"])
        self.forecast = dg.AssetKey(["gold", PRODUCT, root, "forecast_1s"])

    @cached_property
    def by_dataset(self) -> dict[str, dg.AssetKey]:
        """Return the asset of each table that holds partitions of contracts."""
        return {
            MBO: self.bronze,
            SNAPSHOT: self.snapshot,
            DEPTH: self.depth,
            SURFACE: self.surface,
            FORECAST: self.forecast,
        }

    @property
    def session(self) -> list[dg.AssetKey]:
        """Return the assets that one session's raw file leads to."""
        return [
            self.bronze,
            self.selection,
            self.snapshot,
            self.depth,
            self.surface,
            self.forecast,
        ]
