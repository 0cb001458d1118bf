"""The HTTP endpoints: health, sessions and tiles."""

from __future__ import annotations

import hashlib
import re
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from contracts.errors import LakeError
from web.service.listing import SessionListing
from web.service.protocol import RefusalError
from web.service.request import parse_dt, parse_symbol
from web.service.security import error_response
from web.service.session import Session
from web.service.sessions import SessionCatalogue
from web.service.surfaces import Surface, parse_surface
from web.service.workers import Workers

ARROW_STREAM: Final = "application/vnd.apache.arrow.stream"

# A tile under its session's version never changes. Without one, a rebuilt session comes through
# when the tile is next revalidated, at the latest after a minute.
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_A_MINUTE: Final = "public, max-age=60, immutable"
_INDEX: Final = re.compile(r"[0-9]{1,6}", re.ASCII)


class HttpApi:
    """Answers requests out of the catalogue."""

    def __init__(
        self, catalogue: SessionCatalogue, listing: SessionListing, workers: Workers
    ) -> None:
        self._catalogue = catalogue
        self._listing = listing
        self._workers = workers

    async def health(self, _request: Request) -> Response:
        """Return that the process answers."""
        return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})

    async def ready(self, _request: Request) -> Response:
        """Return whether the lake can be read and how many sessions it has."""
        try:
            sessions = await self._workers.run(self._listing.sessions)
        except (LakeError, OSError):
            return error_response(503, "lake", "the lake cannot be read")
        body = {"status": "ready", "sessions": len(sessions)}
        return JSONResponse(body, headers={"cache-control": "no-store"})

    async def sessions(self, request: Request) -> Response:
        """Return every published session."""
        answer = await self._workers.run(self._listing.answer)
        if _is_known(request, answer.tag):
            return _not_modified(answer.tag, "no-cache")
        headers = {"etag": f'"{answer.tag}"', "cache-control": "no-cache"}
        return Response(answer.content, media_type="application/json", headers=headers)

    async def session(self, request: Request) -> Response:
        """Return one session's metadata and its overview."""
        session = await self._open(request)
        overview = await self._workers.run(session.overview)
        response = JSONResponse({**session.describe(), "overview": overview})
        # Of the content: a newer service may describe the same tables otherwise.
        tag = hashlib.sha256(response.body).hexdigest()[:16]
        if _is_known(request, tag):
            return _not_modified(tag, "no-cache")
        response.headers.update({"etag": f'"{tag}"', "cache-control": "no-cache"})
        return response

    async def tile(self, request: Request) -> Response:
        """Return 64 windows of one surface.

        With `?v=<version>` the tile of exactly that version of the session, to be kept for ever;
        410 when the session has been replaced since.
        """
        session = await self._open(request)
        surface, index = _tile_address(request, session)
        asked = request.query_params.get("v")
        if asked is not None and asked != session.version:
            raise RefusalError("replaced", "the session has another version now", http_status=410)
        keep = _A_MINUTE if asked is None else _FOR_EVER
        tag = f"{session.version}-{surface}-{index}"
        if _is_known(request, tag):
            return _not_modified(tag, keep)
        content = await self._workers.run(partial(session.tile, surface, index))
        headers = {"etag": f'"{tag}"', "cache-control": keep}
        return Response(content, media_type=ARROW_STREAM, headers=headers)

    async def _open(self, request: Request) -> Session:
        symbol = parse_symbol(request.path_params["symbol"])
        dt = parse_dt(request.path_params["dt"])
        return await self._workers.run(partial(self._catalogue.open, symbol, dt))


def refused(_request: Request, error: Exception) -> Response:
    """Return a `RefusalError` as JSON with its status."""
    assert isinstance(error, RefusalError)
    return error_response(error.http_status, error.code, str(error))


def _tile_address(request: Request, session: Session) -> tuple[Surface, int]:
    surface = parse_surface(request.path_params["surface"])
    if surface is None:
        names = ", ".join(s.value for s in Surface)
        raise RefusalError("unknown_surface", f"surface is one of {names}", http_status=404)
    if not session.has(surface):
        message = f"the session has no surface {surface}"
        raise RefusalError("missing_surface", message, http_status=404)
    text = request.path_params["index"]
    if _INDEX.fullmatch(text) is None or int(text) >= session.tiles:
        message = f"the session has tiles 0 … {session.tiles - 1}"
        raise RefusalError("unknown_tile", message, http_status=404)
    return surface, int(text)


def _is_known(request: Request, tag: str) -> bool:
    known = request.headers.get("if-none-match", "")
    return any(part.strip().removeprefix("W/") in (f'"{tag}"', "*") for part in known.split(","))


def _not_modified(tag: str, keep: str) -> Response:
    return Response(status_code=304, headers={"etag": f'"{tag}"', "cache-control": keep})
