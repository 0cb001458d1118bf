"""A backfill from the UI: launched by partition names through the instance's GraphQL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HASH_SEEDS = ("0", "1", "2", "3")
"""With a silver that cannot be subset the launch fails under 1 and 3."""


@pytest.mark.slow
def test_backfill_is_accepted_whatever_order_the_hashes_give(tmp_path: Path) -> None:
    """Dagster refuses a non-subsettable multi-asset behind two paths in half of all processes."""
    command = [sys.executable, "-m", "tests.spymaster_assets.launch_backfill"]
    environment = {**os.environ, "SPYMASTER_LAKE": str(tmp_path)}
    launched = [
        subprocess.Popen(
            [*command, "2026-01-05", "2026-01-06"],
            env={**environment, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in HASH_SEEDS
    ]
    for process in launched:
        answer, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        assert json.loads(answer)["__typename"] == "LaunchBackfillSuccess", answer
