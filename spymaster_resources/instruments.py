"""The instrument catalogue and the names of futures contracts."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from contracts.errors import ConfigurationError
from spymaster_resources.trading_calendar import SessionWindow

CATALOGUE_FILE: Final = Path(__file__).with_name("instruments.yaml")
PRICE_SCALE: Final = 1_000_000_000
MONTH_CODES: Final = "FGHJKMNQUVXZ"

FUTURE: Final = "future_mbo"
FUTURE_OPTION: Final = "future_option_mbo"
EQUITY: Final = "equity_mbo"
EQUITY_OPTION: Final = "equity_option_cmbp_1"
UNDERLYING_PRODUCTS: Final = {
    FUTURE: None,
    FUTURE_OPTION: FUTURE,
    EQUITY: None,
    EQUITY_OPTION: EQUITY,
}
"""Every product type and that of its underlying, whose spot reference centres the grid."""

ANY_ROOT: Final = "*"
"""The root of a row that serves every ticker without a row of its own."""

_TICKER: Final = re.compile(r"[A-Z][A-Z0-9]{0,7}(?:\.[A-Z]{1,2})?")
_OUTRIGHT: Final = re.compile(rf"([A-Z0-9]{{1,8}}?)([{MONTH_CODES}])(\d{{1,2}})")


@dataclass(frozen=True)
class Instrument:
    """One row of the catalogue: a root traded as one product type."""

    root: str
    product_type: str
    name: str
    dataset: str
    schema: str
    calendar: str
    session: SessionWindow
    premarket: SessionWindow | None
    """Futures only: a trading date has a trade in here."""
    tick_int: int
    """Price step of the instrument's own orders and quotes, 1e-9 dollars."""
    cell_int: int
    """Width of a cell of the depth table, 1e-9 dollars: tick, bucket or strike step."""
    rel_tick_int: int
    """What `rel_ticks` counts, 1e-9 dollars: the tick or bucket of the spot reference."""
    grid_half_width: int
    """Cells of the grid on either side of spot."""
    fine_cell_int: int | None
    """Equities only: width of a cell of the fine depth table, 1e-9 dollars."""
    fine_half_width: int | None
    """Equities only: cells of the fine grid on either side of spot."""
    price_decimals: int
    contract_months: str | None
    """Futures only, as `expiry`."""
    expiry: str | None

    @property
    def underlying_product(self) -> str | None:
        """Return the product type of the underlying, None where this is one itself."""
        return UNDERLYING_PRODUCTS[self.product_type]

    def is_outright(self, symbol: str) -> bool:
        """Return whether `symbol` is an outright future of this root (no spread, no strategy)."""
        contract = parse_contract(symbol)
        return (
            contract is not None
            and contract.root == self.root
            and contract.month_code in (self.contract_months or "")
        )

    def is_filed_under(self, symbol: str) -> bool:
        """Return whether partitions of `symbol` are of this row.

        Futures and their options lie under an outright future of the root, which options need not
        trade every month of; equities and their options lie under the ticker.
        """
        if self.product_type == FUTURE:
            return self.is_outright(symbol)
        if self.product_type == FUTURE_OPTION:
            contract = parse_contract(symbol)
            return contract is not None and contract.root == self.root
        return symbol == self.root

    def expiry_date(self, symbol: str, session_date: date) -> date:
        """Return the expiry of `symbol`, its year resolved against `session_date`.

        The year digit names the nearest year from the session's on (ESH0 is 2030 in 2026); a
        contract that expired earlier in the session's year is not ten years away.
        """
        contract = parse_contract(symbol)
        if contract is None or contract.root != self.root:
            raise ConfigurationError(f"{symbol!r} is not an outright future of {self.root}")
        return third_friday(contract.year(session_date), contract.month)


@dataclass(frozen=True)
class FuturesContract:
    """A futures symbol taken apart: ESH6 is root ES, month code H, year digits 6."""

    root: str
    month_code: str
    year_digits: str

    @property
    def month(self) -> int:
        """Return the contract month, 1 to 12."""
        return MONTH_CODES.index(self.month_code) + 1

    def year(self, session_date: date) -> int:
        """Return the first year from the session's on that ends in the contract's digits."""
        period = int(10 ** len(self.year_digits))
        return session_date.year + (int(self.year_digits) - session_date.year) % period


def parse_contract(symbol: str) -> FuturesContract | None:
    """Return the parts of an outright futures symbol, None for any other symbol."""
    match = _OUTRIGHT.fullmatch(symbol)
    return FuturesContract(match[1], match[2], match[3]) if match else None


