"""The folder in which a partition is written before anyone can see it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from spymaster_resources.lake.filesystem import make_folder, remove_tree
from spymaster_resources.lake.layout import LOCK_NAME, STAGING_PREFIX

# A lock is held for a comparison and a rename; a minute means that its holder is stopped.
LOCK_TIMEOUT_S: Final = 60.0


class Staging:
    """A folder `.staging-<label>-<token>` with a lock that lives as long as its writer.

    `partition` holds the files to be published. A killed writer leaves the folder without its
    lock: `create` and `clean` remove such leftovers, never the folder of a living writer.
    """

    def __init__(self, folder: Path, lock: FileLock) -> None:
        self.folder = folder
        self.partition = folder / "partition"
        self._lock = lock

    @classmethod
    def create(cls, parent: Path, label: str) -> Staging:
        """Clean up after dead writers of `label` in `parent` and return a new staging folder."""
        make_folder(parent)
        with folder_lock(parent):
            clean(parent, label)
            folder = parent / f"{STAGING_PREFIX}{label}-{secrets.token_hex(8)}"
            folder.mkdir()
            lock = FileLock(folder / LOCK_NAME, thread_local=False)
            lock.acquire(timeout=LOCK_TIMEOUT_S)
            staging = cls(folder, lock)
            staging.partition.mkdir()
        return staging

    def discard(self) -> None:
        """Remove the folder with everything in it."""
        remove_tree(self.partition)
        remove_tree(self.folder)
        self._lock.release()


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder` against other processes and threads; raises filelock.Timeout."""
    with FileLock(folder / LOCK_NAME, timeout=LOCK_TIMEOUT_S, thread_local=False):
        yield


def leftovers(parent: Path, label: str | None = None) -> list[Path]:
    """Return the staging folders in `parent` whose writer is dead."""
    pattern = f"{STAGING_PREFIX}{label}-*" if label is not None else f"{STAGING_PREFIX}*"
    return [folder for folder in sorted(parent.glob(pattern)) if _is_abandoned(folder)]


def clean(parent: Path, label: str) -> None:
    """Remove what dead writers of `label` left in `parent`; hold the folder's lock."""
    for folder in leftovers(parent, label):
        remove_tree(folder)


def _is_abandoned(folder: Path) -> bool:
    if not (folder / LOCK_NAME).exists():
        return True
    lock = FileLock(folder / LOCK_NAME, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    except FileNotFoundError:
        return True
    lock.release()
    return True
