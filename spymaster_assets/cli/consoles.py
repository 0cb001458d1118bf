"""Where tables for people are printed."""

from __future__ import annotations

from typing import Final

from rich.console import Console

_PIPE_WIDTH: Final = 160
"""A pipe or a log has no width: at rich's 80 columns names and sentences fold letter by letter."""


def table_console() -> Console:
    """Return a console on standard output: as wide as the terminal, wide where there is none."""
    console = Console()
    return console if console.is_terminal else Console(width=max(console.width, _PIPE_WIDTH))
