"""A figure of one period and the change between two.

Each level carries, per customer, how far that customer pulls it (its influence function), so that
the interval of a change counts customers who are in both periods once, with their covariance.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import (
    from_standard_error,
    normal_quantile,
    p_value_normal,
    wilson,
)
from analysis.tenure import DAYS_PER_MONTH

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class ReportPeriod(Protocol):
    """A quarter or month that knows its neighbours."""

    @property
    def label(self) -> str: ...
    @property
    def first_day(self) -> dt.date: ...
    @property
    def last_day(self) -> dt.date: ...
    @property
    def previous(self) -> ReportPeriod: ...
    @property
    def year_before(self) -> ReportPeriod: ...
    def shifted(self, periods: int, /) -> ReportPeriod: ...


@dataclass(frozen=True, slots=True)
class Level:
    """A figure of one period with its influence function.

    customers: ids, each once, sorted. influence: how far each pulls the figure, in its unit; the
    sum of squares estimates the variance. amounts: money per customer, for the dominance rule.
    numerator, denominator: each customer's part where the figure is the sum of one over that of
    the other, in the figure's unit; None elsewhere.
    """

    estimate: Estimate
    customers: NDArray[Any]
    influence: Floats
    amounts: Floats | None = None
    numerator: Floats | None = None
    denominator: Floats | None = None


def day_after(period: ReportPeriod) -> np.datetime64:
    """The first day that no longer belongs to the period."""
    return np.datetime64(period.last_day + dt.timedelta(days=1))


def period_months(period: ReportPeriod) -> int:
    """Length in months: 3 or 1."""
    return round(((period.last_day - period.first_day).days + 1) / DAYS_PER_MONTH)


def within_period(frame: pd.DataFrame, column: str, period: ReportPeriod) -> pd.DataFrame:
    """Rows whose date lies in the period, first and last day included."""
    days = frame[column].to_numpy("datetime64[ns]")
    inside = (days >= np.datetime64(period.first_day)) & (days < day_after(period))
    return frame.take(np.flatnonzero(inside))


def share_level(event: Flags, customers: NDArray[Any]) -> Level:
    """Share of customers, each once, with an event; Wilson. Raises CannotEstimate if there is none."""
    n = len(event)
    estimate = wilson(int(event.sum()), n)
    share = event.astype(float)
    return Level(
        estimate, customers, (share - share.mean()) / n, numerator=share, denominator=np.ones(n)
    )


def ratio_level(
    customers: NDArray[Any],
    numerator: Floats,
    denominator: Floats,
    unit: str,
    method: str = "ratio, linearised by customer",
    largest: float = math.inf,
) -> Level:
    """Σ numerator / Σ denominator over customers, interval by linearisation, not below zero."""
    value = float(numerator.sum() / denominator.sum())
    influence = (numerator - value * denominator) / denominator.sum()
    g = len(customers)
    error = math.sqrt(float((influence**2).sum()) * g / (g - 1)) if g > 1 else 0.0
    parts = {"numerator": numerator, "denominator": denominator}
    if error <= 1e-12 * abs(value):  # all alike: no spread to judge by
        alone = Estimate(value, None, None, unit, g, method)
        return Level(alone, customers, influence, **parts)
    estimate = from_standard_error(value, error, unit, g, method, g - 1)
    return Level(bounded(estimate, 0.0, largest), customers, influence, **parts)


def clustered_share_level(customers: NDArray[Any], events: Floats, cases: Floats) -> Level:
    """Share of cases with an event, several of one customer counting as one cluster.

    events, cases: by customer, cases above zero. Wilson where every customer has one case, or where
    all or none have the event (then customers are what is counted).
    """
    if cases.max() == 1 or events.sum() in (0.0, cases.sum()):
        return share_level(events > 0, customers)
    return ratio_level(customers, events, cases, "share", largest=1.0)


def total_level(sums: pd.Series, unit: str) -> Level:
    """A sum of money, given by customer.

    The interval takes the customers, their number included, for a draw from those who might have
    been ours (compound Poisson): variance = Σ of squared sums per customer.
    """
    amounts = sums.to_numpy(float)
    total = float(math.fsum(amounts))
    error = math.sqrt(float((amounts**2).sum()))
    estimate = from_standard_error(total, error, unit, len(amounts), "total, customers as a draw")
    return Level(estimate, sums.index.to_numpy(), amounts, amounts)


def median_level(values: Floats, owners: NDArray[Any], unit: str) -> Level:
    """Median of cases, several of one customer as one cluster (Woodruff 1952).

    values: by case; infinite where the end was not seen, which a median bears up to a half of the
    cases. owners: the customer of each case. The share below the median has a clustered error;
    the quantiles at its limits are those of the median. Raises CannotEstimate.
    """
    order = np.argsort(values, kind="stable")
    ordered, n = values[order], len(values)
    median = float(np.median(ordered)) if np.isfinite(ordered[n // 2]) else math.inf
    if not math.isfinite(median):
        raise CannotEstimate("Half of the cases or more were still open, so there is no median.")
    customers, place = np.unique(owners.astype(str), return_inverse=True)
    below = (values <= median) - 0.5
    by_customer = np.bincount(place, below - below.mean(), minlength=len(customers)) / n
    g = len(customers)
    share_error = math.sqrt(float((by_customer**2).sum()) * g / (g - 1)) if g > 1 else 0.0
    half = normal_quantile() * share_error
    lower, upper = _quantile(ordered, 0.5 - half), _quantile(ordered, 0.5 + half)
    method = "median, Woodruff by customer"
    if not (share_error and math.isfinite(upper) and upper > lower):
        alone = Estimate(median, None, None, unit, g, method)
        return Level(alone, customers, np.zeros(g))
    # The width of the interval stands for the slope of the distribution at the median.
    slope = 2 * half / (upper - lower)
    estimate = Estimate(median, lower, upper, unit, g, method)
    return Level(estimate, customers, -by_customer / slope)


def _quantile(ordered: Floats, share: float) -> float:
    place = min(max(math.ceil(share * len(ordered)) - 1, 0), len(ordered) - 1)
    return float(ordered[place])


def bounded(estimate: Estimate, smallest: float, largest: float) -> Estimate:
    """An estimate whose interval keeps to values that can occur."""
    if estimate.lower is None or estimate.upper is None:
        return estimate
    return replace(
        estimate, lower=max(estimate.lower, smallest), upper=min(estimate.upper, largest)
    )


def _joint(now: Level, before: Level) -> tuple[float, float, float]:
    """Variances of two levels and their covariance through customers in both."""
    _, here, there = np.intersect1d(now.customers, before.customers, True, return_indices=True)
    covariance = float((now.influence[here] * before.influence[there]).sum())
    return float((now.influence**2).sum()), float((before.influence**2).sum()), covariance


def change_between(now: Level, before: Level) -> Estimate:
    """Difference of two levels; its limits from theirs and their correlation.

    Newcombe 1998 and Zou & Donner 2008 (method of variance estimates recovery): equal to the
    influence-function interval where the levels' intervals are symmetric, better where not.
    n: the smaller of the two bases.
    """
    a, b = now.estimate, before.estimate
    value, n = a.value - b.value, min(a.n, b.n)
    if a.lower is None or a.upper is None or b.lower is None or b.upper is None:
        return Estimate(value, None, None, a.unit, n, "difference")
    variance_a, variance_b, covariance = _joint(now, before)
    scale = math.sqrt(variance_a * variance_b)
    correlation = max(-1.0, min(1.0, covariance / scale)) if scale > 0 else 0.0

    def distance(this: float, that: float) -> float:
        return math.sqrt(max(this**2 + that**2 - 2 * correlation * this * that, 0.0))

    lower = value - distance(a.value - a.lower, b.upper - b.value)
    upper = value + distance(a.upper - a.value, b.value - b.lower)
    return Estimate(value, lower, upper, a.unit, n, f"difference of {a.method}")


def change_p_value(now: Level, before: Level) -> float:
    """Two-sided p-value of no change. Raises CannotEstimate where nothing varies."""
    variance_a, variance_b, covariance = _joint(now, before)
    variance = variance_a + variance_b - 2 * covariance
    if variance <= 0:
        raise CannotEstimate("Nothing varies that the change could be judged by.")
    return p_value_normal((now.estimate.value - before.estimate.value) / math.sqrt(variance))