def is_ticker(symbol: str) -> bool:
    """Return whether `symbol` has the form of an equity's ticker (QQQ, BRK.B)."""
    return _TICKER.fullmatch(symbol) is not None


def third_friday(year: int, month: int) -> date:
    """Return the third Friday of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(4 - first.weekday()) % 7 + 14)


def instrument(root: str, product_type: str, extra_file: str | None = None) -> Instrument:
    """Return the catalogue row of `root`, or that of any root under its name.

    Raises ConfigurationError when there is none.
    """
    rows = instruments(extra_file)
    try:
        return rows[root, product_type]
    except KeyError:
        if (ANY_ROOT, product_type) in rows and is_ticker(root):
            return replace(rows[ANY_ROOT, product_type], root=root, name=root)
        known = ", ".join(f"{r} ({p})" for r, p in rows)
        message = (
            f"{root!r} as {product_type} is not in the instrument catalogue; known: {known}. "
            "Add a row in a file named by SPYMASTER_INSTRUMENTS"
        )
        raise ConfigurationError(message) from None


@cache
def instruments(extra_file: str | None = None) -> dict[tuple[str, str], Instrument]:
    """Return the catalogue by (root, product type), rows of `extra_file` added or replacing."""
    files = [CATALOGUE_FILE, *([Path(extra_file)] if extra_file else [])]
    rows: dict[tuple[str, str], Instrument] = {}
    for file in files:
        try:
            entries = yaml.safe_load(file.read_text("utf-8"))
        except OSError as error:
            raise ConfigurationError(f"instrument catalogue {file}: {error.strerror}") from error
        for entry in entries:
            row = _instrument(entry, file)
            rows[row.root, row.product_type] = row
    return rows


def _instrument(entry: dict[str, Any], file: Path) -> Instrument:
    try:
        row = Instrument(**_values(entry))
        _require_sound(row)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise ConfigurationError(
            f"instrument catalogue {file.name}, row {entry}: {error!r}"
        ) from error
    return row


def _values(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a row; a future's cell and relative tick are its tick."""
    product_type = entry["product_type"]
    if product_type not in UNDERLYING_PRODUCTS:
        known = ", ".join(UNDERLYING_PRODUCTS)
        raise ValueError(f"product_type: expected one of {known}, found {product_type}")
    is_future, is_equity = product_type == FUTURE, product_type == EQUITY
    tick = _price_int(entry, "tick")
    return {
        "root": entry["root"],
        "product_type": product_type,
        "name": entry["name"],
        "dataset": entry["dataset"],
        "schema": entry["schema"],
        "calendar": entry["calendar"],
        "session": SessionWindow.parse(entry["session"]),
        "premarket": SessionWindow.parse(entry["premarket"]) if is_future else None,
        "tick_int": tick,
        "cell_int": tick if is_future else _price_int(entry, "cell"),
        "rel_tick_int": tick if is_future else _price_int(entry, "rel_tick"),
        "grid_half_width": int(entry["grid_half_width"]),
        "fine_cell_int": _price_int(entry, "fine_cell") if is_equity else None,
        "fine_half_width": int(entry["fine_half_width"]) if is_equity else None,
        "price_decimals": int(entry["price_decimals"]),
        "contract_months": entry["contract_months"] if is_future else None,
        "expiry": entry["expiry"] if is_future else None,
    }


def _price_int(entry: dict[str, Any], name: str) -> int:
    price = Decimal(entry[name]) * PRICE_SCALE
    if price <= 0 or price != int(price):
        raise ValueError(f"{name} {entry[name]} is not a positive multiple of 1e-9 dollars")
    return int(price)


def _require_sound(row: Instrument) -> None:
    """Raise ValueError where the widths of a row do not fit one another."""
    for name in ("grid_half_width", "fine_half_width"):
        half_width = getattr(row, name)
        if half_width is not None and half_width < 1:
            raise ValueError(f"{name}: expected 1 or more cells, found {half_width}")
    steps = {"cell_int": row.rel_tick_int}
    if row.underlying_product is None:  # else cells lie on the axis of strikes
        steps |= {"rel_tick_int": row.tick_int, "fine_cell_int": row.tick_int}
    for name, step in steps.items():
        width = getattr(row, name)
        if width is not None and width % step:
            raise ValueError(f"{name}: expected a multiple of {step}, found {width}")
