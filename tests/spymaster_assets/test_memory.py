"""Memory that was freed goes back to the system."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

FREE_BELOW_A_LIVING_BLOCK = """
from pathlib import Path
import numpy as np
from spymaster_assets.memory import give_back

def resident_mb():
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024

blocks = [np.ones(12_500) for _ in range(2_000)]
del blocks[:-1]
before = resident_mb()
give_back()
print(before - resident_mb())
"""


def test_a_block_that_lives_does_not_keep_what_was_freed_below_it() -> None:
    if not Path("/proc/self/status").exists() or sys.platform != "linux":
        pytest.skip("resident memory is read from Linux's /proc")
    done = subprocess.run(
        [sys.executable, "-c", FREE_BELOW_A_LIVING_BLOCK],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) > 150
