"""Which input moves the value of a programme most, and what it is worth under other inputs.

All scenarios are linear in the estimated amounts, so each has the exact interval that their joint
covariance gives. Months after the last one counted are extrapolated: the mean month of the last
year counted goes on, benefits and running costs alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.investment.cash_flows import (
    QUARTER_MONTHS,
    Costs,
    Floats,
    discount_factors,
    discounted_cost,
)
from analysis.methods.investment.value import InvestmentValue

Input = Literal["effect", "margin", "cost", "discount rate", "duration"]

OFF = 0.1
RATE_OFF = 0.05
YEAR_MONTHS = 12
MARGIN_FACTORS = (0.75, 1.0, 1.25)


@dataclass(frozen=True, slots=True)
class Swing:
    """Net present value when one input is low or high and all others are as they are.

    low, high: the input's values, in `unit` ("share of declared", "share", "months", or money).
    """

    input: Input
    low: float
    high: float
    unit: str
    at_low: float
    at_high: float

    @property
    def width(self) -> float:
        """How far the input moves the net present value."""
        return abs(self.at_high - self.at_low)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Net present value at a margin (share of the declared) and a duration (months).

    extrapolated: the duration reaches beyond the last quarter counted.
    """

    margin_factor: float
    months: int
    extrapolated: bool
    net_present_value: Estimate


def weights_until(value: InvestmentValue, months: int, rate_annual: float) -> Floats:
    """Weights w so that Σ w × amounts is the discounted benefit up to the end of month `months`.

    Beyond the last month counted, every month brings a twelfth of the last year counted (or the
    like part of a shorter time).
    """
    flow = value.flow
    inside = flow.months <= months + 1e-9
    weights = np.where(inside, discount_factors(flow.months, rate_annual), 0.0)
    last = flow.last_month
    if months > last:
        span = min(YEAR_MONTHS, last)
        recent = flow.months > last - span + 1e-9
        later = np.arange(last + 1, months + 1)
        weights = weights + recent * (discount_factors(later, rate_annual).sum() / span)
    return np.asarray(weights, dtype=float)


def scenario_value(
    value: InvestmentValue,
    months: int | None = None,
    margin_factor: float = 1.0,
    cost_factor: float = 1.0,
    rate_annual: float | None = None,
) -> Estimate:
    """Net present value with inputs other than those declared; None keeps what was declared.

    months: to the end of which month everything is counted. Raises CannotEstimate where it is less
    than a quarter.
    """
    rate = value.rate_annual if rate_annual is None else rate_annual
    flow, costs = value.flow, value.costs
    until = max(flow.last_month, costs.months) if months is None else months
    if until < QUARTER_MONTHS:
        raise CannotEstimate("less than a quarter is counted")
    weights = margin_factor * weights_until(value, until, rate)
    paid_months = costs.months if months is None else min(costs.months, months)
    if months is not None and months > flow.last_month and costs.months >= flow.last_month:
        paid_months = months
    spent = cost_factor * discounted_cost(Costs(costs.upfront, costs.monthly, paid_months), rate)
    net = float(weights @ flow.amounts) - spent
    error = flow.error(weights)
    half = None if error is None else flow.critical * error
    return Estimate(
        net,
        None if half is None else net - half,
        None if half is None else net + half,
        value.net_present_value.unit,
        flow.n,
        flow.method,
    )


def tornado(value: InvestmentValue, effect: Estimate) -> tuple[Swing, ...]:
    """How far each input moves the net present value, the furthest first.

    Effect: over its interval. Margin and cost: a tenth less and more than declared. Discount rate:
    five points. Duration: a year less and a year more (extrapolated), where there is a year to take away.
    Raises CannotEstimate where the effect has no interval.
    """
    worth = value.net_present_value
    if worth.lower is None or worth.upper is None or effect.lower is None or effect.upper is None:
        raise CannotEstimate(
            "without an interval of the effect its part cannot be set beside others"
        )
    swings = [
        Swing("effect", effect.lower, effect.upper, effect.unit, worth.lower, worth.upper),
        Swing(
            "margin", 1 - OFF, 1 + OFF, "share of declared",
            scenario_value(value, margin_factor=1 - OFF).value,
            scenario_value(value, margin_factor=1 + OFF).value,
        ),
    ]  # fmt: skip
    if value.cost > 0:
        swings.append(
            Swing(
                "cost", 1 - OFF, 1 + OFF, "share of declared",
                scenario_value(value, cost_factor=1 - OFF).value,
                scenario_value(value, cost_factor=1 + OFF).value,
            )
        )  # fmt: skip
    rates = max(value.rate_annual - RATE_OFF, 0.0), value.rate_annual + RATE_OFF
    at_rates = [scenario_value(value, rate_annual=rate).value for rate in rates]
    swings.append(Swing("discount rate", *rates, "share", *at_rates))
    last = value.flow.last_month
    if last >= YEAR_MONTHS + QUARTER_MONTHS:
        spans = last - YEAR_MONTHS, last + YEAR_MONTHS
        less, more = (scenario_value(value, months=span).value for span in spans)
        swings.append(Swing("duration", float(spans[0]), float(spans[1]), "months", less, more))
    return tuple(sorted(swings, key=lambda swing: (-swing.width, swing.input)))


def scenario_grid(value: InvestmentValue, horizon_months: int) -> tuple[Scenario, ...]:
    """Net present value at three margins and up to three durations, row by row of margin.

    Durations: half of what was counted (whole quarters), all of it, and the horizon or a year
    more, whichever is later. Raises CannotEstimate where less than a quarter is counted.
    """
    last = value.flow.last_month
    half = QUARTER_MONTHS * max(round(last / 2 / QUARTER_MONTHS), 1)
    durations = sorted({min(half, last), last, max(horizon_months, last + YEAR_MONTHS)})
    return tuple(
        Scenario(
            factor, months, months > last,
            scenario_value(value, months=months, margin_factor=factor),
        )
        for factor in MARGIN_FACTORS
        for months in durations
    )  # fmt: skip
