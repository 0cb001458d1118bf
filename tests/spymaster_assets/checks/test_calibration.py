"""The label is held back for what breaks a rule, and for nothing else."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from spymaster_assets.checks.calibration import breaches


def horizon(horizon_s: int) -> dict[str, Any]:
    return {
        "horizon_s": horizon_s,
        "mean_confidence": 0.6,
        "calibration_error": 0.01,
        "monotonicity_p": 0.4,
        "coverage": {
            "50": {"estimate": 0.51, "low": 0.49, "high": 0.53},
            "90": {"estimate": 0.89, "low": 0.87, "high": 0.91},
        },
    }


GOOD = {"horizons": [horizon(h) for h in (1, 2, 5, 10, 20, 30)]}


def test_an_evaluation_that_keeps_the_rules_has_no_breach() -> None:
    assert breaches(GOOD) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("mean_confidence",), None, "5 s: too few moves"),
        (("mean_confidence",), 0.61, "rises from 0.6000 at 2 s to 0.6100 at 5 s"),
        (("monotonicity_p",), 0.002, "5 s: the hit rate falls as confidence rises"),
        (("coverage", "50"), {"estimate": 0.54, "low": 0.53, "high": 0.55}, "50 % band held 54.0"),
        (("coverage", "90"), {"estimate": 0.87, "low": 0.86, "high": 0.879}, "90 % band held 87.0"),
        (("coverage", "90"), {"estimate": 0.84, "low": 0.7, "high": 0.95}, "90 % band held 84.0"),
        (("coverage", "50"), {"estimate": 0.6, "low": None, "high": None}, "50 % band held 60.0"),
    ],
)
def test_each_breach_is_named(path: tuple[str, ...], value: object, said: str) -> None:
    evaluation: dict[str, Any] = copy.deepcopy(GOOD)
    place = evaluation["horizons"][2]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    (found,) = breaches(evaluation)
    assert said in found


@pytest.mark.parametrize(
    ("level", "found"),
    [
        ("50", {"estimate": 0.53, "low": 0.51, "high": 0.55}),  # the interval reaches 52 %
        ("90", {"estimate": 0.86, "low": 0.83, "high": 0.89}),
        ("90", {"estimate": None, "low": None, "high": None}),
    ],
)
def test_what_chance_explains_is_no_breach(level: str, found: dict[str, Any]) -> None:
    evaluation = copy.deepcopy(GOOD)
    evaluation["horizons"][2]["coverage"][level] = found
    assert breaches(evaluation) == []
