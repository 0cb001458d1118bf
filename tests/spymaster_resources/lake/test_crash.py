"""kill -9 at any moment: readers see the old partition or the new one, the next write heals."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from spymaster_resources.lake import Lake, PartitionStatus, store_publication
from spymaster_resources.lake.filesystem import ObjectStore
from spymaster_resources.lake.verify import Verdict
from tests.spymaster_resources.lake.crash_server import ROWS
from tests.spymaster_resources.lake.tables import DAY, QUOTES, TABLES, plain, put, quotes

ROOT = Path(__file__).resolve().parents[3]
TABLE = "silver/symbol=ESH4/table=quotes"

Crash = Callable[[int, int], str]


@pytest.fixture
def crash(folder_lake: Lake) -> Iterator[Crash]:
    """Publish a seed in another process and kill it before a step."""
    command = [sys.executable, "-m", "tests.spymaster_resources.lake.crash_server"]
    with subprocess.Popen(
        [*command, folder_lake.root],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        requests, answers = process.stdin, process.stdout

        def at(seed: int, step: int) -> str:
            requests.write(f"{seed} {step}\n")
            requests.flush()
            return answers.readline().strip()

        yield at
        requests.close()


@pytest.mark.parametrize("replacing", [False, True])
def test_a_killed_writer_leaves_old_or_new(
    folder_lake: Lake, crash: Crash, replacing: bool
) -> None:
    if replacing:
        put(folder_lake, quotes(ROWS))
    old = plain(quotes(ROWS)) if replacing else None
    new = plain(quotes(ROWS, seed=1))
    seen_new = False
    killed = 0
    while (answer := crash(1, killed)) == "killed":
        killed += 1
        manifest = folder_lake.manifest(QUOTES, "ESH4", DAY)
        found = None if manifest is None else plain(folder_lake.read(QUOTES, "ESH4", DAY))
        assert found in (old, new)
        assert not (seen_new and found != new), "a published partition went away"
        seen_new = found == new
        verdicts = {finding.verdict for finding in folder_lake.verify()}
        assert verdicts <= {Verdict.OK, Verdict.ORPHANED}
    assert answer == "done"
    assert killed > 30
    assert seen_new, "no writer was killed between publication and clean-up"
    assert folder_lake.status(QUOTES, "ESH4", DAY) is PartitionStatus.CURRENT
    names = {entry.name for entry in folder_lake.file_system.entries(TABLE)}
    assert names == {".lock", "dt=2024-01-02"}
    assert [finding.verdict for finding in folder_lake.verify()] == [Verdict.OK]


class _DeadError(BaseException):
    """The writer of a store is dead: none of its clean-up runs either."""


class _DyingStore:
    """A store that stops answering its writer for ever before the n-th call."""

    def __init__(self, store: Any, calls: int) -> None:
        self._store = store
        self._left = calls

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._store, name)
        if name == "invalidate_cache":
            return function

        def call(*arguments: Any, **options: Any) -> Any:
            if self._left <= 0:
                raise _DeadError
            self._left -= 1
            return function(*arguments, **options)

        return call


def test_a_killed_writer_of_a_store_leaves_old_or_new(
    store_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_publication, "CLAIM_LEASE_S", 0.02)
    put(store_lake, quotes(40))
    old, new = plain(quotes(40)), plain(quotes(40, seed=1))
    outcomes = []
    for calls in range(100):
        dying = Lake(store_lake.root, TABLES)
        assert isinstance(dying.file_system, ObjectStore)
        dying.file_system._store = _DyingStore(dying.file_system._store, calls)
        try:
            put(dying, quotes(40, seed=1))
            break
        except _DeadError:
            found = plain(store_lake.read(QUOTES, "ESH4", DAY))
            assert found in (old, new)
            outcomes.append(found == new)
    else:
        pytest.fail("the writer never came to its end")
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {False, True}
    put(store_lake, quotes(40, seed=2))
    put(store_lake, quotes(40, seed=2))
    assert [finding.verdict for finding in store_lake.verify()] == [Verdict.OK]
