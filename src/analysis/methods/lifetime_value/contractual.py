"""What a customer is worth within follow-up: mean margin × survival, discounted.

For companies that see when a customer leaves. Value = Σ S(t) m(t) D(t) over the periods of
tenure: share still there at a period's opening, mean margin in it among these, mean discount
factor of its months, each counted at its end. A description of past customers, carried on only
as far as they were followed. The period in which a customer starts has no opening at which they
were there; what was bought in it is not in the value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.group_differences import GroupDifference, GroupValue, group_differences
from analysis.methods.intervals import from_standard_error
from analysis.methods.lifetime_value.tenure_grid import TenureGrid, tenure_grid
from analysis.methods.survival.nonparametric import Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

MISSING = "(missing)"
SINCE_ANSWER = "months_since_answer"
# A group followed for less than this share of the longest horizon would cut all others down.
COMPARABLE_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class LifetimeValue:
    """Discounted margin per customer within a horizon.

    total: currency per customer. horizon_months: how far it reaches, no further than follow-up;
    declared_months: how far it should. opens_months, survival, margin_per_month, contribution,
    base: by interval of tenure, its opening, the share there at it, mean margin of these per
    month, discounted margin per starting customer, and customers that the margin rests on. lag_months: by
    how much periods open later than their interval where none open nearer (see `tenure_grid`).
    """

    total: Estimate
    standard_error: float
    horizon_months: int
    declared_months: int
    opens_months: Floats
    survival: Floats
    margin_per_month: Floats
    contribution: Floats
    base: Ints

    lag_months: float = 0.0

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences on where the value falls short of what was declared."""
        said = []
        if self.horizon_months < self.declared_months:
            said.append(
                f"The value reaches to {self.horizon_months} months, not to the "
                f"{self.declared_months} declared: whole periods of at least eight customers, "
                "with their money, go no further."
            )
        if self.lag_months:
            said.append(
                f"The money is that of periods that open {self.lag_months:.1f} months later, on "
                "average, than the tenure it is counted at: none open nearer."
            )
        return tuple(said)


@dataclass(frozen=True, slots=True)
class LifetimeValues:
    """Lifetime value by group over one horizon, and the differences between groups."""

    horizon_months: int
    groups: tuple[tuple[str, LifetimeValue | NotEstimable], ...]
    differences: tuple[GroupDifference, ...]


def intervals_within(grid: TenureGrid, horizon_months: int) -> int:
    """Whole intervals that lie within the horizon and the grid.

    Raises CannotEstimate if the horizon is shorter than a period.
    """
    wanted = horizon_months // grid.period_months
    if wanted < 1:
        raise CannotEstimate("The horizon is shorter than one period, so it holds no value.")
    return min(wanted, grid.n_intervals)


def value_on_grid(
    grid: TenureGrid, horizon_months: int, discount_rate_annual: float, currency: str
) -> LifetimeValue:
    """Lifetime value from a grid, its interval from each customer's influence (t, n − 1).

    Raises CannotEstimate if the horizon is shorter than a period.
    """
    reach = intervals_within(grid, horizon_months)
    inside = np.arange(grid.n_intervals) < reach
    factor = np.where(inside, grid.discount(discount_rate_annual), 0.0)
    contribution = grid.survival[:-1] * grid.margin * factor
    by_survival = np.append(grid.margin * factor, 0.0)
    error = grid.standard_error(by_survival, grid.survival[:-1] * factor)
    months = reach * grid.period_months
    total = from_standard_error(
        float(contribution.sum()), error, f"{currency} per customer", grid.n,
        f"margin × survival over {months} months, influence functions", grid.n - 1,
    )  # fmt: skip
    opens = np.arange(0.0, months, grid.period_months)
    return LifetimeValue(
        total, error, months, horizon_months, opens, grid.survival[:reach],
        grid.margin[:reach] / grid.period_months, contribution[:reach], grid.base[:reach], grid.lag_months,
    )  # fmt: skip


