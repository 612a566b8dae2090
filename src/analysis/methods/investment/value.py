"""What a service investment was worth: net present value, return, payback, break-even."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.investment.cash_flows import (
    BenefitFlow,
    Costs,
    discount_factors,
    discounted_cost,
    payback_months,
    return_on_investment,
)
from analysis.methods.investment.uncertainty import draw_benefits, draw_net_values, seed_of


@dataclass(frozen=True, slots=True)
class InvestmentValue:
    """A programme in money, from its start to the last quarter counted; nothing is extrapolated.

    benefit, cost: discounted. net_present_value: benefit − cost. running_value: the same without
    the up-front cost, which is spent whether or not the programme goes on. return_on_investment:
    (benefit − cost) / cost. benefit_per_cost: benefit / cost. payback_month: the end of the first
    quarter from which on discounted benefits cover discounted costs to the end.
    break_even_effect: effect per customer-quarter at which the net present value is zero.
    share_positive: share of seeded draws with a net present value above zero, the benefits drawn
    from a normal distribution about their estimates, costs known; None without an interval.
    flow, costs, rate_annual: what it was reckoned from.
    """

    months: int
    cost: float
    benefit: Estimate
    net_present_value: Estimate
    running_value: Estimate
    return_on_investment: Estimate | NotEstimable
    benefit_per_cost: Estimate | NotEstimable
    payback_month: Estimate | NotEstimable
    break_even_effect: Estimate | NotEstimable
    share_positive: float | None
    flow: BenefitFlow = field(compare=False, repr=False)
    costs: Costs = field(compare=False)
    rate_annual: float


def value_investment(
    flow: BenefitFlow, costs: Costs, rate_annual: float, currency: str
) -> InvestmentValue:
    """Value a programme from what it brought and what it cost.

    Intervals: the benefit is a linear combination of estimated amounts, so its standard error is
    exact given their joint covariance; value, return and benefit per cost are linear in it. Costs
    are taken as known (`joint_value` lets them vary). Raises CannotEstimate without any amount.
    """
    if not len(flow.amounts):
        raise CannotEstimate("no whole quarter has passed since the start")
    factors = discount_factors(flow.months, rate_annual)
    cost = discounted_cost(costs, rate_annual)
    benefit = float(factors @ flow.amounts)
    error = flow.error(factors)

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

    share = None
    if error:
        benefits, spent = draw_net_values(flow, costs, rate_annual)
        share = float((benefits > spent).mean())
    quarters = float(factors @ flow.unit_quarters)
    return InvestmentValue(
        months=costs.months,
        cost=cost,
        benefit=around(benefit, 1.0, currency),
        net_present_value=around(benefit - cost, 1.0, currency),
        running_value=around(benefit - cost + costs.upfront, 1.0, currency),
        return_on_investment=attempt(lambda: ratio(return_on_investment(benefit, cost))),
        benefit_per_cost=attempt(lambda: ratio(benefit / cost if cost > 0 else np.nan)),
        payback_month=attempt(_payback, flow, costs, rate_annual),
        break_even_effect=attempt(break_even_effect, cost, quarters, flow.n, currency),
        share_positive=share,
        flow=flow,
        costs=costs,
        rate_annual=rate_annual,
    )


def _payback(flow: BenefitFlow, costs: Costs, rate_annual: float) -> Estimate:
    if costs.total <= 0:
        raise CannotEstimate("no cost is recorded, so there is nothing to pay back")
    value = float(payback_months(flow.amounts[None, :], flow.months, costs, rate_annual)[0])
    if not np.isfinite(value):
        raise CannotEstimate("not paid back by the as-of date")
    lower: float | None = None
    upper: float | None = None
    if flow.covariance is not None and flow.each_month_bears:
        draws = draw_benefits(flow, np.random.default_rng(seed_of(flow, costs)))
        paid = np.sort(payback_months(draws, flow.months, costs, rate_annual))
        lower, late = (float(paid[round(q * (len(paid) - 1))]) for q in (0.025, 0.975))
        # Where more than a fortieth of the draws never pays back there is no upper limit.
        upper = late if np.isfinite(late) else None
        if lower == upper:
            # Both limits in one quarter come from reading by the quarter, not from certainty.
            lower = upper = None
    return Estimate(value, lower, upper, "months", flow.n, "discounted, limits from seeded draws")


def break_even_effect(cost: float, quarters: float, n: int, currency: str) -> Estimate:
    """Margin per customer-quarter at which `cost` is covered, both discounted.

    quarters: discounted customer-quarters. Raises CannotEstimate without any, or without cost.
    """
    if cost <= 0:
        raise CannotEstimate("no cost is recorded, so there is none to be covered")
    if quarters <= 0:
        raise CannotEstimate("nobody was treated, so no effect could cover the cost")
    unit = f"{currency} per customer-quarter"
    return Estimate(cost / quarters, None, None, unit, n, "cost / discounted customer-quarters")
