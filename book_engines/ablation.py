"""Ablation: what each part of the model adds to its skill on days that it was not fitted on.

A variant is the model without one part, or with that part made otherwise; it is fitted anew on the
same training days, so that the other parts may take over what they can. Its contribution is the
skill that goes with it,

    contribution_h = (Σ(move − variant)² − Σ(move − whole model)²) / Σ move²

the difference of both skills against zero change, over the same held-out seconds, with a paired
block bootstrap: what both models share does not widen the interval.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from book_engines.baselines import fit_regression
from book_engines.bootstrap import Interval, block_counts, interval, share
from book_engines.calibration import Space, horizon_weights, search
from book_engines.dynamics import Parameters
from book_engines.evaluation import (
    BASELINE_SQUARED,
    BASELINES,
    MODEL_SQUARED,
    join_scores,
    session_scores,
)
from book_engines.forces import Forces
from book_engines.samples import HORIZONS_S, Session, join_moments, session_moments
from book_engines.trust import forecast_of

FloatArray = npt.NDArray[np.float64]

_ZERO: Final = BASELINE_SQUARED + BASELINES.index("zero_change")
_REGRESSION: Final = BASELINE_SQUARED + BASELINES.index("regression")


class Variant(NamedTuple):
    """Hold one way to make the model otherwise: other forces, another space of constants."""

    alter: Callable[[Forces], Forces]
    space: Space = Space()


class Effect(NamedTuple):
    """Hold what a variant reaches at one horizon, and what the whole model reaches beyond it."""

    horizon_s: int
    skill: Interval
    contribution: Interval

    @property
    def verdict(self) -> str:
        """Say whether the part earns its place at this horizon."""
        if not np.isfinite(self.contribution.low):
            return "not measurable"
        if self.contribution.low > 0.0:
            return "earns its place"
        return "does harm" if self.contribution.high < 0.0 else "no difference shown"


class Outcome(NamedTuple):
    """Hold a variant's constants (None for the regression) and its effects by horizon."""

    parameters: Parameters | None
    effects: list[Effect]


def unaltered(forces: Forces) -> Forces:
    """Return the forces as they are."""
    return forces


def _without_flow(forces: Forces) -> Forces:
    return forces._replace(flow=np.zeros_like(forces.flow))


def _without_static(forces: Forces) -> Forces:
    return forces._replace(static=np.zeros_like(forces.static))


def _without_spring(forces: Forces) -> Forces:
    return forces._replace(spring=np.zeros_like(forces.spring))


def _without_viscosity(forces: Forces) -> Forces:
    return forces._replace(viscosity=np.zeros_like(forces.viscosity))


WHOLE: Final = Variant(unaltered)
PARTS: Final = {
    "without flow": Variant(_without_flow),
    "without static force": Variant(_without_static),
    "without spring": Variant(_without_spring),
    "without viscosity": Variant(_without_viscosity),
    "without velocity (gamma 1)": Variant(unaltered, Space(persistence=(0.0, 0.0))),
    "without decay (lambda 1)": Variant(unaltered, Space(decay=(1.0, 1.0))),
}
"""Variants of the same forces. Those that need other fields of the surface are the caller's."""


def squared_errors(
    train: Sequence[Session],
    held_out: Sequence[Session],
    variant: Variant,
    *,
    block_s: int | None = None,
) -> tuple[Parameters, FloatArray]:
    """Fit `variant` on `train`; return its constants and sums on `held_out`, (blocks, H, SCORES).

    Raises ValueError where no price moved on the training days.
    """
    altered = [day._replace(forces=variant.alter(day.forces)) for day in train]
    moments = join_moments([session_moments(day) for day in altered])
    total = moments.total()
    weights = horizon_weights(total)
    if not weights.any():
        raise ValueError("the training seconds hold no sample whose price moved")
    parameters = search(total, weights, moments.horizons, variant.space)
    regression = fit_regression(moments)
    parts = []
    for day in held_out:
        other = day._replace(forces=variant.alter(day.forces))
        said = forecast_of(other.forces, parameters, None)
        parts.append(session_scores(other, said, regression, block_s=block_s))
    return parameters, join_scores(parts).sums


def effects(sums: FloatArray, whole: FloatArray, column: int = MODEL_SQUARED) -> list[Effect]:
    """Return the effects of a variant with the scores `sums` against those of the whole model.

    `column` is what the variant's squared errors are taken from.
    """
    blocks = sums.shape[0]
    counts = block_counts(blocks).astype(np.float64)
    found = []
    for h, horizon in enumerate(HORIZONS_S):
        columns = np.stack([sums[:, h, column], whole[:, h, MODEL_SQUARED], whole[:, h, _ZERO]])
        total, drawn = columns.sum(axis=1), columns @ counts.T

        def skill(of: FloatArray) -> FloatArray:
            return share(of[2] - of[0], of[2])

        def contribution(of: FloatArray) -> FloatArray:
            return share(of[0] - of[1], of[2])

        found.append(
            Effect(
                horizon,
                interval(float(skill(total)), skill(drawn), blocks),
                interval(float(contribution(total)), contribution(drawn), blocks),
            )
        )
    return found


def regression_effects(whole: FloatArray) -> list[Effect]:
    """Return what the regression reaches, and what the whole model reaches beyond it."""
    return effects(whole, whole, _REGRESSION)
