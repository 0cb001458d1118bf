"""Figures of an evaluation as JSON values; what is not a number is null."""

from __future__ import annotations

import math
from typing import Any

from book_engines.bootstrap import BLOCK_S, MINIMUM_DAYS, Interval
from book_engines.evaluation import HorizonResult
from spymaster_assets.stages.trust_record import level_name


def horizon_entry(result: HorizonResult) -> dict[str, Any]:
    """Return the figures of one horizon, as `physics_beta_gamma_eval.json` holds them."""
    trust = result.reliability
    return {
        "horizon_s": result.horizon_s,
        "samples": result.samples,
        "moved_share": _number(result.moved_share),
        "hit_rate": interval_entry(result.hit_rate),
        "skill": {name: interval_entry(value) for name, value in result.skill.items()},
        "regression_skill": interval_entry(result.regression_skill),
        "mean_squared_error": _number(result.mean_squared_error),
        "mean_absolute_error": _number(result.mean_absolute_error),
        "zero_mean_absolute_error": _number(result.zero_mean_absolute_error),
        "coverage": {
            level_name(level): interval_entry(value) for level, value in result.coverage.items()
        },
        "mean_confidence": _number(result.mean_confidence),
        "brier": interval_entry(trust.brier),
        "brier_of_base_rate": _number(trust.base_rate_brier),
        "calibration_error": _number(trust.calibration_error),
        "calibration_error_by_chance": _number(trust.calibration_error_by_chance),
        "monotonicity_p": _number(trust.monotonicity_p),
        "reliability": [pool._asdict() for pool in trust.table],
        "verdict": result.verdict,
    }


def interval_entry(value: Interval) -> dict[str, float | None]:
    """Return an estimate with its standard error and bounds."""
    return {name: _number(number) for name, number in value._asdict().items()}


def bootstrap_entry(block_s: int | None, blocks: int, days: int) -> dict[str, Any]:
    """Return what was resampled for the intervals, with a note where days were too few."""
    if block_s is None:
        return {"blocks": blocks, "block": "day"}
    return {
        "blocks": blocks,
        "block": f"{BLOCK_S} s",
        "note": f"{days} day(s) are too few to resample (at least {MINIMUM_DAYS}): blocks of time "
        "within the days stand in for them and do not show how days differ",
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
