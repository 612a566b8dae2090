"""What a higher score is worth over the horizon, spend and staying together, nothing twice.

V = Σ d_t (S₁m₁ − S₀m₀): margin of those still there times the share still there, with the score
raised less as it is. m is that of customers active throughout, because what leaving takes away is
in S already. V splits into Σ d S₀(m₁ − m₀), those who stay spend more, and Σ d (S₁ − S₀)m₁, more of
them stay.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import from_standard_error, normal_quantile
from analysis.methods.regression import Floats
from analysis.methods.survival.groups import FEWEST_CUSTOMERS
from analysis.methods.survival.nonparametric import SurvivalCurve

METHOD = (
    "survival times margin among the active, delta method: margin and slope jointly by customer, "
    "hazard ratio and curve independent of them"
)


@dataclass(frozen=True, slots=True)
class MarginPerMonth:
    """Margin of active customers per month, and by how much it is higher with the score raised.

    level, slope: currency. variance: 2 × 2, of both together.
    """

    level: float
    slope: float
    variance: Floats


@dataclass(frozen=True, slots=True)
class HorizonWorth:
    """Margin over the horizon that goes with a higher score.

    total: V. by_spend, by_staying: its two parts, which sum to it. customers: those it is for.
    left_out: active customers who could gain but whose horizon lies beyond follow-up.
    """

    total: Estimate
    by_spend: Estimate
    by_staying: Estimate
    customers: int
    left_out: int


@dataclass(frozen=True, slots=True)
class _Sums:
    """Discounted customer-months: as it is, with the hazard changed, and what moves them."""

    as_is: float
    raised: float
    raised_by_log_ratio: float
    as_is_by_hazard: Floats
    raised_by_hazard: Floats


def _discounted_months(
    curve: SurvivalCurve, tenure: Floats, ratio: float, months: int, rate: float
) -> _Sums:
    steps = np.concatenate([[1.0], np.maximum(curve.survival, 1e-12)])
    start = np.searchsorted(curve.times, tenure, side="right")
    as_is = raised = by_ratio = 0.0
    # Customers with the same tenure and month share a place on the curve: marks where each begins
    # to weigh on an event time, and where it ceases to.
    marks = np.zeros((2, len(steps) + 1))
    for month in range(1, months + 1):
        discount = (1 + rate) ** (-month / 12)
        end = np.searchsorted(curve.times, tenure + month, side="right")
        log_survival = np.log(steps[end] / steps[start])
        plain, changed = np.exp(log_survival), np.exp(ratio * log_survival)
        as_is += discount * float(plain.sum())
        raised += discount * float(changed.sum())
        by_ratio += discount * float((changed * log_survival).sum()) * ratio
        for row, weight in enumerate((plain, ratio * changed)):
            marks[row] += np.bincount(start, discount * weight, len(steps) + 1)
            marks[row] -= np.bincount(end, discount * weight, len(steps) + 1)
    # A rise of the cumulative hazard at an event time lowers all survival beyond it.
    by_hazard = -np.cumsum(marks, axis=1)[:, : len(curve.times)]
    return _Sums(as_is, raised, by_ratio, by_hazard[0], by_hazard[1])


def worth_over_horizon(
    curve: SurvivalCurve,
    tenure_months: Floats,
    hazard_ratio: Estimate | None,
    margin: MarginPerMonth,
    horizon_months: int,
    discount_rate_annual: float,
    currency: str,
    scale: float = 1.0,
) -> HorizonWorth:
    """V and its parts for customers with these tenures today.

    hazard_ratio: of the raised score; None where it is taken as one. scale: V is for this share of
    them. Interval by the delta method: (level, slope) jointly, the hazard ratio's and the curve's
    (Greenwood's) variance added as if independent. Raises CannotEstimate where nobody's horizon
    lies within follow-up.
    """
    if horizon_months < 1:
        raise CannotEstimate("The horizon is shorter than a month.")
    enough = curve.times[curve.at_risk >= FEWEST_CUSTOMERS]
    followed = float(enough[-1]) if len(enough) else 0.0
    inside = tenure_months + horizon_months <= followed
    tenure = tenure_months[inside]
    if not len(tenure):
        raise CannotEstimate("No active customer's horizon lies within follow-up.")
    ratio, ratio_error = 1.0, 0.0
    if hazard_ratio is not None:
        ratio = hazard_ratio.value
        assert hazard_ratio.lower is not None
        assert hazard_ratio.upper is not None
        spread = math.log(hazard_ratio.upper) - math.log(hazard_ratio.lower)
        ratio_error = spread / 2 / normal_quantile(hazard_ratio.confidence_level)
    sums = _discounted_months(curve, tenure, ratio, horizon_months, discount_rate_annual)
    left = np.maximum(curve.at_risk - curve.events, 0)
    greenwood = np.where(left > 0, curve.events / np.maximum(curve.at_risk * left, 1), 0.0)
    higher = margin.level + margin.slope

    def part(
        value: float, by_level: float, by_slope: float, by_ratio: float, by_hazard: Floats
    ) -> Estimate:
        moved = np.array([by_level, by_slope])
        variance = float(moved @ margin.variance @ moved) + (by_ratio * ratio_error) ** 2
        variance += float((by_hazard**2 * greenwood).sum())
        return from_standard_error(
            scale * value, abs(scale) * math.sqrt(variance), currency, len(tenure), METHOD
        )

    gained = sums.raised - sums.as_is
    gained_by_hazard = sums.raised_by_hazard - sums.as_is_by_hazard
    return HorizonWorth(
        total=part(
            sums.raised * higher - sums.as_is * margin.level,
            gained, sums.raised, sums.raised_by_log_ratio * higher,
            sums.raised_by_hazard * higher - sums.as_is_by_hazard * margin.level,
        ),
        by_spend=part(
            sums.as_is * margin.slope, 0.0, sums.as_is, 0.0, sums.as_is_by_hazard * margin.slope
        ),
        by_staying=part(
            gained * higher, gained, gained, sums.raised_by_log_ratio * higher,
            gained_by_hazard * higher,
        ),
        customers=len(tenure),
        left_out=int((~inside).sum()),
    )  # fmt: skip
