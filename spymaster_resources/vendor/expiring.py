"""The instruments that expire on a session date, out of the vendor's definition file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from spymaster_resources.instruments import parse_contract
from spymaster_resources.vendor.products import DEFINITION, FUTURES, Market

if TYPE_CHECKING:
    from spymaster_resources.dbn.stream import DbnFile

_OPTION_CLASSES: Final = {ord("C"), ord("P")}
_UNDEFINED_TIME: Final = 2**64 - 1


@dataclass(frozen=True)
class Expiring:
    """What a definition file says of one session date."""

    symbols: tuple[str, ...]
    """Raw symbols of the calls and puts that expire, sorted."""
    definitions: int
    """Instruments defined in the file."""
    other_underlyings: int
    """Calls and puts of another root, which the parent or an adjusted contract brings along."""
    other_dates: int
    """Calls and puts of the root that expire on another date."""


def expiring_options(definitions: DbnFile, market: Market, root: str, dt: date) -> Expiring:
    """Return the calls and puts of `root` that expire on session date `dt`.

    The underlying must be the root itself (an equity) or an outright future of exactly that root.
    The latest definition of an instrument counts. Raises RawFileError for a bad file.
    """
    kept = ["instrument_id", "instrument_class", "raw_symbol", "underlying", "expiration"]
    latest = {}
    for chunk in definitions.records(1 << 12, schema=DEFINITION):
        for row in chunk[kept].tolist():
            latest[row[0]] = row[1:]
    symbols = set()
    other_underlyings = other_dates = 0
    for kind, raw_symbol, underlying, expiration in latest.values():
        if kind not in _OPTION_CLASSES:
            continue
        if not _is_of(market, root, underlying.decode()):
            other_underlyings += 1
        elif expiration_date(expiration, market.expiration_zone) != dt:
            other_dates += 1
        else:
            symbols.add(raw_symbol.decode())
    return Expiring(tuple(sorted(symbols)), len(latest), other_underlyings, other_dates)


def expiration_date(expiration_ns: int, zone: ZoneInfo) -> date | None:
    """Return the date of an expiration instant in `zone`, None where it is undefined."""
    if expiration_ns == _UNDEFINED_TIME:
        return None
    return datetime.fromtimestamp(expiration_ns // 1_000_000_000, tz=UTC).astimezone(zone).date()


def _is_of(market: Market, root: str, underlying: str) -> bool:
    if market is not FUTURES:
        return underlying == root
    contract = parse_contract(underlying)
    return contract is not None and contract.root == root
