"""A request for data, read from the fields of the vendor's forms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from spymaster_resources.dbn.layouts import SCHEMAS, STYPES
from spymaster_resources.gateway.instants import iso_ns, parse_instant
from spymaster_resources.gateway.refusal import unprocessable
from spymaster_resources.trading_calendar import utc_date

ALL_SYMBOLS: Final = "ALL_SYMBOLS"
MAX_SYMBOLS: Final = 2_000
_STYPES_IN: Final = ("raw_symbol", "parent", "instrument_id")
_ONLY: Final = {"encoding": ("dbn",), "split_duration": ("day",), "delivery": ("download",)}
"""What this gateway serves of a field that offers more at the account."""


@dataclass(frozen=True)
class DataQuery:
    """Which records are asked for; instants are ns UTC, the end is excluded."""

    dataset: str
    schema: str
    symbols: tuple[str, ...]
    stype_in: str
    stype_out: str
    start_ns: int
    end_ns: int
    limit: int | None = None
    is_compressed: bool = True

    @property
    def first_day(self) -> date:
        """Return the UTC date of the first instant."""
        return utc_date(self.start_ns)

    @property
    def last_day(self) -> date:
        """Return the UTC date of the last instant."""
        return utc_date(self.end_ns - 1)

    def days(self) -> Iterator[date]:
        """Yield the UTC dates that the range touches."""
        day = self.first_day
        while day <= self.last_day:
            yield day
            day += timedelta(days=1)

    def fields(self) -> dict[str, object]:
        """Return the request as the vendor repeats it in a job."""
        return {
            "dataset": self.dataset,
            "symbols": ",".join(self.symbols),
            "stype_in": self.stype_in,
            "stype_out": self.stype_out,
            "schema": self.schema,
            "start": iso_ns(self.start_ns),
            "end": iso_ns(self.end_ns),
            "limit": self.limit,
            "encoding": "dbn",
            "compression": "zstd" if self.is_compressed else None,
        }


def required(fields: Mapping[str, str], name: str) -> str:
    """Return the field `name`; refused where it is missing or empty."""
    value = fields.get(name, "")
    if not value:
        raise unprocessable("validation_failed", f"`{name}` is required.")
    return value


def parse_symbols(text: str) -> tuple[str, ...]:
    """Return the symbols of a comma-separated list, each once, in order."""
    symbols = tuple(dict.fromkeys(symbol.strip() for symbol in text.split(",") if symbol.strip()))
    if not symbols:
        raise unprocessable("validation_failed", "`symbols` is required.")
    if len(symbols) > MAX_SYMBOLS:
        raise unprocessable(
            "symbology_too_many_symbols",
            f"Up to {MAX_SYMBOLS:,} symbols a request, found {len(symbols):,}.",
        )
    return symbols


def check_stype(stype_in: str, symbols: tuple[str, ...]) -> None:
    """Refuse a symbology that is not served, and symbols that are not of its form."""
    if stype_in not in STYPES:
        raise unprocessable("validation_failed", f"`stype_in` {stype_in!r} is not known.")
    if stype_in not in _STYPES_IN:
        raise unprocessable(
            "symbology_unsupported_stype",
            f"`stype_in` {stype_in} is not served here; expected {', '.join(_STYPES_IN)}.",
        )
    for symbol in symbols:
        wrong_parent = stype_in == "parent" and not symbol.endswith((".FUT", ".OPT"))
        wrong_number = stype_in == "instrument_id" and not symbol.isdecimal()
        if symbol != ALL_SYMBOLS and (wrong_parent or wrong_number):
            raise unprocessable(
                "symbology_invalid_symbol", f"{symbol!r} is not a symbol of type {stype_in}."
            )


def parse_query(fields: Mapping[str, str]) -> DataQuery:
    """Return the request in a form's fields; refuses what is missing, unknown or not served."""
    schema = fields.get("schema") or "trades"
    if schema not in SCHEMAS:
        raise unprocessable("validation_failed", f"`schema` {schema!r} is not known.")
    for name, served in _ONLY.items():
        if fields.get(name, served[0]) not in served:
            raise unprocessable(
                "validation_failed", f"`{name}` {fields[name]!r} is not served here; use {served}."
            )
    if fields.get("split_symbols") == "True" or fields.get("split_size"):
        raise unprocessable("validation_failed", "Splits other than by day are not served here.")
    compression = fields.get("compression", "zstd")
    if compression not in ("zstd", "none"):
        raise unprocessable("validation_failed", f"`compression` {compression!r} is not known.")
    symbols = parse_symbols(required(fields, "symbols"))
    stype_in = fields.get("stype_in") or "raw_symbol"
    check_stype(stype_in, symbols)
    start = parse_instant(required(fields, "start"), "start")
    end_text = fields.get("end")
    end_ns = parse_instant(end_text, "end").ns if end_text else start.ns + start.resolution_ns
    if end_ns <= start.ns:
        raise unprocessable(
            "data_time_range_start_on_or_after_end",
            f"`start` {iso_ns(start.ns)} must be before `end` {iso_ns(end_ns)}.",
        )
    return DataQuery(
        dataset=required(fields, "dataset"),
        schema=schema,
        symbols=symbols,
        stype_in=stype_in,
        stype_out=fields.get("stype_out") or "instrument_id",
        start_ns=start.ns,
        end_ns=end_ns,
        limit=_limit(fields.get("limit")),
        is_compressed=compression == "zstd",
    )


def _limit(text: str | None) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or int(text) == 0:
        raise unprocessable("validation_failed", f"`limit` must be a positive count, was {text!r}.")
    return int(text)
