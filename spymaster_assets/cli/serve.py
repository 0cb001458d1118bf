"""`spymaster serve`: the streaming service and its pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def serve(
    lake: Annotated[
        str | None, typer.Option(help="Lake root, folder or URL; default $SPYMASTER_LAKE or ./lake")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on", min=0, max=65_535)] = 8001,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="Further host name under which pages are opened")
    ] = None,
    allow_origin: Annotated[
        list[str] | None, typer.Option(help="Further page origin that may open streams")
    ] = None,
    pages: Annotated[
        Path | None, typer.Option(help="Folder of the built pages; default web/ui/dist")
    ] = None,
    cache_mb: Annotated[
        int, typer.Option(help="Bound of decoded data that all viewers share, MiB", min=16)
    ] = 256,
    max_streams: Annotated[int, typer.Option(help="Viewers at the same time, in all", min=1)] = 256,
    max_streams_per_address: Annotated[
        int, typer.Option(help="Viewers at the same time from one address", min=1)
    ] = 100,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error")] = "warning",
    log_file: Annotated[
        Path | None, typer.Option(help="Append the log, JSON lines, to a file; default stderr")
    ] = None,
) -> None:
    """Serve the published sessions of the lake and the pages that play them.

    Nobody but this machine can connect unless --host says so; who opens the pages under another
    name than localhost needs --allow-host as well. Ctrl+C or SIGTERM ends the streams with a
    reason. Ends with code 1 when it cannot listen.

    Example: spymaster serve --lake ./lake, then open http://127.0.0.1:8001/

    Example: spymaster serve --host 0.0.0.0 --allow-host desk.example --max-streams 100
    """
    import gc
    import logging
    from contextlib import suppress

    import pyarrow as pa

    from contracts.errors import ConfigurationError
    from spymaster_resources.settings import Settings
    from web.service.app import create_app
    from web.service.logs import JsonLines
    from web.service.security import DEV_ORIGINS, LOOPBACK_HOSTS
    from web.service.server import create_server, listen
    from web.service.static import DEFAULT_PAGES

    level = logging.getLevelNamesMapping().get(log_level.upper())
    if level is None:
        raise ConfigurationError(f"--log-level {log_level!r}: debug, info, warning or error")
    try:
        handler = logging.StreamHandler() if log_file is None else logging.FileHandler(log_file)
    except OSError as error:
        raise ConfigurationError(f"--log-file {log_file}: {error.strerror}") from error
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler])
    if level > logging.DEBUG:  # uvicorn tells of each connection with the address that it asked for
        logging.getLogger("uvicorn.error").setLevel(max(level, logging.WARNING))
    settings = Settings.from_environment()
    app = create_app(
        lake or settings.lake,
        pages=pages or DEFAULT_PAGES,
        hosts=LOOPBACK_HOSTS | {name.lower() for name in (host, *(allow_host or ()))},
        origins=DEV_ORIGINS | set(allow_origin or ()),
        instruments_file=settings.instruments,
        cache_bytes=cache_mb * 1024 * 1024,
        max_streams=max_streams,
        max_streams_per_address=max_streams_per_address,
    )
    name = f"[{host}]" if ":" in host else host

    def tell(bound_port: int) -> None:
        # Every stream stands still while the collector goes through all that was imported: 40 ms.
        gc.collect()
        gc.freeze()
        typer.echo(f"Spymaster at http://{name}:{bound_port}/ (Ctrl+C ends it)")

    sockets = listen(host, port)
    # The first array that leaves Arrow imports pandas, if that is installed: a second's work, for
    # which the first viewer would wait and every other stream with it.
    pa.array([0]).to_numpy()
    with suppress(KeyboardInterrupt):
        create_server(app, host, port, tell).run(sockets)
