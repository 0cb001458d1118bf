"""Batch jobs through the vendor's client: their life, their files, the download."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import databento
import pytest
import requests
from databento.common.error import BentoClientError

from spymaster_resources.gateway.server import Gateway
from tests.spymaster_resources.gateway.market import (
    FUTURES,
    HOLIDAY,
    MONDAY,
    RECORDS,
    THURSDAY,
    TUESDAY,
    day_file,
    futures_of,
    records,
)
from tests.spymaster_resources.gateway.serving import (
    KEPT_NS,
    KEY,
    STEP_NS,
    Clock,
    client_of,
    finish,
    gateway_over,
    until,
)

DOCUMENTS = ["metadata.json", "condition.json", "symbology.json", "manifest.json"]
MONDAY_FILE = "glbx-mdp3-20260105.mbo.dbn.zst"


def states(client: databento.Historical) -> list[str]:
    """Return the states of all jobs, oldest first."""
    everything = client.batch.list_jobs(states="queued,processing,done,expired")
    return [job["state"] for job in everything]


def test_a_job_goes_through_its_states(
    client: databento.Historical, gateway: Gateway, clock: Clock
) -> None:
    job = client.batch.submit_job(**futures_of(MONDAY))
    assert job["state"] == "queued"
    assert job["id"].startswith("GLBX-20260108-")
    assert (job["symbols"], job["stype_in"]) == ("ES.FUT", "parent")
    assert job["start"] == "2026-01-05T00:00:00.000000000Z"
    until(lambda: gateway.jobs.get(job["id"]).ready_ns is not None)
    assert client.batch.list_files(job["id"]) == []
    clock.advance(STEP_NS)
    assert states(client) == ["processing"]
    clock.advance(STEP_NS)
    (done,) = client.batch.list_jobs("done")
    assert done["record_count"] == RECORDS
    assert done["cost_usd"] == client.metadata.get_cost(**futures_of(MONDAY))
    assert client.batch.get_job_details(job["id"]) == done
    assert len(client.batch.list_files(job["id"])) == 1 + len(DOCUMENTS)
    clock.advance(KEPT_NS)
    assert client.batch.list_jobs() == []
    assert states(client) == ["expired"]
    assert client.batch.list_files(job["id"]) == []


def test_the_list_is_in_order_and_starts_at_since(
    client: databento.Historical, gateway: Gateway
) -> None:
    jobs = [client.batch.submit_job(**futures_of(day)) for day in (MONDAY, TUESDAY, THURSDAY)]
    listed = client.batch.list_jobs()
    assert [job["id"] for job in listed] == [job["id"] for job in jobs]
    assert len({job["ts_received"] for job in listed}) == 3
    later = client.batch.list_jobs(since=jobs[1]["ts_received"])
    assert [job["id"] for job in later] == [job["id"] for job in jobs[1:]]
    short = client.batch.list_jobs(short=True)
    assert set(short[0]) == {"id", "state", "ts_received"}
    with pytest.raises(BentoClientError, match="validation_failed"):
        client.batch.list_jobs(states="eaten")


def test_a_limited_list_is_paged_by_since(client: databento.Historical, gateway: Gateway) -> None:
    jobs = [client.batch.submit_job(**futures_of(day)) for day in (MONDAY, TUESDAY, THURSDAY)]
    gateway.limits.job_list = 2
    page = client.batch.list_jobs()
    assert [job["id"] for job in page] == [job["id"] for job in jobs[:2]]
    rest = client.batch.list_jobs(since=page[-1]["ts_received"])
    assert [job["id"] for job in rest] == [job["id"] for job in jobs[1:]]


def test_files_arrive_as_listed(
    client: databento.Historical, gateway: Gateway, clock: Clock, archive: Path, tmp_path: Path
) -> None:
    job_id = client.batch.submit_job(**futures_of(MONDAY))["id"]
    finish(gateway, clock, job_id)
    listed = client.batch.list_files(job_id)
    assert [row["filename"] for row in listed] == [MONDAY_FILE, *DOCUMENTS]
    for row in listed:
        (path,) = client.batch.download(job_id, tmp_path, row["filename"])
        data = path.read_bytes()
        assert len(data) == row["size"]
        assert f"sha256:{hashlib.sha256(data).hexdigest()}" == row["hash"]
        assert set(row["urls"]) == {"https", "ftp"}
    folder = tmp_path / job_id
    assert (folder / MONDAY_FILE).read_bytes() == day_file(archive, MONDAY).read_bytes()
    documents = {name: json.loads((folder / name).read_text()) for name in DOCUMENTS}
    assert documents["metadata.json"]["query"]["symbols"] == ["ES.FUT"]
    assert documents["condition.json"][0]["date"] == "2026-01-05"
    span = {"d0": "2026-01-05", "d1": "2026-01-06"}
    assert documents["symbology.json"]["result"] == {
        name: [span | {"s": str(number)}] for name, number in FUTURES.items()
    }
    assert documents["manifest.json"]["files"] == listed[:-1]


def test_all_files_arrive_as_one_zip(
    client: databento.Historical, gateway: Gateway, clock: Clock, archive: Path, tmp_path: Path
) -> None:
    job_id = client.batch.submit_job(**futures_of(MONDAY))["id"]
    with pytest.raises(BentoClientError, match="has no files"):
        client.batch.download(job_id, tmp_path)
    finish(gateway, clock, job_id)
    paths = client.batch.download(job_id, tmp_path)
    assert [path.name for path in paths] == [MONDAY_FILE, *DOCUMENTS]
    assert paths[0].read_bytes() == day_file(archive, MONDAY).read_bytes()


def test_a_job_over_days_has_a_file_a_day(
    client: databento.Historical, gateway: Gateway, clock: Clock, tmp_path: Path
) -> None:
    asked = futures_of(MONDAY, symbols="ESM6", stype_in="raw_symbol")
    asked["end"] = THURSDAY + timedelta(days=1)
    job_id = client.batch.submit_job(**asked)["id"]
    finish(gateway, clock, job_id)
    names = [row["filename"] for row in client.batch.list_files(job_id)]
    days = (MONDAY, TUESDAY, THURSDAY)  # the holiday between them has none
    assert names == [f"glbx-mdp3-{day:%Y%m%d}.mbo.dbn.zst" for day in days] + DOCUMENTS
    for name, day in zip(names, days, strict=False):
        (path,) = client.batch.download(job_id, tmp_path, name)
        store = databento.DBNStore.from_bytes(path.read_bytes())
        everything = records("mbo", FUTURES, day)
        expected = everything[everything["instrument_id"] == FUTURES["ESM6"]]
        assert store.to_ndarray("mbo").tobytes() == expected.tobytes()
        assert store.start.date() == day
        assert list(store.mappings) == ["ESM6"]


def test_a_limited_job_over_days_ends_at_its_limit(
    client: databento.Historical, gateway: Gateway, clock: Clock, tmp_path: Path
) -> None:
    asked = futures_of(MONDAY, end=THURSDAY + timedelta(days=1), limit=RECORDS + 5)
    job_id = client.batch.submit_job(**asked)["id"]
    finish(gateway, clock, job_id)
    names = [row["filename"] for row in client.batch.list_files(job_id)][: -len(DOCUMENTS)]
    counts = []
    for name in names:
        (path,) = client.batch.download(job_id, tmp_path, name)
        counts.append(len(databento.DBNStore.from_bytes(path.read_bytes()).to_ndarray("mbo")))
    assert counts == [RECORDS, 5]
    assert client.batch.list_jobs()[0]["record_count"] == RECORDS + 5


def test_plain_dbn_is_delivered_on_request(
    client: databento.Historical, gateway: Gateway, clock: Clock, tmp_path: Path
) -> None:
    job_id = client.batch.submit_job(**futures_of(MONDAY), compression="none")["id"]
    finish(gateway, clock, job_id)
    name = MONDAY_FILE.removesuffix(".zst")
    (path,) = client.batch.download(job_id, tmp_path, name)
    assert path.read_bytes()[:3] == b"DBN"
    stored = databento.DBNStore.from_bytes(path.read_bytes()).to_ndarray("mbo")
    assert stored.tobytes() == records("mbo", FUTURES, MONDAY).tobytes()


def test_a_day_without_a_file_is_a_job_without_data(
    client: databento.Historical, gateway: Gateway, clock: Clock
) -> None:
    job_id = client.batch.submit_job(**futures_of(HOLIDAY))["id"]
    finish(gateway, clock, job_id)
    assert [row["filename"] for row in client.batch.list_files(job_id)] == DOCUMENTS
    assert client.batch.list_jobs()[0]["record_count"] == 0


def test_only_what_is_asked_for_again_counts_as_bought_twice(
    client: databento.Historical, gateway: Gateway
) -> None:
    first = client.batch.submit_job(**futures_of(MONDAY))["id"]
    client.batch.submit_job(**futures_of(TUESDAY))
    assert not gateway.bought_twice
    again = client.batch.submit_job(**futures_of(MONDAY))["id"]
    assert [row.job_id for row in gateway.purchases if row.query.first_day == MONDAY] == [
        first,
        again,
    ]
    assert [query.first_day for query in gateway.bought_twice] == [MONDAY]


def test_ranges_of_a_file_are_served(
    client: databento.Historical, gateway: Gateway, clock: Clock, archive: Path
) -> None:
    job_id = client.batch.submit_job(**futures_of(MONDAY))["id"]
    finish(gateway, clock, job_id)
    url = client.batch.list_files(job_id)[0]["urls"]["https"]
    data = day_file(archive, MONDAY).read_bytes()

    def get(wanted: str) -> tuple[int, bytes, str | None]:
        with requests.get(url, auth=(KEY, ""), headers={"Range": wanted}, timeout=10) as answer:
            return answer.status_code, answer.content, answer.headers.get("Content-Range")

    total = len(data)
    assert get("bytes=0-0") == (206, data[:1], f"bytes 0-0/{total}")
    assert get("bytes=100-") == (206, data[100:], f"bytes 100-{total - 1}/{total}")
    assert get(f"bytes=7-{total + 9}") == (206, data[7:], f"bytes 7-{total - 1}/{total}")
    for unfit in (f"bytes={total}-", "bytes=9-3", "lines=1-2"):
        status, _, told = get(unfit)
        assert (status, told) == (416, f"bytes */{total}")


def test_a_part_that_is_there_is_continued(
    client: databento.Historical, gateway: Gateway, clock: Clock, archive: Path, tmp_path: Path
) -> None:
    job_id = client.batch.submit_job(**futures_of(MONDAY))["id"]
    finish(gateway, clock, job_id)
    data = day_file(archive, MONDAY).read_bytes()
    part = tmp_path / job_id / MONDAY_FILE
    part.parent.mkdir()
    part.write_bytes(data[:1000])
    client.batch.download(job_id, tmp_path, MONDAY_FILE)
    assert part.read_bytes() == data


def test_addresses_of_files_may_be_plain_http(
    archive: Path, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with gateway_over(archive, clock, plain_files=True) as gateway:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(gateway.ca_file))
        client = client_of(gateway)
        job_id = client.batch.submit_job(**futures_of(MONDAY))["id"]
        finish(gateway, clock, job_id)
        assert client.batch.list_files(job_id)[0]["urls"]["https"].startswith("http://127.0.0.1:")
        (path,) = client.batch.download(job_id, tmp_path, MONDAY_FILE)
    assert path.read_bytes() == day_file(archive, MONDAY).read_bytes()


def test_unknown_jobs_files_and_calls_are_not_found(
    client: databento.Historical, gateway: Gateway, clock: Clock
) -> None:
    for ask in (client.batch.get_job_details, client.batch.list_files):
        with pytest.raises(BentoClientError, match="batch_job_not_found") as refused:
            ask("GLBX-20260101-NOSUCHJOB2")
        assert refused.value.http_status == 404
    job_id = client.batch.submit_job(**futures_of(MONDAY))["id"]
    finish(gateway, clock, job_id)
    url = client.batch.list_files(job_id)[0]["urls"]["https"]
    strays = [url + ".gone", url.replace("SIMULATED", "OTHER"), f"{gateway.url}/v0/batch.eat"]
    for stray in strays:
        with requests.get(stray, auth=(KEY, ""), timeout=10) as answer:
            assert answer.status_code == 404
            assert answer.json()["detail"]["status_code"] == 404
    assert [row.job_id for row in gateway.purchases] == [job_id]
