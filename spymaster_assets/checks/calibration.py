"""The rules that an evaluation must keep before forecasts are called calibrated.

Numbers are published either way; only the label depends on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from spymaster_assets.checks.check import Check, Finding, Outcome

EXPECTATION: Final = (
    "on held-out days the bands hold their share of moves, the hit rate does not fall with "
    "confidence, and the mean confidence does not rise with the horizon"
)
LABEL_CHECK: Final = "may_be_called_calibrated"
COVERAGE_TOLERANCE: Final = 0.02
"""Points that coverage may be off, beyond its interval."""
COVERAGE_LIMIT: Final = 0.05
"""Points that coverage may be off, however wide its interval."""
FALSE_ALARM: Final = 0.05
"""Chance that a forecast with a true order at every horizon breaks the rule of monotonicity."""

Horizon = Mapping[str, Any]


def label_outcome(document: str, evaluation: Mapping[str, Any]) -> Outcome:
    """Return what the rules say of an entry; red holds nothing back but the label."""
    found = breaches(evaluation)
    finding = Finding(len(found), "; ".join(found), [{"breach": each} for each in found])
    check = Check(LABEL_CHECK, document, EXPECTATION, lambda _: finding, blocking=False)
    return Outcome(check, finding)


def breaches(evaluation: Mapping[str, Any]) -> list[str]:
    """Return what an entry of `physics_beta_gamma_eval.json` breaks, in plain words."""
    horizons: Sequence[Horizon] = evaluation["horizons"]
    return [
        *(said for row in horizons for said in _unmeasured(row)),
        *(said for row in horizons for said in _coverage(row)),
        *(said for row in horizons for said in _order(row, FALSE_ALARM / len(horizons))),
        *_rising(horizons),
    ]


def _unmeasured(row: Horizon) -> Iterator[str]:
    if row["mean_confidence"] is None or row["calibration_error"] is None:
        yield f"{row['horizon_s']} s: too few moves to judge a confidence"


def _coverage(row: Horizon) -> Iterator[str]:
    for name, found in row["coverage"].items():
        estimate, nominal = found["estimate"], float(name) / 100.0
        if estimate is None:
            continue
        low, high = (estimate if found[b] is None else found[b] for b in ("low", "high"))
        off = low > nominal + COVERAGE_TOLERANCE or high < nominal - COVERAGE_TOLERANCE
        if off or abs(estimate - nominal) > COVERAGE_LIMIT:
            yield f"{row['horizon_s']} s: the {name} % band held {100 * estimate:.1f} % of moves"


def _order(row: Horizon, significance: float) -> Iterator[str]:
    p = row["monotonicity_p"]
    if p is not None and p < significance:
        yield f"{row['horizon_s']} s: the hit rate falls as confidence rises (p = {p:.4f})"


def _rising(horizons: Sequence[Horizon]) -> Iterator[str]:
    known = [row for row in horizons if row["mean_confidence"] is not None]
    for shorter, longer in pairwise(known):
        if longer["mean_confidence"] > shorter["mean_confidence"] + 1e-12:
            yield (
                f"the mean confidence rises from {shorter['mean_confidence']:.4f} at "
                f"{shorter['horizon_s']} s to {longer['mean_confidence']:.4f} at "
                f"{longer['horizon_s']} s"
            )
