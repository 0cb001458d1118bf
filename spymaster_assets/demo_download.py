"""The demo's raw files, downloaded from a vendor on this machine as from the real one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from contracts.errors import VendorError
from spymaster_assets.downloads import Order, buy
from spymaster_assets.stages.raw import list_raw
from spymaster_resources.lake import Lake
from spymaster_resources.settings import Settings
from spymaster_resources.vendor.products import FUTURES, MARKETS, Market

if TYPE_CHECKING:
    from spymaster_resources.gateway.server import Gateway
    from spymaster_resources.vendor.client import Vendor
    from spymaster_resources.vendor.download import Parts

SIMULATED_DATES: Final = (date(2026, 1, 5), date(2026, 1, 6))
SIMULATION_SEED: Final = 20260105
SCALE: Final = "demo"
_POLL_S: Final = 0.1


@dataclass(frozen=True)
class Listeners:
    """Who hears of the download, each told what its name says and how much of it is done."""

    say: Callable[[str], None] = lambda _: None
    jobs: Callable[[int, int], None] = lambda _done, _total: None
    bytes: Callable[[str, int, int], None] = lambda _name, _done, _size: None
    simulated: Callable[[str, int], None] = lambda _name, _records: None


def missing_dates(lake: Lake, market: Market) -> list[date]:
    """Return the demo's dates of which some file of a market is not in the raw folder."""
    listings = [
        {day.dt for day in list_raw(lake, product, market.default_root, schema).days}
        for product, schema in market.tables
    ]
    return [dt for dt in SIMULATED_DATES if not all(dt in days for days in listings)]


def download_sessions(settings: Settings, listeners: Listeners) -> None:
    """Bring the demo's sessions of all products into the raw folder, as far as they are not there.

    A simulated exchange is served on loopback for as long as it takes; only its own key is used,
    whatever DATABENTO_API_KEY is. Raises VendorError where something does not arrive.
    """
    lake = Lake(settings.lake)
    orders = [
        Order(
            market, min(dates), max(dates), market.default_root,
            ",".join(market.underlying_schemas), ",".join(market.option_schemas),
        )
        for market in MARKETS.values()
        if (dates := missing_dates(lake, market))
    ]  # fmt: skip
    if not orders:
        return
    with (
        TemporaryDirectory(prefix="spymaster-demo-") as folder,
        _simulated_vendor(settings, Path(folder, "exchange"), listeners) as vendor,
    ):
        for order in orders:
            _download(order, settings, vendor, Path(folder, "logs"), _parts(listeners))


def _download(order: Order, settings: Settings, vendor: Vendor, logs: Path, parts: Parts) -> None:
    from spymaster_resources.vendor.download import Place

    today = SIMULATED_DATES[-1] + timedelta(days=1)
    wishes = order.wishes(calendar=None, today=today)
    outcome = buy(wishes, vendor, Place(settings.lake, logs), parts)
    if outcome is not None and not outcome.is_complete:
        failures = [f"{key}: {reason}" for key, reason in outcome.failed.items()]
        raise VendorError(f"the demo's {order.market.name} did not arrive: {'; '.join(failures)}")


def _parts(listeners: Listeners) -> Parts:
    from spymaster_resources.vendor.download import Parts
    from spymaster_resources.vendor.jobs import Hooks
    from spymaster_resources.vendor.run import Pace

    return Parts(
        pace=Pace(pause_s=0.0, poll_s=_POLL_S),
        hooks=Hooks(say=listeners.say, bytes=listeners.bytes),
        settle_s=0.0,
        told=listeners.jobs,
    )


@contextmanager
def _simulated_vendor(settings: Settings, folder: Path, listeners: Listeners) -> Iterator[Vendor]:
    """Serve the simulated market of all products and yield the vendor's client in front of it."""
    from spymaster_resources.gateway.jobs import JobTimes
    from spymaster_resources.gateway.market_files import SimulatedMarket
    from spymaster_resources.gateway.server import SIMULATED_KEY, Gateway
    from spymaster_resources.gateway.simulated import SimulatedArchive
    from spymaster_resources.simulator.session import Scale
    from spymaster_resources.vendor.client import KEY_VARIABLE, Vendor

    market = SimulatedMarket(
        settings.instrument(FUTURES.default_root, FUTURES.underlying_product),
        MARKETS["equities"].default_root,
        Scale.named(SCALE),
        seed=SIMULATION_SEED,
        tell=listeners.simulated,
    )
    archive = SimulatedArchive(folder, market.files(), last=SIMULATED_DATES[-1])
    with Gateway(archive, times=JobTimes(0, 0)) as gateway, _trusted(gateway):
        yield Vendor.from_environment(gateway.url, {KEY_VARIABLE: SIMULATED_KEY})


@contextmanager
def _trusted(gateway: Gateway) -> Iterator[None]:
    """Let clients of this process trust the gateway, and reach it without any proxy."""
    direct = ",".join(filter(None, ("127.0.0.1", os.environ.get("NO_PROXY"))))
    with _environment(
        {"REQUESTS_CA_BUNDLE": str(gateway.ca_file), "NO_PROXY": direct, "no_proxy": direct}
    ):
        yield


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    """Change variables of this process for the length of a block."""
    names: Sequence[str] = tuple(changes)
    before = {name: os.environ[name] for name in names if name in os.environ}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name in names:
            os.environ.pop(name, None)
        os.environ.update(before)
