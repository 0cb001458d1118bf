"""The download command in a process of its own, that a test may kill at any moment."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

# The server imports everything once; each daemon is then a fork of it and at work at once.
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    ["databento", "spymaster_resources.dbn.stream", "spymaster_assets.cli.download", __name__]
)


def start(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> BaseProcess:
    """Return a started `spymaster download …`, working in `folder`."""
    process = _context.Process(target=_main, args=(list(arguments), folder, dict(environment)))
    process.start()
    return process


def _main(arguments: list[str], folder: Path, environment: dict[str, str]) -> None:
    os.environ |= environment
    os.chdir(folder)
    (folder / "output").mkdir(exist_ok=True)
    for stream, name in ((1, "stdout"), (2, "stderr")):
        target = os.open(folder / "output" / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(target, stream)
        os.close(target)
    from spymaster_assets.cli.download import app

    app(arguments)
