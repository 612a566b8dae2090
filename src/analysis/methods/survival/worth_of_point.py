"""What one more point of satisfaction goes with in margin kept, over the horizon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import from_standard_error, normal_quantile
from analysis.methods.survival.groups import FEWEST_CUSTOMERS
from analysis.methods.survival.nonparametric import Floats, Ints, SurvivalCurve

if TYPE_CHECKING:
    import pandas as pd


def can_gain_a_point(intervals: pd.DataFrame, as_of_exit: pd.Series, highest: float) -> Floats:
    """Tenure today of active customers whose last answer can still rise by a point."""
    last = intervals.sort_values(["spell", "start_months"]).groupby("customer_id").last()
    active = last[~last["ended"] & last["score"].notna() & (last["score"] <= highest - 1)]
    return as_of_exit.reindex(active.index).dropna().to_numpy(float)


def worth_of_point(
    curve: SurvivalCurve,
    hazard_ratio: Estimate,
    tenure_months: Floats,
    margin_per_month: Estimate,
    horizon_months: int,
    discount_rate_annual: float,
    currency: str,
) -> Estimate:
    """Margin over the horizon that goes with one more point for those who can gain one.

    Each customer's survival from today's tenure on is S(t+m)/S(t); with the hazard multiplied by
    HR it is that to the power of HR. Customers whose horizon lies beyond follow-up are left out
    rather than extrapolated. The interval carries the uncertainty of the hazard ratio, of the mean
    margin and of the curve (Greenwood's terms by the delta method), taken as independent.
    """
    enough = curve.times[curve.at_risk >= FEWEST_CUSTOMERS]
    followed = float(enough[-1]) if len(enough) else 0.0
    tenure = tenure_months[tenure_months + horizon_months <= followed]
    if not len(tenure):
        raise CannotEstimate("No active customer's horizon lies within follow-up.")
    steps = np.concatenate([[1.0], np.maximum(curve.survival, 1e-12)])
    months = np.arange(1, horizon_months + 1)
    discount = (1 + discount_rate_annual) ** (-months / 12)
    first = np.searchsorted(curve.times, tenure, side="right")
    last = np.searchsorted(curve.times, tenure[:, None] + months, side="right")
    staying = steps[last] / steps[first][:, None]

    def months_gained(ratio: float) -> float:
        return float((((staying**ratio) - staying) * discount).sum())

    assert hazard_ratio.lower is not None
    assert hazard_ratio.upper is not None
    assert margin_per_month.lower is not None
    gained, margin = months_gained(hazard_ratio.value), margin_per_month.value
    best, worst = months_gained(hazard_ratio.lower), months_gained(hazard_ratio.upper)
    of_margin = gained * (margin - margin_per_month.lower)
    by_log_staying = (hazard_ratio.value * staying**hazard_ratio.value - staying) * discount
    of_curve = margin * _half_width_of_curve(curve, first, last, by_log_staying)
    value = gained * margin
    return Estimate(
        value,
        value - float(np.sqrt(((gained - worst) * margin) ** 2 + of_margin**2 + of_curve**2)),
        value + float(np.sqrt(((best - gained) * margin) ** 2 + of_margin**2 + of_curve**2)),
        currency,
        len(tenure),
        "survival to the power of the hazard ratio; interval of ratio, margin and curve",
        hazard_ratio.confidence_level,
    )


def _half_width_of_curve(
    curve: SurvivalCurve, first: Ints, last: Ints, by_log_staying: Floats
) -> float:
    """Half the interval that the curve's own uncertainty gives to a sum over customers and months.

    The log of staying from `first` to `last` is a sum of independent steps of the curve; each
    step's weight is the sum of the derivatives of all customers and months that span it.
    """
    size = len(curve.times) + 1
    opens = np.bincount(first, by_log_staying.sum(axis=1), size)
    closes = np.bincount(last.ravel(), by_log_staying.ravel(), size)
    weight = np.cumsum(opens - closes)[:-1]
    left = curve.at_risk - curve.events
    terms = np.where(left > 0, curve.events / np.maximum(curve.at_risk * left, 1), 0.0)
    return normal_quantile(curve.confidence_level) * float(np.sqrt((weight**2 * terms).sum()))


def margin_per_customer_month(
    customer_periods: pd.DataFrame, period_months: int, currency: str
) -> Estimate:
    """Mean margin of active customers per month, clustered by customer."""
    if customer_periods.empty:
        raise CannotEstimate("The export carries no money to set beside churn.")
    margin = customer_periods["margin"].to_numpy(float) / period_months
    if margin.mean() <= 0:
        raise CannotEstimate("Customers brought no margin, so there is none to keep.")
    centred = margin - margin.mean()
    sums = (
        customer_periods.assign(centred=centred).groupby("customer_id")["centred"].sum().to_numpy()
    )
    customers = len(sums)
    if customers < FEWEST_CUSTOMERS:
        raise CannotEstimate("Too few customers carry money to set beside churn.")
    error = float(np.sqrt((sums**2).sum() * customers / (customers - 1))) / len(margin)
    return from_standard_error(
        float(margin.mean()), error, f"{currency} per customer-month", customers, "mean, clustered by customer",
        customers - 1,
    )  # fmt: skip
