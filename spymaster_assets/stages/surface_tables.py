"""Which liquidity surfaces a product has: the tables in and out, and the lattice they stand on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from book_engines.surface_params import OPTION_LANES, SurfaceParams
from contracts.registry import dataset
from spymaster_resources.instruments import Instrument

PRICES: Final = SurfaceParams()
STRIKES: Final = SurfaceParams(
    lanes=OPTION_LANES, near_sigma=1.0, near_radius=1, far_sigma=1.2, far_radius=3
)
"""Lanes and smoothing, in cells, along prices and along strikes."""


@dataclass(frozen=True)
class SurfaceTable:
    """One surface: the gold table, the two silver tables it is made of, and its parameters."""

    gold: str
    snapshot: str
    depth: str
    params: SurfaceParams

    @property
    def parameters(self) -> dict[str, Any]:
        """Return what the manifest records; no byte depends on the size of a block."""
        recorded = asdict(self.params)
        del recorded["block_windows"]
        return recorded


def surface_tables(instrument: Instrument) -> tuple[SurfaceTable, ...]:
    """Return the surfaces of an instrument, the one that forecasts stand on last.

    Equities have two: a wide map of buckets, and fine cells around the touch.
    """
    wide = _table(instrument, "", instrument.cell_int, instrument.grid_half_width)
    if instrument.fine_cell_int is None or instrument.fine_half_width is None:
        return (wide,)
    return wide, _table(instrument, "_tick", instrument.fine_cell_int, instrument.fine_half_width)


def _table(instrument: Instrument, kind: str, cell_int: int, half: int) -> SurfaceTable:
    """Return one surface; its block is one row group of the table."""
    product = instrument.product_type
    gold = f"gold.{product}.physics_surface{kind}_1s"
    is_option = instrument.underlying_product is not None
    lattice = STRIKES if is_option else PRICES
    cells = 2 * half + 1
    params = replace(
        lattice,
        half=half,
        cell_int=cell_int,
        # The fine cells of an equity are what the fine table's rel_ticks counts.
        rel_tick_int=cell_int if kind else instrument.rel_tick_int,
        # Options are placed by their strikes, which have no best prices.
        tick_int=cell_int if is_option else instrument.tick_int,
        block_windows=max(1, dataset(gold).parquet.row_group_rows // (lattice.lanes * cells)),
    )
    return SurfaceTable(
        gold=gold,
        snapshot=f"silver.{product}.book_snapshot_1s",
        depth=f"silver.{product}.depth_and_flow{kind}_1s",
        params=params,
    )
