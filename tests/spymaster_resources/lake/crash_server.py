"""A program for the crash test: forks a writer for each line it reads and kills it at a step.

Usage: crash_server.py ROOT; each line `SEED STEP` publishes rows of SEED and sends SIGKILL to the
writer just before its STEP-th touch of the disk (-1: after the last). Answers `killed` or `done`.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from spymaster_resources.lake import Lake, hashing_sink, publication
from spymaster_resources.lake.exchange import exchange
from spymaster_resources.lake.hashing_sink import HashingSink
from tests.spymaster_resources.lake.tables import ROW_GROUP_ROWS, TABLES, put, quotes

ROWS = ROW_GROUP_ROWS + 2

# Python says what it is about to do to the disk through audit events; writes and the exchange,
# which have none, are wrapped.
_DISK_EVENTS = frozenset(
    {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.scandir", "shutil.rmtree"}
)


def _kill_at(step: int, root: str) -> None:
    steps = 0

    def count() -> None:
        nonlocal steps
        if steps == step:
            os.kill(os.getpid(), signal.SIGKILL)
        steps += 1

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _DISK_EVENTS and root in str(arguments[0]):
            count()

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            count()
            result = function(*arguments)
            count()
            return result

        return call

    sys.addaudithook(audit)
    hashing_sink.CHUNK_BYTES = 1  # type: ignore[misc]  # every write of Parquet's is a step
    HashingSink.write = counted(HashingSink.write)  # type: ignore[method-assign]
    publication.exchange = counted(exchange)  # type: ignore[attr-defined]


def main() -> None:
    """Serve crashes until the input ends."""
    root = sys.argv[1]
    with tempfile.TemporaryDirectory() as warm:
        put(Lake(warm, TABLES), quotes(ROWS))  # lazy imports happen once, not in every child
    for line in sys.stdin:
        seed, step = map(int, line.split())
        child = os.fork()
        if child == 0:
            _kill_at(step, root)
            put(Lake(root, TABLES), quotes(ROWS, seed=seed))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            answer = "killed"
        else:
            answer = "done" if os.WEXITSTATUS(status) == 0 else "failed"
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
