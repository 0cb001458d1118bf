"""Which instruments of a file a request's symbols stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Final, NamedTuple

from spymaster_resources.dbn.header import DbnMetadata, SymbolInterval, SymbolMapping
from spymaster_resources.gateway.query import ALL_SYMBOLS
from spymaster_resources.instruments import MONTH_CODES

_OUTRIGHT: Final = rf"(?P<root>[A-Z0-9]{{1,8}}?)[{MONTH_CODES}]\d{{1,2}}"
_FUTURE: Final = re.compile(rf"{_OUTRIGHT}(?:-.+)?")  # a calendar spread has its first leg's parent
_FUTURE_OPTION: Final = re.compile(rf"{_OUTRIGHT} [CP]\d+(?:\.\d+)?")
_OSI: Final = re.compile(r"(?P<root>[A-Z0-9. ]{6})\d{6}[CP]\d{8}")

Named = tuple[int, str]
"""An instrument: id and raw symbol."""


class DaySymbols(NamedTuple):
    """What the requested symbols stand for on one UTC date."""

    day: date
    found: Mapping[str, tuple[Named, ...]]

    @property
    def instruments(self) -> dict[int, str]:
        """Return raw symbol by id of everything found, in the order of the request."""
        return {number: name for named in self.found.values() for number, name in named}


def parent_of(raw_symbol: str) -> str | None:
    """Return the parent symbol of a raw symbol by its form, None for one that has none.

    ESH6 and ESH6-ESM6 give ES.FUT, `E1AF6 C5000` E1A.OPT, `QQQ   260105C00500000` QQQ.OPT.
    """
    if match := _FUTURE_OPTION.fullmatch(raw_symbol) or _OSI.fullmatch(raw_symbol):
        return f"{match['root'].strip()}.OPT"
    if match := _FUTURE.fullmatch(raw_symbol):
        return f"{match['root']}.FUT"
    return None


def symbols_on(
    metadata: DbnMetadata, day: date, symbols: Iterable[str], stype_in: str
) -> DaySymbols:
    """Return which instruments of a file `symbols` stand for; what it has not is left out."""
    named = metadata.instruments(day)
    everything = tuple(named.items())
    found: dict[str, tuple[Named, ...]] = {}
    numbers = {name: number for number, name in named.items()}
    children: dict[str, list[Named]] = {}
    if stype_in == "parent":
        for number, name in everything:
            children.setdefault(parent_of(name) or "", []).append((number, name))
    for symbol in symbols:
        whole_file = metadata.stype_in == "parent" and metadata.symbols == (symbol,)
        if symbol == ALL_SYMBOLS or (whole_file and stype_in == "parent"):
            found[symbol] = everything
        elif stype_in == "raw_symbol" and symbol in numbers:
            found[symbol] = ((numbers[symbol], symbol),)
        elif stype_in == "instrument_id" and int(symbol) in named:
            found[symbol] = ((int(symbol), named[int(symbol)]),)
        elif symbol in children:
            found[symbol] = tuple(children[symbol])
    return DaySymbols(day, found)


class Resolution:
    """What symbols stand for over several dates; dates without any file do not count."""

    def __init__(self, symbols: tuple[str, ...], days: Iterable[DaySymbols]) -> None:
        self.symbols = symbols
        self.days = tuple(days)
        self._following = dict(pairwise(day.day for day in self.days))
        everywhere = [set(day.found) for day in self.days]
        self.not_found = tuple(
            symbol for symbol in symbols if not any(symbol in found for found in everywhere)
        )
        self.partial = tuple(
            symbol
            for symbol in symbols
            if symbol not in self.not_found and not all(symbol in found for found in everywhere)
        )

    def mappings(self, stype_in: str) -> tuple[SymbolMapping, ...]:
        """Return the mappings as they stand in a file's metadata.

        A parent is mapped by its children; a request by instrument id maps ids to names.
        """
        is_by_id = stype_in == "instrument_id"
        spans: dict[tuple[str, str], list[SymbolInterval]] = {}
        for day in self.days:
            for number, name in day.instruments.items():
                pair = (str(number), name) if is_by_id else (name, str(number))
                _extend(spans.setdefault(pair, []), day.day, pair[1], self._following.get(day.day))
        merged: dict[str, list[SymbolInterval]] = {}
        for (name, _), intervals in spans.items():
            merged.setdefault(name, []).extend(intervals)
        return tuple(
            SymbolMapping(name, tuple(sorted(intervals))) for name, intervals in merged.items()
        )

    def result(self, stype_out: str) -> dict[str, list[dict[str, str]]]:
        """Return intervals by requested symbol, as `symbology.resolve` answers."""
        spans: dict[str, dict[str, list[SymbolInterval]]] = {}
        for day in self.days:
            for symbol, named in day.found.items():
                for number, name in named:
                    target = name if stype_out == "raw_symbol" else str(number)
                    intervals = spans.setdefault(symbol, {}).setdefault(target, [])
                    _extend(intervals, day.day, target, self._following.get(day.day))
        return {symbol: _rows(by_target.values()) for symbol, by_target in spans.items()}

    def document(
        self, result: Mapping[str, object], stype_in: str, stype_out: str, first: date, end: date
    ) -> dict[str, Any]:
        """Return the answer of `symbology.resolve`, which a job's `symbology.json` holds too."""
        status = 2 if self.not_found else 1 if self.partial else 0
        return {
            "result": result,
            "symbols": list(self.symbols),
            "stype_in": stype_in,
            "stype_out": stype_out,
            "start_date": first.isoformat(),
            "end_date": end.isoformat(),
            "partial": list(self.partial),
            "not_found": list(self.not_found),
            "message": ("OK", "Partially resolved", "Not found")[status],
            "status": status,
        }


def mapping_rows(mappings: Iterable[SymbolMapping]) -> dict[str, list[dict[str, str]]]:
    """Return metadata mappings in the form of `symbology.json`."""
    return {mapping.raw_symbol: _rows([mapping.intervals]) for mapping in mappings}


def _extend(
    intervals: list[SymbolInterval], day: date, target: str, following: date | None
) -> None:
    """Add a date to the intervals of a target; one that touches the last one prolongs it."""
    end = day + timedelta(days=1)
    if following is not None:
        # A name lives on over the dates between two files: weekends and holidays.
        end = following
    if intervals and intervals[-1].end_date == day:
        intervals[-1] = intervals[-1]._replace(end_date=end)
    else:
        intervals.append(SymbolInterval(day, end, target))


def _rows(spans: Iterable[Iterable[SymbolInterval]]) -> list[dict[str, str]]:
    rows = sorted(interval for intervals in spans for interval in intervals)
    return [
        {"d0": row.start_date.isoformat(), "d1": row.end_date.isoformat(), "s": row.symbol}
        for row in rows
    ]
