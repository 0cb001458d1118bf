"""The program as a whole: help with an example everywhere, a quick start, errors in one line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from spymaster_assets.cli import main

HEAVY = ("dagster", "numba", "numpy", "pyarrow", "duckdb", "databento", "starlette", "rich.table")


def commands(command: Any, path: str = "spymaster") -> Iterator[tuple[str, Any]]:
    """Yield every command below one of Typer's, which carries its own copy of click."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
    for name, each in (inner or {}).items():
        yield from commands(each, f"{path} {name}")


def test_every_command_shows_an_example_of_itself_and_tells_what_each_option_means() -> None:
    found = dict(commands(typer.main.get_command(main.app)))
    assert {"spymaster run", "spymaster lake verify", "spymaster calibrate fit"} < set(found)
    for name, command in found.items():
        text = " ".join((command.help or "").split())
        assert f"Example: {name} " in text, name
        for parameter in command.params:
            assert parameter.help, f"{name} {parameter.name}"


def test_help_starts_without_anything_heavy() -> None:
    program = (
        "import sys; from spymaster_assets.cli import main; "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert found.stdout.decode().strip() == "[]"


def test_version_is_the_installed_one(capsys: pytest.CaptureFixture[str]) -> None:
    from importlib.metadata import version

    with pytest.raises(SystemExit) as end:
        main.app(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out.strip() == version("spymaster")
