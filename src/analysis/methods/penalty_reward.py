"""Penalty and reward: does failing hurt more than excelling pleases (Brandt 1987)?

The outcome is regressed on two indicators for each attribute, scored low and scored high, against
the middle. An attribute that hurts when it fails and earns little when it excels is basic; the
other way round it is an excitement; one that does both is a matter of performance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable
from analysis.methods.intervals import from_standard_error, holm, p_value_t
from analysis.methods.regression import Floats, Ints, LeastSquares, fit_least_squares

Kind = Literal["basic", "performance", "excitement", "indistinguishable"]
FEWEST_PER_STEP = 8
SIGNIFICANCE = 0.05
METHOD = "least squares on low and high, clustered by customer"


@dataclass(frozen=True, slots=True)
class PenaltyReward:
    """An attribute's two sides, in units of the outcome.

    penalty: the outcome at middle scores less that at low ones. reward: the outcome at high scores
    less that at middle ones. asymmetry: reward less penalty. p_values: of penalty, reward and
    asymmetry; Holm's over all attributes, each of the three a family.
    low, middle, high: customers with such a score.
    """

    name: str
    penalty: Estimate
    reward: Estimate
    asymmetry: Estimate
    adjusted_p_values: tuple[float, float, float]
    kind: Kind
    low: int
    middle: int
    high: int


@dataclass(frozen=True, slots=True)
class PenaltyRewardStudy:
    """Attributes in the order given; unavailable: (name, reason). rows_left_out: with gaps."""

    attributes: tuple[PenaltyReward, ...]
    unavailable: tuple[tuple[str, NotEstimable], ...]
    rows: int
    rows_left_out: int


def penalty_reward(
    outcome: Floats,
    scores: Floats,
    names: tuple[str, ...],
    low_to: float,
    high_from: float,
    customers: Ints | None = None,
    controls: Floats | None = None,
    unit: str = "points",
) -> PenaltyRewardStudy:
    """Penalty, reward and their difference for each attribute, the others held equal.

    outcome: n. scores: n × p, answers on one scale: low up to `low_to`, high from `high_from` on,
    middle between. customers: codes of whom rows belong to. controls: n × c, held equal too.
    An attribute with fewer than eight customers low, middle or high is left out with its reason.
    Raises CannotEstimate where none is left or columns determine each other.
    """
    if low_to >= high_from:
        raise ValueError("low scores must end below where high ones begin")
    outcome, scores = np.asarray(outcome, dtype=float), np.asarray(scores, dtype=float)
    whole = np.isfinite(outcome) & np.isfinite(scores).all(axis=1)
    if controls is not None:
        whole &= np.isfinite(controls).all(axis=1)
    who = np.arange(len(outcome)) if customers is None else np.asarray(customers)
    codes = np.unique(who[whole], return_inverse=True)[1]
    low, high = scores[whole] <= low_to, scores[whole] >= high_from
    steps = [
        tuple(len(np.unique(codes[part[:, j]])) for part in (low, ~(low | high), high))
        for j in range(len(names))
    ]
    used = [j for j, counts in enumerate(steps) if min(counts) >= FEWEST_PER_STEP]
    unavailable = tuple(
        (names[j], NotEstimable(_reason(names[j], counts)))
        for j, counts in enumerate(steps)
        if j not in used
    )
    if not used:
        raise CannotEstimate(
            "No attribute has enough customers with low, middle and high scores to compare."
        )
    columns = [np.ones(len(codes))]
    labels = ["(constant)"]
    for j in used:
        columns += [low[:, j].astype(float), high[:, j].astype(float)]
        labels += [f"Low scores for {names[j]}", f"High scores for {names[j]}"]
    design = np.column_stack(columns)
    if controls is not None and controls.shape[1]:
        held = np.asarray(controls, dtype=float)[whole]
        design = np.column_stack([design, held])
        labels += [f"Control {c + 1}" for c in range(held.shape[1])]
    fit = fit_least_squares(outcome[whole], design, tuple(labels), "cluster", codes)
    found = [
        _attribute(fit, 1 + 2 * place, names[j], steps[j], unit) for place, j in enumerate(used)
    ]
    return PenaltyRewardStudy(_classified(found), unavailable, len(codes), int((~whole).sum()))


def _reason(name: str, counts: tuple[int, ...]) -> str:
    step = ("low", "middle", "high")[int(np.argmin(counts))]
    return f"Fewer than {FEWEST_PER_STEP} customers gave {name} a {step} score."


def _attribute(
    fit: LeastSquares, first: int, name: str, counts: tuple[int, ...], unit: str
) -> PenaltyReward:
    """Three contrasts of the two coefficients; p-values still those of each alone."""
    estimates, p_values = [], []
    for low_weight, high_weight in ((-1.0, 0.0), (0.0, 1.0), (1.0, 1.0)):
        contrast = np.zeros(len(fit.coefficients))
        contrast[first], contrast[first + 1] = low_weight, high_weight
        value = float(contrast @ fit.coefficients)
        error = float(np.sqrt(contrast @ fit.covariance @ contrast))
        degrees = fit.degrees_of_freedom
        estimates.append(from_standard_error(value, error, unit, fit.clusters, METHOD, degrees))
        p_values.append(p_value_t(value / error, degrees) if error else float(value == 0))
    penalty, reward, asymmetry = estimates
    low, middle, high = counts
    return PenaltyReward(
        name, penalty, reward, asymmetry, (p_values[0], p_values[1], p_values[2]),
        "indistinguishable", low, middle, high,
    )  # fmt: skip


def _classified(found: list[PenaltyReward]) -> tuple[PenaltyReward, ...]:
    adjusted = np.column_stack(
        [holm([one.adjusted_p_values[k] for one in found]) for k in range(3)]
    )
    return tuple(
        replace(one, adjusted_p_values=(float(p[0]), float(p[1]), float(p[2])), kind=_kind(one, p))
        for one, p in zip(found, adjusted, strict=True)
    )


def _kind(one: PenaltyReward, adjusted: Floats) -> Kind:
    """By what chance does not explain: the difference decides, then whether there is a side."""
    hurts = adjusted[0] <= SIGNIFICANCE and one.penalty.value > 0
    pleases = adjusted[1] <= SIGNIFICANCE and one.reward.value > 0
    if adjusted[2] <= SIGNIFICANCE:
        if hurts and one.asymmetry.value < 0:
            return "basic"
        if pleases and one.asymmetry.value > 0:
            return "excitement"
    return "performance" if hurts or pleases else "indistinguishable"
