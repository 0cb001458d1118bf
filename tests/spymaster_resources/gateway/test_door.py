"""Who is let in, over which transport, and that the key shows nowhere."""

from __future__ import annotations

import logging
import socket
import ssl
import stat
from pathlib import Path

import databento
import pytest
import requests
from databento.common.error import BentoClientError

from contracts.errors import ConfigurationError
from spymaster_resources.gateway.server import Gateway
from spymaster_resources.gateway.tls import make_certificate
from tests.spymaster_resources.gateway.market import MONDAY, futures_of
from tests.spymaster_resources.gateway.serving import KEY, Clock, client_of, finish, gateway_over


def test_another_key_is_not_let_in(gateway: Gateway) -> None:
    stranger = client_of(gateway, "db-anotherkeyanotherkeyanotherke")
    with pytest.raises(BentoClientError, match="auth_authentication_failed") as refused:
        stranger.batch.submit_job(**futures_of(MONDAY))
    assert refused.value.http_status == 401
    assert gateway.purchases == ()


@pytest.mark.parametrize(
    "header",
    [None, "", "Basic", "Basic ***", "Bearer " + KEY, requests.auth._basic_auth_str(KEY, "x")],
)
def test_only_the_key_with_an_empty_password_is_let_in(
    gateway: Gateway, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header}
    url = f"{gateway.url}/v0/metadata.list_datasets"
    with requests.get(url, headers=headers, timeout=10) as answer:
        assert answer.status_code == 401


def test_the_key_shows_nowhere(
    archive: Path, clock: Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    with gateway_over(archive, clock, folder=tmp_path / "jobs") as gateway:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(gateway.ca_file))
        client = client_of(gateway)
        job_id = client.batch.submit_job(**futures_of(MONDAY))["id"]
        finish(gateway, clock, job_id)
        listed = client.batch.list_files(job_id)
        shown = [repr(gateway), repr(gateway.jobs.get(job_id)), repr(gateway.purchases)]
    assert KEY not in caplog.text + str(listed) + "".join(shown)
    documents = list((tmp_path / "jobs").rglob("*.json"))
    assert len(documents) == 4
    assert not any(KEY in document.read_text() for document in documents)


def test_clients_that_do_not_trust_the_certificate_get_nothing(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other.certificate))
    with pytest.raises(requests.exceptions.SSLError):
        client_of(gateway).metadata.list_datasets()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_certificate_holds_under_the_strictest_checks(gateway: Gateway, host: str) -> None:
    context = ssl.create_default_context(cafile=str(gateway.ca_file))
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13 on
    address = ("127.0.0.1", int(gateway.url.rpartition(":")[2]))
    with (
        socket.create_connection(address, 10) as raw,
        context.wrap_socket(raw, server_hostname=host) as secure,
    ):
        assert secure.version() == "TLSv1.3"


def test_the_private_key_is_its_owners_alone(tmp_path: Path) -> None:
    assert stat.S_IMODE(make_certificate(tmp_path).key.stat().st_mode) == 0o600


def test_nothing_temporary_is_left(archive: Path, clock: Clock) -> None:
    with gateway_over(archive, clock) as gateway:
        folder = gateway.ca_file.parent
        assert folder.is_dir()
    assert not folder.exists()


def test_a_port_in_use_is_told(archive: Path, clock: Clock, gateway: Gateway) -> None:
    port = int(gateway.url.rpartition(":")[2])
    with pytest.raises(ConfigurationError, match=f"port {port}"):
        gateway_over(archive, clock, port=port)


def test_the_client_reaches_the_gateway_by_a_plain_address_too(gateway: Gateway) -> None:
    client = databento.Historical(KEY, gateway=gateway.url.replace("https", "http"))
    assert client.metadata.list_datasets() == ["GLBX.MDP3", "OPRA.PILLAR"]
