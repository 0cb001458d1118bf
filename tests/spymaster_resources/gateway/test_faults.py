"""Faults on demand, each as the vendor's client meets it."""

from __future__ import annotations

import time
from pathlib import Path

import databento
import pytest
import requests
import urllib3
from databento.common.error import BentoClientError, BentoError, BentoServerError, BentoWarning

from contracts.errors import ConfigurationError
from spymaster_resources.gateway.faults import Fault, FaultKind, Faults
from spymaster_resources.gateway.server import Gateway
from tests.spymaster_resources.gateway.market import MONDAY, TUESDAY, day_file, futures_of
from tests.spymaster_resources.gateway.serving import KEPT_NS, KEY, STEP_NS, Clock, finish, until

NAME = "glbx-mdp3-20260105.mbo.dbn.zst"


@pytest.fixture
def job_id(client: databento.Historical, gateway: Gateway, clock: Clock) -> str:
    """Return a finished job."""
    job_id: str = client.batch.submit_job(**futures_of(MONDAY))["id"]
    finish(gateway, clock, job_id)
    return job_id


@pytest.mark.parametrize("status", [401, 402, 403, 404, 422])
def test_a_refusal_strikes_as_often_as_it_is_told_to(
    client: databento.Historical, gateway: Gateway, status: int
) -> None:
    gateway.faults.add(f"{status}@batch.list_jobs:2")
    for _ in range(2):
        with pytest.raises(BentoClientError) as refused:
            client.batch.list_jobs()
        assert refused.value.http_status == status
    assert client.batch.list_jobs() == []
    assert [operation for operation, _ in gateway.faults.struck] == ["batch.list_jobs"] * 2
    assert gateway.faults.waiting == ()


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_broken_server_buys_nothing(
    client: databento.Historical, gateway: Gateway, status: int
) -> None:
    gateway.faults.add(f"{status}@batch.submit_job")
    with pytest.raises(BentoServerError) as failed:
        client.batch.submit_job(**futures_of(MONDAY))
    assert failed.value.http_status == status
    assert gateway.purchases == ()


def test_too_many_requests_tell_when_to_come_back(
    client: databento.Historical, gateway: Gateway
) -> None:
    gateway.faults.add("429=7@metadata.*:forever")
    for _ in range(3):
        with pytest.raises(BentoClientError) as busy:
            client.metadata.get_cost(**futures_of(MONDAY))
        assert busy.value.http_status == 429
        assert busy.value.headers["Retry-After"] == "7"
    assert client.batch.list_jobs() == []  # other calls are let through
    gateway.faults.clear()
    assert client.metadata.get_cost(**futures_of(MONDAY)) > 0


def test_a_busy_file_server_is_asked_again_by_the_client(
    client: databento.Historical, gateway: Gateway, job_id: str, archive: Path, tmp_path: Path
) -> None:
    gateway.faults.add("429=0@file")
    (path,) = client.batch.download(job_id, tmp_path, NAME)
    assert path.read_bytes() == day_file(archive, MONDAY).read_bytes()
    assert [fault.status for _, fault in gateway.faults.struck] == [429]


def test_a_lost_answer_leaves_a_job_that_was_bought(
    client: databento.Historical, gateway: Gateway
) -> None:
    gateway.faults.add("lost@batch.submit_job")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        client.batch.submit_job(**futures_of(MONDAY))
    (purchase,) = gateway.purchases
    assert [job["id"] for job in client.batch.list_jobs()] == [purchase.job_id]


