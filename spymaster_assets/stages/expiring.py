"""The options that expire on a session date, out of the day's definitions in bronze."""

from __future__ import annotations

from datetime import date
from typing import Final

from contracts.errors import PartitionMissingError
from spymaster_assets.stages import reference
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.listing import Listed
from spymaster_assets.stages.option_columns import OptionTerms
from spymaster_resources.instruments import FUTURE_OPTION
from spymaster_resources.lake import InputRef
from spymaster_resources.trading_calendar import NEW_YORK
from spymaster_resources.vendor.expiring import expiration_date

DEFINITION: Final = f"bronze.{FUTURE_OPTION}.definition"

_COLUMNS: Final = [
    "feed_seq", "instrument_id", "underlying", "raw_symbol", "instrument_class", "strike_price",
    "expiration",
]  # fmt: skip


def definition_inputs(ctx: StageContext, dt: date) -> list[InputRef]:
    """Return the partitions of definitions that say which options of `dt` expire; none for others.

    Raises PartitionMissingError where options on futures have none.
    """
    return [ctx.lake.input(DEFINITION, symbol, dt) for symbol in _defined(ctx, dt)]


def expiring_options(ctx: StageContext, dt: date) -> dict[int, Listed]:
    """Return the calls and puts that expire on `dt` by the vendor's number, filed by underlying.

    Only options on futures have any. The date is that of New York; the latest definition of an
    instrument counts. Raises PartitionMissingError without definitions.
    """
    rows = []
    for symbol in _defined(ctx, dt):
        for batch in ctx.lake.batches(DEFINITION, symbol, dt, columns=_COLUMNS):
            rows += list(zip(*(batch[name].to_pylist() for name in _COLUMNS), strict=True))
    latest = {row[1]: row[2:] for row in sorted(rows)}
    found = {}
    for number, (underlying, symbol, right, strike_int, expiration_ns) in latest.items():
        if expiration_ns is None or strike_int is None:
            continue
        if expiration_date(expiration_ns, NEW_YORK) == dt:
            terms = OptionTerms(underlying, dt, right, strike_int)
            found[number] = Listed(underlying, symbol, terms)
    return found


def none_expires(ctx: StageContext, symbol: str, dt: date) -> bool:
    """Return whether the day's definitions are there and no option on `symbol` expires on `dt`.

    Always false for what is no option on a future. Raises PartitionMissingError without
    definitions.
    """
    if ctx.instrument.product_type != FUTURE_OPTION:
        return False
    return all(listed.partition != symbol for listed in expiring_options(ctx, dt).values())


def _defined(ctx: StageContext, dt: date) -> list[str]:
    """Return the underlyings with published definitions on `dt`."""
    row = ctx.instrument
    if row.product_type != FUTURE_OPTION:
        return []
    symbols = [
        key.symbol
        for key in ctx.lake.partitions(DEFINITION)
        if key.dt == dt and key.symbol is not None and row.is_filed_under(key.symbol)
    ]
    if not symbols and not reference.lists_nothing(ctx, dt):
        raise PartitionMissingError(
            f"{DEFINITION} {row.root} {dt}",
            "expected the day's definitions, which say which options expire, found none; "
            "build the reference tables first",
        )
    return symbols
