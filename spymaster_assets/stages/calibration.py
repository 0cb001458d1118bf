"""Calibration: the forecast's constants fitted on training days, judged on held-out days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import numpy as np

from book_engines.baselines import fit_regression
from book_engines.bootstrap import LEVEL, block_seconds
from book_engines.calibration import fit
from book_engines.evaluation import HorizonResult, evaluate, join_scores, session_scores
from book_engines.obstacles import OPTIONS_WEIGHT
from book_engines.samples import (
    HORIZONS_S,
    REGRESSOR_NAMES,
    join_moments,
    session_moments,
)
from book_engines.trust import fit_trust, forecast_of
from contracts.errors import ConfigurationError
from contracts.registry import dataset
from spymaster_assets.checks.calibration import breaches
from spymaster_assets.stages import versions
from spymaster_assets.stages.calibration_record import (
    CALIBRATED,
    EVALUATION_DOCUMENT,
    FIT_DOCUMENT,
    UNCALIBRATED,
    constants_entry,
    entry_sha256,
    publish_entry,
    publish_plots,
    published_calibration,
    read_entry,
)
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.evaluation_plots import evaluation_plots
from spymaster_assets.stages.evaluation_record import bootstrap_entry, horizon_entry, interval_entry
from spymaster_assets.stages.sessions import (
    SessionRef,
    finished_sessions,
    read_session,
)
from spymaster_assets.stages.trust_record import trust_entry

CODE_VERSION: Final = versions.CALIBRATION

MINIMUM_SESSIONS: Final = 2  # one to fit, one to hold out
_HELD_OUT_SHARE: Final = 4  # every fourth day, rounded down, at least one


def split_sessions(
    ctx: StageContext, sessions: Sequence[SessionRef]
) -> tuple[Sequence[SessionRef], Sequence[SessionRef]]:
    """Return the sessions to fit on and those held out, the last quarter.

    Raises ConfigurationError with fewer than two.
    """
    if len(sessions) < MINIMUM_SESSIONS:
        raise ConfigurationError(
            f"calibration of {ctx.instrument.root}: expected gold of at least {MINIMUM_SESSIONS} "
            f"sessions {ctx.session}, one to fit and one to hold out, found {len(sessions)}; build "
            "more with `spymaster run`. Until then forecasts use the default parameters and are "
            "marked uncalibrated"
        )
    held_out_days = max(1, len(sessions) // _HELD_OUT_SHARE)
    return sessions[:-held_out_days], sessions[-held_out_days:]


def fit_calibration(ctx: StageContext, dates: Sequence[date] | None = None) -> dict[str, Any]:
    """Fit the dynamics of the instrument's root, publish the entry and return it.

    Without `dates` the last 20 sessions in gold are taken, of the context's session window only;
    the last quarter of the sessions is held out. Raises ConfigurationError, and writes nothing,
    with fewer than two sessions or without a second whose price moved; the lake's errors otherwise.
    """
    root = ctx.instrument.root
    sessions = finished_sessions(ctx, dates)
    train, held_out = split_sessions(ctx, sessions)
    block_s = block_seconds(len(train))
    # A session that is reduced to its forces takes about 1.5 MB: all of them stay in memory.
    days = [read_session(ctx, ref) for ref in train]
    moments = join_moments([session_moments(day, block_s=block_s) for day in days])
    try:
        found = fit(moments)
    except ValueError as error:
        raise ConfigurationError(f"calibration of {root}: {error}") from error
    regression = fit_regression(moments)
    entry = {
        **constants_entry(found.parameters),
        "product_type": ctx.instrument.product_type,
        "session": str(ctx.session),
        "options_weight": OPTIONS_WEIGHT if any(ref.options for ref in sessions) else 0.0,
        "intervals": {name: interval_entry(value) for name, value in found.intervals.items()},
        "interval_level": LEVEL,
        "bootstrap": bootstrap_entry(block_s, found.blocks, len(train)),
        "train_dates": [ref.dt.isoformat() for ref in train],
        "held_out_dates": [ref.dt.isoformat() for ref in held_out],
        "samples": {str(horizon): count for horizon, count in found.samples.items()},
        "regression": {
            str(horizon): dict(zip(REGRESSOR_NAMES, row.tolist(), strict=True))
            for horizon, row in zip(HORIZONS_S, regression, strict=True)
        },
        **trust_entry(fit_trust([day.forces for day in days], found.parameters)),
        **_lineage(sessions),
    }
    publish_entry(ctx.lake, FIT_DOCUMENT, root, entry)
    return entry


def evaluate_calibration(ctx: StageContext, dates: Sequence[date] | None = None) -> dict[str, Any]:
    """Judge the published calibration on days it has not seen, publish the entry and return it.

    Without `dates` the days that the fit held out are taken. Raises ConfigurationError, and writes
    nothing, without a calibration, without such a day in gold, or for a training day.
    """
    root = ctx.instrument.root
    fitted = read_entry(ctx.lake, FIT_DOCUMENT, root)
    calibration = published_calibration(ctx.lake, root)
    if fitted is None:
        message = "no calibration is published; run `spymaster calibrate fit` first"
        raise ConfigurationError(f"evaluation of {root}: {message}")
    if calibration.session != str(ctx.session):
        message = f"expected the session {ctx.session}, the fit is of {calibration.session}"
        raise ConfigurationError(f"evaluation of {root}: {message}; fit it first")
    chosen = calibration.held_out_dates if dates is None else dates
    if seen := sorted(set(chosen) & set(calibration.train_dates)):
        message = f"expected days that the fit has not seen, found training day {seen[0]}"
        raise ConfigurationError(f"evaluation of {root}: {message}")
    sessions = finished_sessions(ctx, chosen)
    if not sessions:
        message = f"no held-out session in gold among {', '.join(map(str, chosen))}"
        raise ConfigurationError(f"evaluation of {root}: {message}")
    regression = np.array(
        [[fitted["regression"][str(h)][name] for name in REGRESSOR_NAMES] for h in HORIZONS_S]
    )
    block_s = block_seconds(len(sessions))
    parts = []
    for ref in sessions:
        session = read_session(ctx, ref)
        said = forecast_of(session.forces, calibration.parameters, calibration.trust)
        parts.append(session_scores(session, said, regression, block_s=block_s))
    scores = join_scores(parts)
    results = evaluate(scores)
    entry = {
        "verdict": verdict(results),
        "calibration_sha256": entry_sha256(fitted),
        "session": fitted["session"],
        "train_dates": fitted["train_dates"],
        "held_out_dates": [ref.dt.isoformat() for ref in sessions],
        "interval_level": LEVEL,
        "bootstrap": bootstrap_entry(block_s, scores.sums.shape[0], len(sessions)),
        "horizons": [horizon_entry(result) for result in results],
        **_lineage(sessions),
    }
    found = breaches(entry)
    entry |= {"label": UNCALIBRATED if found else CALIBRATED, "breaches": found}
    publish_plots(ctx.lake, EVALUATION_DOCUMENT, root, entry, evaluation_plots(entry))
    publish_entry(ctx.lake, EVALUATION_DOCUMENT, root, entry)
    return entry


def verdict(results: Sequence[HorizonResult]) -> str:
    """Return one sentence that says where there is skill against zero change and where not."""
    by_verdict: dict[str, list[str]] = {}
    for result in results:
        by_verdict.setdefault(result.verdict, []).append(f"{result.horizon_s} s")
    parts = [f"{said} at {', '.join(horizons)}" for said, horizons in by_verdict.items()]
    return f"Against zero change on held-out days: {'; '.join(parts)}."


def _lineage(sessions: Sequence[SessionRef]) -> dict[str, Any]:
    return {
        "code_version": CODE_VERSION,
        "contracts": {
            key: {"version": contract.version, "sha256": contract.sha256}
            for key in sorted({ref.dataset for session in sessions for ref in session.inputs})
            for contract in [dataset(key).contract]
        },
        "lineage": [
            {
                "dataset": ref.dataset,
                "symbol": ref.symbol,
                "dt": ref.dt.isoformat() if ref.dt else None,
                "manifest_sha256": ref.manifest_sha256,
            }
            for session in sessions
            for ref in session.inputs
        ],
    }
