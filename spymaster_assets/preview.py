"""Features of Dagster that it calls preview or beta; the version pin holds their behaviour."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg


@contextmanager
def preview_features() -> Iterator[None]:
    """Use preview and beta features knowingly, without their warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        warnings.simplefilter("ignore", dg.BetaWarning)
        yield
