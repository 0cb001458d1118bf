"""What the manifests of a session's tables say of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from spymaster_resources.lake import Lake, Manifest
from spymaster_resources.scorecard import scorecard
from web.service.surfaces import Surface, datasets_of

FORMAT: Final = 2
"""Raise when frames or tiles of the same tables change: browsers keep tiles under `version`."""
_LARGEST_WHOLE: Final = 2**53 - 1


def manifests_of(lake: Lake, product_type: str, symbol: str, dt: date) -> dict[Surface, Manifest]:
    """Return the manifests of a session's published tables; raises LakeError."""
    found = {
        surface: lake.manifest(dataset, symbol, dt)
        for surface, dataset in datasets_of(product_type).items()
    }
    return {surface: manifest for surface, manifest in found.items() if manifest is not None}


def version_of(manifests: Mapping[Surface, Manifest]) -> str:
    """Return a name of the content that `manifests` describe, in the form in which it is sent."""
    digest = hashlib.sha256(f"format:{FORMAT}\n".encode())
    for surface in Surface:
        if surface in manifests:
            digest.update(f"{surface}:{manifests[surface].sha256}\n".encode())
    return digest.hexdigest()[:16]


def is_calibrated(manifests: Mapping[Surface, Manifest]) -> bool:
    """Return whether the forecast was made with fitted parameters that passed their checks."""
    forecast = manifests.get(Surface.FORECAST)
    return forecast is not None and forecast.parameters.get("calibrated") is True


def calibration_of(manifests: Mapping[Surface, Manifest]) -> dict[str, str | None] | None:
    """Return what the forecast says of its fit, None without a forecast.

    uncalibrated_because: why it may not be called calibrated, None if it may. role: what the day
    was to the fit (train, held_out or unseen). fit_sha256: the fit that the scorecard's
    `calibration_sha256` names too, None for default parameters.
    """
    forecast = manifests.get(Surface.FORECAST)
    if forecast is None:
        return None
    said = forecast.parameters
    return {
        "uncalibrated_because": said.get("uncalibrated_because"),
        "role": said.get("role_in_calibration"),
        "fit_sha256": said.get("calibration_sha256"),
    }


def scorecard_of(
    manifests: Mapping[Surface, Manifest], records: Manifest | None
) -> dict[str, dict[str, Any]]:
    """Return what was counted while the tables were made: by surface, and `records` of bronze.

    The counters of each table, and its scorecard by the names that all tables share.

    A number that a browser's JSON cannot hold, a time, is a decimal string.
    """
    named = {surface.value: manifest for surface, manifest in manifests.items()}
    if records is not None:
        named["records"] = records
    return {
        name: {
            counter: _held_by_json(value)
            for counter, value in {**manifest.counters, **scorecard(manifest)}.items()
        }
        for name, manifest in named.items()
    }


def _held_by_json(value: Any) -> Any:
    return str(value) if isinstance(value, int) and abs(value) > _LARGEST_WHOLE else value
