"""Why a check cannot compare."""

from __future__ import annotations


class UnavailableError(Exception):
    """What a check compares with is not in the lake, or no longer what was read."""
