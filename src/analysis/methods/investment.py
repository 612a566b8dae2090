"""What a service investment is worth: costs, net present value, return, payback, break-even.

Benefits are incremental margin, never revenue. The up-front cost falls due at month 0, monthly
flows at the ends of months; a flow at month m is divided by (1 + r)^(m / 12), r a year.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import normal_quantile

Floats = npt.NDArray[np.float64]

QUARTER_MONTHS = 3
PAYBACK_DRAWS = 2_000
PAYBACK_SEED = 20_240_701


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


@dataclass(frozen=True, slots=True)
class InvestmentValue:
    """A programme in money, from its start to the last quarter counted; nothing is extrapolated.

    benefit, cost: discounted. net_present_value: benefit − cost. return_on_investment:
    (benefit − cost) / cost. benefit_per_cost: benefit / cost. payback_month: the end of the first
    quarter from which on discounted benefits cover discounted costs to the end. break_even_effect: effect per
    customer-quarter at which the net present value is zero. probability_positive: probability
    that the net present value exceeds zero, if the estimated benefit is normally distributed
    about its value and costs are known; None without an interval.
    """

    months: int
    cost: float
    benefit: Estimate
    net_present_value: Estimate
    return_on_investment: Estimate | NotEstimable
    benefit_per_cost: Estimate | NotEstimable
    payback_month: Estimate | NotEstimable
    break_even_effect: Estimate | NotEstimable
    probability_positive: float | None


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


def break_even_margin(cost: float, revenue: float) -> float:
    """The share of additional revenue that must remain as margin for the cost to be covered."""
    if revenue <= 0:
        raise CannotEstimate("without additional revenue no margin covers the cost")
    return cost / revenue


def revenue_behind_uplift(
    additional_revenue: float, share_of_customers: float, uplift: float
) -> float:
    """The total revenue that a gain implies when a share of customers spends `uplift` more."""
    return additional_revenue / (share_of_customers * uplift)


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


def _payback(flow: BenefitFlow, costs: Costs, rate_annual: float) -> Estimate:
    if costs.total <= 0:
        raise CannotEstimate("no cost is recorded, so there is nothing to pay back")
    value = float(payback_months(flow.amounts[None, :], flow.months, costs, rate_annual)[0])
    if not np.isfinite(value):
        raise CannotEstimate("not paid back by the as-of date")
    lower: float | None = None
    upper: float | None = None
    if flow.covariance is not None and flow.each_month_bears:
        draws = _draw_benefits(flow)
        paid = np.sort(payback_months(draws, flow.months, costs, rate_annual))
        lower, late = (float(paid[round(q * (len(paid) - 1))]) for q in (0.025, 0.975))
        # Where more than a fortieth of the draws never pays back there is no upper limit.
        upper = late if np.isfinite(late) else None
        if lower == upper:
            # Both limits in one quarter come from reading by the quarter, not from certainty.
            lower = upper = None
    return Estimate(value, lower, upper, "months", flow.n, "discounted, limits from seeded draws")


def _draw_benefits(flow: BenefitFlow) -> Floats:
    assert flow.covariance is not None
    values, vectors = np.linalg.eigh(flow.covariance)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    generator = np.random.default_rng(PAYBACK_SEED)
    noise = generator.standard_normal((PAYBACK_DRAWS, len(flow.amounts)))
    return np.asarray(flow.amounts + noise @ root.T * (flow.critical / normal_quantile()))


def value_investment(
    flow: BenefitFlow, costs: Costs, rate_annual: float, currency: str
) -> InvestmentValue:
    """Value a programme from what it brought and what it cost.

    Intervals: the benefit is a linear combination of estimated amounts, so its standard error is
    exact given their covariance; value, return and benefit per cost are linear in it. Costs are
    taken as known. Raises CannotEstimate without any amount.
    """
    if not len(flow.amounts):
        raise CannotEstimate("no whole quarter has passed since the start")
    factors = discount_factors(flow.months, rate_annual)
    cost = discounted_cost(costs, rate_annual)
    benefit = float(factors @ flow.amounts)
    error: float | None = None
    if flow.covariance is not None:
        error = float(np.sqrt(max(float(factors @ flow.covariance @ factors), 0.0)))

    def around(value: float, scale: float, unit: str) -> Estimate:
        half = None if error is None else flow.critical * error * scale
        return Estimate(
            value,
            None if half is None else value - half,
            None if half is None else value + half,
            unit,
            flow.n,
            flow.method,
        )

    def ratio(value: float) -> Estimate:
        if cost <= 0:
            raise CannotEstimate("no cost is recorded, so there is no return on it to be given")
        return around(value, 1 / cost, "ratio")

    probability = None
    if error:
        probability = NormalDist().cdf((benefit - cost) / error)
    quarters = float(factors @ flow.unit_quarters)
    return InvestmentValue(
        months=costs.months,
        cost=cost,
        benefit=around(benefit, 1.0, currency),
        net_present_value=around(benefit - cost, 1.0, currency),
        return_on_investment=attempt(lambda: ratio(return_on_investment(benefit, cost))),
        benefit_per_cost=attempt(lambda: ratio(benefit / cost if cost > 0 else np.nan)),
        payback_month=attempt(_payback, flow, costs, rate_annual),
        break_even_effect=attempt(_break_even, cost, quarters, flow.n, currency),
        probability_positive=probability,
    )


def _break_even(cost: float, quarters: float, n: int, currency: str) -> Estimate:
    if quarters <= 0:
        raise CannotEstimate("nobody was treated, so no effect could cover the cost")
    unit = f"{currency} per customer-quarter"
    return Estimate(cost / quarters, None, None, unit, n, "cost / discounted customer-quarters")
