"""`symbology.resolve`: what symbols stand for, date by date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from spymaster_resources.gateway.account import Account
from spymaster_resources.gateway.archive import metadata_of
from spymaster_resources.gateway.instants import parse_day
from spymaster_resources.gateway.query import check_stype, parse_symbols, required
from spymaster_resources.gateway.refusal import unprocessable
from spymaster_resources.gateway.symbology import DaySymbols, Named, Resolution, symbols_on

_COMBINATIONS: Final = {
    ("raw_symbol", "instrument_id"),
    ("parent", "instrument_id"),
    ("instrument_id", "raw_symbol"),
}


def resolve(account: Account, fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the mapping of symbols over [start_date, end_date), one day by default."""
    dataset = required(fields, "dataset")
    symbols = parse_symbols(required(fields, "symbols"))
    stype_in = fields.get("stype_in") or "raw_symbol"
    stype_out = fields.get("stype_out") or "instrument_id"
    check_stype(stype_in, symbols)
    if (stype_in, stype_out) not in _COMBINATIONS:
        raise unprocessable(
            "symbology_unsupported_stype", f"{stype_in} to {stype_out} is not supported."
        )
    first = parse_day(required(fields, "start_date"), "start_date")
    end = fields.get("end_date")
    end_day = parse_day(end, "end_date") if end else first + timedelta(days=1)
    span = account.require_dataset(dataset)
    first_held = max(first, span.first)
    last_held = min(end_day - timedelta(days=1), span.last)
    days = range(first_held.toordinal(), last_held.toordinal() + 1)
    found = [
        symbols_of_day(account, dataset, symbols, stype_in, day)
        for day in map(date.fromordinal, days)
        if account.archive.has_data(dataset, day)
    ]
    resolution = Resolution(symbols, found)
    return resolution.document(resolution.result(stype_out), stype_in, stype_out, first, end_day)


def symbols_of_day(
    account: Account, dataset: str, symbols: tuple[str, ...], stype_in: str, day: date
) -> DaySymbols:
    """Return what symbols stand for on one date, over the files of all schemas."""
    found: dict[str, tuple[Named, ...]] = {}
    # Definitions know every instrument and are small: they are asked first.
    schemas = sorted(account.archive.schemas(dataset), key=lambda name: name != "definition")
    for schema in schemas:
        missing = [symbol for symbol in symbols if symbol not in found]
        path = account.archive.find(dataset, schema, missing, stype_in, day) if missing else None
        if path is not None:
            found.update(symbols_on(metadata_of(path), day, missing, stype_in).found)
    return DaySymbols(day, found)
