"""Who may connect, and the headers that keep a page from doing anything else.

A WebSocket handshake is not bound by the browser's same-origin rule, so the Origin is checked here
against the page's own host and the configured development origins. The Host is checked as well:
with a rebound DNS name a foreign page would otherwise count as the same origin. Clients that are no
browser send no Origin and are let in.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.errors import SpymasterError
from web.service.logs import note
from web.service.metrics import StreamMetrics

LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST: Final = re.compile(r"(?P<name>[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)
DEV_ORIGINS: Final = frozenset({"http://localhost:5174", "http://127.0.0.1:5174"})

_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """Host names under which the service answers and foreign origins that may open streams."""

    hosts: Collection[str] = LOOPBACK_HOSTS
    origins: Collection[str] = DEV_ORIGINS

    def admits_host(self, headers: Headers) -> bool:
        """Return whether the request names a host that is ours."""
        host = _HOST.fullmatch(_host_of(headers))
        return host is not None and host["name"].strip("[]") in self.hosts

    def admits_origin(self, headers: Headers) -> bool:
        """Return whether the request comes from our pages, a development page or no page."""
        origins = headers.getlist("origin")
        if not origins:
            return True
        host = _host_of(headers)
        return len(origins) == 1 and (
            origins[0].lower() in {f"http://{host}", f"https://{host}"}
            or origins[0] in self.origins
        )


class SecurityMiddleware:
    """Refuse foreign hosts and origins, set the headers, and turn a fault into an error id."""

    def __init__(self, app: ASGIApp, policy: AccessPolicy, metrics: StreamMetrics) -> None:
        self._app = app
        self._policy = policy
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "websocket":
            headers = _headers(scope)
            if self._policy.admits_host(headers) and self._policy.admits_origin(headers):
                await self._app(scope, receive, send)
            else:
                self._metrics.refused_handshakes.add()
                note(logger, logging.WARNING, "handshake refused: host or origin is not allowed")
                await send({"type": "websocket.close", "code": 1008})  # before accept: HTTP 403
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _headers(scope)
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._metrics.requests.add(label=str(message["status"]))
                response_headers = MutableHeaders(scope=message)
                response_headers.update(_HEADERS)
                response_headers["content-security-policy"] = _policy_of(headers)
            await send(message)

        if not self._policy.admits_host(headers):
            response = error_response(421, "unknown_host", "this host name is not served here")
            await response(scope, receive, send_with_headers)
            return
        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:
            error_id = new_error_id()
            logger.exception("request failed", extra={"fields": {"id": error_id}})
            if started:
                raise
            code = "lake" if isinstance(error, SpymasterError | OSError) else "internal"
            self._metrics.errors.add(label=code)
            response = error_response(500, code, "the service failed", error_id)
            await response(scope, receive, send_with_headers)


def error_response(
    status: int, code: str, message: str, error_id: str | None = None
) -> JSONResponse:
    """Return a refusal as JSON, never cached."""
    body = {"code": code, "message": message}
    if error_id is not None:
        body["id"] = error_id
    return JSONResponse({"error": body}, status, headers={"cache-control": "no-store"})


def new_error_id() -> str:
    """Return a short id that joins a client's report to a line of the log."""
    return secrets.token_hex(6)


def _headers(scope: Scope) -> Headers:
    return Headers(scope=scope)


def _host_of(headers: Headers) -> str:
    return headers.get("host", "").lower()


def _policy_of(headers: Headers) -> str:
    # Not every browser counts a ws: URL of the page's own host as 'self'. The host was checked.
    host = _host_of(headers)
    own_sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return (
        "default-src 'self'; script-src 'self'; style-src 'self'; worker-src 'self'; "
        f"img-src 'self' data: blob:; connect-src 'self'{own_sockets}; object-src 'none'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
