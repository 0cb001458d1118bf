"""The scorecard of a partition: what quality counted while it was made, by names that all share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from spymaster_resources.lake import Manifest

_COPIED: Final = (
    "valid_share",
    "gaps",
    "longest_gap_s",
    "crossed_seconds",
    "crossed_quotes",
    "late_records",
)
_UNKNOWN_IDS: Final = ("unknown_cancels", "unknown_modifies", "fills_unknown_order")
_REJECTED: Final = "rejected_"
_FLAG: Final = "flag_"


def scorecard(manifest: Manifest) -> dict[str, int | float]:
    """Return valid share, gaps, crossed seconds, unknown ids, late records, rejects and flags.

    Only what was counted for the partition's table: a key that is missing is no zero.
    """
    counted: Mapping[str, int | float] = {
        name: value for name, value in manifest.counters.items() if isinstance(value, int | float)
    }
    found = {name: counted[name] for name in _COPIED if name in counted}
    if counted.get("windows") and "valid_windows" in counted:
        found["valid_share"] = counted["valid_windows"] / counted["windows"]
    unknown = [counted[name] for name in _UNKNOWN_IDS if name in counted]
    if unknown:
        found["unknown_ids"] = sum(unknown)
    rejected = [value for name, value in counted.items() if name.startswith(_REJECTED)]
    if rejected:
        found["rejects"] = sum(rejected)
    return found | {name: v for name, v in counted.items() if name.startswith(_FLAG)}
