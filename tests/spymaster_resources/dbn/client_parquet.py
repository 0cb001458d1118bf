"""The vendor client's own Parquet of a DBN file."""

from __future__ import annotations

import warnings
from pathlib import Path

import databento

PRICE_TYPES = ("float", "fixed", "decimal")


def write_client_parquet(
    dbn: Path,
    target: Path,
    *,
    price_type: str = "float",
    pretty_ts: bool = True,
    map_symbols: bool = True,
) -> Path:
    """Write what `to_parquet` writes; decimals, which it refuses, by way of `to_df`."""
    store = databento.DBNStore.from_bytes(dbn.read_bytes())
    options = {"price_type": price_type, "pretty_ts": pretty_ts, "map_symbols": map_symbols}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the client's pandas deprecations
        if price_type == "decimal":
            store.to_df(**options).to_parquet(target)
        else:
            store.to_parquet(target, **options)
    return target
