"""One request of the vendor: a product, a schema, a UTC day, and the symbols asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from typing import Final

from contracts.errors import ConfigurationError
from spymaster_resources.instruments import parse_contract
from spymaster_resources.vendor.products import DEFINITION, FUTURES, Market

MAX_SYMBOLS: Final = 2000
"""The vendor takes no more in one request."""
RAW_SYMBOL: Final = "raw_symbol"
PARENT: Final = "parent"

_ROOT: Final = re.compile(r"[A-Z0-9]{1,6}")
_PARENT: Final = re.compile(r"[A-Z0-9]{1,6}\.(FUT|OPT)")
# OSI symbols carry spaces inside; a comma would split the vendor's list.
_RAW: Final = re.compile(r"[A-Z0-9](?:[A-Z0-9 .:_/-]{0,68}[A-Z0-9])?")


@dataclass(frozen=True)
class Request:
    """What one batch job is asked for: start is `dt`, end the day after, dbn and zstd."""

    product_type: str
    dataset: str
    schema: str
    root: str
    dt: date
    stype_in: str
    symbols: tuple[str, ...]
    """Sorted, each once, 1 to MAX_SYMBOLS."""
    part: int = 1
    """1-based place among the requests that one day's symbols were split into."""

    @property
    def key(self) -> str:
        """Return the tracker's key: dataset|schema|symbol|date|product."""
        symbol = self.root if self.part == 1 else f"{self.root}#{self.part}"
        return "|".join((self.dataset, self.schema, symbol, self.dt.isoformat(), self.product_type))

    @property
    def end(self) -> date:
        """Return the day after, at whose midnight UTC the request ends."""
        return self.dt + timedelta(days=1)

    @property
    def symbols_sha256(self) -> str:
        """Return the digest that tells whether two requests name the same symbols."""
        return digest_of(self.symbols)


def digest_of(symbols: Iterable[str]) -> str:
    """Return the SHA-256 of a set of symbols."""
    return sha256("\n".join(sorted(set(symbols))).encode()).hexdigest()


def requests_of_day(
    product_type: str,
    dataset: str,
    schema: str,
    root: str,
    dt: date,
    stype_in: str,
    symbols: Iterable[str],
) -> tuple[Request, ...]:
    """Return the checked requests for one day, split where there are too many symbols.

    Raises ConfigurationError for no symbol, or for one that cannot be of `stype_in`.
    """
    names = sorted(set(symbols))
    pattern = _PARENT if stype_in == PARENT else _RAW
    wrong = [name for name in names if not pattern.fullmatch(name)]
    if wrong or not names:
        raise ConfigurationError(
            f"{dataset} {schema} {dt}: expected symbols of type {stype_in}, "
            f"found {', '.join(map(repr, wrong[:5])) or 'none'}"
        )
    return tuple(
        Request(
            product_type,
            dataset,
            schema,
            root,
            dt,
            stype_in,
            tuple(names[start : start + MAX_SYMBOLS]),
            part,
        )
        for part, start in enumerate(range(0, len(names), MAX_SYMBOLS), start=1)
    )


@dataclass(frozen=True)
class Underlying:
    """What the user named: a root and the symbols that stand for its underlying."""

    root: str
    stype_in: str
    symbols: tuple[str, ...]


def underlyings(market: Market, text: str) -> tuple[Underlying, ...]:
    """Return the underlyings of a comma-separated list, one a root.

    Futures: `ES` or `ES.FUT` is every instrument of the root; `ESM4,ESU4` are those outrights
    alone. Equities: tickers. Raises ConfigurationError for anything else.
    """
    names = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not names:
        raise ConfigurationError(f"{market.name}: expected at least one symbol, found {text!r}")
    by_root: dict[str, list[str]] = {}
    for name in names:
        root, symbol = _equity(name) if market is not FUTURES else _future(name)
        by_root.setdefault(root, []).append(symbol)
    return tuple(_underlying(market, root, symbols) for root, symbols in by_root.items())


def underlying_requests(
    market: Market, underlying: Underlying, schema: str, dt: date
) -> tuple[Request, ...]:
    """Return the requests for one day of an underlying."""
    return requests_of_day(
        market.underlying_product,
        market.underlying_dataset,
        schema,
        underlying.root,
        dt,
        underlying.stype_in,
        underlying.symbols,
    )


def definition_requests(
    market: Market, root: str, dt: date, families: Iterable[str]
) -> tuple[Request, ...]:
    """Return the requests for the definitions of one day's option families."""
    parents = [f"{family}.OPT" for family in families]
    return requests_of_day(
        market.option_product, market.option_dataset, DEFINITION, root, dt, PARENT, parents
    )


def option_requests(
    market: Market, root: str, schema: str, dt: date, symbols: Iterable[str]
) -> tuple[Request, ...]:
    """Return the requests for the options that expire on one day."""
    return requests_of_day(
        market.option_product, market.option_dataset, schema, root, dt, RAW_SYMBOL, symbols
    )


def _equity(name: str) -> tuple[str, str]:
    if not _ROOT.fullmatch(name):
        raise ConfigurationError(f"symbol {name!r}: expected a ticker, as QQQ")
    return name, name


def _future(name: str) -> tuple[str, str]:
    contract = parse_contract(name)
    if contract is not None:
        return contract.root, name
    root = name.removesuffix(".FUT")
    if not _ROOT.fullmatch(root):
        raise ConfigurationError(
            f"symbol {name!r}: expected a root (ES), its parent (ES.FUT) or an outright (ESM4)"
        )
    return root, f"{root}.FUT"


def _underlying(market: Market, root: str, symbols: list[str]) -> Underlying:
    if market is not FUTURES:
        return Underlying(root, RAW_SYMBOL, tuple(symbols))
    parent = f"{root}.FUT"
    unique = tuple(sorted(set(symbols)))
    if unique == (parent,):
        return Underlying(root, PARENT, unique)
    if parent in unique:
        raise ConfigurationError(
            f"{', '.join(unique)}: {parent} holds the outrights already; name one or the others"
        )
    return Underlying(root, RAW_SYMBOL, unique)
