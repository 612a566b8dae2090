"""What winning customers costs, and what comes back.

Advertising is not a sample: cost and its sum are exact. What varies is how many customers it
happens to win; their number counts as Poisson. Nothing here says that advertising won them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import from_standard_error
from analysis.methods.scorecard.customers import new_customers
from analysis.methods.scorecard.ledger import Ledger
from analysis.methods.scorecard.level import (
    Floats,
    Level,
    ReportPeriod,
    bounded,
    period_months,
    within_period,
)

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Advertising:
    """Advertising by month and channel. of_all: of all customers, where other tables are of a part."""

    rows: pd.DataFrame
    of_all: bool = False

    def within(self, period: ReportPeriod) -> pd.DataFrame:
        """Rows of a period, all months of which are there. Raises CannotEstimate."""
        if self.rows.empty or "cost" not in self.rows.columns:
            raise CannotEstimate("The exports hold no advertising cost.")
        if self.of_all:
            raise CannotEstimate(
                "Advertising is exported for all customers together, so it cannot be told for a "
                "part of them."
            )
        rows = within_period(self.rows, "month", period)
        if rows["month"].nunique() < period_months(period):
            raise CannotEstimate(f"Advertising cost is not exported for all of {period.label}.")
        if not rows["cost"].sum() > 0:
            raise CannotEstimate(f"Nothing was spent on advertising in {period.label}.")
        return rows


def _per_count(cost: float, count: float, unit: str, what: str, period: ReportPeriod) -> Level:
    """Cost per case, the number of cases counting as Poisson (exact limits, Garwood 1936)."""
    from scipy.special import gammaincinv

    if not count > 0:
        raise CannotEstimate(f"No {what} is recorded in {period.label}.")
    few, many = float(gammaincinv(count, 0.025)), float(gammaincinv(count + 1, 0.975))
    value = cost / count
    estimate = Estimate(
        value, cost / many, cost / few, unit, round(count), "Poisson count, exact limits"
    )
    # A case of its own in every period: counts of two periods are not of the same customers.
    alone = np.array([f"{what} {period.label}"], dtype=object)
    return Level(estimate, alone, np.array([value / math.sqrt(count)]))


def acquisition_cost_level(
    marketing: Advertising, customers: pd.DataFrame, currency: str, period: ReportPeriod
) -> Level:
    """CAC: advertising cost per customer won; else the mean recorded with the new customers.

    Raises CannotEstimate.
    """
    unit = f"{currency} per new customer"
    if (marketing.rows.empty or marketing.of_all) and "acquisition_cost" in customers.columns:
        rows = new_customers(customers, period)
        cost = rows["acquisition_cost"].to_numpy(float)
        known = np.isfinite(cost)
        if not known.any():
            raise CannotEstimate(f"No acquisition cost is recorded in {period.label}.")
        cost, who = cost[known], rows["customer_id"].to_numpy()[known]
        n = len(cost)
        influence = (cost - cost.mean()) / n
        error = math.sqrt(float((influence**2).sum()) * n / (n - 1)) if n > 1 else 0.0
        if not error:
            return Level(
                Estimate(float(cost.mean()), None, None, unit, n, "mean"), who, influence, cost
            )
        estimate = from_standard_error(float(cost.mean()), error, unit, n, "mean, t", n - 1)
        return Level(bounded(estimate, 0.0, math.inf), who, influence, cost)
    rows = marketing.within(period)
    if "new_customers" not in rows.columns:
        raise CannotEstimate("The exports do not count the customers won by advertising.")
    count = float(rows["new_customers"].sum())
    return _per_count(float(rows["cost"].sum()), count, unit, "new customer", period)


def lead_cost_level(marketing: Advertising, currency: str, period: ReportPeriod) -> Level:
    """CPL: advertising cost per enquiry. Raises CannotEstimate."""
    rows = marketing.within(period)
    if "leads" not in rows.columns:
        raise CannotEstimate("The exports do not count enquiries.")
    count = float(rows["leads"].sum())
    unit = f"{currency} per enquiry"
    return _per_count(float(rows["cost"].sum()), count, unit, "enquiry", period)


def _brought(
    marketing: Advertising,
    customers: pd.DataFrame,
    ledger: Ledger,
    column: str,
    period: ReportPeriod,
) -> tuple[float, float, pd.Series | None]:
    """Cost; money of the customers won; the same by customer where it is not exported in sum."""
    rows = marketing.within(period)
    cost = float(rows["cost"].sum())
    if column == "amount" and "revenue" in rows.columns and rows["revenue"].notna().all():
        return cost, float(rows["revenue"].sum()), None
    won = new_customers(customers, period)["customer_id"]
    sums = ledger.by_customer(period)[column]
    sums = sums[sums.index.isin(won)]
    if sums.empty:
        raise CannotEstimate(f"No customer won in {period.label} has ordered in it.")
    return cost, float(math.fsum(sums)), sums


def advertising_return_level(
    marketing: Advertising,
    customers: pd.DataFrame,
    ledger: Ledger,
    period: ReportPeriod,
) -> Level:
    """ROAS: revenue of customers won in the period over its advertising cost.

    As exported by channel, else what new customers bought by the period's end. Raises
    CannotEstimate.
    """
    cost, money, sums = _brought(marketing, customers, ledger, "amount", period)
    return _return(money / cost, cost, sums, "revenue per unit of cost", period)


def marketing_return_level(
    marketing: Advertising,
    customers: pd.DataFrame,
    ledger: Ledger,
    gross_margin: float,
    period: ReportPeriod,
) -> Level:
    """ROMI: (margin of customers won in the period − advertising cost) / advertising cost.

    Raises CannotEstimate.
    """
    cost, money, sums = _brought(marketing, customers, ledger, "amount", period)
    if sums is None:
        return _return(money * gross_margin / cost - 1, cost, None, "share of cost", period)
    cost, money, sums = _brought(marketing, customers, ledger, "margin", period)
    return _return(money / cost - 1, cost, sums, "share of cost", period)


def _return(
    value: float, cost: float, sums: pd.Series | None, unit: str, period: ReportPeriod
) -> Level:
    if sums is None:
        alone = np.array([f"advertising {period.label}"], dtype=object)
        exact = Estimate(value, None, None, unit, 0, "sum as exported")
        return Level(exact, alone, np.zeros(1))
    influence: Floats = sums.to_numpy(float) / cost
    error = math.sqrt(float((influence**2).sum()))
    estimate = from_standard_error(value, error, unit, len(sums), "total, customers as a draw")
    return Level(estimate, sums.index.to_numpy(), influence, sums.to_numpy(float))


def advertising_share_level(marketing: Advertising, ledger: Ledger, period: ReportPeriod) -> Level:
    """Advertising cost over revenue, its interval that of revenue. Raises CannotEstimate."""
    cost = float(marketing.within(period)["cost"].sum())
    sums = ledger.by_customer(period)["amount"]
    revenue = float(math.fsum(sums))
    if not revenue > 0:
        raise CannotEstimate(f"There is no revenue in {period.label}.")
    influence = -cost / revenue**2 * sums.to_numpy(float)
    error = math.sqrt(float((influence**2).sum()))
    method = "ratio, customers as a draw"
    estimate = from_standard_error(cost / revenue, error, "share", len(sums), method)
    return Level(
        bounded(estimate, 0.0, math.inf), sums.index.to_numpy(), influence, sums.to_numpy(float)
    )


def payback_level(cost: Level, customer_periods: pd.DataFrame, period: ReportPeriod) -> Level:
    """Months until a customer who stays has brought in what winning one costs.

    CAC over the margin per customer and month, of those there when the period opened. Limits by
    the delta method on the logarithm. Raises CannotEstimate.
    """
    if customer_periods.empty or "margin" not in customer_periods.columns:
        raise CannotEstimate("The exports hold no money by customer and period.")
    rows = customer_periods[customer_periods["period"] == period.label]
    if rows.empty:
        raise CannotEstimate(f"There was no customer when {period.label} opened.")
    rows = rows.sort_values("customer_id", kind="stable")
    margin = rows["margin"].to_numpy(float) / period_months(period)
    mean, n = float(margin.mean()), len(margin)
    if not mean > 0:
        raise CannotEstimate("Customers bring no margin, so winning one is never paid back.")
    value = cost.estimate.value / mean
    base = min(n, cost.estimate.n)
    on_log = np.concatenate([cost.influence / cost.estimate.value, -(margin - mean) / (n * mean)])
    owners = [*(f"cost: {who}" for who in cost.customers), *rows["customer_id"]]
    customers = np.array(owners, dtype=object)
    order = np.argsort(customers.astype(str), kind="stable")
    error = math.sqrt(float((on_log**2).sum()))
    factor = math.exp(1.959963984540054 * error)
    estimate = Estimate(
        value,
        value / factor,
        value * factor,
        "months",
        base,
        "ratio, delta method on the logarithm",
    )
    return Level(estimate, customers[order], value * on_log[order], margin)
