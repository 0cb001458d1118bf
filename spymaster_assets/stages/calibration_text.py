"""What a fit and its evaluation say to a person, and the numbers that plot well over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spymaster_assets.stages.calibration_record import CALIBRATED

Entry = Mapping[str, Any]
Numbers = dict[str, int | float | str]


def fit_text(fit: Entry) -> str:
    """Return what was fitted, and on what."""
    beta = fit["beta"]
    return (
        f"beta flow {beta['flow']:.4f}, static {beta['static']:.4f}, spring {beta['spring']:.4f}; "
        f"gamma {fit['gamma']:.3f}, lambda {fit['lambda']:.3f}, sigma {fit['sigma_static']:g}; "
        f"{len(fit['train_dates'])} training and "
        f"{len(fit['held_out_dates'])} held-out sessions."
    )


def fit_numbers(fit: Entry) -> Numbers:
    """Return the constants by name."""
    numbers: Numbers = {f"beta_{name}": value for name, value in fit["beta"].items()}
    for name in ("gamma", "lambda", "sigma_static"):
        numbers[name] = fit[name]
    numbers["train_sessions"] = len(fit["train_dates"])
    numbers["held_out_sessions"] = len(fit["held_out_dates"])
    return numbers


def evaluation_text(evaluation: Entry) -> str:
    """Return where there is skill, and whether forecasts may be called calibrated."""
    return f"{evaluation['verdict']} {label_sentence(evaluation)}"


def evaluation_numbers(evaluation: Entry) -> Numbers:
    """Return skill, calibration error and Brier score by horizon, where they are known."""
    numbers: Numbers = {"label": evaluation["label"], "verdict": evaluation["verdict"]}
    for row in evaluation["horizons"]:
        found = {
            "skill": row["skill"]["zero_change"]["estimate"],
            "skill_against_regression": row["skill"]["regression"]["estimate"],
            "calibration_error": row["calibration_error"],
            "brier": row["brier"]["estimate"],
        }
        numbers |= {
            f"{name}_{row['horizon_s']}s": value
            for name, value in found.items()
            if value is not None
        }
    return numbers


def label_sentence(evaluation: Entry) -> str:
    """Return whether forecasts may be called calibrated, and if not why."""
    if evaluation["label"] == CALIBRATED:
        return "Calibrated: confidence and bands held on the held-out days."
    return f"Uncalibrated: {'; '.join(evaluation['breaches'])}."
