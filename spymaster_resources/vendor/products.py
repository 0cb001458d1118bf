"""What is bought: the products of each market, their datasets, schemas and raw folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from contracts.errors import ConfigurationError
from spymaster_resources.trading_calendar import NEW_YORK

DEFINITION: Final = "definition"
STATISTICS: Final = "statistics"
RAW_TABLES: Final[Mapping[str, str]] = {
    "mbo": "market_by_order_dbn",
    "cmbp-1": "cmbp_1",
    STATISTICS: "statistics",
    DEFINITION: DEFINITION,
}
"""Name of the raw table by the vendor's schema."""


@dataclass(frozen=True)
class Market:
    """Underlyings and their 0DTE options, bought together under one tracker."""

    name: str
    """As in `spymaster download <name>`."""
    calendar: str
    tracker: str
    underlying_product: str
    underlying_dataset: str
    underlying_schemas: tuple[str, ...]
    option_product: str
    option_dataset: str
    option_schemas: tuple[str, ...]
    """What may be asked of options besides their definitions."""
    expiration_zone: ZoneInfo
    """The zone in which the expiration instant of a definition names the session date."""

    @property
    def expires_by_family(self) -> bool:
        """Return whether families differ in the day they expire, so that one may be unlisted."""
        return self is FUTURES

    @property
    def tables(self) -> tuple[tuple[str, str], ...]:
        """Return product and schema of every raw table that a whole download fills."""
        options = (DEFINITION, *self.option_schemas)
        return (
            *((self.underlying_product, schema) for schema in self.underlying_schemas),
            *((self.option_product, schema) for schema in options),
        )

    @property
    def default_root(self) -> str:
        """Return the root that is downloaded when none is named."""
        return "ES" if self is FUTURES else "QQQ"

    def chosen_schemas(self, text: str, allowed: Sequence[str], what: str) -> tuple[str, ...]:
        """Return the schemas of a comma-separated list; `none` is none of them.

        Raises ConfigurationError for a schema that this market is not sold or read in.
        """
        names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
        if names == ("none",):
            return ()
        wrong = [name for name in names if name not in allowed]
        if wrong or not names:
            raise ConfigurationError(
                f"{self.name}, {what}: expected none or some of {', '.join(allowed)}, "
                f"found {', '.join(wrong) or 'nothing'}"
            )
        return names


FUTURES: Final = Market(
    name="futures",
    calendar="CMES",
    tracker="futures_jobs.json",
    underlying_product="future_mbo",
    underlying_dataset="GLBX.MDP3",
    underlying_schemas=("mbo",),
    option_product="future_option_mbo",
    option_dataset="GLBX.MDP3",
    option_schemas=("mbo", "statistics"),
    expiration_zone=NEW_YORK,
)
EQUITIES: Final = Market(
    name="equities",
    calendar="XNYS",
    tracker="equity_options_jobs.json",
    underlying_product="equity_mbo",
    underlying_dataset="XNAS.ITCH",
    underlying_schemas=("mbo",),
    option_product="equity_option_cmbp_1",
    option_dataset="OPRA.PILLAR",
    option_schemas=("cmbp-1", "statistics"),
    expiration_zone=ZoneInfo("UTC"),  # stored as midnight UTC of the expiration date
)
MARKETS: Final[Mapping[str, Market]] = {market.name: market for market in (FUTURES, EQUITIES)}


def raw_folder(product_type: str, root: str, schema: str) -> str:
    """Return the folder of a product's raw files, relative to the lake root."""
    return (
        f"raw/source=databento/product_type={product_type}/symbol={root}/table={RAW_TABLES[schema]}"
    )
