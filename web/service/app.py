"""The Starlette application of the streaming service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, WebSocketRoute

from spymaster_resources.lake import Lake
from web.service.cache import BoundedCache
from web.service.http import HttpApi, refused
from web.service.hub import StreamHub
from web.service.limits import MAX_STREAMS, MAX_STREAMS_PER_ADDRESS, Admissions
from web.service.listing import SessionListing
from web.service.metrics import CONTENT_TYPE, Reading, StreamMetrics, exposition
from web.service.protocol import RefusalError
from web.service.security import (
    DEV_ORIGINS,
    LOOPBACK_HOSTS,
    AccessPolicy,
    SecurityMiddleware,
    error_response,
)
from web.service.sessions import SessionCatalogue
from web.service.static import DEFAULT_PAGES, PagesOrHint
from web.service.symbols import Symbols
from web.service.workers import Workers

STREAM_PATH: Final = "/v1/velocity/stream"
CACHE_BYTES: Final = 256 * 1024 * 1024


def create_app(
    lake_root: str,
    *,
    pages: Path = DEFAULT_PAGES,
    hosts: Collection[str] = LOOPBACK_HOSTS,
    origins: Collection[str] = DEV_ORIGINS,
    instruments_file: str | None = None,
    cache_bytes: int = CACHE_BYTES,
    max_streams: int = MAX_STREAMS,
    max_streams_per_address: int = MAX_STREAMS_PER_ADDRESS,
) -> Starlette:
    """Return the service over one lake; it starts whether or not the lake holds anything.

    `hosts` are the host names it answers to, `origins` the foreign pages that may open streams,
    `cache_bytes` the bound of decoded data that all viewers share, `max_streams` that of viewers.
    `app.state.hub` ends the streams before a shutdown.
    """
    # Streams have threads of their own: a burst of tiles must not make their windows late.
    workers, http_workers = Workers(), Workers()
    cache = BoundedCache(cache_bytes)
    lake, symbols = Lake(lake_root), Symbols(instruments_file)
    catalogue = SessionCatalogue(lake, cache, symbols)
    metrics = StreamMetrics()
    admissions = Admissions(max_streams, max_streams_per_address)
    hub = StreamHub(catalogue, workers, admissions, metrics)
    api = HttpApi(catalogue, SessionListing(lake, symbols), http_workers)
    scraped = (*metrics.all(), *_readings(hub, cache, catalogue))

    async def scrape(_request: Request) -> Response:
        headers = {"content-type": CONTENT_TYPE, "cache-control": "no-store"}
        return Response(exposition(scraped), headers=headers)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await hub.shutdown()
        workers.close()
        http_workers.close()

    app = Starlette(
        routes=[
            Route("/health", api.health),
            Route("/ready", api.ready),
            Route("/metrics", scrape),
            Route("/v1/sessions", api.sessions),
            Route("/v1/sessions/{symbol}/{dt}", api.session),
            Route("/v1/sessions/{symbol}/{dt}/tiles/{surface}/{index}", api.tile),
            WebSocketRoute(STREAM_PATH, hub.serve),
            Mount("/", PagesOrHint(pages)),
        ],
        middleware=[
            Middleware(SecurityMiddleware, policy=AccessPolicy(hosts, origins), metrics=metrics)
        ],
        exception_handlers={RefusalError: refused, HTTPException: _http_error},
        lifespan=lifespan,
    )
    app.state.hub = hub
    return app


def _readings(
    hub: StreamHub, cache: BoundedCache, catalogue: SessionCatalogue
) -> tuple[Reading, ...]:
    return (
        Reading("spymaster_streams", "Clients connected now.", lambda: hub.connected),
        Reading(
            "spymaster_sessions_open",
            "Sessions open now.",
            lambda: catalogue.count_of_open_sessions,
        ),
        Reading("spymaster_cache_bytes", "Decoded data kept.", lambda: cache.size_bytes),
        Reading(
            "spymaster_cache_hits_total",
            "Decoded data that was there or on its way.",
            lambda: cache.hits,
            kind="counter",
        ),
        Reading(
            "spymaster_cache_misses_total",
            "Decoded data that had to be read.",
            lambda: cache.misses,
            kind="counter",
        ),
    )


def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = error_response(error.status_code, "http", error.detail)
    response.headers.update(error.headers or {})
    return response
