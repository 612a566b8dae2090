"""Costs and benefits by month, and what they come to: discounting, return, payback, break-even.

Benefits are incremental margin, never revenue. The up-front cost falls due at month 0, monthly
flows at the ends of months; a flow at month m is divided by (1 + r)^(m / 12), r a year.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.methods.estimate import CannotEstimate

Floats = npt.NDArray[np.float64]

QUARTER_MONTHS = 3


@dataclass(frozen=True, slots=True)
class Costs:
    """What a programme costs, in currency: `monthly` at the ends of months 1 … `months`."""

    upfront: float
    monthly: float
    months: int

    @property
    def total(self) -> float:
        """Undiscounted sum."""
        return self.upfront + self.monthly * self.months


@dataclass(frozen=True, slots=True)
class BenefitFlow:
    """Incremental margin by the month (since the programme's start) at whose end it is in.

    months: shape (k,), increasing. amounts: shape (k,), currency. covariance: shape (k, k), of
    the amounts; None where no interval can be given. unit_quarters: shape (k,), customer-quarters
    of treated customers behind each amount. critical: the quantile by which a standard error is
    multiplied for the interval. n: treated customers. each_month_bears: whether every single
    amount, and not only their sum, rests on enough units for an interval.
    """

    months: Floats
    amounts: Floats
    covariance: Floats | None
    unit_quarters: Floats
    critical: float
    n: int
    method: str
    each_month_bears: bool = True

    @property
    def last_month(self) -> int:
        """The month at whose end the last amount is in; 0 without any."""
        return int(np.ceil(self.months.max(initial=0) - 1e-9))

    def error(self, weights: Floats) -> float | None:
        """Standard error of Σ weights × amounts; None where no interval can be given."""
        if self.covariance is None:
            return None
        return float(np.sqrt(max(float(weights @ self.covariance @ weights), 0.0)))


def discount_factors(months: npt.ArrayLike, rate_annual: float) -> Floats:
    """Present value of one unit at the end of each month: (1 + r)^(−m / 12)."""
    return np.asarray((1.0 + rate_annual) ** (-np.asarray(months, dtype=float) / 12.0))


def net_present_value(months: npt.ArrayLike, amounts: npt.ArrayLike, rate_annual: float) -> float:
    """Sum of amounts at the ends of `months`, discounted to month 0."""
    return float(np.asarray(amounts, dtype=float) @ discount_factors(months, rate_annual))


def discounted_cost(costs: Costs, rate_annual: float) -> float:
    """Present value of the up-front and all monthly costs."""
    months = np.arange(1, costs.months + 1)
    return costs.upfront + net_present_value(
        months, np.full(costs.months, costs.monthly), rate_annual
    )


def return_on_investment(benefit: float, cost: float) -> float:
    """(benefit − cost) / cost. Raises CannotEstimate at zero cost."""
    if cost <= 0:
        raise CannotEstimate("no cost is recorded, so there is no return on it to be given")
    return (benefit - cost) / cost


def payback_months(benefits: Floats, months: Floats, costs: Costs, rate_annual: float) -> Floats:
    """End of the first quarter from which on benefits cover costs to the end; inf where never.

    benefits: shape (draws, k), amounts at the ends of `months`; discounted like the costs. The
    balance is read at the ends of quarters since the start and at the very end, for benefits come
    in by the quarter and costs by the month. Returns shape (draws,).
    """
    last = int(max(np.ceil(months.max(initial=0) - 1e-9), costs.months))
    if not last:
        return np.full(len(benefits), np.inf)
    grid = np.arange(0, last + 1)
    factors = discount_factors(grid, rate_annual)
    spent = np.full(last + 1, float(costs.upfront))
    spent[1:] += np.cumsum(np.where(grid[1:] <= costs.months, costs.monthly, 0.0) * factors[1:])
    by_month = np.zeros((len(benefits), last + 1))
    for column, month in enumerate(np.ceil(months - 1e-9).astype(int)):
        by_month[:, month] += benefits[:, column] * factors[month]
    read = np.unique([*range(QUARTER_MONTHS, last, QUARTER_MONTHS), last])
    covered = (np.cumsum(by_month, axis=1) >= spent)[:, read]
    stays = np.logical_and.accumulate(covered[:, ::-1], axis=1)[:, ::-1]
    return np.where(stays.any(axis=1), read[stays.argmax(axis=1)].astype(float), np.inf)
