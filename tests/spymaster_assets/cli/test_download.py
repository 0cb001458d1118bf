"""`spymaster download` against the gateway: exit codes, words, kills, and the key unseen."""

from __future__ import annotations

import json
import os
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from contracts.errors import ConfigurationError, SpymasterError
from spymaster_assets.cli.download import FAILED, WAITING, app
from spymaster_resources.gateway.archive import FolderArchive
from spymaster_resources.gateway.jobs import JobTimes
from spymaster_resources.gateway.server import Gateway
from spymaster_resources.vendor.tracker import State, read_tracker
from spymaster_resources.vendor.transfer import sha256_of
from tests.spymaster_assets.cli import daemon_process
from tests.spymaster_resources.vendor.conftest import INSTANT, KEY
from tests.spymaster_resources.vendor.market import build_archive

KILLS = int(os.environ.get("SPYMASTER_KILLS", "50"))
QUICK = ("--pause-seconds", "0", "--poll-interval", "0.02", "--settle-seconds", "0.5")
BOTH_DAYS = ("--start", "2024-05-09", "--end", "2024-05-10")
ONE_FILE = ("--start", "2024-05-09", "--options-schemas", "none")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of vendor files; not to be changed."""
    return build_archive(tmp_path_factory.mktemp("archive"))


@pytest.fixture
def gateway(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """Return a running gateway; the environment points to it, to a new lake and a new folder."""
    with Gateway(FolderArchive(archive), key=KEY, times=INSTANT) as running:
        for name, value in _environment(running, tmp_path).items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        yield running


def _environment(gateway: Gateway, folder: Path) -> dict[str, str]:
    return {
        "REQUESTS_CA_BUNDLE": str(gateway.ca_file),
        "SPYMASTER_VENDOR_GATEWAY": gateway.url,
        "DATABENTO_API_KEY": KEY,
        "SPYMASTER_LAKE": str(folder / "lake"),
    }


def _command(*arguments: str) -> Result:
    result = CliRunner().invoke(app, arguments)
    if result.exception and not isinstance(result.exception, SystemExit | SpymasterError):
        raise result.exception
    return result


def _raw_files(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "lake").rglob("[!.]*.dbn.zst"))


def test_the_daemon_fetches_everything_and_exits_with_zero(
    gateway: Gateway, tmp_path: Path
) -> None:
    result = _command("equities", "daemon", *BOTH_DAYS, *QUICK, "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert len(document["arrived"]) == 8
    assert not document["failed"]
    assert not document["waiting"]
    assert len(_raw_files(tmp_path)) == 8
    assert set(json.loads((tmp_path / "logs" / "equity_options_jobs.json").read_text())) == {"jobs"}


def test_submit_then_poll(gateway: Gateway, tmp_path: Path) -> None:
    gateway.faults.add("stuck@batch.submit_job")
    assert _command("futures", "submit", *ONE_FILE, *QUICK).exit_code == 0
    assert _command("futures", "poll", *ONE_FILE).exit_code == WAITING
    assert _raw_files(tmp_path) == []
    gateway.jobs.release(gateway.purchases[0].job_id or "")
    assert _command("futures", "poll", *ONE_FILE).exit_code == 0
    assert len(_raw_files(tmp_path)) == 1
    assert len(gateway.purchases) == 1


def test_futures_can_be_left_out(gateway: Gateway) -> None:
    arguments = ("--start", "2024-05-09", "--no-include-futures", "--options-schemas", "statistics")
    assert _command("futures", "daemon", *arguments, *QUICK).exit_code == 0
    assert [p.query.schema for p in gateway.purchases] == ["definition", "statistics"]


def test_a_failure_exits_with_one(gateway: Gateway) -> None:
    gateway.faults.add("corrupt@file:forever")
    result = _command("futures", "daemon", *ONE_FILE, *QUICK)
    assert result.exit_code == FAILED
    assert "SHA-256" in result.stderr


def test_a_dry_run_tells_cost_and_size_and_buys_nothing(gateway: Gateway, tmp_path: Path) -> None:
    result = _command("futures", "daemon", *BOTH_DAYS, "--dry-run")
    assert result.exit_code == 0
    assert "to buy now: $" in result.stderr
    assert "at most" in result.stderr
    assert "future_mbo" in result.stderr
    assert gateway.purchases == ()
    assert not (tmp_path / "logs").exists()


def test_the_cost_is_refused_before_anything_is_bought(gateway: Gateway, tmp_path: Path) -> None:
    result = _command("futures", "daemon", *BOTH_DAYS, "--max-cost", "0.000001")
    assert isinstance(result.exception, ConfigurationError)
    assert "--max-cost" in str(result.exception)
    assert gateway.purchases == ()
    assert read_tracker(tmp_path / "logs" / "futures_jobs.json") == {}


def test_without_a_key_nothing_starts(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABENTO_API_KEY")
    result = _command("futures", "daemon", *ONE_FILE)
    assert isinstance(result.exception, ConfigurationError)
    assert "DATABENTO_API_KEY is not set" in str(result.exception)


def test_a_holiday_is_refused(gateway: Gateway) -> None:
    result = _command("equities", "daemon", "--start", "2024-03-29")
    assert isinstance(result.exception, ConfigurationError)
    assert "no trading day" in str(result.exception)


def test_the_key_is_nowhere(gateway: Gateway, tmp_path: Path) -> None:
    gateway.faults.add(
        "500@batch.submit_job", "corrupt@file", "429=0.01@file", "cut@file", "404@file"
    )
    result = _command("futures", "daemon", *BOTH_DAYS, *QUICK, "--log-file", "logs/run.log")
    assert result.exit_code == 0
    log = (tmp_path / "logs" / "run.log").read_text()
    assert "download failed" in log
    for text in (result.output, result.stderr, log):
        assert KEY not in text
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path


def test_the_second_daemon_refuses(gateway: Gateway, tmp_path: Path) -> None:
    gateway.faults.add("stuck@batch.submit_job")
    waiter = _Waiter(gateway)
    first = daemon_process.start(
        ("futures", "daemon", *ONE_FILE, *QUICK), tmp_path, _environment(gateway, tmp_path)
    )
    try:
        waiter.until(lambda: bool(gateway.purchases))
        second = _command("futures", "daemon", *ONE_FILE, *QUICK)
        assert isinstance(second.exception, ConfigurationError)
        assert "another download works with this tracker" in str(second.exception)
        other = _command("equities", "daemon", "--start", "2024-05-09", *QUICK)
        assert other.exit_code == 0
        (stuck,) = [p.job_id for p in gateway.purchases if p.query.dataset == "GLBX.MDP3"]
        gateway.jobs.release(stuck or "")
        first.join(30)
        assert first.exitcode == 0
    finally:
        first.kill()
        first.join()


class _Waiter:
    """Wakes up with each request that the gateway serves."""

    def __init__(self, gateway: Gateway) -> None:
        self.served = 0
        self._news = threading.Condition()
        take = gateway.faults.take

        def counting(*arguments: object) -> object:
            with self._news:
                self.served += 1
                self._news.notify_all()
            return take(*arguments)  # type: ignore[arg-type]

        gateway.faults.take = counting  # type: ignore[method-assign, assignment]

    def until(self, condition: Callable[[], bool], timeout_s: float = 30.0) -> bool:
        """Return whether the condition came true, looked at with each request."""
        with self._news:
            return self._news.wait_for(condition, timeout_s)

    def kill_after(self, requests: int, delay_s: float, process: BaseProcess) -> None:
        """Kill the process a moment after a number of further requests, unless it ends before."""
        target = self.served + requests
        ended = threading.Event()

        def watch() -> None:
            connection.wait([process.sentinel])
            ended.set()
            with self._news:
                self._news.notify_all()

        watcher = threading.Thread(target=watch)
        watcher.start()
        self.until(lambda: self.served >= target or ended.is_set())
        ended.wait(delay_s)
        process.kill()
        watcher.join()


def test_a_daemon_killed_at_random_moments_buys_and_fetches_once(
    tmp_path_factory: pytest.TempPathFactory, archive: Path
) -> None:
    """SPYMASTER_KILLS sets the number of kills."""
    chance = random.Random(20240509)
    expected: dict[str, str] = {}
    kills = 0
    struck: Counter[str] = Counter()
    while kills < KILLS:
        folder = tmp_path_factory.mktemp("killed")
        times = JobTimes(queued_ns=20_000_000, processing_ns=20_000_000)
        with Gateway(FolderArchive(archive), key=KEY, times=times) as gateway:
            kills += _kill_until_complete(gateway, folder, chance, KILLS - kills, struck)
            assert gateway.bought_twice == ()
            assert len(gateway.purchases) == 8
        digests = {
            path.relative_to(folder).as_posix(): sha256_of(path) for path in _raw_files(folder)
        }
        assert len(digests) == 8
        expected = expected or digests
        assert digests == expected
        records = read_tracker(folder / "logs" / "futures_jobs.json")
        assert {record.state for record in records.values()} == {State.DOWNLOADED}
        assert len({record.job_id for record in records.values()}) == 8
        assert not list(folder.rglob("*.partial"))
    assert struck["partial work"] >= min(KILLS, 4)


def _kill_until_complete(
    gateway: Gateway, folder: Path, chance: random.Random, kills: int, struck: Counter[str]
) -> int:
    """Start and kill daemons until one ends by itself; return how many were killed."""
    waiter = _Waiter(gateway)
    arguments = ("futures", "daemon", *BOTH_DAYS, *QUICK)
    killed = 0
    while True:
        process = daemon_process.start(arguments, folder, _environment(gateway, folder))
        if killed < kills:
            waiter.kill_after(chance.randrange(1, 400), chance.uniform(0.0, 0.02), process)
        process.join(60)
        records = read_tracker(folder / "logs" / "futures_jobs.json")
        whole = {file["sha256"] for record in records.values() for file in record.files}
        landed = {sha256_of(path) for path in _raw_files(folder)}
        assert whole <= landed
        if process.exitcode == 0:
            return killed
        assert process.exitcode == -9, (folder / "output" / "stderr").read_text()
        killed += 1
        struck["partial work"] += bool(records)
