"""What a higher retention would be worth: arithmetic on the survival curve, no evidence of a cause.

Retention raised from r to r′ a year is a hazard multiplied by HR = log r′ / log r at every tenure:
the curve to the power of HR. Margin of those who stay is left as it is; margin in a period rises
only by the months that fewer losses add within it. What raising retention would cost, and whether
those who would be held bring as much as others, is not in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import from_standard_error, t_quantile
from analysis.methods.lifetime_value.contractual import intervals_within
from analysis.methods.lifetime_value.tenure_grid import FEWEST_CUSTOMERS, TenureGrid, tenure_grid
from analysis.methods.survival.nonparametric import Floats

if TYPE_CHECKING:
    import pandas as pd

Rise = Literal["points", "per cent"]
RISE = 0.05
RELATIVE_STEP = 1e-6
MOST_STEPS = 50
CONVERGED = 1e-14
# Stands for a share of nobody where its logarithm is taken.
NOBODY = 1e-300
# Losses cannot be even over a period that nobody outlasts.
HARDLY_ANYBODY = 0.01
METHOD = "curve to the power of a hazard ratio, influence functions, log scale"


@dataclass(frozen=True, slots=True)
class RetentionGain:
    """What one rise of yearly retention is worth to one group of customers.

    retention: share still there a year on. raised_to: after the rise; at most 1, `capped` says so.
    hazard_ratio: of the raised to the present curve. value: discounted margin over the horizon.
    gain: what is added to it (currency per new customer, or currency for all active ones).
    lift: gain as a share of value. customers: whom it is for.
    """

    retention: Estimate
    raised_to: float
    capped: bool
    hazard_ratio: float
    value: float
    gain: Estimate
    lift: Estimate
    customers: int

    @property
    def remark(self) -> str:
        """A sentence where the full rise would go beyond everybody staying, else ""."""
        if not self.capped:
            return ""
        return "So large a rise would keep more than everybody; nobody leaving is counted instead."


@dataclass(frozen=True, slots=True)
class RetentionWorth:
    """Worth of one rise: for a new customer, and for all active customers from their tenure on.

    left_out: active customers whose horizon lies beyond follow-up.
    """

    rise: Rise
    horizon_months: int
    per_customer: RetentionGain | NotEstimable
    active: RetentionGain | NotEstimable
    left_out: int


def _time_within(survival: Floats, hazard_ratio: float) -> Floats:
    """Mean share of each period that those at its opening stay, losses even over it."""
    passing = np.maximum(survival[1:] / survival[:-1], HARDLY_ANYBODY)
    exponent = -np.log(passing) * hazard_ratio
    return np.where(exponent > 0, -np.expm1(-exponent) / np.maximum(exponent, NOBODY), 1.0)


@dataclass(frozen=True, slots=True)
class _Cohort:
    """Customers by the interval of tenure from which they are looked at."""

    weights: Floats
    reach: int
    a_year: int
    factor: Floats
    rise: Rise

    @property
    def used(self) -> int:
        """How many points of the grid the figures rest on."""
        return int(np.flatnonzero(self.weights)[-1]) + max(self.reach, self.a_year) + 1

    def _from_each(self, by_interval: Floats, length: int) -> Floats:
        """For each start with customers, the next `length` values (starts × length)."""
        starts = np.flatnonzero(self.weights)
        return by_interval[starts[:, None] + np.arange(length)]

    def stays_a_year(self, survival: Floats, exponent: float, hazard_ratio: float = 1.0) -> float:
        ahead = self._from_each(survival, self.a_year + 1)
        weights = self.weights[self.weights > 0]
        return float(
            weights @ (ahead[:, -1] / ahead[:, 0]) ** (exponent * hazard_ratio) / weights.sum()
        )

    def value(self, survival: Floats, margin: Floats, hazard_ratio: float) -> float:
        ahead = self._from_each(survival, self.reach + 1)
        staying = ahead[:, :-1] / ahead[:, :1]
        within = _time_within(survival, hazard_ratio) / _time_within(survival, 1.0)
        money = self._from_each(margin * within, self.reach) * self.factor[: self.reach]
        return float(self.weights[self.weights > 0] @ (staying**hazard_ratio * money).sum(axis=1))

    def raised(self, retention: float) -> float:
        return retention + RISE if self.rise == "points" else retention * (1 + RISE)

    def hazard_ratio(self, survival: Floats, exponent: float) -> float:
        """The ratio at which the share that stays a year is the raised one; 0 where capped."""
        wanted = self.raised(self.stays_a_year(survival, exponent))
        if wanted >= 1:
            return 0.0
        ahead = self._from_each(survival, self.a_year + 1)
        weights = self.weights[self.weights > 0] / self.weights.sum()
        logs = exponent * np.log(np.maximum(ahead[:, -1] / ahead[:, 0], NOBODY))
        # The share is convex and falls in the ratio: Newton's steps from below cannot overshoot.
        ratio = 0.0
        for _ in range(MOST_STEPS):
            each = weights * np.exp(ratio * logs)
            step = float((wanted - each.sum()) / (each @ logs))
            ratio += step
            if abs(step) < CONVERGED:
                break
        return ratio


def _derivative(figures: Callable[[Floats], Floats], at: Floats, used: int) -> Floats:
    """Central differences of smooth figures (k) by each number (p), of which some are used: p × k."""
    columns = []
    for place in range(min(used, len(at))):
        step = RELATIVE_STEP * abs(at[place])
        up, down = at.copy(), at.copy()
        up[place] += step
        down[place] -= step
        change = figures(up) - figures(down)
        columns.append(change / (2 * step) if step else np.zeros_like(change))
    rows = np.stack(columns)
    return np.vstack([rows, np.zeros((len(at) - len(rows), rows.shape[1]))])


def _gain(grid: TenureGrid, cohort: _Cohort, currency: str) -> RetentionGain:
    exponent = 12 / (cohort.a_year * grid.period_months)
    retention = cohort.stays_a_year(grid.survival, exponent)
    if retention >= 1:
        raise CannotEstimate("Nobody left within a year, so retention cannot rise.")
    if retention <= 0:
        raise CannotEstimate("Nobody stayed for a year, so no hazard can be multiplied.")
    capped = cohort.raised(retention) >= 1

    def ratio(survival: Floats) -> float:
        return 0.0 if capped else cohort.hazard_ratio(survival, exponent)

    def figures(survival: Floats, margin: Floats) -> Floats:
        """Retention, value as it is, value with retention raised."""
        stays = cohort.stays_a_year(survival, exponent)
        raised = cohort.value(survival, margin, ratio(survival))
        return np.array([stays, cohort.value(survival, margin, 1.0), raised])

    _, value, raised = figures(grid.survival, grid.margin)
    if value <= 0:
        raise CannotEstimate("Customers bring no margin within the horizon, so none can be kept.")
    by_survival = _derivative(lambda s: figures(s, grid.margin), grid.survival, cohort.used)
    by_margin = _derivative(lambda m: figures(grid.survival, m), grid.margin, cohort.used)

    def estimate(figure: float, by_figures: list[float], unit: str, method: str) -> Estimate:
        error = grid.standard_error(by_survival @ by_figures, by_margin @ by_figures)
        if method != METHOD or figure <= 0:
            return from_standard_error(figure, error, unit, grid.n, method, grid.n - 1)
        # What grows with its own error is even on the log scale.
        spread = float(np.exp(t_quantile(0.95, grid.n - 1) * error / figure))
        return Estimate(figure, figure / spread, figure * spread, unit, grid.n, method)

    of_lift = [0.0, -raised / value**2, 1 / value]
    return RetentionGain(
        estimate(retention, [1, 0, 0], "share", "Kaplan–Meier, influence functions"),
        min(cohort.raised(retention), 1.0),
        capped,
        ratio(grid.survival),
        float(value),
        estimate(float(raised - value), [0, -1, 1], currency, METHOD),
        estimate(float(raised / value - 1), of_lift, "share", METHOD),
        int(cohort.weights.sum()),
    )


def worth_on_grid(
    grid: TenureGrid, horizon_months: int, discount_rate_annual: float, currency: str, rise: Rise
) -> RetentionWorth:
    """Worth of a rise from a grid (see `worth_of_retention`)."""
    reach = intervals_within(grid, horizon_months)
    a_year = max(1, round(12 / grid.period_months))
    if a_year > grid.n_intervals:
        raise CannotEstimate(
            "Customers were followed for less than a year, so yearly retention is not known."
        )
    factor = grid.discount(discount_rate_annual)
    new = np.zeros(grid.n_intervals)
    new[0] = 1.0
    last = grid.n_intervals - max(reach, a_year)
    active = np.where(np.arange(grid.n_intervals) <= last, grid.active, 0).astype(float)
    left_out = grid.active_in_all - int(active.sum())
    for_active: RetentionGain | NotEstimable
    if active.sum() < FEWEST_CUSTOMERS:
        for_active = NotEstimable(
            f"Fewer than {FEWEST_CUSTOMERS} active customers have their horizon within follow-up."
        )
    else:
        cohort = _Cohort(active, reach, a_year, factor, rise)
        for_active = attempt(_gain, grid, cohort, currency)
    starter = _Cohort(new, reach, a_year, factor, rise)
    return RetentionWorth(
        rise,
        reach * grid.period_months,
        attempt(_gain, grid, starter, f"{currency} per customer"),
        for_active,
        left_out,
    )


def worth_of_retention(
    lifetimes: pd.DataFrame,
    customer_periods: pd.DataFrame,
    horizon_months: int,
    discount_rate_annual: float,
    period_months: int,
    currency: str,
) -> tuple[RetentionWorth, RetentionWorth]:
    """What five points, and five per cent, more of yearly retention would be worth.

    Frames as in `lifetime_value`. For a new customer, retention is that of the first year; for the
    active, their mean chance to stay another year at their present tenure, and each one's value is
    that from this tenure on. Active customers whose horizon lies beyond follow-up are left out
    rather than extrapolated. Intervals carry the uncertainty of curve and margin; how many are
    active is taken as it is.
    Raises CannotEstimate where the data do not bear it.
    """
    grid = tenure_grid(lifetimes, customer_periods, period_months)
    arguments = (grid, horizon_months, discount_rate_annual, currency)
    return worth_on_grid(*arguments, "points"), worth_on_grid(*arguments, "per cent")
