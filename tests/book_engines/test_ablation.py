"""The ablation credits the parts that a planted market has, and only those."""

from __future__ import annotations

import numpy as np
import pytest

from book_engines.ablation import (
    PARTS,
    WHOLE,
    Effect,
    Variant,
    effects,
    regression_effects,
    squared_errors,
    unaltered,
)
from book_engines.calibration import Space
from book_engines.dynamics import Parameters
from book_engines.evaluation import BASELINE_SQUARED, MODEL_SQUARED
from book_engines.samples import Session
from tests.book_engines.planted import planted_session

# A market without a static force and with a strong inertia.
TRUTH = Parameters(1.2, 0.0, 0.6, gamma=0.6, decay=0.7, sigma_static=1.0)


@pytest.fixture(scope="module")
def train() -> list[Session]:
    return [planted_session(seed, TRUTH, 2_500) for seed in range(3)]


@pytest.fixture(scope="module")
def held_out() -> list[Session]:
    return [planted_session(seed, TRUTH, 2_500) for seed in range(10, 13)]


def effects_of(name: str, train: list[Session], held_out: list[Session]) -> list[Effect]:
    _, whole = squared_errors(train, held_out, WHOLE, block_s=300)
    _, other = squared_errors(train, held_out, PARTS[name], block_s=300)
    return effects(other, whole)


@pytest.mark.parametrize(
    "name",
    [
        "without flow",
        "without spring",
        "without velocity (gamma 1)",
        "without viscosity",
        "without decay (lambda 1)",
    ],
)
def test_parts_that_the_market_has_earn_their_place(
    name: str, train: list[Session], held_out: list[Session]
) -> None:
    first = effects_of(name, train, held_out)[1]
    assert first.verdict == "earns its place"
    assert first.contribution.estimate > 0.003


def test_a_part_that_the_market_has_not_adds_nothing(
    train: list[Session], held_out: list[Session]
) -> None:
    for effect in effects_of("without static force", train, held_out):
        assert abs(effect.contribution.estimate) < 0.003
        assert effect.verdict != "earns its place"


def test_the_whole_model_adds_nothing_to_itself(
    train: list[Session], held_out: list[Session]
) -> None:
    parameters, sums = squared_errors(train, held_out, WHOLE, block_s=300)
    assert parameters.beta_flow == pytest.approx(TRUTH.beta_flow, abs=0.1)
    for effect in effects(sums, sums):
        assert effect.contribution == (0.0, 0.0, 0.0, 0.0)
        assert effect.verdict == "no difference shown"


def test_contributions_are_differences_of_skill(
    train: list[Session], held_out: list[Session]
) -> None:
    _, whole = squared_errors(train, held_out, WHOLE, block_s=300)
    found = regression_effects(whole)
    for h, effect in enumerate(found):
        model, zero, _, regression = whole[:, h, MODEL_SQUARED : BASELINE_SQUARED + 3].sum(axis=0)
        assert effect.skill.estimate == pytest.approx(1 - regression / zero)
        assert effect.contribution.estimate == pytest.approx((regression - model) / zero)


def test_a_fixed_constant_stays_where_it_is_fixed(
    train: list[Session], held_out: list[Session]
) -> None:
    fixed = Space(persistence=(0.0, 0.0), decay=(1.0, 1.0), sigmas=(4.0,))
    parameters, _ = squared_errors(train, held_out, Variant(unaltered, fixed))
    assert (parameters.gamma, parameters.decay, parameters.sigma_static) == (1.0, 1.0, 4.0)


def test_days_without_a_move_cannot_be_fitted(held_out: list[Session]) -> None:
    still = planted_session(1, TRUTH, 100)
    still.forces.mid_tick[:] = 20_000.0
    with pytest.raises(ValueError, match="no sample whose price moved"):
        squared_errors([still], held_out, WHOLE)
    nothing = np.zeros((3, *squared_errors([held_out[0]], [still], WHOLE)[1].shape[1:]))
    assert effects(nothing, nothing)[0].verdict == "not measurable"
