"""The published calibration: one JSON document with an entry for each root.

`calibration/physics_beta_gamma.json` is {root: entry}, and so is `…_eval.json`; a copy of each
entry is kept under `calibration/runs/<root>/<hash>/`. The hash is that of the entry's bytes, so the
same fit has the same name wherever and whenever it is made.

A fit belongs to a session window: constants of a busy morning say nothing of a quiet evening. It is
called calibrated only while the evaluation of that very fit stands and gave it the label.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from book_engines.dynamics import DEFAULT_PARAMETERS, Parameters
from book_engines.trust import Trust
from contracts.errors import ConfigurationError
from spymaster_assets.stages.trust_record import read_trust
from spymaster_resources.lake import Lake

FIT_DOCUMENT: Final = "calibration/physics_beta_gamma.json"
EVALUATION_DOCUMENT: Final = "calibration/physics_beta_gamma_eval.json"
CALIBRATED: Final = "calibrated"
UNCALIBRATED: Final = "uncalibrated"
_RUN_DIGITS: Final = 16

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Calibration:
    """The constants that a forecast is made with, and where they come from."""

    parameters: Parameters
    trust: Trust | None = None
    """None for the defaults: confidence and bands are then unknown."""
    uncalibrated_because: str | None = "nothing is fitted: default parameters"
    """Why forecasts are not called calibrated; None if they are."""
    sha256: str | None = None
    """The published entry; None for the defaults."""
    train_dates: tuple[date, ...] = ()
    held_out_dates: tuple[date, ...] = ()
    session: str | None = None
    """The session window that was fitted, as 09:30-12:30; None for the defaults."""

    @property
    def calibrated(self) -> bool:
        """Return whether forecasts may be called calibrated."""
        return self.uncalibrated_because is None

    def role(self, dt: date) -> str:
        """Return what `dt` was to the fit: train, held_out or unseen."""
        if dt in self.train_dates:
            return "train"
        return "held_out" if dt in self.held_out_dates else "unseen"


DEFAULTS: Final = Calibration(DEFAULT_PARAMETERS)
"""What forecasts are made with where nothing was fitted."""


def calibration_for(lake: Lake, root: str, session: str | None) -> Calibration:
    """Return the published calibration of `root` if it was fitted on `session`, else DEFAULTS.

    `session` is None where it is not known; raises as `published_calibration` does.
    """
    published = published_calibration(lake, root)
    return published if session is not None and published.session == session else DEFAULTS


def published_calibration(lake: Lake, root: str) -> Calibration:
    """Return the published calibration of `root`, DEFAULTS without one.

    Raises ConfigurationError when the document is not what was published.
    """
    entry = read_entry(lake, FIT_DOCUMENT, root)
    if entry is None:
        return DEFAULTS
    try:
        beta = entry["beta"]
        parameters = Parameters(
            beta_flow=float(beta["flow"]),
            beta_static=float(beta["static"]),
            beta_spring=float(beta["spring"]),
            gamma=float(entry["gamma"]),
            decay=float(entry["lambda"]),
            sigma_static=float(entry["sigma_static"]),
        )
        train, held_out = (
            tuple(date.fromisoformat(dt) for dt in entry[name])
            for name in ("train_dates", "held_out_dates")
        )
        trust, session = read_trust(entry), str(entry["session"])
    except (KeyError, TypeError, ValueError) as error:
        message = f"{FIT_DOCUMENT}, {root}: expected a calibration, found {error!r}; fit again"
        raise ConfigurationError(message) from error
    sha256 = entry_sha256(entry)
    why_not = _uncalibrated_because(read_entry(lake, EVALUATION_DOCUMENT, root), sha256)
    return Calibration(parameters, trust, why_not, sha256, train, held_out, session)


def constants_entry(parameters: Parameters) -> dict[str, Any]:
    """Return the constants as they are published."""
    return {
        "beta": {
            "flow": parameters.beta_flow,
            "static": parameters.beta_static,
            "spring": parameters.beta_spring,
        },
        "gamma": parameters.gamma,
        "lambda": parameters.decay,
        "sigma_static": parameters.sigma_static,
    }


def read_entry(lake: Lake, document: str, root: str) -> dict[str, Any] | None:
    """Return the entry of `root`, None when there is none.

    Raises ConfigurationError when the document is not a JSON object of objects.
    """
    entry = _roots(document, lake.document(document)).get(root)
    if entry is not None and not isinstance(entry, dict):
        raise ConfigurationError(f"{document}, {root}: expected an object, found {entry!r}")
    return entry


def entry_roots(lake: Lake, document: str) -> list[str]:
    """Return the roots that have an entry, sorted; raises as `read_entry` does."""
    return sorted(_roots(document, lake.document(document)))


def publish_entry(lake: Lake, document: str, root: str, entry: Entry) -> None:
    """Put `root`'s entry into the document in one step, after its copy of this run.

    Entries of other roots stay, also those that another process writes meanwhile.
    """
    name = document.rpartition("/")[2]
    lake.put_document(f"{_run_folder(root, entry)}/{name}", _content(entry))
    lake.update_document(
        document, lambda content: _content({**_roots(document, content), root: entry})
    )


def publish_plots(
    lake: Lake, document: str, root: str, entry: Entry, plots: Mapping[str, bytes]
) -> None:
    """Put PNG files by name beside the document, after their copies of this run."""
    stem = document.removesuffix(".json")
    for name, image in plots.items():
        lake.put_document(f"{_run_folder(root, entry)}/{name}.png", image)
        lake.put_document(f"{stem}.{root}.{name}.png", image)


def entry_sha256(entry: Entry) -> str:
    """Return the hash of an entry's bytes."""
    return hashlib.sha256(_content(entry)).hexdigest()


def _run_folder(root: str, entry: Entry) -> str:
    return f"calibration/runs/{root}/{entry_sha256(entry)[:_RUN_DIGITS]}"


def _uncalibrated_because(evaluation: Entry | None, fit_sha256: str) -> str | None:
    if evaluation is None or evaluation.get("calibration_sha256") != fit_sha256:
        return "the fit is not evaluated yet"
    if evaluation.get("label") == CALIBRATED:
        return None
    return "; ".join(map(str, evaluation.get("breaches", ()))) or "the evaluation gave no label"


def _content(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n").encode()


def _roots(document: str, content: bytes | None) -> dict[str, Any]:
    if content is None:
        return {}
    try:
        roots = json.loads(content)
    except ValueError as error:
        raise ConfigurationError(f"{document}: expected JSON, found {error}") from error
    if not isinstance(roots, dict):
        raise ConfigurationError(f"{document}: expected an object by root, found {roots!r}")
    return roots
