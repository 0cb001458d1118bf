"""The raw files of every product as assets: dropped or downloaded into the lake, never made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg

from spymaster_assets.partitions import daily_partitions
from spymaster_resources.settings import Settings
from spymaster_resources.vendor.families import FAMILIES
from spymaster_resources.vendor.products import EQUITIES, FUTURES, RAW_TABLES, Market


@dataclass(frozen=True)
class RawProduct:
    """The raw tables of one product of one root or ticker."""

    product_type: str
    root: str
    schemas: tuple[str, ...]
    calendar: str

    @property
    def name(self) -> str:
        """Return the name that sensors and folders share."""
        return f"{self.product_type}_{self.root}"

    def key(self, schema: str) -> dg.AssetKey:
        """Return the asset of a table."""
        return dg.AssetKey(["raw", self.product_type, self.root, RAW_TABLES[schema]])

    def partitions(self, settings: Settings) -> dg.PartitionsDefinition[str]:
        """Return the days of the tables."""
        return daily_partitions(settings.calendar or self.calendar)


def raw_products(settings: Settings) -> list[RawProduct]:
    """Return the products of all roots and tickers that `settings` cover."""
    return [
        *(product for root in settings.roots for product in _products(FUTURES, root)),
        *(product for ticker in settings.tickers for product in _products(EQUITIES, ticker)),
    ]


def raw_assets(settings: Settings) -> list[dg.AssetSpec]:
    """Return the raw tables of all products, each with a partition a day."""
    return [
        dg.AssetSpec(
            product.key(schema),
            group_name="raw",
            kinds={"file"},
            partitions_def=product.partitions(settings),
            description=f"The vendor's {schema} day files of {product.root}, {product.product_type}"
            "; dropped or downloaded into the lake.",
        )
        for product in raw_products(settings)
        for schema in product.schemas
    ]


def _products(market: Market, root: str) -> Iterator[RawProduct]:
    """Yield the underlying, and its options where it is known which of them expire."""
    schemas: dict[str, tuple[str, ...]] = {}
    for product_type, schema in market.tables:
        schemas[product_type] = (*schemas.get(product_type, ()), schema)
    for product_type, names in schemas.items():
        has_families = market is not FUTURES or root in FAMILIES
        if product_type == market.underlying_product or has_families:
            yield RawProduct(product_type, root, names, market.calendar)
