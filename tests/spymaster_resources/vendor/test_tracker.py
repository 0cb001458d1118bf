"""Trackers: whole at every moment, one writer, nothing lost, nothing guessed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contracts.errors import ConfigurationError, StorageError
from spymaster_resources.vendor.products import FUTURES
from spymaster_resources.vendor.requests import option_requests
from spymaster_resources.vendor.tracker import JobRecord, State, Tracker, read_tracker
from tests.spymaster_resources.vendor.market import THURSDAY

(REQUEST,) = option_requests(FUTURES, "ES", "mbo", THURSDAY, ["E2DK4 C5200", "E2DK4 P5200"])


def test_a_record_survives_with_key_and_state(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "futures_jobs.json"
    with Tracker(path) as tracker:
        saved = tracker.save(REQUEST.key, JobRecord.of(REQUEST).to(State.QUEUED, job_id="A"))
    assert read_tracker(path) == {"GLBX.MDP3|mbo|ES|2024-05-09|future_option_mbo": saved}
    content = json.loads(path.read_text())
    assert list(content) == ["jobs"]
    assert content["jobs"][REQUEST.key]["state"] == "queued"
    with Tracker(path) as tracker:
        assert tracker.get(REQUEST.key) == saved


def test_many_symbols_are_told_by_their_digest() -> None:
    names = [f"E2DK4 C{n}" for n in range(700)]
    (request,) = option_requests(FUTURES, "ES", "mbo", THURSDAY, names)
    record = JobRecord.of(request)
    assert record.symbols == []
    assert (record.n_symbols, record.symbols_sha256) == (700, request.symbols_sha256)


def test_one_process_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "futures_jobs.json"
    with Tracker(path), pytest.raises(ConfigurationError, match="another download"):
        Tracker(path).__enter__()
    with Tracker(path):
        pass


def test_a_dry_tracker_writes_and_locks_nothing(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "futures_jobs.json"
    with Tracker(path, dry=True) as tracker:
        tracker.save(REQUEST.key, JobRecord.of(REQUEST))
        assert tracker.get(REQUEST.key) is not None
    assert not path.parent.exists()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"jobs": {"a": {"state": "lost"}}}', '{"jobs": {"a": {}}}', '{"jobs"']
)
def test_a_damaged_tracker_is_refused_and_left_as_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "futures_jobs.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="is no job tracker"):
        Tracker(path).__enter__()
    assert path.read_text() == text
    path.unlink()
    with Tracker(path):
        pass


def test_a_write_that_fails_keeps_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "futures_jobs.json"
    with Tracker(path) as tracker:
        saved = tracker.save(REQUEST.key, JobRecord.of(REQUEST))

        def full(_descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("spymaster_resources.vendor.tracker.os.fsync", full)
        with pytest.raises(StorageError, match="No space left"):
            tracker.save(REQUEST.key, saved.to(State.DONE))
        assert tracker.get(REQUEST.key) == saved
    assert read_tracker(path) == {REQUEST.key: saved}
