"""Publication: one step, one winner, old or new and never between."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest
from filelock import FileLock

from contracts.errors import PublicationConflictError
from spymaster_resources.lake import Lake, PartitionStatus, publication, store_publication
from spymaster_resources.lake.exchange import exchange
from spymaster_resources.lake.store_publication import StorePublisher
from spymaster_resources.lake.writer import PartitionWriter
from tests.spymaster_resources.lake.tables import DAY, NEXT_DAY, QUOTES, plain, put, quotes

FOLDER = "silver/symbol=ESH4/table=quotes/dt=2024-01-02"


def _writer(lake: Lake) -> PartitionWriter:
    return lake.writer(QUOTES, "ESH4", DAY, parameters={}, inputs=[], code_version="1")


@pytest.fixture(params=["exchange", "in place"])
def replaceable(
    request: pytest.FixtureRequest, folder_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> Lake:
    """A local lake, also as on a file system that cannot exchange two folders."""
    if request.param == "in place":
        monkeypatch.setattr(publication, "exchange", lambda *_: False)
    return folder_lake


def test_exchange_swaps_two_folders(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    assert exchange(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "a" / "b").exists()
    assert (tmp_path / "b" / "a").exists()
    with pytest.raises(FileNotFoundError):
        exchange(tmp_path / "a", tmp_path / "none")


def test_a_replacement_leaves_only_the_new_partition(replaceable: Lake) -> None:
    put(replaceable, quotes(30))
    manifest = put(replaceable, quotes(50, seed=1))
    assert plain(replaceable.read(QUOTES, "ESH4", DAY)) == plain(quotes(50, seed=1))
    names = {entry.name for entry in replaceable.file_system.entries(FOLDER)}
    assert names == {"_MANIFEST.json", "_SUCCESS", manifest.files[0].name}
    parents = {entry.name for entry in replaceable.file_system.entries(FOLDER.rpartition("/")[0])}
    assert parents == {".lock", "dt=2024-01-02"}


def test_a_store_keeps_the_replaced_files_for_its_readers_until_the_next_write(
    store_lake: Lake,
) -> None:
    put(store_lake, quotes(40))
    reading = store_lake.batches(QUOTES, "ESH4", DAY)
    first = next(reading)
    put(store_lake, quotes(50, seed=1))
    rest = [row for batch in reading for row in batch.to_pylist()]
    assert first.to_pylist() + rest == plain(quotes(40))
    manifest = put(store_lake, quotes(60, seed=2))
    names = [entry.name for entry in store_lake.file_system.entries(FOLDER)]
    assert len([name for name in names if name.startswith("part-")]) == 2
    assert manifest.files[0].name in names


def test_a_reader_keeps_the_state_it_began_with(replaceable: Lake) -> None:
    put(replaceable, quotes(40))
    reading = replaceable.batches(QUOTES, "ESH4", DAY)
    first = next(reading)
    put(replaceable, quotes(50, seed=1))
    rest = [row for batch in reading for row in batch.to_pylist()]
    assert first.to_pylist() + rest == plain(quotes(40))


def test_of_two_writers_one_wins_and_the_other_is_told(lake: Lake) -> None:
    put(lake, quotes(10))
    with _writer(lake) as first, _writer(lake) as second:
        first.write(quotes(20, seed=1))
        second.write(quotes(30, seed=2))
        second.publish()
        with pytest.raises(PublicationConflictError, match=r"ESH4 2024-01-02: another writer"):
            first.publish()
    assert plain(lake.read(QUOTES, "ESH4", DAY)) == plain(quotes(30, seed=2))
    put(lake, quotes(20, seed=1))
    assert lake.read(QUOTES, "ESH4", DAY).num_rows == 20


def test_a_conflict_is_noticed_even_over_equal_content(lake: Lake) -> None:
    put(lake, quotes(10))
    with _writer(lake) as first, _writer(lake) as second:
        for writer in (first, second):
            writer.write(quotes(10))
        first.publish()
        with pytest.raises(PublicationConflictError):
            second.publish()


def test_a_mark_changes_with_its_own_publication(lake: Lake) -> None:
    put(lake, quotes(10))
    put(lake, quotes(10), dt=NEXT_DAY)
    before = dict(lake.marks(QUOTES))
    assert dict(lake.marks(QUOTES)) == before
    put(lake, quotes(11), dt=NEXT_DAY)
    after = dict(lake.marks(QUOTES))
    assert list(after) == list(before) == list(lake.partitions(QUOTES))
    assert {key: lake.mark(*key) for key in after} == after
    assert lake.mark(QUOTES, "NQH4", DAY) is None
    assert [key.dt for key in after if after[key] != before[key]] == [NEXT_DAY]


def test_writers_of_other_partitions_do_not_meet(lake: Lake) -> None:
    with _writer(lake) as first:
        first.write(quotes(20))
        put(lake, quotes(30), dt=NEXT_DAY)
        put(lake, quotes(30), symbol="NQH4")
        first.publish()
    assert len(list(lake.partitions())) == 3


def test_many_writers_at_once_leave_one_winner(lake: Lake) -> None:
    outcomes: list[str] = []
    started = threading.Barrier(4)

    def write(seed: int) -> None:
        with _writer(lake) as writer:
            writer.write(quotes(20, seed=seed))
            writer.seal()
            started.wait()
            try:
                writer.publish()
                outcomes.append(f"won {seed}")
            except PublicationConflictError:
                outcomes.append("lost")

    _run([partial(write, seed) for seed in range(4)])
    assert outcomes.count("lost") == 3
    (winner,) = (int(text.split()[1]) for text in outcomes if text != "lost")
    assert plain(lake.read(QUOTES, "ESH4", DAY)) == plain(quotes(20, seed=winner))
    assert lake.status(QUOTES, "ESH4", DAY) is PartitionStatus.CURRENT


def test_readers_see_old_or_new_whole_while_it_is_replaced(replaceable: Lake) -> None:
    _race(replaceable)


def test_readers_of_a_store_see_old_or_new_whole_while_it_is_replaced(store_lake: Lake) -> None:
    _race(store_lake)


def test_readers_that_glob_see_exactly_one_file_while_it_is_exchanged(
    folder_lake: Lake, tmp_path: Path
) -> None:
    put(folder_lake, quotes(10))
    seen: list[int] = []
    done = threading.Event()

    def glob() -> None:
        while not done.is_set() or not seen:
            names = [entry.name for entry in folder_lake.file_system.entries(FOLDER)]
            seen.append(sum(name.startswith("part-") for name in names))

    def write() -> None:
        for seed in range(30):
            put(folder_lake, quotes(10, seed=seed))
        done.set()

    _run([glob, write])
    # A listing that began in the old folder may end after its removal, hence none; never two.
    assert set(seen) <= {0, 1}
    assert 1 in seen


def _race(lake: Lake) -> None:
    states = [plain(quotes(40, seed=seed)) for seed in range(2)]
    put(lake, quotes(40))
    done = threading.Event()
    reads: list[bool] = []

    def read() -> None:
        while not done.is_set() or not reads:
            reads.append(plain(lake.read(QUOTES, "ESH4", DAY)) in states)

    def write() -> None:
        try:
            for turn in range(1, 26):
                put(lake, quotes(40, seed=turn % 2))
        finally:
            done.set()

    _run([read, read, write])
    assert all(reads)


def _run(tasks: list[Callable[[], None]]) -> None:
    """Run the tasks in threads and raise what went wrong in any."""
    errors: list[BaseException] = []

    def guarded(task: Callable[[], None]) -> None:
        try:
            task()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_staging_of_a_dead_writer_is_cleaned_that_of_a_living_one_is_kept(
    folder_lake: Lake, tmp_path: Path
) -> None:
    table = tmp_path / "lake" / FOLDER.rpartition("/")[0]
    with _writer(folder_lake) as living:
        living.write(quotes(20))
        dead = table / ".staging-dt=2024-01-02-0123456789abcdef"
        (dead / "partition").mkdir(parents=True)
        (dead / ".lock").touch()
        other_day = table / ".staging-dt=2024-01-03-0123456789abcdef"
        other_day.mkdir()
        _writer(folder_lake).discard()
        assert not dead.exists()
        assert other_day.exists()
        living.publish()
    assert folder_lake.read(QUOTES, "ESH4", DAY).num_rows == 20


def test_a_lock_that_is_never_released_is_a_named_conflict(
    folder_lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = put(folder_lake, quotes(10))
    with _writer(folder_lake) as writer:
        writer.write(quotes(20))
        monkeypatch.setattr("spymaster_resources.lake.staging.LOCK_TIMEOUT_S", 0.01)
        lock = FileLock(tmp_path / "lake" / FOLDER.rpartition("/")[0] / ".lock")
        with lock, pytest.raises(PublicationConflictError, match="holds"):
            writer.publish()
    assert folder_lake.manifest(QUOTES, "ESH4", DAY) == before


def test_a_claim_of_a_dead_writer_expires(
    store_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_publication, "CLAIM_LEASE_S", 0.1)
    store_lake.file_system.put(f"{FOLDER}/.claim-dead", b"dead")
    put(store_lake, quotes(20))
    names = [entry.name for entry in store_lake.file_system.entries(FOLDER)]
    assert not [name for name in names if name.startswith(".claim-")]
    assert store_lake.status(QUOTES, "ESH4", DAY) is PartitionStatus.CURRENT


def test_a_claim_that_does_not_expire_is_a_named_conflict(
    store_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_publication, "CLAIM_TIMEOUT_S", 0.1)
    store_lake.file_system.put(f"{FOLDER}/.claim-living", b"living")
    with pytest.raises(PublicationConflictError, match=r"\.claim-living"):
        put(store_lake, quotes(20))
    assert store_lake.manifest(QUOTES, "ESH4", DAY) is None


def test_an_upload_that_another_publication_cleaned_up_is_repeated(
    store_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = StorePublisher._claim

    def clean_then_claim(publisher: StorePublisher) -> AbstractContextManager[None]:
        for entry in store_lake.file_system.entries(FOLDER):
            store_lake.file_system.delete(f"{FOLDER}/{entry.name}")
        return claim(publisher)

    monkeypatch.setattr(StorePublisher, "_claim", clean_then_claim)
    put(store_lake, quotes(20))
    assert plain(store_lake.read(QUOTES, "ESH4", DAY)) == plain(quotes(20))
