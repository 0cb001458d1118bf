"""`spymaster stream`: a terminal client of the streaming service, for scripts and tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import urlencode

import typer


def stream(
    symbol: Annotated[str, typer.Option(help="Contract, ticker or root: ESH6, ES, QQQ")],
    dt: Annotated[str, typer.Option(help="Session date, YYYY-MM-DD")],
    url: Annotated[str, typer.Option(help="Base address of the service")] = "ws://127.0.0.1:8001",
    speed: Annotated[float, typer.Option(help="Session seconds a second, 0.1 to 1000")] = 1.0,
    start: Annotated[str | None, typer.Option(help="First window, HH:MM:SS New York")] = None,
    skip_minutes: Annotated[
        float | None, typer.Option(help="Session minutes to skip from the open")
    ] = None,
    surfaces: Annotated[
        str | None, typer.Option(help="Part of snap,velocity,options,forecast,wide")
    ] = None,
    windows: Annotated[
        int | None, typer.Option(help="Stop after so many windows; default all", min=1)
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a window, with every row")
    ] = False,
) -> None:
    """Play a session in the terminal, one line a window; `spymaster serve` must run.

    What there is to play is at /v1/sessions of the service. A session plays at the pace of its
    market; --speed 1000 prints it as fast as it is read.

    Ends with code 1 when the service refuses, is not there or ends before the session does.

    Example: spymaster stream --symbol ES --dt 2026-01-29 --start 09:45:00 --windows 10

    Example: spymaster stream --symbol QQQ --dt 2026-01-29 --speed 64 --surfaces snap --json
    """
    from websockets.exceptions import WebSocketException
    from websockets.sync.client import connect

    asked = {
        "symbol": symbol,
        "dt": dt,
        "speed": f"{speed:.9f}",
        "start": start,
        "skip_minutes": skip_minutes,
        "surfaces": surfaces,
    }
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    base = url.rstrip("/")
    if base.startswith("http"):  # the address that `spymaster serve` prints
        base = f"ws{base.removeprefix('http')}"
    address = f"{base}/v1/velocity/stream?{query}"
    try:
        # After the last window wanted, those still on their way are not waited for.
        with connect(address, compression=None, close_timeout=0.5) as connection:
            for seen, window in enumerate(read_windows(connection), start=1):
                typer.echo(json.dumps(window) if as_json else line_of(window))
                if seen == windows:
                    return
    except StreamError as error:
        typer.echo(f"spymaster stream: {error}", err=True)
        raise typer.Exit(1) from error
    except (OSError, WebSocketException) as error:
        typer.echo(f"spymaster stream: {url}: {error}", err=True)
        raise typer.Exit(1) from error


class StreamError(Exception):
    """The service ended the stream before the end of the session."""


def read_windows(messages: Any) -> Iterator[dict[str, Any]]:
    """Yield the windows in `messages`, an iterable of the frames format's texts and binaries.

    A window is the fields of `batch_start` and, by surface, a list of rows. Raises StreamError
    when the service sends an error or ends for another reason than the session's end.
    """
    window: dict[str, Any] = {}
    awaited: list[str] = []
    surface = ""
    for message in messages:
        if isinstance(message, bytes):
            window["surfaces"][surface] = _rows(message)
            awaited.remove(surface)
            if not awaited:
                yield window
            continue
        content = json.loads(message)
        match content["type"]:
            case "batch_start":
                awaited = content["surfaces"]
                window = {
                    "window_end_ts_ns": content["window_end_ts_ns"],
                    "epoch": content["epoch"],
                    "seq": content["seq"],
                    "surfaces": {},
                }
            case "surface_header":
                surface = content["surface"]
            case "error":
                raise StreamError(f"{content['code']}: {content['message']}")
            case "stream_end" if content["reason"] != "end_of_session":
                raise StreamError(f"the stream ended: {content['reason']}")


def line_of(window: dict[str, Any]) -> str:
    """Return one window as a line of text: time, prices, trades, surface and forecast."""
    parts = [_clock(int(window["window_end_ts_ns"]))]
    surfaces = window["surfaces"]
    for snap in surfaces.get("snap", []):
        mid = snap["mid_price"]
        parts.append(f"mid {'-' if mid is None else format(mid, '.3f'):>10}")
        parts.append(f"buy {snap['trade_qty_buy']:>5} sell {snap['trade_qty_sell']:>5}")
        parts.append("valid  " if snap["book_valid"] else "INVALID")
    cells = surfaces.get("velocity", [])
    if cells:
        energy = sum(cell["u_wave_energy"] for cell in cells) / len(cells)
        parts.append(f"cells {len(cells)} wave energy {energy:.5f}")
    strikes = surfaces.get("options", [])
    if strikes:
        energy = sum(strike["u_wave_energy"] for strike in strikes) / len(strikes)
        parts.append(f"strikes {len(strikes)} wave energy {energy:.5f}")
    ahead = surfaces.get("forecast", [])
    if ahead:
        last = ahead[-1]
        parts.append(f"+{last['horizon_s']}s {_signed(last['predicted_delta'])} ticks")
        if last["confidence"] is not None:
            parts.append(f"confidence {last['confidence']:.3f}")
    return "  ".join(parts)


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.3f}"


def _rows(content: bytes) -> list[dict[str, Any]]:
    import pyarrow as pa

    rows: list[dict[str, Any]] = pa.ipc.open_stream(content).read_all().to_pylist()
    return rows


def _clock(instant_ns: int) -> str:
    from datetime import UTC, datetime

    from spymaster_resources.trading_calendar import NEW_YORK

    moment = datetime.fromtimestamp(instant_ns // 1_000_000_000, UTC).astimezone(NEW_YORK)
    return f"{moment:%Y-%m-%d %H:%M:%S} New York"
