"""Memory that was freed, given back to the system."""

from __future__ import annotations

import ctypes

import pyarrow as pa


def give_back() -> None:
    """Give memory that is free back to the system.

    Arrow's pool and malloc keep what a stage used for the stage's next call. A database that comes
    after it brings memory of its own, and the process would need both at once.
    """
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # the GNU library's alone
    if trim is not None:
        trim(0)
