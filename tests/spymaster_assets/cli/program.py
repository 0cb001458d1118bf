"""Calls of the `spymaster` program in this process and in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import NamedTuple

import pytest

from spymaster_assets.cli import main
from spymaster_resources.settings import Settings


class Ended(NamedTuple):
    """How a call ended."""

    code: int
    out: str
    err: str


def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> Ended:
    """Run the program in this process."""
    monkeypatch.setattr(sys, "argv", ["spymaster", *arguments])
    monkeypatch.setenv("COLUMNS", "300")
    capsys.readouterr()
    try:
        main.main()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    return Ended(code, *capsys.readouterr())


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the variables that give `settings`."""
    return {
        "SPYMASTER_LAKE": settings.lake,
        "SPYMASTER_SESSION": str(settings.session or ""),
        "SPYMASTER_CALENDAR": settings.calendar or "",
    }


def start(
    environment: Mapping[str, str], *arguments: str, before: Callable[[], None] | None = None
) -> subprocess.Popen[str]:
    """Start the program in a process of its own; `before` runs in it first."""
    return subprocess.Popen(
        [sys.executable, "-m", "spymaster_assets.cli.main", *arguments],
        env={**os.environ, "COLUMNS": "300", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=before,
    )
