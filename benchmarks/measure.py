"""The peak memory of a process, for every benchmark."""

from __future__ import annotations

from pathlib import Path


def peak_mb() -> float:
    """Return the peak resident memory of this process in megabytes.

    From /proc, because ru_maxrss starts from what the parent process had before the exec.
    """
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise OSError("/proc/self/status has no VmHWM")
