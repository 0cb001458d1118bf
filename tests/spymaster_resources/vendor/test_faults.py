"""Each fault of the vendor: every file arrives once all the same, or the run says why not."""

from __future__ import annotations

import pytest

from contracts.errors import VendorError, VendorUnclearError
from spymaster_resources.gateway.account import Limits
from spymaster_resources.vendor.tracker import State, Tracker
from tests.spymaster_resources.vendor.conftest import Downloads, vendor_of, wishes
from tests.spymaster_resources.vendor.market import THURSDAY
from tests.spymaster_resources.vendor.test_run import FUTURES_FILES

ONE_DAY = wishes(end=THURSDAY, option_schemas=())


@pytest.mark.parametrize(
    "fault",
    [
        "429=0.01@batch.submit_job:2",
        "429=0.01@batch.list_jobs:2",
        "429=0.01@file:2",
        "429=0.01@*:3",
        "500@batch.submit_job",
        "503@batch.submit_job:2",
        "500@batch.list_jobs:2",
        "502@metadata.get_cost:2",
        "504@file:2",
        "lost@batch.submit_job:2",
        "lost@batch.list_jobs",
        "cut=0.3@file:6",
        "cut=0@file:2",
        "corrupt@file:2",
        "slow=2000000@file:2",
        "delay=0.05@*:5",
        "404@file",
        "422@batch.list_files",
    ],
)
def test_a_passing_fault_costs_nothing(downloads: Downloads, fault: str) -> None:
    downloads.gateway.faults.add(fault)
    outcome = downloads.run(wishes(end=THURSDAY))
    assert outcome.is_complete
    assert downloads.files() == FUTURES_FILES[::2]
    assert downloads.gateway.bought_twice == ()
    assert len(downloads.gateway.purchases) == 4
    assert downloads.gateway.faults.struck
    assert downloads.leftovers() == []


def test_a_whole_file_in_answer_to_a_range_starts_anew(downloads: Downloads) -> None:
    downloads.gateway.faults.add("cut=0.5@file:8", "ignore_range@file:8")
    assert downloads.run().is_complete
    kinds = {fault.kind.value for _, fault in downloads.gateway.faults.struck}
    assert kinds == {"cut", "ignore_range"}


def test_a_checksum_that_stays_wrong_is_an_error_and_is_never_kept(downloads: Downloads) -> None:
    downloads.gateway.faults.add("corrupt@file:forever")
    outcome = downloads.run(ONE_DAY)
    assert "SHA-256" in next(iter(outcome.failed.values()))
    assert downloads.files() == []
    (record,) = downloads.records().values()
    assert record.state is State.DOWNLOAD_ERROR
    downloads.gateway.faults.clear()
    assert downloads.run(ONE_DAY).is_complete
    assert len(downloads.gateway.purchases) == 1


def test_an_expired_job_is_bought_again_once(downloads: Downloads) -> None:
    downloads.gateway.faults.add("expire@batch.submit_job")
    assert downloads.run(ONE_DAY).is_complete
    assert len(downloads.gateway.purchases) == 2
    (record,) = downloads.records().values()
    assert record.submissions == 2


def test_a_job_that_always_expires_fails_in_the_end(downloads: Downloads) -> None:
    downloads.gateway.faults.add("expire@batch.submit_job:forever")
    outcome = downloads.run(ONE_DAY)
    assert "3 times" in next(iter(outcome.failed.values()))
    assert len(downloads.gateway.purchases) == 3


def test_an_expired_job_is_not_bought_again_above_the_budget(downloads: Downloads) -> None:
    downloads.gateway.faults.add("expire@batch.submit_job:forever")
    vendor = vendor_of(downloads.gateway)
    cost = sum(vendor.cost_usd(request) for request in ONE_DAY.underlying_requests())
    outcome = downloads.run(ONE_DAY, max_cost=1.5 * cost)
    assert "--max-cost" in next(iter(outcome.failed.values()))
    assert len(downloads.gateway.purchases) == 1


def test_the_vendors_list_is_read_to_its_last_page(downloads: Downloads) -> None:
    downloads.run()
    downloads.gateway.limits.job_list = 2
    assert isinstance(downloads.gateway.limits, Limits)
    again = Downloads(downloads.gateway, downloads.folder / "other")
    assert again.run().is_complete
    assert len(downloads.gateway.purchases) == len(FUTURES_FILES)


def test_a_refused_submission_is_not_retried_and_nothing_is_bought(downloads: Downloads) -> None:
    downloads.gateway.faults.add("422@batch.submit_job:forever")
    outcome = downloads.run(ONE_DAY)
    assert len(outcome.failed) == 1
    assert downloads.gateway.purchases == ()
    assert next(iter(downloads.records().values())).state is State.SUBMIT_ERROR
    assert len(downloads.gateway.faults.struck) == 1


def test_a_vendor_that_is_down_ends_the_run_and_the_next_one_heals(downloads: Downloads) -> None:
    downloads.gateway.faults.add("lost@batch.submit_job", "503@batch.list_jobs:forever")
    plan = wishes(end=THURSDAY, option_schemas=())
    with pytest.raises(VendorUnclearError):
        downloads.run(plan)
    downloads.gateway.faults.clear()
    assert downloads.run(plan).is_complete
    assert len(downloads.gateway.purchases) == 1


def test_an_answer_lost_before_it_was_saved_is_healed(downloads: Downloads) -> None:
    """The state that a kill between the vendor's answer and the save leaves."""
    downloads.run(ONE_DAY)
    (key,) = downloads.records()
    with Tracker(downloads.folder / "logs" / "futures_jobs.json") as tracker:
        record = tracker.get(key)
        assert record is not None
        intent = record.to(State.SUBMITTED, job_id=None, intended_at=1.0, files=[])
        tracker.save(key, intent)
    for path in downloads.lake.rglob("*.zst"):
        path.unlink()
    assert downloads.run(ONE_DAY).is_complete
    assert downloads.records()[key].job_id == record.job_id
    assert len(downloads.gateway.purchases) == 1
    assert any("found again" in text for text in downloads.said)


def test_an_intent_that_never_reached_the_vendor_is_submitted(downloads: Downloads) -> None:
    downloads.gateway.faults.add("422@batch.submit_job")
    downloads.run(ONE_DAY)
    (key,) = downloads.records()
    with Tracker(downloads.folder / "logs" / "futures_jobs.json") as tracker:
        record = tracker.get(key)
        assert record is not None
        tracker.save(key, record.to(State.SUBMITTED, intended_at=1.0))
    assert downloads.run(ONE_DAY).is_complete
    assert len(downloads.gateway.purchases) == 1


def test_the_key_refused_in_the_middle_ends_the_run(downloads: Downloads) -> None:
    downloads.gateway.faults.add("401@file")
    with pytest.raises(VendorError, match="DATABENTO_API_KEY"):
        downloads.run(ONE_DAY)
    assert downloads.run(ONE_DAY).is_complete
    assert len(downloads.gateway.purchases) == 1
