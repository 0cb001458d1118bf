"""Which instruments of a raw day are kept in bronze, and under which partition each is filed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from contracts.errors import UnknownSymbolError
from spymaster_assets.stages.bad_records import none_mapped
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.option_columns import OptionTerms
from spymaster_resources.instruments import FUTURE

if TYPE_CHECKING:
    from spymaster_resources.dbn.parts import RecordFile


class Listed(NamedTuple):
    """An instrument whose records are kept."""

    partition: str
    """The symbol under which it is filed."""
    symbol: str
    option: OptionTerms | None = None


@dataclass(frozen=True)
class Listing:
    """The instruments of a file on its day, by the vendor's number."""

    kept: Mapping[int, Listed]
    left_out: frozenset[int]
    """Known, and nothing that this product holds."""
    partitions: tuple[str, ...]
    """What becomes an empty partition where no kept instrument has a record."""


def listing_of(
    ctx: StageContext, dt: date, file: RecordFile, options: Mapping[int, Listed]
) -> Listing:
    """Return the listing of a file; options: those that the day's definitions let expire.

    Raises UnknownSymbolError for a file that maps nothing of the root, and for an instrument that
    is one option by the definitions and another by the file.
    """
    names = file.metadata.instruments(dt)
    if ctx.instrument.underlying_product is not None:
        kept = _of_options(file, names, options)
    else:
        kept = {n: Listed(s, s) for n, s in names.items() if ctx.instrument.is_filed_under(s)}
    partitions = tuple(sorted({row.partition for row in kept.values()}))
    if not partitions and ctx.instrument.underlying_product is None:
        partitions = _without_records(ctx, dt, file, len(names))
    return Listing(kept, frozenset(names.keys() - kept.keys()), partitions)


def _of_options(
    file: RecordFile, names: Mapping[int, str], options: Mapping[int, Listed]
) -> dict[int, Listed]:
    for number, row in options.items():
        named = names.get(number, row.symbol)
        if named != row.symbol:
            raise UnknownSymbolError(
                file.path,
                f"instrument {number} is {named} by the file and {row.symbol} by the day's "
                "definitions; fetch both for the same day",
            )
    return dict(options)


def _without_records(ctx: StageContext, dt: date, file: RecordFile, mapped: int) -> tuple[str, ...]:
    """Return the partitions of a file that maps nothing of the root, empty ones at best.

    A ticker that the file was asked for may not be listed on the day; a future cannot be.
    """
    row = ctx.instrument
    metadata = file.metadata
    if row.root in {*metadata.symbols, *metadata.not_found} and row.product_type != FUTURE:
        return (row.root,)
    what = "outright futures of" if row.product_type == FUTURE else "the ticker"
    raise UnknownSymbolError(
        file.path,
        f"expected {what} {row.root} on {dt}, found {none_mapped(mapped)}",
    )
