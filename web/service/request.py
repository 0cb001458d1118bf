"""What a client may ask for: the query of a stream and the parts of a session's path, checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum
from typing import Final

from starlette.datastructures import QueryParams

from web.service.protocol import RefusalError, check_speed
from web.service.surfaces import USUAL_SURFACES, Surface, parse_surface

_SYMBOL: Final = re.compile(r"[A-Z0-9]{1,12}(?:\.[A-Z]{1,3})?", re.ASCII)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_CLOCK: Final = re.compile(r"[0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", re.ASCII)


_PARAMETERS: Final = {
    "symbol": "symbol",
    "dt": "dt",
    "speed": "speed",
    "skip_minutes": "start",
    "start": "start",
    "format": "format",
    "surfaces": "surfaces",
}
"""What a query may say, and what an error about it is called."""


class StreamFormat(StrEnum):
    """How windows are sent."""

    FRAMES = "frames"
    TILES = "tiles"


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """The query of `/v1/velocity/stream`, checked for form; the catalogue is asked later."""

    symbol: str
    dt: date
    speed: float = 1.0
    skip_minutes: float = 0.0
    start: time | None = None
    format: StreamFormat = StreamFormat.FRAMES
    surfaces: tuple[Surface, ...] = USUAL_SURFACES


def parse_stream_request(query: QueryParams) -> StreamRequest:
    """Return the request in `query`; raise `RefusalError` that names the parameter at fault."""
    for name in _PARAMETERS:
        if len(query.getlist(name)) > 1:
            raise RefusalError(f"bad_{_PARAMETERS[name]}", f"{name} may be given once")
    if "start" in query and "skip_minutes" in query:
        raise RefusalError("bad_start", "give skip_minutes or start, not both")
    return StreamRequest(
        symbol=parse_symbol(query.get("symbol", "")),
        dt=parse_dt(query.get("dt", "")),
        speed=check_speed(_number(query.get("speed", "1"))),
        skip_minutes=_skip_minutes(query.get("skip_minutes", "0")),
        start=_start(query["start"]) if "start" in query else None,
        format=_format(query.get("format", StreamFormat.FRAMES.value)),
        surfaces=_surfaces(query["surfaces"]) if "surfaces" in query else USUAL_SURFACES,
    )


def parse_symbol(text: str) -> str:
    """Return `text` if it has the form of a symbol."""
    if _SYMBOL.fullmatch(text) is None:
        raise RefusalError("bad_symbol", "symbol is a contract or ticker such as ESH6, ES or QQQ")
    return text


def parse_dt(text: str) -> date:
    """Return the date in `text`."""
    try:
        if _DATE.fullmatch(text) is not None:
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise RefusalError("bad_dt", "dt is a date such as 2026-01-29")


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) is not None else None


def _skip_minutes(text: str) -> float:
    minutes = _number(text)
    if minutes is None:
        raise RefusalError("bad_start", "skip_minutes is a number of session minutes, 0 or more")
    return minutes


def _start(text: str) -> time:
    try:
        if _CLOCK.fullmatch(text) is not None:
            return time.fromisoformat(text)
    except ValueError:
        pass
    raise RefusalError("bad_start", "start is a New York time such as 09:45:00")


def _format(text: str) -> StreamFormat:
    try:
        return StreamFormat(text)
    except ValueError:
        raise RefusalError("bad_format", "format is frames or tiles") from None


def _surfaces(text: str) -> tuple[Surface, ...]:
    asked = {parse_surface(name) for name in text.split(",")}
    if None in asked:
        names = ", ".join(surface.value for surface in Surface)
        raise RefusalError("bad_surfaces", f"surfaces is a comma-separated part of {names}")
    return tuple(surface for surface in Surface if surface in asked)
