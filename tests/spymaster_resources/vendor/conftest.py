"""A gateway with a small market, and the official client pointed at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from spymaster_resources.gateway.archive import FolderArchive
from spymaster_resources.gateway.jobs import JobTimes
from spymaster_resources.gateway.server import Gateway
from spymaster_resources.trading_calendar import TradingCalendar
from spymaster_resources.vendor.client import Vendor
from spymaster_resources.vendor.download import Parts, Place, opened_run, polled
from spymaster_resources.vendor.estimate import Budget
from spymaster_resources.vendor.jobs import Hooks
from spymaster_resources.vendor.patience import Patience, wait_seconds
from spymaster_resources.vendor.products import FUTURES, Market
from spymaster_resources.vendor.redaction import Secret
from spymaster_resources.vendor.requests import underlyings
from spymaster_resources.vendor.run import Outcome, Pace
from spymaster_resources.vendor.tracker import JobRecord, read_tracker
from spymaster_resources.vendor.transfer import free_bytes
from spymaster_resources.vendor.wishes import Wishes
from tests.spymaster_resources.vendor.market import FRIDAY, THURSDAY, build_archive

KEY = "db-aVeryPrivateKeyOfTheTests0001"
INSTANT = JobTimes(queued_ns=0, processing_ns=0)


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of vendor files; not to be changed."""
    return build_archive(tmp_path_factory.mktemp("archive"))


@pytest.fixture
def gateway(archive: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """Return a running gateway that the official client trusts."""
    with Gateway(FolderArchive(archive), key=KEY, times=INSTANT) as running:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(running.ca_file))
        monkeypatch.setenv("DATABENTO_API_KEY", KEY)
        yield running


def vendor_of(gateway: Gateway, key: str = KEY, attempts: int = 4) -> Vendor:
    """Return the vendor behind a gateway; its pauses are short."""
    patience = Patience(
        attempts=attempts, first_s=0.01, wait=lambda seconds: wait_seconds(min(seconds, 0.02))
    )
    return Vendor(Secret(key), gateway.url, patience)


def wishes(
    market: Market = FUTURES,
    start: date = THURSDAY,
    end: date = FRIDAY,
    symbols: str | None = None,
    **changes: Any,
) -> Wishes:
    """Return everything of a market over the two days."""
    settings: dict[str, Any] = {
        "underlyings": underlyings(market, symbols or market.default_root),
        "underlying_schemas": market.underlying_schemas,
        "option_schemas": market.option_schemas,
        "calendar": TradingCalendar(market.calendar),
        "today": date(2024, 6, 1),
    }
    return Wishes(market=market, start=start, end=end, **(settings | changes))


@dataclass
class Downloads:
    """Runs downloads of one lake, and says what they left."""

    gateway: Gateway
    folder: Path
    free: Callable[[Path], int] = free_bytes
    said: list[str] = field(default_factory=list)
    vendor: Vendor | None = None

    @property
    def lake(self) -> Path:
        """Return the lake's folder."""
        return self.folder / "lake"

    @property
    def place(self) -> Place:
        """Return where downloads work."""
        return Place(str(self.lake), self.folder / "logs", self.free)

    def parts(self, max_cost: float | None = None, **changes: Any) -> Parts:
        """Return quick pauses and a listener."""
        pace = changes.pop("pace", Pace(pause_s=0.0, poll_s=0.01, give_up_s=20.0))
        hooks = Hooks(say=self.said.append)
        return Parts(Budget(max_cost), pace, hooks, settle_s=0.02, **changes)

    def run(self, wanted: Wishes | None = None, **changes: Any) -> Outcome:
        """Run to the end as the daemon does."""
        parts = self.parts(**changes)
        vendor = self.vendor or vendor_of(self.gateway)
        with opened_run(wanted or wishes(), vendor, self.place, parts) as run:
            run.plan()
            run.estimates()
            return run.until_settled()

    def poll(self, wanted: Wishes | None = None) -> Outcome:
        """Fetch what is ready."""
        vendor = self.vendor or vendor_of(self.gateway)
        return polled(wanted or wishes(), vendor, self.place, self.parts())

    def records(self, market: Market = FUTURES) -> dict[str, JobRecord]:
        """Return what the tracker holds."""
        return read_tracker(self.folder / "logs" / market.tracker)

    def files(self, suffix: str = ".zst") -> list[str]:
        """Return the raw files by path below the lake's raw folder."""
        raw = self.lake / "raw" / "source=databento"
        return sorted(
            path.relative_to(raw).as_posix()
            for path in raw.rglob("*")
            if path.is_file() and path.name.endswith(suffix) and not path.name.startswith(".")
        )

    def leftovers(self) -> list[str]:
        """Return the names of partial files."""
        return [path.name for path in self.lake.rglob("*.partial")]


@pytest.fixture
def downloads(gateway: Gateway, tmp_path: Path) -> Downloads:
    """Return downloads from the gateway into a new lake."""
    return Downloads(gateway, tmp_path)
