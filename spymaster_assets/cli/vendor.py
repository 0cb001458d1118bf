"""`spymaster vendor`: the vendor's interface on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spymaster_assets.cli.simulate import SizeName

if TYPE_CHECKING:
    from spymaster_resources.gateway.archive import Archive
    from spymaster_resources.gateway.server import Gateway

app = typer.Typer(
    help="Run a vendor on this machine, for work without a key.", no_args_is_help=True
)


@app.command("serve")
def serve(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port; 0 takes a free one.")] = 8443,
    archive: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Serve the files of this folder: DATASET/SCHEMA/VENDOR-FILE-NAME.",
        ),
    ] = None,
    simulate: Annotated[
        SizeName, typer.Option(help="Without --archive: serve simulated sessions of this size.")
    ] = SizeName.DEMO,
    root: Annotated[
        list[str] | None, typer.Option(help="Futures root to simulate; default ES.")
    ] = None,
    ticker: Annotated[
        str, typer.Option(help="Equity that follows the first root; empty for none.")
    ] = "QQQ",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    cache: Annotated[
        Path | None, typer.Option(help="Keep simulated files here; default: until the end.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="The only API key that is let in; default: a fixed one.")
    ] = None,
    faults: Annotated[
        str,
        typer.Option(
            help="Faults to strike, as 429=1@batch.submit_job:2,cut=0.3@file,corrupt@file"
        ),
    ] = "",
    job_seconds: Annotated[
        float, typer.Option(min=0, help="How long a job is queued, and again processed.")
    ] = 1.0,
    job_list_limit: Annotated[
        int | None, typer.Option(min=1, help="Most jobs in one answer of batch.list_jobs.")
    ] = None,
    plain_files: Annotated[
        bool, typer.Option(help="List files at plain HTTP addresses, which are faster to fetch.")
    ] = False,
    ca_file: Annotated[Path | None, typer.Option(help="Also write the certificate here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Tell the address as JSON.")] = False,
) -> None:
    """Serve the vendor's historical interface to the official client, until Ctrl+C.

    Faults are KIND=VALUE@OPERATION:TIMES, all but KIND optional. KIND is an HTTP status (429=1
    asks to come back in 1 s) or delay, lost, slow, cut, corrupt, ignore_range, stuck, expire.
    OPERATION is file or the vendor's name, as batch.*; TIMES is a number or forever.

    Example: spymaster vendor serve --simulate tiny --port 8443
    """
    import signal
    import tempfile
    from contextlib import suppress

    from spymaster_resources.gateway.account import Limits
    from spymaster_resources.gateway.jobs import JobTimes
    from spymaster_resources.gateway.server import SIMULATED_KEY, Gateway
    from spymaster_resources.trading_calendar import SECOND_NS

    step_ns = int(job_seconds * SECOND_NS)
    with tempfile.TemporaryDirectory(prefix="spymaster-vendor-") as folder:
        gateway = Gateway(
            _archive(archive, simulate, root or ["ES"], ticker, seed, cache or Path(folder)),
            key=key or SIMULATED_KEY,
            port=port,
            faults=[fault for fault in faults.split(",") if fault.strip()],
            times=JobTimes(queued_ns=step_ns, processing_ns=step_ns),
            limits=Limits(job_list=job_list_limit),
            plain_files=plain_files,
        )
        if ca_file is not None:
            ca_file.write_bytes(gateway.ca_file.read_bytes())
        _tell(gateway, ca_file or gateway.ca_file, None if key else SIMULATED_KEY, as_json=as_json)
        # Ended by TERM as by Ctrl+C, so that nothing temporary is left.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with suppress(KeyboardInterrupt):
            gateway.run()


def _archive(
    folder: Path | None, size: SizeName, roots: list[str], ticker: str, seed: int, cache: Path
) -> Archive:
    from datetime import UTC, datetime

    from spymaster_resources.gateway.archive import FolderArchive
    from spymaster_resources.gateway.market_files import SimulatedMarket
    from spymaster_resources.gateway.simulated import SimulatedArchive, yesterday
    from spymaster_resources.settings import Settings
    from spymaster_resources.simulator.session import Scale

    if folder is not None:
        return FolderArchive(folder)
    settings = Settings.from_environment()
    files = [
        file
        for place, root in enumerate(roots)
        for file in SimulatedMarket(
            settings.instrument(root, "future_mbo"),
            None if place else ticker,
            Scale.named(size),
            seed=seed,
        ).files()
    ]
    return SimulatedArchive(cache, files, last=yesterday(datetime.now(UTC).date()))


def _tell(gateway: Gateway, ca_file: Path, key: str | None, *, as_json: bool) -> None:
    """Say how the client finds the gateway; a key of the user's own is not repeated."""
    from sys import stdout

    if as_json:
        typer.echo(json.dumps({"url": gateway.url, "ca_file": str(ca_file), "key": key}))
    else:
        typer.echo(f"The vendor's interface at {gateway.url} (Ctrl+C ends it). For its clients:")
        typer.echo(f"export REQUESTS_CA_BUNDLE={ca_file}")
        if key is not None:
            typer.echo(f"export DATABENTO_API_KEY={key}")
    stdout.flush()
