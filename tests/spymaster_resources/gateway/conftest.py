"""Fixtures: the archive's files, and a running gateway over them with its client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import databento
import pytest

from spymaster_resources.gateway.server import Gateway
from tests.spymaster_resources.gateway.market import write_archive
from tests.spymaster_resources.gateway.serving import Clock, client_of, gateway_over


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of vendor files."""
    return write_archive(tmp_path_factory.mktemp("archive"))


@pytest.fixture
def clock() -> Clock:
    """Return the clock of the gateway."""
    return Clock()


@pytest.fixture
def gateway(archive: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """Return a running gateway that the client trusts."""
    with gateway_over(archive, clock) as running:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(running.ca_file))
        yield running


@pytest.fixture(scope="session")
def standing_gateway(archive: Path) -> Iterator[Gateway]:
    """Return a gateway that serves all tests that leave it as it was."""
    with gateway_over(archive, Clock()) as running:
        yield running


@pytest.fixture
def client(gateway: Gateway) -> databento.Historical:
    """Return the vendor's own client in front of the gateway."""
    return client_of(gateway)
