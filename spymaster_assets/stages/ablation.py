"""Ablation: what each part of the forecast adds on sessions that it was not fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from book_engines.ablation import (
    PARTS,
    WHOLE,
    Outcome,
    Variant,
    effects,
    regression_effects,
    squared_errors,
    unaltered,
)
from book_engines.bootstrap import LEVEL, block_seconds
from book_engines.calibration import Space
from book_engines.forces import STATIC_SIGMAS, Kernels
from book_engines.samples import Session
from contracts.errors import ConfigurationError
from spymaster_assets.stages.calibration import split_sessions
from spymaster_assets.stages.calibration_record import constants_entry
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.evaluation_record import bootstrap_entry, interval_entry
from spymaster_assets.stages.fields import Reading
from spymaster_assets.stages.sessions import SessionRef, finished_sessions, read_session_by

WHOLE_MODEL: Final = "whole model"
REGRESSION: Final = "regression instead"

_SPECIFIED: Final = Reading()
_WITHOUT_OPTIONS: Final = "without options"
_READINGS: Final = {
    "without persistence weighting": Reading(u_p="u_ema_8"),
    _WITHOUT_OPTIONS: Reading(with_options=False),
    **{f"flow kernel sigma {s:g}": Reading(Kernels(flow_sigma=s)) for s in (3.0, 6.0, 24.0)},
    **{f"viscosity kernel sigma {s:g}": Reading(Kernels(viscosity_sigma=s)) for s in (3.0, 12.0)},
}
"""Variants that need another pass over the surface's columns."""
_STATIC_KERNELS: Final = {
    f"static kernel sigma {s:g}": Variant(unaltered, Space(sigmas=(s,))) for s in STATIC_SIGMAS
}


def ablate(
    ctx: StageContext, dates: Sequence[date] | None = None, *, halves: bool = False
) -> dict[str, Any]:
    """Return what every variant of the model reaches and what the whole model reaches beyond it.

    Sessions are split as the fit splits them; with `halves` each session is cut in two, fitted on
    its first half and judged on its second, so that one session is enough. Nothing is published.
    Raises ConfigurationError with too few sessions or where no price moved, and the lake's errors.
    """
    root = ctx.instrument.root
    refs = finished_sessions(ctx, dates)
    train_refs, held_out_refs = (refs, refs) if halves else split_sessions(ctx, refs)
    if not refs:
        raise ConfigurationError(f"ablation of {root}: found no session {ctx.session} in gold")
    readings = {WHOLE_MODEL: _SPECIFIED, **_READINGS}
    if not any(ref.options for ref in refs):
        del readings[_WITHOUT_OPTIONS]
    train = _read(ctx, train_refs, readings)
    held_out = train if halves else _read(ctx, held_out_refs, readings)
    if halves:
        train = {name: [_half(day, 0) for day in days] for name, days in train.items()}
        held_out = {name: [_half(day, 1) for day in days] for name, days in held_out.items()}
    block_s = block_seconds(len(held_out_refs))

    def judged(reading: str, variant: Variant) -> Any:
        return squared_errors(train[reading], held_out[reading], variant, block_s=block_s)

    try:
        constants, whole = judged(WHOLE_MODEL, WHOLE)
        outcomes = {
            WHOLE_MODEL: Outcome(constants, effects(whole, whole)),
            REGRESSION: Outcome(None, regression_effects(whole)),
        }
        others = [(name, WHOLE_MODEL, variant) for name, variant in PARTS.items()]
        others += [(name, name, WHOLE) for name in readings if name != WHOLE_MODEL]
        others += [(name, WHOLE_MODEL, variant) for name, variant in _STATIC_KERNELS.items()]
        for name, reading, variant in others:
            constants, sums = judged(reading, variant)
            outcomes[name] = Outcome(constants, effects(sums, whole))
    except ValueError as error:
        raise ConfigurationError(f"ablation of {root}: {error}") from error
    return {
        "symbol": root,
        "product_type": ctx.instrument.product_type,
        "session": str(ctx.session),
        "split": "halves of each session" if halves else "sessions",
        "train_dates": [ref.dt.isoformat() for ref in train_refs],
        "held_out_dates": [ref.dt.isoformat() for ref in held_out_refs],
        "interval_level": LEVEL,
        "bootstrap": bootstrap_entry(block_s, whole.shape[0], len(held_out_refs)),
        "variants": [_entry(name, outcome) for name, outcome in outcomes.items()],
    }


def _read(
    ctx: StageContext, refs: Sequence[SessionRef], readings: dict[str, Reading]
) -> dict[str, list[Session]]:
    """Return the sessions by reading, each session read once."""
    days = [read_session_by(ctx, ref, list(readings.values())) for ref in refs]
    return {name: [day[k] for day in days] for k, name in enumerate(readings)}


def _half(session: Session, which: int) -> Session:
    """Return one half; moves that would end in the other half are unknown in it."""
    middle = session.queue.size // 2
    return session.rows(which * middle, (which + 1) * middle)


def _entry(name: str, outcome: Outcome) -> dict[str, Any]:
    parameters = outcome.parameters
    return {
        "name": name,
        "constants": None if parameters is None else constants_entry(parameters),
        "horizons": [
            {
                "horizon_s": effect.horizon_s,
                "skill": interval_entry(effect.skill),
                "contribution": interval_entry(effect.contribution),
                "verdict": effect.verdict,
            }
            for effect in outcome.effects
        ],
    }
