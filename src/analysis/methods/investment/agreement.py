"""Does the effect on money agree with the effect on the score times what a point is worth?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable
from analysis.methods.intervals import normal_quantile
from analysis.methods.investment.cash_flows import QUARTER_MONTHS
from analysis.methods.spending.study import study_spend

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Agreement:
    """Money by two ways, per customer-quarter.

    expected: effect on the score × margin per point. difference: effect on margin less that;
    its interval takes the three estimates as independent, which they are not quite: they share
    customers.
    """

    margin: Estimate
    score: Estimate
    worth_of_point: Estimate
    expected: Estimate
    difference: Estimate

    @property
    def agrees(self) -> bool:
        """Whether the difference cannot be told from zero."""
        lower, upper = self.difference.lower, self.difference.upper
        return lower is None or upper is None or lower <= 0 <= upper


def _error(estimate: Estimate) -> float:
    if estimate.lower is None or estimate.upper is None:
        raise CannotEstimate("without intervals the two ways cannot be compared")
    return (estimate.upper - estimate.lower) / 2 / normal_quantile()


def worth_of_point(
    customer_periods: pd.DataFrame, surveys: pd.DataFrame, currency: str, period_months: int = 3
) -> Estimate | NotEstimable:
    """Margin that goes with one CSAT point, per customer and period, each against itself.

    The defended figure of the study of spend, by the same function.
    """
    if period_months != QUARTER_MONTHS:
        return NotEstimable("effects are by quarter, but a point is valued by month")
    study = study_spend(customer_periods, surveys, currency, period_months)
    defended = study.margin.fixed_effects
    return defended if isinstance(defended, NotEstimable) else defended.slope


def compare_score_and_money(
    margin: Estimate, score: Estimate, worth_of_point: Estimate
) -> Agreement:
    """Set the effect on margin beside the effect on the score times the worth of a point.

    margin, worth_of_point: per customer-quarter. score: points. The product's error is exact for
    independent factors: a² s_b² + b² s_a² + s_a² s_b². Raises CannotEstimate without intervals or
    where the units differ.
    """
    if margin.unit != worth_of_point.unit:
        raise CannotEstimate("the effect and the worth of a point are in different units")
    expected = score.value * worth_of_point.value
    score_error, worth_error = _error(score), _error(worth_of_point)
    product_error = float(
        np.sqrt(
            (score.value * worth_error) ** 2
            + (worth_of_point.value * score_error) ** 2
            + (score_error * worth_error) ** 2
        )
    )
    n = min(margin.n, score.n, worth_of_point.n)
    difference_error = float(np.hypot(_error(margin), product_error))

    def around(value: float, error: float, method: str) -> Estimate:
        half = normal_quantile() * error
        return Estimate(value, value - half, value + half, margin.unit, n, method)

    return Agreement(
        margin,
        score,
        worth_of_point,
        around(expected, product_error, "product of independent estimates"),
        around(margin.value - expected, difference_error, "difference of independent estimates"),
    )
