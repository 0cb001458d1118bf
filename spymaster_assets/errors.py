"""The errors of Spymaster's own that end a step, a date or a command with one line."""

from __future__ import annotations

from typing import Final

from book_engines.errors import BookIntegrityError, QuoteIntegrityError, SurfaceInputError
from contracts.errors import SpymasterError

ACTIONABLE: Final = (
    SpymasterError,
    BookIntegrityError,
    QuoteIntegrityError,
    SurfaceInputError,
)
"""Errors of data and configuration: the same again until a person acts."""


def one_line(error: Exception) -> str:
    """Return the kind and the message of an error."""
    return f"{type(error).__name__}: {error}"