def lifetime_value(
    lifetimes: pd.DataFrame,
    customer_periods: pd.DataFrame,
    horizon_months: int,
    discount_rate_annual: float,
    period_months: int,
    currency: str,
    tenure_column: str = "tenure_months",
) -> LifetimeValue:
    """Discounted margin of a customer from the start to the horizon, within follow-up.

    lifetimes: customer_id, entry_months, exit_months, ended (and spell: first spells are used,
    the value is that until the first loss). customer_periods: customer_id, tenure_months at the
    period's opening, margin; customers there at the opening, the period of leaving included.
    Raises CannotEstimate where the data do not bear it (see `tenure_grid`).
    """
    grid = tenure_grid(lifetimes, customer_periods, period_months, tenure_column)
    return value_on_grid(grid, horizon_months, discount_rate_annual, currency)


def lifetime_value_by(
    lifetimes: pd.DataFrame,
    customer_periods: pd.DataFrame,
    group: str,
    horizon_months: int,
    discount_rate_annual: float,
    period_months: int,
    currency: str,
    tenure_column: str = "tenure_months",
    against_largest: bool = False,
) -> LifetimeValues:
    """Lifetime value by the groups of a column of `lifetimes`, with their differences.

    All groups are valued over the same horizon, the longest that each can be followed for; groups
    that cannot be followed half as far as the best are left out with a sentence, and do not
    shorten it for the others. Differences between every pair, or against the largest group.
    Raises CannotEstimate if no group can be valued.
    """
    labels = lifetimes[group].astype(object).where(lifetimes[group].notna(), MISSING).astype(str)
    grids: dict[str, TenureGrid | NotEstimable] = {
        str(name): attempt(
            tenure_grid, lifetimes[labels == name], customer_periods, period_months, tenure_column
        )
        for name in sorted(labels.unique())
    }
    reach = {
        name: intervals_within(grid, horizon_months)
        for name, grid in grids.items()
        if not isinstance(grid, NotEstimable)
    }
    if not reach:
        raise CannotEstimate("No group has the customers and the money to be valued.")
    shared = min(r for r in reach.values() if r >= COMPARABLE_SHARE * max(reach.values()))
    months = shared * period_months
    values: list[tuple[str, LifetimeValue | NotEstimable]] = []
    comparable = []
    for name, grid in grids.items():
        if isinstance(grid, NotEstimable):
            values.append((name, grid))
        elif reach[name] < shared:
            reason = (
                f"Customers of {name} can be followed for only {reach[name] * period_months} "
                f"months, the others for {months}."
            )
            values.append((name, NotEstimable(reason)))
        else:
            value = value_on_grid(grid, months, discount_rate_annual, currency)
            values.append((name, value))
            comparable.append(
                GroupValue(name, value.total.value, value.standard_error, grid.n, grid.n - 1)
            )
    method = f"difference of lifetime values over {months} months, Welch"
    differences = group_differences(
        tuple(comparable), f"{currency} per customer", method, against_largest
    )
    return LifetimeValues(months, tuple(values), differences)


def landmark_lifetime_value(
    landmarks: pd.DataFrame,
    customer_periods: pd.DataFrame,
    horizon_months: int,
    discount_rate_annual: float,
    period_months: int,
    currency: str,
    group: str = "group",
    against_largest: bool = False,
) -> LifetimeValues:
    """Value from an answer on, by group of the answer (promoters, passives, detractors).

    One has to stay to answer, so the clock starts at the answer, not at the customer's start.
    landmarks: one row per customer: customer_id, `group`, entry_months (0), exit_months since the
    answer, ended; of whichever spell the answer fell into. customer_periods: customer_id, margin
    and months_since_answer, the period's opening less the day of the answer in months; periods
    that opened before it (negative) or after the exit are not used. Where both carry an
    `instrument`, periods of the landmarks' instrument are used. An association with the answer,
    not what raising it would bring.
    Raises CannotEstimate as `lifetime_value_by`; ValueError if a customer has two landmarks.
    """
    periods = customer_periods
    if {"instrument"} <= set(landmarks.columns) & set(periods.columns):
        periods = periods[periods["instrument"].isin(landmarks["instrument"].unique())]
    return lifetime_value_by(
        landmarks.drop(columns="spell", errors="ignore"), periods, group, horizon_months,
        discount_rate_annual, period_months, currency, SINCE_ANSWER, against_largest,
    )  # fmt: skip
