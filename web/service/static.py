"""The built browser pages, or a hint when they have not been built."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

DEFAULT_PAGES: Final = Path(__file__).resolve().parent.parent / "ui" / "dist"

# The system's MIME table differs between machines, and with nosniff a wrong type breaks the page.
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}

_METHODS: Final = ("GET", "HEAD")
_NOT_BUILT: Final = (
    "The streaming service runs, but its pages have not been built.\n"
    "Build them with `make setup` (or `npm ci && npm run build` in web/ui) and reload.\n"
    "Sessions: /v1/sessions\n"
)


class Pages(StaticFiles):
    """Files below one folder: hashed assets for ever, everything else checked at each use."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file at `path`; a path that no file can have is not found."""
        if not path.isprintable():
            raise HTTPException(404)
        return await super().get_response(path, scope)

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """Return the file with its content type and how long it may be kept."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        path = Path(full_path)
        if response.status_code == 200:
            kind = _TYPES.get(path.suffix.lower(), "application/octet-stream")
            response.headers["content-type"] = kind
        hashed = path.parent.name == "assets"
        response.headers["cache-control"] = (
            "public, max-age=31536000, immutable" if hashed else "no-cache"
        )
        return response


class PagesOrHint:
    """The pages as soon as they are built, also while the service runs; until then the hint."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pages: ASGIApp = Pages(directory=folder, html=True, check_dir=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request: what no endpoint took, for its path or for its method, comes here."""
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)  # before accept: HTTP 403
            return
        if scope["method"] not in _METHODS:
            raise HTTPException(405, headers={"allow": ", ".join(_METHODS)})
        if (self._folder / "index.html").is_file():
            await self._pages(scope, receive, send)
        else:
            response = PlainTextResponse(_NOT_BUILT, 503, headers={"cache-control": "no-store"})
            await response(scope, receive, send)