def test_a_cut_file_is_resumed(
    client: databento.Historical, gateway: Gateway, job_id: str, archive: Path, tmp_path: Path
) -> None:
    data = day_file(archive, MONDAY).read_bytes()
    gateway.faults.add("cut=0.25@file")
    url = client.batch.list_files(job_id)[0]["urls"]["https"]
    with requests.get(url, auth=(KEY, ""), stream=True, timeout=10) as answer:
        assert answer.headers["Content-Length"] == str(len(data))
        arrived = answer.raw.read(len(data) // 4)
        assert data.startswith(arrived)
        with pytest.raises(urllib3.exceptions.ProtocolError):
            answer.raw.read()
    gateway.faults.add("cut=0.25@file", "cut@file")
    (path,) = client.batch.download(job_id, tmp_path, NAME)
    assert path.read_bytes() == data
    assert [fault.kind for _, fault in gateway.faults.struck] == [FaultKind.CUT] * 3


def test_a_cut_stream_is_an_error(client: databento.Historical, gateway: Gateway) -> None:
    gateway.faults.add("cut@timeseries.get_range")
    with pytest.raises(BentoError, match="streaming response"):
        client.timeseries.get_range(**futures_of(MONDAY))


def test_a_corrupt_file_fails_its_checksum_once(
    client: databento.Historical, gateway: Gateway, job_id: str, archive: Path, tmp_path: Path
) -> None:
    gateway.faults.add("corrupt@file")
    with pytest.warns(BentoWarning, match="checksum"):
        (bad,) = client.batch.download(job_id, tmp_path / "bad", NAME)
    data = day_file(archive, MONDAY).read_bytes()
    differing = [a != b for a, b in zip(bad.read_bytes(), data, strict=True)]
    assert sum(differing) == 1
    (good,) = client.batch.download(job_id, tmp_path / "good", NAME)
    assert good.read_bytes() == data


def test_an_ignored_range_is_answered_with_everything(
    client: databento.Historical, gateway: Gateway, job_id: str, archive: Path
) -> None:
    gateway.faults.add("ignore_range@file")
    url = client.batch.list_files(job_id)[0]["urls"]["https"]
    data = day_file(archive, MONDAY).read_bytes()
    answers = []
    for wanted in (None, "bytes=10-", "bytes=10-"):  # a request without Range is not struck
        headers = {"Range": wanted} if wanted else {}
        with requests.get(url, auth=(KEY, ""), headers=headers, timeout=10) as answer:
            answers.append((answer.status_code, answer.content))
    assert answers == [(200, data), (200, data), (206, data[10:])]


def test_slow_and_late_answers_take_their_time(
    client: databento.Historical, gateway: Gateway, job_id: str, archive: Path, tmp_path: Path
) -> None:
    size = day_file(archive, MONDAY).stat().st_size
    gateway.faults.add(f"slow={size * 5}@file")
    start = time.monotonic()
    client.batch.download(job_id, tmp_path, NAME)
    assert time.monotonic() - start >= 0.2
    gateway.faults.add("delay=0.2@batch.list_jobs")
    start = time.monotonic()
    client.batch.list_jobs()
    assert time.monotonic() - start >= 0.2


def test_a_stuck_job_waits_for_its_release(
    client: databento.Historical, gateway: Gateway, clock: Clock
) -> None:
    gateway.faults.add("stuck")
    stuck = client.batch.submit_job(**futures_of(MONDAY))["id"]
    sound = client.batch.submit_job(**futures_of(TUESDAY))["id"]
    finish(gateway, clock, sound)
    assert client.batch.get_job_details(stuck)["state"] == "queued"
    gateway.jobs.release(stuck)
    assert client.batch.get_job_details(stuck)["state"] == "done"


def test_jobs_expire_at_once_or_when_told_to(
    client: databento.Historical, gateway: Gateway, clock: Clock
) -> None:
    gateway.faults.add("expire")
    struck = client.batch.submit_job(**futures_of(MONDAY))["id"]
    sound = client.batch.submit_job(**futures_of(TUESDAY))["id"]
    finish(gateway, clock, sound)
    url = client.batch.list_files(sound)[0]["urls"]["https"]
    assert client.batch.get_job_details(struck)["state"] == "expired"
    gateway.jobs.expire(sound)
    assert client.batch.get_job_details(sound)["state"] == "expired"
    with requests.get(url, auth=(KEY, ""), timeout=10) as answer:
        assert answer.status_code == 404


def test_a_job_that_cannot_be_made_stays_in_processing(
    client: databento.Historical,
    gateway: Gateway,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("spymaster_resources.gateway.account.build_package", fail)
    job_id = client.batch.submit_job(**futures_of(MONDAY))["id"]
    until(lambda: "no space left" in caplog.text)
    clock.advance(2 * STEP_NS + KEPT_NS)
    assert client.batch.get_job_details(job_id)["state"] == "processing"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("503", Fault(FaultKind.STATUS, status=503)),
        ("429=2.5@batch.*:3", Fault(FaultKind.STATUS, "batch.*", 3, 2.5, 429)),
        ("cut=0.3@file", Fault(FaultKind.CUT, "file", 1, 0.3)),
        ("stuck:forever", Fault(FaultKind.STUCK, "*", None)),
        (" ignore_range ", Fault(FaultKind.IGNORE_RANGE)),
    ],
)
def test_faults_are_read_from_text(text: str, fault: Fault) -> None:
    assert Fault.parse(text) == fault


@pytest.mark.parametrize("text", ["", "eaten", "200", "status", "cut=x", "503@FILE", "503:-1"])
def test_unknown_faults_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="KIND"):
        Fault.parse(text)


def test_faults_strike_in_the_order_in_which_they_were_added() -> None:
    faults = Faults()
    faults.add("503@batch.*", "500@batch.list_jobs", "401@file")
    taken = [faults.take("batch.list_jobs", (FaultKind.STATUS,)) for _ in range(3)]
    assert [fault.status if fault else None for fault in taken] == [503, 500, None]
    assert [fault.status for fault in faults.waiting] == [401]
